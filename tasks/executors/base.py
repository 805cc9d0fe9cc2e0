"""The seam between orchestration and the machines that train."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from models.request import StudyRequest, TrainRequest, TrainResult

Request = TrainRequest | StudyRequest

Handle = dict[str, Any]
"""Plain JSON that finds the work again: a process id and its start time, or the id of a call on a service."""

FaultState = Literal["failed", "timed_out", "preempted", "lost", "refused", "cancelled"]


@dataclass(frozen=True)
class Machine:
    """What a request may have where machines are rented. seconds: after which it is stopped; gpu: None for a CPU."""

    seconds: float
    gpu: str | None = None


@dataclass(frozen=True)
class Running:
    """Not finished yet."""


@dataclass(frozen=True)
class Finished:
    """`seconds`: for which this attempt had the machine, from its start to its result; None: not known. Training that
    was gone on with says more in its result: there the seconds of earlier attempts count too."""

    result: TrainResult
    seconds: float | None = None


@dataclass(frozen=True)
class Fault:
    """It will give no result. `retry`: the infrastructure is at fault, so it may be tried again, and it counts
    neither for nor against the idea. `failed` is our own code and is not retried. seconds: for which it had the
    machine; None: not known. device: that ran it, where that is known."""

    state: FaultState
    reason: str
    log_tail: str = ""
    seconds: float | None = None
    device: str | None = None

    @property
    def retry(self) -> bool:
        return self.state in ("preempted", "lost")


State = Running | Finished | Fault


class Executor(Protocol):
    """`width`: how many requests it is worth having under way at once."""

    name: str
    width: int

    def submit(self, request: Request, machine: Machine | None = None) -> Handle:
        """Start it and return at once. `request.directory` exists. machine: of no account where it is the owner's."""
        ...

    def poll(self, handle: Handle) -> State:
        """What became of it. Works for handles of processes that are long gone."""
        ...

    def cancel(self, handle: Handle) -> None:
        """Stop it if it runs; otherwise do nothing."""
        ...
