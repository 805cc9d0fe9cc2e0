"""A hundred experiments at once, and what orchestration costs: `python -m benchmarks.scale`.

The first table is everything but training: small proposals, `--quick`, trained in the orchestrating process, where the
time within the executor is measured and taken away. Beside it, in the same process and just before, as many flows of
Prefect's that do nothing. `cpu` is the orchestrating process alone; the rest of the wall time is Prefect's server.

The second is a hundred proposals through a server on this machine that speaks Modal's protocol, with 8 containers that
train on the same cores, and the third two orchestrators that begin at the same moment. Its journal has every call. What
would be paid for is tried here first, two steps of each variant in a process of its own: on two cores that takes longer
than all the rest of the second table.
"""

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests")]

MANY = 100
CONTAINERS = 8


def main() -> None:
    print(f"load average before: {' '.join(f'{load:.1f}' for load in os.getloadavg())}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="mve-scale-") as scratch, prefect_server(Path(scratch)) as server:
        orchestration(Path(scratch))
        at_once(Path(scratch), server)
    print(f"\nload average after: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")


# -- what orchestration costs --------------------------------------------------------------------------------


def orchestration(scratch: Path) -> None:
    print(
        "| everything but training | seconds per experiment | cpu | goal | bare Prefect flow |\n|---|---|---|---|---|"
    )
    for count, goal in ((1, 5), (MANY, 1)):
        place = workspace(scratch / f"apart-{count}", count)
        began = time.perf_counter()
        told = json.loads(child("-m", "benchmarks.scale", "apart", at=place).splitlines()[-1])
        wall = time.perf_counter() - began
        if count == 1:  # the whole command, with its start and its imports
            began = time.perf_counter()
            child("-c", BARE, at=place)
            bare = time.perf_counter() - began
            name = "1 experiment, from the shell to its prompt"
            print(
                f"| {name} | {wall - told['bare'] - told['training']:.2f} | {told['cpu']:.2f} | < {goal} | {bare:.2f} |"
            )
        spent, bare = (told["wall"] - told["training"]) / count, told["bare"] / count
        name = (
            "1 experiment, the flow alone" if count == 1 else f"{count} experiments, one after the other in one process"
        )
        print(f"| {name} | {spent:.2f} | {told['cpu'] / count:.2f} | < {goal} | {bare:.2f} |", flush=True)


BARE = """
import asyncio
from prefect import flow
@flow
async def nothing(): pass
asyncio.run(nothing())
"""


def apart() -> None:
    """In a process of its own: as many bare flows as there are proposals, then the proposals. Prints, as JSON, seconds
    of both, and of the second those in the executor and those of this process's cpu outside of it."""
    import asyncio

    from flows.server import configure_prefect
    from proposals.workspace import find_workspace

    place = find_workspace()
    configure_prefect(place.root)
    from prefect import flow
    from rich.console import Console

    from flows.batch import run_several
    from proposals.reading import list_proposals
    from tasks.executors import EXECUTORS, InProcess

    spent = {"training": 0.0, "cpu": 0.0}

    class Timed(InProcess):
        def submit(self, *given: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return super().submit(*given)
            finally:
                spent["training"] += time.perf_counter() - wall
                spent["cpu"] -= time.process_time() - cpu

    EXECUTORS["inprocess"] = Timed
    paths = list(list_proposals(place.proposals))

    @flow
    async def nothing() -> None: ...

    async def bare() -> None:
        for _ in paths:
            await nothing()

    began = time.perf_counter()
    asyncio.run(bare())
    spent["bare"] = time.perf_counter() - began
    began, cpu = time.perf_counter(), time.process_time()
    with (place.root / "said.txt").open("w") as said:
        rows = run_several(place, paths, quick=True, executor="inprocess", console=Console(file=said))
    spent["wall"] = time.perf_counter() - began
    spent["cpu"] += time.process_time() - cpu
    assert all(row.verdict == "PROCEED" for row in rows), (place.root / "said.txt").read_text()
    print(json.dumps(spent))


# -- a hundred at once ---------------------------------------------------------------------------------------


def at_once(scratch: Path, prefect: int) -> None:
    from modal_server.serving import started

    with started(scratch / "modal", width=CONTAINERS) as modal:
        os.environ.update(modal.variables)
        place = workspace(scratch / "many", MANY)
        child("-m", "flows.cli", "deploy-gpu", at=place)
        began = time.perf_counter()
        flow = start("--all", at=place, said=scratch / "many.txt")
        _, status, used = os.wait4(flow.pid, 0)
        minutes = (time.perf_counter() - began) / 60
        assert status == 0, (scratch / "many.txt").read_text()
        calls = len(modal.journal("called"))
        verdicts, runs, ended = (asked(place / "db" / "catalog.sqlite", query) for query in COUNTS)
        print(f"\n| {MANY} experiments at once, {CONTAINERS} containers on the same cores | |\n|---|---|")
        print(f"| verdicts; runs collected; attempts; calls of the service | {verdicts}; {runs}; {ended}; {calls} |")
        print(f"| experiments per minute; runs per minute | {verdicts / minutes:.1f}; {runs / minutes:.1f} |")
        cpu = used.ru_utime + used.ru_stime
        print(f"| the orchestrating process: cpu seconds per experiment | {cpu / MANY:.2f} |")
        print(f"| its peak memory; that of Prefect's server | {used.ru_maxrss / 1024:.0f} MB; {peak(prefect):.0f} MB |")
        print("\n| two orchestrators at the same moment | exit codes | runs | calls |\n|---|---|---|---|", flush=True)
        for places in ((place_of := scratch / "same", place_of), (scratch / "one", scratch / "other")):
            race(modal, scratch, places)


COUNTS = (
    "SELECT COUNT(*) FROM verdicts WHERE stands",
    "SELECT COUNT(*) FROM run_result",
    "SELECT COUNT(*) FROM attempt JOIN attempt_end ON attempt_id = attempt.id",
)


def race(modal: Any, scratch: Path, places: tuple[Path, Path]) -> None:
    """One catalog, the same proposal. One of them is refused, or comes late and finds everything there."""
    name = "one workspace" if len(set(places)) == 1 else "two workspaces, one catalog"
    catalog = scratch / f"{places[0].name}.sqlite"
    for place in set(places):
        workspace(place, 1)
    before = len(modal.journal("called"))
    modal.fault("slow", seconds=10, count=2)
    said = [scratch / f"{places[0].name}-{index}.txt" for index in (0, 1)]
    flows = [
        start("100", at=place, said=file, MVE_CATALOG=str(catalog)) for place, file in zip(places, said, strict=True)
    ]
    codes = [flow.wait() for flow in flows]
    runs, calls = asked(catalog, COUNTS[1]), len(modal.journal("called")) - before
    print(f"| {name} | {codes} | {runs} | {calls} |", flush=True)
    assert 0 in codes, [file.read_text() for file in said]
    assert calls == runs


# -- processes and folders -----------------------------------------------------------------------------------


def workspace(root: Path, count: int) -> Path:
    """So many proposals with different numbers: two variants, and with --quick one seed, so two runs each."""
    from small_proposals import write_proposal

    for number in range(100, 100 + count):
        path = write_proposal(root, stem=f"{number}-small-recall").proposals / f"{number}-small-recall.md"
        text = path.read_text().replace("minutes: 1, dollars: 0", "minutes: 20, dollars: 0.5")
        path.write_text(text.replace("lr: 1e-2", f"lr: {number}e-4"))
    return root


def environment(at: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "MVE_WORKSPACE": str(at), **more}


def child(*arguments: str, at: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment(at), capture_output=True, text=True, cwd=REPOSITORY
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def start(*proposals: str, at: Path, said: Path, **more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flows.cli", "run", *proposals, "--quick", "--executor", "modal"]
    with said.open("wb") as file:
        return subprocess.Popen(
            command, env=environment(at, **more), stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=REPOSITORY
        )


def asked(catalog: Path, query: str) -> int:
    with contextlib.closing(sqlite3.connect(catalog)) as connection:
        return int(connection.execute(query).fetchone()[0])


def peak(pid: int) -> float:
    """The most memory that the process ever had resident, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@contextlib.contextmanager
def prefect_server(scratch: Path) -> Iterator[int]:
    """A server of its own for all of this. Yields its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{free.getsockname()[1]}/api"
    os.environ["PREFECT_HOME"] = str(scratch / "prefect")
    from flows.server import configure_prefect, ensure_server

    ensure_server(configure_prefect(scratch))
    pid = int((scratch / "prefect" / "server.pid").read_text())
    try:
        yield pid
    finally:
        os.kill(pid, 15)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    apart() if sys.argv[1:] == ["apart"] else main()
