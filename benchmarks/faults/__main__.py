"""`python -m benchmarks.faults`: kill what can be killed while proposals are on their way to their verdicts, start it
again, and look whether anything was lost, trained twice or paid twice.

Two trials at once: one trains on this machine, one at a local server that speaks Modal's protocol. Each is injured
several times at random moments, by kinds that have hit least so far before others. Exit code 1 where anything is wrong;
the trial's folder stays then, with the times of its faults and all that was printed.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random

from benchmarks.faults.invariants import Found, broken, found_in
from benchmarks.faults.kinds import KINDS
from benchmarks.faults.trial import RUNS, CalledOffError, StuckError, Trial
from benchmarks.faults.world import World, opened

PER_TRIAL = 8


@dataclass
class Tally:
    trials: int = 0
    starts: int = 0
    memory: int = 0
    beyond: float = 0.0
    violations: list[str] = field(default_factory=list)


class Campaign:
    def __init__(self, world: World, folder: Path, faults: int, seed: int) -> None:
        self.world, self.folder, self.seed = world, folder, seed
        self.left, self.tally = faults, Tally()
        self.lock = threading.Lock()
        self.numbers = count(101)

    def lane(self, executor: str) -> None:
        """Trials one after the other, until all injections are made: first one that nothing hits."""
        try:
            undisturbed = self._trial(executor, 0, None)
            while undisturbed is not None and not self.world.ending.is_set() and (faults := self._claim()):
                self._trial(executor, faults, undisturbed)
        except Exception:
            self._violated(f"the campaign itself broke:\n{traceback.format_exc()}")

    def _claim(self) -> int:
        with self.lock:
            missing = self.left - self.world.hits.total()
            return min(PER_TRIAL, missing) if missing > 0 else 0

    def _trial(self, executor: str, faults: int, undisturbed: Found | None) -> Found | None:
        with self.lock:
            number = next(self.numbers)
        chance = Random(f"{self.seed} {executor} {number}")
        # each is due some moments after so many runs have their result: from before the first to after the last
        plan = [(chance.randint(0, RUNS), chance.uniform(0, 4)) for _ in range(faults)]
        trial = Trial(self.world, number, executor, self.folder / f"{number}-{executor}", chance, plan)
        wrong, found = [], None
        try:
            trial.carry_out()
            wrong = broken(trial, undisturbed)
            found = found_in(trial)
        except CalledOffError:
            pass
        except StuckError as error:
            wrong = [str(error)]
        except Exception:
            wrong = [f"the trial itself broke:\n{traceback.format_exc()}"]
        trial.close(keep=bool(wrong))
        with self.lock:
            self.tally.trials += 1
            self.tally.starts += trial.starts
            self.tally.beyond += trial.beyond
            self.tally.memory = max(self.tally.memory, trial.witness.memory)
        said = ", ".join(f"{name} x{times}" if times > 1 else name for name, times in Counter(trial.hits).items())
        print(
            f"{number} {executor}: {trial.clock():.0f} s, {trial.starts} starts; {said or 'nothing hit it'}", flush=True
        )
        for line in wrong:
            self._violated(f"{trial.folder}: {line}")
        return found

    def _violated(self, line: str) -> None:
        with self.lock:
            self.tally.violations.append(line)
        print(f"VIOLATION {line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="injections that hit, in all")
    parser.add_argument("--seed", type=int, default=None, help="of the draws; the machine's timing stays its own")
    options = parser.parse_args()
    seed = Random().randrange(10**6) if options.seed is None else options.seed
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="mve-faults-"))
    print(f"seed {seed}, in {folder}", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has started it in the background
        signal.signal(number, signal.default_int_handler)
    with opened(folder) as world:
        campaign = Campaign(world, folder, options.count, seed)
        lanes = [threading.Thread(target=campaign.lane, args=(executor,)) for executor in KINDS]
        for lane in lanes:
            lane.start()
        try:
            while any(lane.is_alive() for lane in lanes):
                time.sleep(0.2)  # a `join` that is interrupted takes its thread for ended
        except KeyboardInterrupt:
            world.ending.set()
        for lane in lanes:
            lane.join()
    _print(campaign, time.monotonic() - began)
    if not campaign.tally.violations:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if campaign.tally.violations else 0)


def _print(campaign: Campaign, seconds: float) -> None:
    tally, hits = campaign.tally, campaign.world.hits
    print("\n| injection | hits |\n|---|---|")
    for name in {name: None for kinds in KINDS.values() for name in kinds}:
        print(f"| {name} | {hits[name]} |")
    print(f"| **all** | {hits.total()} |")
    print(
        f"\n{tally.trials} trials, {tally.starts} starts of a command, {seconds / 60:.1f} minutes; "
        f"a flow had {tally.memory / 2**20:.0f} MiB at most; {len(tally.violations)} violations"
    )
    print(f"{tally.beyond:.0f} s were counted beyond the account, for calls whose end nobody measured (docs/money.md)")
    if not hits["disk full"]:
        print("no disk was filled: either no tmpfs can be mounted here, or it was never drawn")
    for line in tally.violations:
        print(f"VIOLATION {line}")


if __name__ == "__main__":
    main()
