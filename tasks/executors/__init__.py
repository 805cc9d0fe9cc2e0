"""Where training runs: one seam, plain JSON both ways, never pickled closures.

An executor starts a request and says later what became of it. It is asked with the handle alone, so that a later
process, which never saw the start, can ask too.
"""

from tasks.executors.base import (
    Executor,
    Fault,
    Finished,
    Handle,
    Machine,
    NotReadyError,
    Request,
    Running,
    State,
    UnreachableError,
)
from tasks.executors.inprocess import InProcess
from tasks.executors.local import LocalProcess

EXECUTORS: dict[str, type[Executor]] = {"local": LocalProcess, "inprocess": InProcess}

__all__ = [
    "EXECUTORS",
    "Executor",
    "Fault",
    "Finished",
    "Handle",
    "Machine",
    "NotReadyError",
    "Request",
    "Running",
    "State",
    "UnreachableError",
    "check_ready",
    "executor_named",
]


def executor_named(name: str) -> Executor:
    """Raises ValueError where there is none of that name."""
    if name == "modal":
        # the library is optional, and takes its time to import
        from tasks.executors.modal import Modal

        return Modal()
    if name == "pool":
        from tasks.executors.pool import Pool

        return Pool()
    if name not in EXECUTORS:
        raise ValueError(f"there is no executor {name!r}; there are {', '.join((*EXECUTORS, 'modal', 'pool'))}")
    return EXECUTORS[name]()


def check_ready(name: str) -> None:
    """Raises, with what to do about it, where nothing can be started by the executor of that name: before anything is
    reserved."""
    executor_named(name)
    if name == "modal":
        from tasks.executors import modal_client

        modal_client.check_ready()
    if name == "pool":
        from tasks.executors import pool_client

        pool_client.check_ready()
