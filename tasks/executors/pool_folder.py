"""What an attempt in a work pool leaves in its folder, `pool-<ticket>` in the folder of the run: the same files for the
worker, who writes, and for whoever asks, on another machine, what became of it.

    heartbeat.json    who carries it out, and for how many seconds by now; written again every few seconds
    outcome.json      what came of it: a result or a fault
    stop              it is cancelled or given up: whoever carries it out, or is about to, does no more
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from tasks.executors.base import Fault, Finished
from tasks.executors.local import MOST_BYTES

HEARTBEAT, OUTCOME, STOP, CLOCK = "heartbeat.json", "outcome.json", "stop", "clock"


@dataclass(frozen=True)
class Beat:
    """seconds: at work so far. host, pid: of the flow run's process."""

    host: str
    pid: int
    seconds: float


_OUTCOME: TypeAdapter[Finished | Fault] = TypeAdapter(Finished | Fault)
_BEAT = TypeAdapter(Beat)


def folder_of(directory: str, ticket: str) -> Path:
    return Path(directory) / f"pool-{ticket}"


def stop(folder: Path) -> None:
    (folder / STOP).touch()


def is_stopped(folder: Path) -> bool:
    return (folder / STOP).exists()


def write_outcome(folder: Path, state: Finished | Fault) -> None:
    from models.checkpoint import write_atomically  # imports torch, which whoever asks does without

    write_atomically(folder / OUTCOME, _OUTCOME.dump_json(state))


def read_outcome(folder: Path) -> Finished | Fault | None:
    """None: there is none yet. What cannot be one is a fault: it comes from another machine."""
    try:
        with (folder / OUTCOME).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    if len(content) > MOST_BYTES:
        return Fault("refused", f"what its worker left has more than {MOST_BYTES // 2**20} MiB")
    try:
        return _OUTCOME.validate_json(content)
    except ValueError as error:
        return Fault("refused", f"what its worker left is no outcome: {str(error)[:500]}")


def beat(folder: Path, now: Beat) -> None:
    """In place: on a network file system the others then see it at once."""
    (folder / HEARTBEAT).write_bytes(_BEAT.dump_json(now))


def last_beat(folder: Path) -> tuple[Beat | None, float] | None:
    """The last heartbeat and how many seconds ago it was; None where there was none. Both times are the file system's,
    so the clocks of the machines need not agree."""
    try:
        with (folder / HEARTBEAT).open("rb") as file:  # opening asks a network file system anew
            content, written = file.read(10_000), os.fstat(file.fileno()).st_mtime
    except FileNotFoundError:
        return None
    clock = folder / CLOCK
    clock.touch()
    ago = clock.stat().st_mtime - written
    try:
        return _BEAT.validate_json(content), ago
    except ValueError:  # it is just being written
        return None, ago
