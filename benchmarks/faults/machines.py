"""What a trial's faults hit: its processes, found in /proc by their workspace; the Prefect server; its disk."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from proposals.workspace import REPOSITORY

DISK_MEBIBYTES = 48
"""Of a trial's workspace: small, so that it is filled at once."""


@dataclass(frozen=True)
class Process:
    """`kind`: flow (`mve run` or `mve collect`), runner (`mve serve`), worker flow (its child), training, dry run.
    started: clock ticks since boot, which tell it from another with its id. folder: of a training."""

    pid: int
    started: int
    kind: str
    folder: str = ""

    def kill(self) -> bool:
        """kill -9. False where it is gone already."""
        if _started(self.pid) != self.started:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            return True
        return False


def processes(root: Path) -> list[Process]:
    """Those that work for the workspace `root`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            kind = _kind(words, entry, str(root))
            started = _started(int(entry.name)) if kind else None
            if kind and started is not None:
                folder = next((word for word in words if word.startswith(f"{root}/")), "")
                found.append(Process(int(entry.name), started, kind, folder))
    return found


def _kind(words: list[str], entry: Path, root: str) -> str | None:
    if "python" not in Path(words[0]).name:
        return None
    if "models.worker" in words:
        mine = any(word.startswith(f"{root}/") for word in words)
        return ("dry run" if "--dry-run-steps" in words else "training") if mine else None
    if {"server", "start"} <= set(words) or "uvicorn" in words or any("_tracker" in word for word in words):
        return None
    variables = (entry / "environ").read_bytes().split(b"\0")
    if f"MVE_WORKSPACE={root}".encode() not in variables:
        return None
    if "flows.cli" in words or "benchmarks.faults.clock" in words:
        return "runner" if "serve" in words else "flow"
    return "worker flow"


def _started(pid: int) -> int | None:
    """None where there is no such process, or only what is left of it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def wall_time(ticks: int) -> float:
    """Seconds since 1970 of clock ticks since boot."""
    return _booted() + ticks / os.sysconf("SC_CLK_TCK")


@cache
def _booted() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def peak_memory(process: Process) -> int:
    """Bytes that it has had at most so far."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class PrefectServer:
    """One for all trials, at a port of its own. `mve` starts it too where it does not answer, as it does for users."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.variables = {
            "PREFECT_API_URL": self.api, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1", "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false", "PREFECT_UI_API_URL": self.api,
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        }  # fmt: skip

    def start(self) -> None:
        """As `mve` does, where it does not answer. The other trial may kill it meanwhile, so it is tried again."""
        asked = "import os; from flows.server import ensure_server; ensure_server(os.environ['PREFECT_API_URL'])"
        command = [sys.executable, "-c", asked]
        for last in (False, False, True):
            done = subprocess.run(command, env={**os.environ, **self.variables}, cwd=REPOSITORY, check=last)
            if done.returncode == 0:
                return

    def kill(self) -> bool:
        """kill -9, whoever started it. False where none is there."""
        found = list(self._pids())
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(found)

    def _pids(self) -> Iterator[int]:
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if str(self.port) in words and ("server" in words or "uvicorn" in words):
                    yield int(entry.name)


class Disk:
    """A file system in memory under a trial's workspace, where one may be mounted; else a plain folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        size = f"size={DISK_MEBIBYTES}m"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(folder)], capture_output=True)
        self.mounted = done.returncode == 0

    def fill(self) -> bool:
        """False where it is not ours to fill."""
        if not self.mounted:
            return False
        with contextlib.suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
        return True

    def free(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)
            self.mounted = False
