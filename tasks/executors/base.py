"""The seam between orchestration and the machines that train."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from models.request import StudyRequest, TrainRequest, TrainResult
from models.worker import OF_THE_MACHINE

Request = TrainRequest | StudyRequest

Handle = dict[str, Any]
"""Plain JSON that finds the work again: a process id and its start time, or the id of a call on a service."""

FaultState = Literal[
    "failed", "crashed", "out_of_memory", "timed_out", "preempted", "lost", "refused", "cancelled"
]  # fmt: skip
"""failed: our code raised an error. crashed: the harness around it did, before our code or instead of it. refused: a
machine would not begin, or we would not take what it gave."""

OUT_OF_MEMORY = ("OutOfMemoryError", "MemoryError")
"""Names of the exceptions by which torch and Python say so."""


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
    """It will give no result. `retry`: the infrastructure is at fault, and another attempt may fare better. Only
    `failed` is our own code; no other fault counts for or against the idea. seconds: for which it had the machine;
    None: not known. device: that ran it, where that is known."""

    state: FaultState
    reason: str
    log_tail: str = ""
    seconds: float | None = None
    device: str | None = None

    @property
    def retry(self) -> bool:
        return self.state in ("preempted", "lost")


State = Running | Finished | Fault


class NotReadyError(ConnectionError):
    """Nothing can be started by this executor, and the message says what to do. Nothing was reserved or started."""


class UnreachableError(NotReadyError):
    """Its service does not answer now; it may in a minute. unsure: something may have been started nevertheless, which
    `recover` will tell."""

    def __init__(self, message: str, unsure: bool = False) -> None:
        super().__init__(message)
        self.unsure = unsure


class Executor(Protocol):
    """`width`: how many requests it is worth having under way at once. `remote`: asking it takes a network, so it is
    asked in a thread."""

    name: str
    width: int
    remote: bool

    def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
        """Start it and return at once. `request.directory` exists. machine: of no account where it is the owner's.
        ticket: names the attempt, for `recover`. Raises NotReadyError."""
        ...

    def recover(self, directory: str, seed: int, machine: Machine, ticket: str) -> Handle | None:
        """The handle of what was submitted under this ticket, by a process that died before it could store it. None:
        there is nothing, and what may still come of that submission will do no work. directory, seed: of its request.
        Raises OSError where it cannot be told now."""
        ...

    def poll(self, handle: Handle) -> State:
        """What became of it. Works for handles of processes that are long gone. Raises OSError where it cannot be
        asked now."""
        ...

    def cancel(self, handle: Handle) -> None:
        """Stop it if it runs; otherwise do nothing. Raises OSError where it cannot be told so now."""
        ...


def fault_told(kind: str, message: str, log_tail: str = "") -> Fault:
    """A training that ended by an exception of the type `kind`."""
    said = f"{kind}: {message}"
    if kind in OUT_OF_MEMORY or any(words in message.lower() for words in ("out of memory", "can't allocate memory")):
        return Fault("out_of_memory", said, log_tail)
    if kind == "OSError" and any(f"[Errno {number}]" in message for number in OF_THE_MACHINE):
        return Fault("crashed", f"the machine's disk failed: {said}", log_tail)
    return Fault("failed", said, log_tail)
