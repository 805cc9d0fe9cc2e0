"""The documentation of criteria and proposals says what the code does."""

import re
from pathlib import Path

import pytest
from proposal_documents import GOOD, written

from proposals.checks import check
from proposals.errors import ProposalError
from proposals.language import canonical, read
from proposals.language.dimensions import of_literal
from proposals.reading import names_of, read_proposal
from proposals.reading.criteria import ROLES
from proposals.spec import Setup, StudySetup
from proposals.workspace import REPOSITORY

CRITERIA = (REPOSITORY / "docs" / "criteria.md").read_text(encoding="utf-8")
PROPOSALS = (REPOSITORY / "docs" / "proposals.md").read_text(encoding="utf-8")
SETUP = read_proposal(REPOSITORY / "proposals" / "008-cosine-log-linear-attention.md").setup
assert SETUP is not None
NAMES = names_of(SETUP)


def rows(header: str) -> list[list[str]]:
    """Cells of every table whose header is this."""
    found = []
    for table in CRITERIA.split(header)[1:]:
        lines = table.split("\n")[2:]
        for line in lines:
            if not line.startswith("|"):
                break
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


READINGS = rows("| you write | canonical form |")
REFUSALS = rows("| you write | what you are told |")


def test_there_are_examples() -> None:
    assert len(READINGS) > 25
    assert len(REFUSALS) > 5


@pytest.mark.parametrize(("formal", "expected"), READINGS)
def test_readings(formal: str, expected: str) -> None:
    assert canonical(read(formal.strip("`"), NAMES)) == expected.strip("`")


@pytest.mark.parametrize(("formal", "message"), REFUSALS)
def test_refusals(formal: str, message: str) -> None:
    with pytest.raises(ProposalError) as refusal:
        read(formal.strip("`"), NAMES)
    assert message in str(refusal.value)


def test_the_table_of_units_is_complete() -> None:
    units = {unit for row in rows("| unit | means | base unit |") for unit in re.findall(r"`([^`]+)`", row[0])}
    for unit in units:
        of_literal(unit)
    assert units == {
        "%", "pp", "x", "us", "ms", "s", "min", "h", "B", "KB", "MB", "GB", "KiB", "MiB", "GiB", "$", "tok/s", "/s"
    }  # fmt: skip


def test_the_table_of_roles_is_complete() -> None:
    table = rows("| role | section | meaning | word |")
    assert {word: (row[0], row[1]) for row in table for word in re.findall(r"`([^`]+)`", row[3])} == ROLES


def test_the_small_proposal_is_fine(tmp_path: Path) -> None:
    text = PROPOSALS.split("~~~~markdown\n")[1].split("~~~~")[0]
    report = check(written(tmp_path, text))
    assert (report.exit_code, report.notes) == (0, ()), report.problems


CONDITIONS = rows("| in the setup | in a criterion |")


@pytest.mark.parametrize(("setup", "criterion"), CONDITIONS)
def test_conditions_are_those_of_evaluations(tmp_path: Path, setup: str, criterion: str) -> None:
    asked = GOOD.replace("- *sanity*", f"- *diagnostic*: {criterion}\n- *sanity*")
    without = check(written(tmp_path, asked)).problems
    assert without
    assert all("which is not measured" in problem.message for problem in without)
    path = written(tmp_path, asked.replace("seeds: [5]", f"{setup.strip('`')}\nseeds: [5]"))
    assert check(path).problems == ()


def test_the_table_of_the_setup_names_every_key() -> None:
    table = PROPOSALS.split("| key | says |")[1].split("\n\n")[0]
    named = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    assert named == set(Setup.model_fields)
    assert set(StudySetup.model_fields) - named == {"study"}
