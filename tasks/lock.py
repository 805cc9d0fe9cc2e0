"""One orchestrator at a time for a proposal on this machine. The kernel lets go of the lock when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from proposals.reading.folder import check_stem
from proposals.workspace import Workspace


class BusyError(ValueError):
    """Another process is working on the proposal."""


@contextmanager
def only_one(place: Workspace, stem: str) -> Iterator[None]:
    """Raises BusyError, naming the other process, where `stem` is being tested already."""
    check_stem(stem)  # a flow's parameter is whatever somebody typed into a page
    place.runs.mkdir(parents=True, exist_ok=True)
    with (place.runs / f"{stem}.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise BusyError(
                f"{stem} is being tested by process {holder}. "
                "Wait for it to end, or stop it; what it has trained is kept"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
