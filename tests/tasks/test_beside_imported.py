"""An imported report of the same number stands on the results page, beside our own verdict."""

import re
from pathlib import Path

from small_proposals import write_proposal

from proposals.workspace import REPOSITORY
from tasks.import_history import import_documents
from tasks.judge import judge_on_paper
from tasks.register import register_proposal
from tasks.report import write_report

REPORT = REPOSITORY / "tests" / "history" / "documents" / "experiment-041-results.md"


def page_of(root: Path, stem: str) -> str:
    place = write_proposal(root, stem=stem, target="`attention.state_memory < 0.2 * linear.state_memory`")
    registered = register_proposal(place, stem)
    assert judge_on_paper(place, registered.id, quick=False) is not None
    import_documents(place, [REPORT])
    return write_report(place, registered.id).read_text()


def test_of_the_same_number(tmp_path: Path) -> None:
    text = page_of(tmp_path, "041-small-recall")
    beside = text.split("## Beside the source's report")[1].split("## Setup")[0]
    assert "`experiment-041-results`" in beside
    lines = [line for line in beside.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)[|]", line)) for line in lines} == {4, 7}, "every row fits its header"
    (verdict,) = [line for line in lines if line.startswith("| Verdict |")]
    assert verdict.endswith("| ABANDON |")
    (device,) = [line for line in lines if line.startswith("| Device |")]
    assert device.endswith("| none: nothing was run |")


def test_of_another_number(tmp_path: Path) -> None:
    assert "Beside the source's report" not in page_of(tmp_path, "141-small-recall")
