"""Training in child processes of this machine, one thread each, as many as there are cores.

A child dies when this process does, whatever kills it: its standard input is a pipe that only this process holds
open, and at its end the child exits. What it had learned is in its checkpoint. (The kernel's own parent-death
signal follows the *thread* that started the child, and ours may end early.)
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from models.request import TrainResult
from models.worker import MACHINE_FAILED
from tasks.executors.base import Fault, Finished, Handle, Machine, Request, Running, State, fault_told
from tasks.executors.boot import start_time, up
from tasks.executors.environment import for_training

MOST_BYTES = 64 * 1024 * 1024
"""Of a result, which is kilobytes, or megabytes of curves where there are thousands of epochs."""


class _Child:
    """A process that we started. A thread sees when it ends, since it may be long until anybody asks; it stays there to
    be asked, so that no other process can have its number."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.started = process, start_time(process.pid)
        self.began = self.ended = up()
        self.thread = threading.Thread(target=self._wait, daemon=True)
        self.thread.start()

    def _wait(self) -> None:
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        self.ended = up()


_children: dict[int, _Child] = {}
"""By process id: held so that their pipes stay open and they are reaped."""


class LocalProcess:
    name = "local"
    remote = False

    def __init__(self, width: int | None = None) -> None:
        self.width = width or len(os.sched_getaffinity(0))

    def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
        folder = Path(request.directory)
        for stale in ("result.json", "error.json"):
            (folder / stale).unlink(missing_ok=True)
        (folder / "request.json").write_text(request.model_dump_json(indent=1))
        with (folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "models.worker", "--lifeline", str(folder)],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
                env=for_training(),
            )  # fmt: skip
        child = _children[process.pid] = _Child(process)
        return {"pid": process.pid, "started": child.started, "directory": str(folder)}

    def recover(self, directory: str, seed: int, machine: Machine, ticket: str) -> None:
        """A child whose starter died before it wrote down the process id died with it."""

    def poll(self, handle: Handle) -> State:
        pid, folder = int(handle["pid"]), Path(handle["directory"])
        child = _children.get(pid)
        if child is not None and child.started == handle["started"]:
            if child.thread.is_alive():
                return Running()
            _release(pid)
            return _what_it_left(folder, child.process.wait(), child.ended - child.began)
        if _alive(handle):
            return Running()
        # another process started it: its exit code is not ours to know
        return _what_it_left(folder, None, _seconds_at_work(folder))

    def cancel(self, handle: Handle) -> None:
        """It has ended when this returns; `poll` tells how."""
        if not _alive(handle):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(handle["pid"]), signal.SIGTERM)
        child = _children.get(int(handle["pid"]))
        if child is not None:
            child.thread.join(timeout=5)  # it writes its checkpoint first
            if child.thread.is_alive():
                child.process.kill()
                child.thread.join()


def _what_it_left(folder: Path, code: int | None, seconds: float | None) -> State:
    """The files are the truth; the exit code only tells faults apart."""
    result = folder / "result.json"
    if result.exists():
        try:
            return Finished(TrainResult.model_validate_json(_content(result)), seconds)
        except ValueError as error:
            return Fault("failed", f"what it left is no result: {error}", _tail(folder / "log.txt"), seconds)
    return replace(_fault(folder, code), seconds=seconds)


def _fault(folder: Path, code: int | None) -> Fault:
    log = _tail(folder / "log.txt")
    error = folder / "error.json"
    if error.exists():
        try:
            told = json.loads(_content(error))
            return fault_told(str(told["type"]), str(told["message"]), log)
        except (ValueError, KeyError, TypeError, RecursionError):
            return Fault("failed", "the training process failed, and what it says of that cannot be read", log)
    if code == 130:
        return Fault("cancelled", "the training was told to stop; its checkpoint is kept", log)
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = ", as when memory runs out" if name == "SIGKILL" else ""
        return Fault("lost", f"the training process was killed by {name}{hint}", log)
    if code == MACHINE_FAILED:
        return Fault("crashed", "the machine's disk failed, and not even that could be written to it", log)
    if code is not None and code != 0:
        return Fault("failed", f"the training process ended with exit code {code}", log)
    return Fault("lost", "the training process is gone and left no result", log)


def _seconds_at_work(folder: Path) -> float | None:
    """Of a process whose end nobody saw: from its request to the last file that it wrote."""
    asked = folder / "request.json"
    if not asked.exists():
        return None
    traces = ("result.json", "error.json", "progress.jsonl", "checkpoint.pt", "log.txt")
    written = [path.stat().st_mtime for name in traces if (path := folder / name).exists()]
    began = asked.stat().st_mtime
    return max(0.0, max(written, default=began) - began)


def _alive(handle: Handle) -> bool:
    """Is it the same process? A process id alone may have been given to another since."""
    started = start_time(int(handle["pid"]))
    return started is not None and started == handle["started"]


def _release(pid: int) -> None:
    child = _children.pop(pid, None)
    if child is not None and child.process.stdin is not None:
        with contextlib.suppress(OSError):
            child.process.stdin.close()


def _content(path: Path) -> bytes:
    """Raises ValueError where it is too large to be what a training writes."""
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{path.name} has more than {MOST_BYTES // 2**20} MiB")
    return content


def _tail(path: Path, lines: int = 50) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 20_000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
