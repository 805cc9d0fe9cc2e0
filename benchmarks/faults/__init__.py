"""Fault injections at random points of proposals on their way to a verdict, and what must hold after each.

__main__.py    the campaign: `python -m benchmarks.faults`, and its table
machines.py    what is there to be killed: processes in /proc, the Prefect server, a small disk
world.py       what trials share: the servers, and what has hit so far
trial.py       one proposal, injured and started again until it has its verdict
kinds.py       the faults
clock.py       `mve` in a process whose clock can jump
account.py     what the calls on Modal took, from the server's journal
witness.py     what trainings of this machine took, and every result that was written
invariants.py  what must hold
"""
