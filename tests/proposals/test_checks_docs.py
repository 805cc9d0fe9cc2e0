"""docs/checks.md says what the checks say."""

import re
from pathlib import Path

import pytest
from proposal_documents import GOOD, written

from proposals.checks import check, check_folder
from proposals.checks.reach import describe, looks_of
from proposals.reading import read_proposal
from proposals.workspace import REPOSITORY

PAGE = (REPOSITORY / "docs" / "checks.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| `(?P<old>[^`]+)` \| `(?P<new>[^`]+)`(?: and a second target `(?P<more>[^`]+)`)? \| (?P<says>.+) \|$",
    re.MULTILINE,
)
SEEDS = re.compile(r"^\| `\[(?P<seeds>[\d, ]+)\]` \| (?P<says>\d+ seeds: .+) \|$", re.MULTILINE)


def refused(row: re.Match[str]) -> bool:
    """By the head of its table."""
    heads = [line for line in PAGE[: row.start()].splitlines() if line.startswith("| instead of")]
    return heads[-1].endswith("is refused |")


@pytest.mark.parametrize("row", list(ROW.finditer(PAGE)), ids=lambda row: row["says"][:40])
def test_an_example(tmp_path: Path, row: re.Match[str]) -> None:
    assert row["old"] in GOOD
    document = GOOD.replace(row["old"], row["new"])
    if row["more"]:
        document = document.replace("\n### Failure", f"- `{row['more']}`\n\n### Failure")
    report = check(written(tmp_path, document))
    said = report.problems if refused(row) else report.notes
    assert report.exit_code == (1 if refused(row) else 0), report.problems
    assert any(row["says"] in one.message for one in said), [one.message for one in said]


@pytest.mark.parametrize("row", list(SEEDS.finditer(PAGE)), ids=lambda row: row["seeds"])
def test_what_seeds_reach(tmp_path: Path, row: re.Match[str]) -> None:
    setup = read_proposal(written(tmp_path, GOOD.replace("seeds: [5]", f"seeds: [{row['seeds']}]"))).setup
    assert setup is not None
    assert describe(looks_of(setup), setup.error) == row["says"]


def test_the_page_has_its_examples() -> None:
    assert (len(list(ROW.finditer(PAGE))), len(list(SEEDS.finditer(PAGE)))) == (12, 3)
    for line in PAGE.split("```markdown\n")[1].split("```")[0].splitlines():
        assert line in GOOD


def test_a_folder_is_checked_as_its_files_are(tmp_path: Path) -> None:
    for name in ("012-title.md", "012-other.md", "013-third.md"):
        written(tmp_path, GOOD.replace('"012"', f'"{name[:3]}"'), name)
    (tmp_path / "014-no-text.md").write_bytes(b"\xff")
    (tmp_path / "notes.md").write_text("no proposal")
    reports = list(check_folder(tmp_path))
    assert [report.stem for report in reports] == ["012-other", "012-title", "013-third", "014-no-text"]
    assert [report.exit_code for report in reports] == [1, 1, 0, 2]
    assert reports == [check(path) for path in sorted(tmp_path.glob("0*.md"))]
