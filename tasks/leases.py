"""The lease of an experiment while this process runs it, renewed by a thread of its own (db/leases.py says who wins).

tasks/lock.py keeps two processes of this machine off one proposal; the lease also keeps off those of other machines,
and tells whoever comes next that its owner died.
"""

import logging
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from db.catalog import Lease, Owner, leases, registration_of_experiment, release_lease, take_lease
from proposals.workspace import Workspace
from tasks.executors.boot import UNKNOWN, boot_id, start_time
from tasks.lock import BusyError
from tasks.place import catalog_of

HEARTBEAT_SECONDS = 10.0
"""A sixth of what a lease lasts: a few that fail are no harm."""
log = logging.getLogger("mve.leases")


def me() -> Owner:
    return Owner(platform.node(), boot_id(), os.getpid(), start_time(os.getpid()) or UNKNOWN)


def look(owner: Owner) -> bool | None:
    """Is that process alive? None where it cannot be seen from here: on another machine, or without /proc."""
    if (owner.host, owner.boot_id) != (platform.node(), boot_id()) or UNKNOWN in (owner.boot_id, owner.process_started):
        return None
    return start_time(owner.pid) == owner.process_started


@contextmanager
def leased(place: Workspace, experiment: int) -> Iterator[None]:
    """Have the experiment to oneself. It is given back however the block ends, unless this process dies. What dead
    processes had of the same registration is taken over with it, though the code has changed since.

    Raises BusyError, naming the owner, where another living process has it.
    """
    owner = me()
    with catalog_of(place) as engine:
        held = take_lease(engine, experiment, owner, look)
        if held is not None:
            raise BusyError(f"experiment {experiment} is being run by {_described(held)}. {_remedy(held)}")
        registration = registration_of_experiment(engine, experiment)
        for lease in leases(engine, look):
            if not lease.alive and registration_of_experiment(engine, lease.experiment_id) == registration:
                release_lease(engine, lease.experiment_id, lease.owner)
    done = threading.Event()
    beat = threading.Thread(
        target=_renew, args=(place, experiment, owner, done), name=f"lease of experiment {experiment}", daemon=True
    )
    beat.start()
    try:
        yield
    finally:
        done.set()
        beat.join(timeout=HEARTBEAT_SECONDS)
        with catalog_of(place) as engine:
            release_lease(engine, experiment, owner)


def _renew(place: Workspace, experiment: int, owner: Owner, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT_SECONDS):
        try:
            with catalog_of(place) as engine:
                held = take_lease(engine, experiment, owner, look)
        except Exception as error:  # whatever keeps the catalog away for now; the next beat tries again
            log.warning("the lease of experiment %d was not renewed: %s", experiment, error)
            continue
        if held is not None:
            log.error("experiment %d was taken over by %s; nothing more is started here", experiment, _described(held))
            return


def _described(lease: Lease) -> str:
    return f"process {lease.owner.pid} on {lease.owner.host}, last heard of {lease.age:.0f} s ago"


def _remedy(lease: Lease) -> str:
    if look(lease.owner) is None:
        return "Wait for it to end; if it has died, its lease expires a minute after it was last heard of"
    return "Wait for it to end, or stop it; what it has trained is kept"
