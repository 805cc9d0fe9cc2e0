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
from benchmarks.faults.kinds import ANYWHERE, AT_MODAL, HERE
from benchmarks.faults.trial import Trial
from benchmarks.faults.world import World, opened

EACH = [("local", name) for name in HERE]
EACH += [("modal", name) for name in AT_MODAL if name not in ANYWHERE or name == "flow killed"]
WORKER = ("worker killed", "flow of a worker killed")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("world")) as shared:
        yield shared


Runs = Callable[[str, str, int], tuple[Trial, Found, list[str]]]


@pytest.fixture(scope="module")
def bring_to_its_verdict(world: World, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A trial of its own: the trial, what it came to and what was wrong. The first of an executor is not hit by
    anything, and the others are held against it."""
    undisturbed: dict[str, Found] = {}
    numbers = count(101)

    def run(executor: str, kind: str, results: int) -> tuple[Trial, Found, list[str]]:
        if executor not in undisturbed:
            _, undisturbed[executor], wrong = carry_out(executor, [], {}, {"run": 1})
            assert not wrong
        kinds = {kind: {**HERE, **AT_MODAL}[kind]}
        return carry_out(executor, [(results, 0.3)], kinds, {"worker": 1} if kind in WORKER else {"run": 1})

    def carry_out(executor: str, plan: Any, kinds: Any, ways: Any) -> tuple[Trial, Found, list[str]]:
        folder = tmp_path_factory.mktemp("trial") / executor
        trial = Trial(world, next(numbers), executor, folder, Random(folder.name), plan, kinds, ways)
        try:
            trial.carry_out()
            return trial, found_in(trial), broken(trial, undisturbed.get(executor))
        finally:
            trial.close(keep=True)

    return run


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("executor", "kind"), EACH, ids=[f"{executor}-{kind}" for executor, kind in EACH])
def test_one_of_each(bring_to_its_verdict: Runs, executor: str, kind: str) -> None:
    trial, _, wrong = bring_to_its_verdict(executor, kind, 2)
    if kind == "disk full" and not trial.hits:
        pytest.skip("no tmpfs can be mounted here")
    assert trial.hits == [kind], (trial.folder / "faults.txt").read_text()
    assert not wrong


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
