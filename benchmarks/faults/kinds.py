"""The kinds of faults. Each is a function of a trial and a source of chance that strikes at once and returns whether it
has hit: nothing is counted that found nothing to hit."""

import contextlib
import json
import os
import signal
import sqlite3
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from benchmarks.faults.account import Call

if TYPE_CHECKING:
    from benchmarks.faults.trial import Trial

Kind = Callable[["Trial", Random], bool]


# -- processes -----------------------------------------------------------------------------------------------


def flow(trial: "Trial", chance: Random) -> bool:
    return _kill(trial, "flow", chance)


def worker(trial: "Trial", chance: Random) -> bool:
    """The runner of `mve serve`; a flow that it has begun works on without it."""
    return _kill(trial, "runner", chance)


def worker_flow(trial: "Trial", chance: Random) -> bool:
    return _kill(trial, "worker flow", chance)


def training(trial: "Trial", chance: Random) -> bool:
    return _kill(trial, "training", chance)


def _kill(trial: "Trial", kind: str, chance: Random) -> bool:
    found = [process for process in trial.witness.look() if process.kind == kind]
    return bool(found) and chance.choice(found).kill()


def prefect(trial: "Trial", chance: Random) -> bool:
    """The Prefect server, down for some seconds."""
    if not trial.world.prefect.kill():
        return False
    trial.later(chance.uniform(0.5, 5), trial.world.prefect.start)
    return True


# -- machines at Modal ---------------------------------------------------------------------------------------


def container(trial: "Trial", chance: Random) -> bool:
    """kill -9 of a container at work; the service starts it again."""
    call = _call(trial, chance)
    pid = trial.journal.pid(call.running or "") if call and trial.journal else None
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


def out_of_memory(trial: "Trial", chance: Random) -> bool:
    """The kernel kills it (137), and the service says so."""
    return _fault(trial, _call(trial, chance), "kill")


def preempted(trial: "Trial", chance: Random) -> bool:
    """Taken away, and started again by the service."""
    return _fault(trial, _call(trial, chance), "preempt", again=True)


def given_up(trial: "Trial", chance: Random) -> bool:
    """Taken away, and given up by the service."""
    return _fault(trial, _call(trial, chance), "preempt", again=False)


def lost_reply(trial: "Trial", chance: Random) -> bool:
    """The output of a call that is at work is dropped when it comes."""
    return _fault(trial, _call(trial, chance), "lose_output")


def expired(trial: "Trial", chance: Random) -> bool:
    """What a call gave, and nobody has collected yet, is no longer kept."""
    if trial.journal is None:
        return False
    handles = trial.ask(
        "SELECT handle FROM attempt_handle WHERE attempt_id NOT IN (SELECT attempt_id FROM attempt_end)"
    )
    given = {json.loads(handle)["call"] for (handle,) in handles}
    ended = [call for call in trial.journal.read().calls.values() if call.ended is not None and call.id in given]
    return _fault(trial, chance.choice(ended) if ended else None, "expire")


def _call(trial: "Trial", chance: Random) -> Call | None:
    """One that a container is at work on."""
    if trial.journal is None:
        return None
    running = [call for call in trial.journal.read().calls.values() if call.running]
    return chance.choice(running) if running else None


def _fault(trial: "Trial", call: Call | None, do: str, **more: object) -> bool:
    if call is None:
        return False
    return bool(trial.world.modal.fault(do, call=call.id, **more).get("done"))


# -- the ground ----------------------------------------------------------------------------------------------


def full_disk(trial: "Trial", chance: Random) -> bool:
    """The disk of the workspace is filled, and freed again after some seconds."""
    if not trial.disk.fill():
        return False
    trial.later(chance.uniform(0.5, 6), trial.disk.free)
    return True


def locked_catalog(trial: "Trial", chance: Random) -> bool:
    """Somebody writes into the catalog and takes long: mostly a moment, sometimes longer than SQLite's own patience."""
    if not trial.catalog.exists():
        return False
    connection = sqlite3.connect(trial.catalog, timeout=1, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        connection.close()
        return False

    def let_go() -> None:
        connection.execute("ROLLBACK")
        connection.close()

    trial.later(chance.uniform(31, 40) if chance.random() < 0.2 else chance.uniform(1, 10), let_go)
    return True


def clock_jump(trial: "Trial", chance: Random) -> bool:
    """The clock of `mve run` jumps by hours, forwards or backwards, and stays there."""
    return trial.jump(chance.choice([-1, 1]) * chance.uniform(0.5, 30) * 3600)


ANYWHERE: dict[str, Kind] = {
    "flow killed": flow,
    "worker killed": worker,
    "flow of a worker killed": worker_flow,
    "Prefect server killed": prefect,
    "disk full": full_disk,
    "catalog locked": locked_catalog,
    "clock jumped": clock_jump,
}
HERE: dict[str, Kind] = {**ANYWHERE, "training killed": training}
AT_MODAL: dict[str, Kind] = {
    **ANYWHERE,
    "container killed": container,
    "container out of memory": out_of_memory,
    "preempted, started again": preempted,
    "preempted, given up": given_up,
    "reply lost": lost_reply,
    "output expired": expired,
}
KINDS = {"local": HERE, "modal": AT_MODAL}
