"""One proposal on its way to its verdict, injured, and started again the way its user would."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.faults.account import Journal
from benchmarks.faults.kinds import KINDS, Kind
from benchmarks.faults.machines import Disk
from benchmarks.faults.witness import Witness
from benchmarks.faults.world import World
from proposals.workspace import REPOSITORY, find_workspace
from tests.small_proposals import write_proposal

RUNS = 10
"""Two variants, five seeds."""
TRAINING = "epochs: 50, batch: 8, stop_at: {stop_at:.6f}"
"""Some seconds a run. No run gets to `stop_at`, but it makes each trial's runs its own: they share nothing on the
volume and give the same numbers."""
COMPUTE = "gpu: T4, minutes: 20, dollars: 50"
SETTINGS = """[rates]  # two that tell apart what trained
local = 3.6
T4 = 7.2
"""
MOST_SECONDS = 900
MOST_STARTS = 40
WAYS = {"run": 5, "collect": 2, "worker": 3}
"""How a command is given to start it, or to start it again, and how often."""
WORKER_SECONDS = 60
"""For a worker to take up a flow run."""


class StuckError(RuntimeError):
    """It did not come to its verdict."""


class CalledOffError(RuntimeError):
    """It was not let come to its verdict."""


class Trial:
    """The proposal `number` in the new folder `folder`. `plan`: when faults are to hit it. kinds, ways: what may hit it
    and how it is started, else all of its executor. `starts`: how often a command was given for it."""

    def __init__(
        self, world: World, number: int, executor: str, folder: Path, chance: Random,
        plan: list[tuple[int, float]], kinds: Mapping[str, Kind] | None = None, ways: Mapping[str, int] = WAYS,
    ) -> None:  # fmt: skip
        self.world, self.executor, self.folder, self.chance = world, executor, folder, chance
        self.kinds, self.ways, self.plan = kinds or KINDS[executor], ways, sorted(plan)
        self.number, self.stem, self.root = f"{number}", f"{number}-small-recall", folder / "workspace"
        self.disk = Disk(self.root)
        path = write_proposal(self.root, self.stem).proposals / f"{self.stem}.md"
        training = TRAINING.format(stop_at=0.9991 + number * 1e-6)
        text = path.read_text().replace("epochs: 2, batch: 32", training)
        path.write_text(text.replace("minutes: 1, dollars: 0", COMPUTE))
        (self.root / "mve.toml").write_text(SETTINGS)
        self.place = find_workspace(self.root, str(self.root / "db" / "catalog.sqlite"))
        self.catalog = self.root / "db" / "catalog.sqlite"
        self.witness = Witness(self.root)
        self.journal = Journal(world.modal.root) if executor == "modal" else None
        self.hits: list[str] = []
        self.starts = 0
        self.beyond = 0.0  # seconds that were counted for calls whose end nobody saw, beyond what they took
        self.well = False
        self.ahead: list[tuple[float, Callable[[], None]]] = []
        self.due: float | None = None
        self.flow: subprocess.Popen[bytes] | None = None
        self.runner: subprocess.Popen[bytes] | None = None
        self.asked: float | None = None
        self.output = (folder / "output.txt").open("ab")
        began = time.monotonic()
        self.clock = lambda: time.monotonic() - began

    # -- its way -------------------------------------------------------------------------------------------------

    def carry_out(self) -> None:
        """Raises StuckError, and CalledOffError."""
        self.witness.start()
        try:
            self._start()
            while not self._done():
                if self.world.ending.is_set():
                    raise CalledOffError("the campaign was called off")
                if self.clock() > MOST_SECONDS or self.starts > MOST_STARTS:
                    raise StuckError(f"no verdict after {self.clock():.0f} s and {self.starts} starts")
                self._later()
                self._injure()
                if not self._alive() and not self._done():
                    self._start()
                time.sleep(0.05)
        finally:
            self._clean_up()

    def _done(self) -> bool:
        if self.ahead or self._alive():
            return False
        # a flow of a worker, whose exit code nobody sees, has ended well where it has given its lease back
        well = self.well or not self.ask("SELECT 1 FROM lease")
        page = self.root / "experiments" / self.stem / "results.md"
        return well and bool(self.ask("SELECT 1 FROM verdict")) and page.exists()

    def _alive(self) -> bool:
        """Is a flow of it at work, or on its way from a worker?"""
        kinds = {process.kind for process in self.witness.now}
        if self.flow is not None and self.flow.poll() is not None:
            self.note(f"the command ended with {self.flow.returncode}")
            self.well = self.flow.returncode == 0
            self.flow = None
            self.witness.look()
        if "worker flow" in kinds:
            self.asked = None
        if self.asked is not None and (self.clock() - self.asked > WORKER_SECONDS or "runner" not in kinds):
            self.asked = None
        return self.flow is not None or self.asked is not None or bool(kinds & {"flow", "worker flow"})

    def _start(self) -> None:
        self.starts += 1
        self.well = False
        ways = {way: times for way, times in self.ways.items() if self.starts > 1 or way != "collect"}
        way = self.chance.choices(list(ways), list(ways.values()))[0]
        if way == "worker" and self._ask_worker():
            return
        if way == "collect":
            self._call("collect")
        else:
            self._call("run", self.number, "--executor", self.executor)

    def _call(self, *arguments: str) -> None:
        jumping = self.folder / f"jump-{self.starts}"
        self.note("mve " + " ".join(arguments))
        self.flow = self._popen("benchmarks.faults.clock", str(jumping), *arguments)
        self.witness.look()

    def _ask_worker(self) -> bool:
        """A flow run by a worker, which is started where there is none. False where another trial has one."""
        if self.runner is None or self.runner.poll() is not None:
            if self.runner is None and not self.world.serving.acquire(blocking=False):
                return False
            self.note("mve serve")
            self.runner = self._popen("flows.cli", "serve")
        parameters = {"proposal": self.stem, "workspace": str(self.root), "executor": self.executor}
        deadline = time.monotonic() + WORKER_SECONDS
        while time.monotonic() < deadline and self.runner.poll() is None:
            self._later()
            with contextlib.suppress(OSError, ValueError):  # not registered yet, or no server
                deployment = self._prefect(f"deployments/name/mve/{self.number}")
                self._prefect(f"deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})
                self.note(f"prefect deployment run mve/{self.number}")
                self.asked = self.clock()
                self.witness.look()
                return True
            time.sleep(0.3)
        return False

    def _prefect(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.world.prefect.api}/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=5) as reply:
            return json.load(reply)

    def _popen(self, *arguments: str) -> subprocess.Popen[bytes]:
        variables = {**os.environ, **self.world.prefect.variables, **self.world.modal.variables}
        variables["MVE_WORKSPACE"] = str(self.root)
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=variables, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output,
        )  # fmt: skip

    # -- what hits it --------------------------------------------------------------------------------------------

    def _injure(self) -> None:
        if not self.plan or not self._alive():
            return
        results, delay = self.plan[0]
        if self.due is None:
            if self._results() < results:
                return
            self.due = self.clock() + delay
        if self.clock() < self.due:
            return
        kinds = dict(self.kinds)
        while kinds:
            # those that have hit least so far before the others: some find a target seldom
            names = list(kinds)
            name = self.chance.choices(names, [1 / (1 + self.world.hits[name]) ** 2 for name in names])[0]
            if kinds.pop(name)(self, self.chance):
                self.note(f"FAULT {name}, after {self._results()} results")
                self.hits.append(name)
                self.world.hits[name] += 1
                self.plan.pop(0)
                self.due = None
                self.witness.look()
                return

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self.ahead.append((self.clock() + seconds, what))

    def _later(self, wait: bool = True) -> None:
        for one in [one for one in self.ahead if not wait or one[0] <= self.clock()]:
            self.ahead.remove(one)
            one[1]()

    def jump(self, seconds: float) -> bool:
        """Let the clock of the command that is under way jump. False where it is not there yet, or has jumped."""
        if self.flow is None or self.flow.poll() is not None:
            return False
        path = self.folder / f"jump-{self.starts}"
        if path.exists():
            return False
        path.with_suffix(".new").write_text(f"{seconds}")
        path.with_suffix(".new").rename(path)
        done = path.with_name(f"{path.name}.done")
        deadline = time.monotonic() + 10
        while self.flow.poll() is None and time.monotonic() < deadline:
            if done.exists():
                self.note(f"the clock jumped by {seconds / 3600:+.1f} h")
                return True
            time.sleep(0.02)
        return False

    # -- around it -----------------------------------------------------------------------------------------------

    def _results(self) -> int:
        found = self.ask("SELECT count(*) FROM run_result")
        return int(found[0][0]) if found else 0

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the catalog; none where there is none yet."""
        if not self.catalog.exists():
            return []
        with (
            contextlib.suppress(sqlite3.OperationalError),
            contextlib.closing(sqlite3.connect(f"file:{self.catalog}?mode=ro", uri=True, timeout=10)) as connection,
        ):
            return connection.execute(query).fetchall()
        return []

    def note(self, line: str) -> None:
        with (self.folder / "faults.txt").open("a") as file:
            file.write(f"{self.clock():7.2f}  {line}\n")
        self.output.write(f"\n===== {self.clock():.2f} s: {line}\n".encode())
        self.output.flush()

    def _clean_up(self) -> None:
        self._later(wait=False)
        # a runner is waited for: a flow that it has just begun is of nobody's trial
        deadline = time.monotonic() + 10
        while found := [process for process in self.witness.look() if process.kind != "training"]:
            for process in found:
                process.kill()
            if time.monotonic() > deadline:
                break
        if self.flow is not None:
            self.flow.wait()
        if self.runner is not None:
            self.runner.wait()
            self.world.serving.release()
        self.output.close()

    def close(self, keep: bool) -> None:
        """Its folder goes, or stays for people to look at."""
        self.witness.done.set()
        self.witness.join()
        if keep and self.disk.mounted:
            shutil.copytree(self.root, self.folder / "kept", dirs_exist_ok=True)
        self.disk.close()
        if keep and (self.folder / "kept").exists():
            self.root.rmdir()
            (self.folder / "kept").rename(self.root)
        if not keep:
            shutil.rmtree(self.folder)
