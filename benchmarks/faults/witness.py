"""Watches a trial from outside: every training process with its time, every result that a training wrote, and what the
flows had of memory. It knows nothing of the catalog."""

import contextlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.machines import Process, peak_memory, processes, wall_time

EVERY = 0.1
"""Seconds between two looks."""


@dataclass
class Training:
    """Times in seconds since 1970. last: when it was seen last; wrote: when it was seen to have written something."""

    began: float
    last: float
    wrote: float | None = None
    newest: float = 0.0

    @property
    def seconds(self) -> tuple[float, float]:
        """At least and at most: from its start to the last thing that it wrote, and to its end."""
        return (self.wrote or self.began) - self.began, self.last - self.began


class Witness(threading.Thread):
    """`results`: by the run's folder, the files result.json that were seen there (inode and time).
    trainings: by process id and start."""

    def __init__(self, root: Path) -> None:
        super().__init__(name=f"witness of {root}", daemon=True)
        self.root = root
        self.results: dict[str, set[tuple[int, int]]] = {}
        self.trainings: dict[tuple[int, int], Training] = {}
        self.memory = 0
        self.now: list[Process] = []
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(EVERY):
            self.look()

    def look(self) -> list[Process]:
        """Look now. Returns the processes of the trial."""
        found, at = processes(self.root), time.time()
        for process in found:
            if process.kind == "training":
                key = (process.pid, process.started)
                training = self.trainings.setdefault(key, Training(wall_time(process.started), at))
                training.last = at
                newest = _newest(Path(process.folder))
                if newest > max(training.newest, training.began):
                    training.newest, training.wrote = newest, at
            if process.kind in ("flow", "worker flow"):
                self.memory = max(self.memory, peak_memory(process))
        for path in self.root.glob("runs/*/result.json"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                self.results.setdefault(path.parent.name, set()).add((stat.st_ino, stat.st_mtime_ns))
        self.now = found
        return found


def _newest(folder: Path) -> float:
    """When a training wrote something there: its progress, its checkpoint, its result."""
    times = [0.0]
    for name in ("progress.jsonl", "checkpoint.pt", "result.json"):
        with contextlib.suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)
