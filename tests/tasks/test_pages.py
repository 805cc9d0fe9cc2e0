"""Pages are whole: nothing in them is empty by accident, breaks a table, or replaces what a person wrote."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from db.catalog import ExperimentFacts, LogEntry
from tasks.page import duration, signed, utc
from tasks.report import write_log
from templates import render
from templates.render import cell, one_line

AT = datetime(2026, 2, 15, 9, 30, 5, tzinfo=UTC)
FACTS = ExperimentFacts(
    stem="101-small",
    number="101",
    title="Small",
    sha256="0" * 64,
    fidelity="specified",
    registered_at=AT,
    registration_commit=None,
    registration_dirty=False,
    commit=None,
    dirty=False,
    started_at=AT,
    executor="local",
    profile="full",
)


def entry(number: int, text: str) -> LogEntry:
    return LogEntry(number, AT.replace(minute=30 + number), "judged", text, {})


def test_a_name_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="text"):
        render("log_entry.md.j2", heading="## now")


def test_text_is_no_template() -> None:
    assert "{{ 7 * 7 }}" in render("log_entry.md.j2", heading="## now", text="{{ 7 * 7 }}")


@pytest.mark.parametrize(
    ("text", "shown"), [("a | b", r"a \| b"), (r"a \| b", r"a \| b"), ("two\nlines", "two lines"), ("", "")]
)
def test_a_cell_stays_one_cell(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_a_line_stays_one_line() -> None:
    assert one_line("a\n# not a heading") == "a # not a heading"


def test_the_log_is_appended_to_and_never_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "log.md"
    write_log(path, FACTS, [entry(0, "first")])
    path.write_text(path.read_text() + "\nA note by hand.\n")
    write_log(path, FACTS, [entry(0, "first"), entry(1, "second")])
    write_log(path, FACTS, [entry(0, "first"), entry(1, "second")])
    text = path.read_text()
    assert text.startswith("# Log 101: Small\n")
    assert [text.count(word) for word in ("first", "A note by hand.", "second")] == [1, 1, 1]
    assert text.index("first") < text.index("A note by hand.") < text.index("second")
    assert "## 2026-02-15 09:30:05 UTC judged" in text


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (48, "48 s"), (59.6, "1 min 0 s"), (725, "12 min 5 s"), (7380, "2 h 3 min")],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_times_are_utc() -> None:
    assert utc(AT) == "2026-02-15 09:30 UTC"


@pytest.mark.parametrize(
    ("margin", "unit", "shown"),
    [(0.113, "fraction", "+11.3 pp"), (-0.02, "points", "-2.0 pp"), (0.0, "count", "+0"), (1.0, "event", "–")],
)
def test_margins_have_a_sign(margin: float, unit: str, shown: str) -> None:
    assert signed(margin, unit) == shown
