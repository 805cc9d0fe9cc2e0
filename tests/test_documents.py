"""README and docs are true: their links lead somewhere, their commands exist, their queries answer."""

import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests" / "db"))

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
README = PAGES[0].read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    body = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", body) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named = {target for page in PAGES for target in re.findall(r"\bmake ([a-z]+)`", page.read_text())}
    assert named | {"run", "test"} <= targets


def test_the_commands_that_are_named_exist() -> None:
    from flows.cli import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    named = {name for page in PAGES for name in re.findall(r"`mve ([a-z]+)[ `]", page.read_text())}
    assert {name for name in named if name not in known} == set()


def test_every_end_of_an_attempt_has_a_row_and_every_row_a_test() -> None:
    """Of docs/faults.md."""
    from db.tables import ENDS

    page = (REPOSITORY / "docs" / "faults.md").read_text()
    assert [end for end in ENDS if f"`{end}`" not in page] == []
    known = {
        (path.name, name)
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    faults = [cells for cells in rows if cells[0] != "| fault"]
    assert len(faults) > 25
    for cells in faults:
        named = re.findall(r"`(?:(test_\w+\.py)(?:::)?)?(test_\w+)?`", cells[-1])
        assert named, cells[0]
        for file, name in named:
            found = [one for one in known if file in ("", one[0]) and name in ("", one[1])]
            assert found, f"{file} {name}"


def test_the_modules_that_are_named_exist() -> None:
    named = {name for page in PAGES for name in re.findall(r"python -m ([a-z_.]+)", page.read_text())}
    missing = []
    for name in named:
        path = REPOSITORY / name.replace(".", "/")
        if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists()):
            missing.append(name)
    assert missing == []


def test_the_queries_of_the_readme_answer(tmp_path: Path) -> None:
    from catalog_samples import fill

    from db.engine import open_catalog, reading

    (block,) = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    queries = [query for query in block.split(";") if query.strip()]
    assert len(queries) == 3
    with open_catalog(tmp_path / "catalog.sqlite") as catalog:
        fill(catalog.engine)
        with reading(catalog.engine) as session:
            for query in queries:
                assert session.connection().execute(text(query)).all(), query


def test_no_page_names_a_figure_without_the_command_that_made_it() -> None:
    """The table of figures in README names, for each row, how to get it again."""
    section = README.split("## Measured")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|") and not set(line) <= set("|- ")]
    assert len(rows) > 3
    assert all("`" in row.split("|")[-2] for row in rows[1:]), "the last column is the command"
