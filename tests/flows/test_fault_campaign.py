"""A short campaign of faults (benchmarks/faults; the long one is `python -m benchmarks.faults`), and the account of
calls on Modal that it counts with, which is kept beside the catalog."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.faults.account import Journal
from benchmarks.faults.invariants import Found, same_verdict

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_few_faults_lose_nothing() -> None:
    command = [sys.executable, "-m", "benchmarks.faults", "--count", "6", "--seed", "7"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    (hits,) = re.findall(r"\*\*all\*\* \| (\d+)", done.stdout)
    assert int(hits) >= 6, done.stdout
    assert "0 violations" in done.stdout


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
