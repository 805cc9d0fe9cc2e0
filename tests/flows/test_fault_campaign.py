"""One fault of each kind, by the machinery of the campaign (benchmarks/faults; `python -m benchmarks.faults` makes many
at random points), and the account of calls on Modal that it counts with.

What must hold after each is in benchmarks/faults/invariants.py: the verdict and the numbers of a trial that nothing
hit, each run trained once, each dollar once, a sound catalog, nothing left at work.
"""

import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.faults.account import Journal
from benchmarks.faults.invariants import Found, broken, found_in, same_verdict
from benchmarks.faults.kinds import AT_MODAL, HERE, Kind
from benchmarks.faults.trial import Trial
from benchmarks.faults.world import World, opened

TOGETHER = [
    (
        "local",
        ("flow killed", "training killed", "catalog locked", "Prefect server killed", "disk full", "clock jumped"),
    ),
    ("local", ("worker killed", "flow of a worker killed")),
    ("modal", ("flow killed", "container killed", "container out of memory")),
    ("modal", ("preempted, started again", "preempted, given up")),
    ("modal", ("reply lost", "output expired")),
]
"""Executors, and the kinds that hit one proposal on its way, one of each."""
WORKER = ("worker killed", "flow of a worker killed")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("world")) as shared:
        yield shared


Runs = Callable[[str, tuple[str, ...]], tuple[Trial, list[str]]]


@pytest.fixture(scope="module")
def bring_to_its_verdict(world: World, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A trial of its own, and what was wrong. The first of an executor is not hit by anything, and the others are held
    against it."""
    undisturbed: dict[str, Found] = {}
    numbers = count(101)

    def run(executor: str, kinds: tuple[str, ...]) -> tuple[Trial, list[str]]:
        if executor not in undisturbed:
            trial, wrong = carry_out(executor, {}, {"run": 1})
            assert not wrong
            undisturbed[executor] = found_in(trial)
        each = {kind: once({**HERE, **AT_MODAL}[kind]) for kind in kinds}
        return carry_out(executor, each, {"worker": 1} if kinds[0] in WORKER else {"run": 1})

    def carry_out(executor: str, kinds: dict[str, Kind], ways: dict[str, int]) -> tuple[Trial, list[str]]:
        folder = tmp_path_factory.mktemp("trial") / executor
        plan = [(1 + min(2 * index, 8 * index // len(kinds)), 0.3) for index in range(len(kinds))]  # of ten results
        trial = Trial(world, next(numbers), executor, folder, Random(folder.name), plan, kinds, ways)
        if not trial.disk.mounted:  # only root can mount one that is small enough to be full
            kinds.pop("disk full", None)
        try:
            trial.carry_out()
            return trial, broken(trial, undisturbed.get(executor))
        finally:
            trial.close(keep=True)

    return run


def once(kind: Kind) -> Kind:
    hit = []

    def strike(trial: Trial, chance: Random) -> bool:
        if not hit and kind(trial, chance):
            hit.append(True)
            return True
        return False

    return strike


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("executor", "kinds"), TOGETHER, ids=[f"{name}-{kinds[0]}" for name, kinds in TOGETHER])
def test_one_of_each(bring_to_its_verdict: Runs, executor: str, kinds: tuple[str, ...]) -> None:
    trial, wrong = bring_to_its_verdict(executor, kinds)
    told = (trial.folder / "faults.txt").read_text()
    assert sorted(trial.hits) == sorted(trial.kinds), told
    assert not wrong, told


# -- what it counts with -------------------------------------------------------------------------------------


def journal(root: Path, *lines: dict[str, Any]) -> Journal:
    (root / "journal.jsonl").touch()
    found = Journal(root)
    (root / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return found.read()


def commit(at: float, task: str, *files: str) -> dict[str, Any]:
    return {"at": at, "event": "committed", "task": task, "files": [f"runs/r/{file}" for file in files]}


def test_a_call_takes_from_its_first_commit_to_its_outcome_at_least(tmp_path: Path) -> None:
    found = journal(
        tmp_path,
        {"at": 10.0, "event": "called", "call": "fc"},
        {"at": 12.0, "event": "given", "call": "fc", "task": "ta"},
        commit(13.0, "ta", "sitting.json"),
        commit(20.0, "ta", "outcome-fc.json", "result.json"),
        {"at": 21.0, "event": "finished", "call": "fc", "task": "ta"},
        {"at": 21.5, "event": "output", "call": "fc"},
    )
    assert found.calls["fc"].seconds == (7.0, 9.0)
    assert found.results() == {"r": {"ta"}}


def test_a_call_that_had_ended_takes_no_more_where_it_is_started_again(tmp_path: Path) -> None:
    found = journal(
        tmp_path,
        {"at": 10.0, "event": "called", "call": "fc"},
        {"at": 12.0, "event": "given", "call": "fc", "task": "ta"},
        commit(13.0, "ta", "sitting.json"),
        commit(20.0, "ta", "outcome-fc.json", "result.json"),
        {"at": 20.1, "event": "fault", "do": "preempt", "call": "fc"},
        {"at": 30.0, "event": "given", "call": "fc", "task": "tb"},
        commit(30.5, "tb", "claim-1-2.json"),
        {"at": 31.0, "event": "output", "call": "fc"},
    )
    assert found.calls["fc"].seconds == (7.0, 19.0)


def test_a_call_that_is_killed_takes_until_then(tmp_path: Path) -> None:
    found = journal(
        tmp_path,
        {"at": 10.0, "event": "called", "call": "fc"},
        {"at": 12.0, "event": "given", "call": "fc", "task": "ta"},
        commit(13.0, "ta", "sitting.json"),
        {"at": 30.0, "event": "output", "call": "fc"},
    )
    assert found.calls["fc"].seconds == (17.0, 18.0)


def test_a_call_that_waits_takes_nothing(tmp_path: Path) -> None:
    found = journal(tmp_path, {"at": 10.0, "event": "called", "call": "fc"})
    assert (found.calls["fc"].seconds, found.calls["fc"].running) == ((0.0, 0.0), None)


def test_a_run_that_two_containers_trained_is_seen(tmp_path: Path) -> None:
    found = journal(tmp_path, commit(1.0, "ta", "result.json"), commit(2.0, "tb", "result.json"))
    assert found.results() == {"r": {"ta", "tb"}}


def test_another_number_is_another_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Found([("PROCEED",)], [("S1", "holds")], {("a", 0, "test_loss", ""): 0.5})
    after = Found([("PROCEED",)], [("S1", "holds")], {("a", 0, "test_loss", ""): 0.5 + 1e-16})
    for found, wrong in ((before, 0), (after, 1)):
        monkeypatch.setattr("benchmarks.faults.invariants.found_in", lambda trial, found=found: found)
        assert len(same_verdict(None, before)) == wrong  # type: ignore[arg-type]
