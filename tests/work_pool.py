"""Workers of a Prefect work pool for the tests: real ones, each in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calling import environment


def start_worker(pool: str, name: str, api: str, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--name", name, "--type", "process"]
    with log.open("ab") as file:
        return subprocess.Popen(
            [*command, "--limit", "2"],
            env={**environment(api=api), "PREFECT_WORKER_QUERY_SECONDS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )


@contextmanager
def worker(pool: str, name: str, api: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that looks for work every second, has two runs at once, and ends with the block, with all that it runs."""
    running = start_worker(pool, name, api, log)
    try:
        deadline = time.monotonic() + 90
        while b"started!" not in log.read_bytes():
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the worker did not start"
            time.sleep(0.1)
        yield running
    finally:
        kill(running)


def kill(running: subprocess.Popen[bytes]) -> None:
    """As when its machine is gone: it and the flow runs that it carries out, in no good order."""
    runs = [] if running.poll() is not None else children(running.pid)
    running.kill()
    running.wait()
    for run in runs:
        stop(run)


def children(pid: int) -> list[int]:
    """Process ids."""
    tasks = Path(f"/proc/{pid}/task")
    try:
        return [int(one) for task in tasks.iterdir() for one in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def stop(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
