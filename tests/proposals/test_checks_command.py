"""Four proposals that cannot be decided, or already are, as `mve check` meets them; and all four in one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from proposal_documents import GOOD, line_of, written

from proposals.checks import check
from proposals.workspace import REPOSITORY

FAULTS = {
    "kill": (
        "`ours.test_accuracy - base.test_accuracy <= 5 pp`",
        "`ours.test_accuracy - base.test_accuracy < -100 pp`",
        "F1 can never hold, whatever is trained: `ours.test_accuracy - base.test_accuracy < -1`",
        "- **Kill**",
    ),
    "seeds": (
        "seeds: [5]",
        "seeds: [3]",
        "the first look can decide nothing: 3 of 3 seeds agree by chance in 12.5 % of cases, and the error is 5 %",
        "seeds:",
    ),
    "memory": (
        "- It recalls: `ours.test_accuracy > 80%`",
        "- It recalls: `ours.test_accuracy > 80%`\n- It is small: `ours.state_memory < 20% * base.state_memory`",
        "S2 (target) fails on paper: 12.0x for < 0.2x (ours.state_memory 6.91 KB, base.state_memory 576 B)",
        "- It is small",
    ),
    "estimate": (
        "compute: {minutes: 5, dollars: 0}",
        "compute: {gpu: H100, minutes: 40, dollars: 2}",
        "the estimate exceeds the cap: 40 min on a H100 at $3.95 an hour (2026-05) = $2.64, and the cap is $2.00",
        "compute:",
    ),
}


def document(*faults: str) -> str:
    text = GOOD
    for fault in faults:
        old, new, _, _ = FAULTS[fault]
        assert old in text
        text = text.replace(old, new)
    return text


def mve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=120, check=False)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_alone(tmp_path: Path, fault: str) -> None:
    text = document(fault)
    report = check(written(tmp_path, text))
    _, _, message, piece = FAULTS[fault]
    said = [one for one in (*report.problems, *report.notes) if message in one.message]
    assert len(said) == 1
    assert said[0].line == line_of(piece, text)
    assert said[0].remedy
    if fault == "memory":
        assert (report.exit_code, report.problems) == (0, ())
        assert report.verdict is not None
        assert report.verdict.name == "ABANDON"
    else:
        assert (report.exit_code, len(report.problems)) == (1, 1)
        assert report.verdict is None


def test_all_four_in_one_document_on_the_command_line(tmp_path: Path) -> None:
    text = document(*FAULTS)
    path = written(tmp_path, text)
    done = mve(str(path))
    assert done.returncode == 1, done.stderr
    for _, _, message, piece in FAULTS.values():
        (line,) = [line for line in done.stdout.splitlines() if message in line]
        assert f"{path}:{line_of(piece, text)}: " in line
    assert "arithmetic alone would decide: ABANDON (rule 2)" in done.stdout


def test_a_proposal_that_arithmetic_decides_is_not_refused(tmp_path: Path) -> None:
    path = written(tmp_path, document("memory"))
    done = mve(str(path))
    assert done.returncode == 0, done.stderr
    assert "decided without training, for $0.00: ABANDON (rule 2): S2 (target)" in done.stdout
    as_json = mve(str(path), "--json")
    assert as_json.returncode == 0
    report = json.loads(as_json.stdout)
    assert report["verdict"]["name"] == "ABANDON"
    assert report["on_paper"][0]["achieved"] == 12.0
    assert report["looks"] == [{"seeds": 5, "needed": 5, "p": 0.03125}]
    assert report["estimate"] == {"gpu": None, "minutes": 5.0, "dollars_per_hour": 0.0, "dollars": 0.0, "cap": 0.0}
