"""A digest says what the catalog says, once, whoever asks and however often; nobody's notes are touched."""

import json
import math
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import digest_numbers
import pytest
from calling import environment
from digest_day import EXPECTED, Day, as_expected, samples
from markdown_it import MarkdownIt
from small_proposals import write_proposal
from typer.testing import CliRunner

import tasks.digest
from db import catalog
from db.engine import open_catalog
from flows.cli import app
from proposals.workspace import Workspace
from tasks.digest import DigestError, Written, write_again, write_digest
from tasks.digest_parts import LISTED, escaped
from tasks.next_dollar import Record, chance_of, entropy

HAND = b"\r\n\n**Mine**: <!-- a comment --> | \xff\xfe {{ 7 * 7 }}\n<!-- notes --> twice, and $1,000,000\n"


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Day:
    made = Day(tmp_path)
    monkeypatch.setattr(tasks.digest, "now", made.now)
    return made


def catalog_of(place: Workspace) -> Path:
    return place.root / "db" / "catalog.sqlite"


def count(place: Workspace, table: str) -> int:
    with closing(sqlite3.connect(catalog_of(place))) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


# -- a day ---------------------------------------------------------------------------------------------------


def test_a_day_yields_exactly_these_digests(day: Day) -> None:
    """Four: every twelve hours, and one for the ten schedules that were missed. Rendered again at the end, each is
    what it was."""
    written = list(day.digests())
    assert [one.id for one in written] == [1, 2, 3, 4] + [None] * 9
    for one in written[:4]:
        assert one.path is not None
        document = one.path.read_bytes()
        assert as_expected(document.decode()) == (EXPECTED / f"{one.id}.md").read_text()
        one.path.unlink()
        assert write_again(day.place, one.id or 0) == one.path
        assert one.path.read_bytes() == document
    assert sorted(path.name for path in day.place.research_log.iterdir()) == [
        "2026-02-15-digest-0001.md",
        "2026-02-15-digest-0002.md",
        "2026-02-16-digest-0003.md",
        "2026-02-21-digest-0004.md",
        "index.md",
    ]
    index = (day.place.research_log / "index.md").read_text()
    assert re.findall(r"digest (\d)\]\((\S+)\)", index) == [
        (str(one.id), one.path.name) for one in reversed(written[:4]) if one.path
    ]


def test_every_number_is_a_number_of_the_catalog(day: Day) -> None:
    looked_at = 0
    for one in day.digests():
        if one.path is not None:
            assert digest_numbers.problems(one.path.read_text(), catalog_of(day.place)) == []
            looked_at += 1
    assert looked_at == 4


@pytest.mark.slow
def test_an_invented_number_is_found(day: Day) -> None:
    """What finds no problem above finds one wherever a number of the last two digests is another."""
    for one in day.digests():
        if one.path is None or one.id in (1, 2):
            continue
        document = one.path.read_text()
        numbers = list(re.finditer(r"\d+(?:\.\d+)?", document.split("<!-- notes -->")[0]))
        assert len(numbers) > 100
        for number in numbers:
            other = document[: number.start()] + altered(number[0]) + document[number.end() :]
            assert digest_numbers.problems(other, catalog_of(day.place)), f"{number[0]} at {number.start()}"


def altered(number: str) -> str:
    return number[:-1] + str((int(number[-1]) + 1) % 10)


# -- once ----------------------------------------------------------------------------------------------------


def test_nothing_is_written_where_nothing_has_changed(tmp_path: Path) -> None:
    place = write_proposal(tmp_path)
    first = write_digest(place)
    assert (first.id, first.summary.split(",")[1]) == (1, " 1 new proposal")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in place.research_log.iterdir()}
    assert [write_digest(place) for _ in range(3)] == [Written(None, None, "", ())] * 3
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in place.research_log.iterdir()} == before
    assert (count(place, "digest"), count(place, "proposal_version")) == (1, 1)


def test_of_processes_that_write_at_once_one_writes(tmp_path: Path) -> None:
    place = write_proposal(tmp_path)
    write_digest(place)
    with open_catalog(place.catalog_url) as opened:
        samples.fill(opened.engine)
    calls = [
        subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "digest", "--json"],
            env=environment(tmp_path), stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [json.loads(call.communicate(timeout=120)[0])["digest"] for call in calls]
    assert sorted(said, key=str) == [2, None]
    assert count(place, "digest") == 2
    assert len(list(place.research_log.glob("*.md"))) == 3


def test_who_loses_the_race_looks_again_and_finds_nothing_left(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process writes after this one has rendered, and before it stores."""
    store, others = tasks.digest.store_digest, []

    def late(*arguments: object, **named: object) -> bool:
        monkeypatch.setattr(tasks.digest, "store_digest", store)
        others.append(write_digest(day.place))
        return store(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks.digest, "store_digest", late)
    assert write_digest(day.place).id is None
    assert [other.id for other in others] == [1]
    assert len(list(day.place.research_log.glob("*digest*.md"))) == 1


def test_a_file_that_a_crash_left_unwritten_is_made_by_the_next_run(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(path: Path, content: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(tasks.digest, "_replace", crash)
        with pytest.raises(KeyboardInterrupt):
            write_digest(day.place)
    assert (count(day.place, "digest"), day.place.research_log.exists()) == (1, False)
    day.to(12)
    again = write_digest(day.place)
    assert (again.id, [path.name for path in again.restored]) == (None, ["2026-02-15-digest-0001.md"])
    assert as_expected(again.restored[0].read_text()) == (EXPECTED / "1.md").read_text()
    assert "digest-0001.md" in (day.place.research_log / "index.md").read_text()


# -- notes, and other people's files -------------------------------------------------------------------------


def test_notes_stay_byte_for_byte_and_all_else_is_made_anew(day: Day) -> None:
    path = write_digest(day.place).path
    assert path is not None
    document = path.read_bytes()
    noted = document.replace(b"<!-- notes -->\n", b"<!-- notes -->" + HAND)
    path.write_bytes(noted.replace(b"1 new proposal", b"99 new proposals"))
    write_again(day.place, 1)
    assert path.read_bytes() == noted
    path.write_bytes(document.replace(b"<!-- notes -->", b"Mine."))
    with pytest.raises(DigestError, match=r"has no notes between.*Put the two marks around it"):
        write_again(day.place, 1)
    assert b"Mine." in path.read_bytes()


def test_a_digest_that_would_read_otherwise_is_left_alone(day: Day) -> None:
    path = write_digest(day.place).path
    assert path is not None
    before = path.read_bytes()
    with closing(sqlite3.connect(catalog_of(day.place))) as connection:
        connection.execute("DROP TRIGGER proposal_version_no_update")
        connection.execute("UPDATE proposal_version SET title = 'Another'")
        connection.commit()
    with pytest.raises(DigestError, match=r"digest 1 would not read as it did on 2026-02-15.*left as it is"):
        write_again(day.place, 1)
    assert path.read_bytes() == before


def test_a_file_of_another_catalog_is_not_overwritten_and_what_people_wrote_is_in_the_index(day: Day) -> None:
    day.place.research_log.mkdir()
    theirs = day.place.research_log / "2026-02-15-digest-0001.md"
    theirs.write_text("theirs")
    (day.place.research_log / "2025 [first] thoughts.md").write_text("x")
    written = write_digest(day.place)
    assert written.path == theirs.with_name("2026-02-15-digest-0001-2.md")
    assert theirs.read_text() == "theirs"
    tokens = MarkdownIt().parse((day.place.research_log / "index.md").read_text())
    links = [child.attrs["href"] for token in tokens for child in token.children or () if child.type == "link_open"]
    assert links == [
        "2026-02-15-digest-0001-2.md", "2026-02-15-digest-0001.md", "2025%20%5Bfirst%5D%20thoughts.md",
    ]  # fmt: skip


# -- words ---------------------------------------------------------------------------------------------------

HOSTILE = (
    "<!-- /notes --> <script>x</script> | a `b` [c](http://d) ![e](f) **g** $h$ &amp; {{ 1 }} \\| i\n# j\r\n\u202e---"
)


def test_words_of_people_are_words_and_nothing_else(day: Day) -> None:
    write_digest(day.place)
    with open_catalog(day.place.catalog_url) as opened:
        engine = opened.engine
        hostile = samples.proposal().model_copy(update={"title": HOSTILE, "priority": HOSTILE, "based_on": (HOSTILE,)})
        frozen = samples.register(engine)
        catalog.record_proposal(engine, hostile, samples.NOW)
        experiment = samples.start(engine, frozen)
        here = {"executor": "local", "host": HOSTILE, "boot_id": "b", "now": samples.NOW}
        runs = catalog.runs_without_result(engine, experiment)[:2]
        first, _ = (catalog.begin_attempt(engine, experiment, run.key, **here) for run in runs)
        catalog.end_attempt(engine, first, "failed", seconds=1, dollars=0, reason=HOSTILE, now=samples.NOW)
        catalog.record_judgement(engine, frozen, experiment, samples.judgement(reason=HOSTILE), "e" * 64, samples.NOW)
    path = write_digest(day.place).path
    assert path is not None
    document = path.read_text()
    assert [document.count(mark) for mark in ("<!-- notes -->", "<!-- /notes -->", "<")] == [1, 1, 2]
    body = document.split("---\n", 2)[2]
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(body)
    inline = [child for token in tokens for child in token.children or ()]
    marks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert marks == ["<!-- notes -->", "<!-- /notes -->"]
    assert {child.type for child in inline} - {"softbreak"} == {"text", "code_inline"}
    read = " ".join(HOSTILE.replace("\u202e", " ").split())
    texts = ["".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"]
    assert sum(read in text for text in texts) >= 6, "title twice, priority, trick, host, two reasons: as they were"
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    assert headings == ["h1", "h2", "h3", *["h2"] * 9]


def test_words_are_cut_where_they_go_on_for_too_long() -> None:
    assert escaped("x" * 1000) == "x" * 240 + " …"
    assert escaped("> 80 %, not <b>") == "> 80 %, not &lt;b>"
    assert escaped("a\tb\x00c\x1b[31m") == "a b c \\[31m"


# -- the next dollar -----------------------------------------------------------------------------------------


def test_chance_and_information_by_hand() -> None:
    records = {"a": Record(5, 4, 3, 0), "b": Record(2, 2, 0, 1), "c": Record(1, 1, 0, 0)}
    assert chance_of((), records) == 0.5
    assert chance_of(("never seen",), records) == 0.5
    assert chance_of(("a",), records) == 4 / 5
    assert chance_of(("a", "b", "c"), records) == pytest.approx((4 / 5 + 1 / 3 + 1 / 2) / 3)
    assert entropy(0.5) == 1
    assert entropy(0.8) == pytest.approx(0.721928, abs=1e-6)
    assert entropy(0.2) == pytest.approx(entropy(0.8))
    assert entropy(1.0) == 0
    assert not math.isnan(entropy(0.0))


def test_open_proposals_are_in_the_order_of_information_for_their_price(day: Day) -> None:
    """Free ones by the minute first, then by the dollar, then those that nobody has estimated. A verdict at a reduced
    fidelity leaves the question open; one as specified does not."""
    for number, cost, trick in (
        ("201", "minutes: 4, dollars: 0", "linear-attention"),
        ("202", "minutes: 9, dollars: 2", "linear-attention"),
        ("203", "minutes: 9, dollars: 0.5", "cosformer"),
    ):
        write_proposal(day.place.root, f"{number}-small")
        path = day.place.proposals / f"{number}-small.md"
        text = path.read_text().replace("compute: {minutes: 1, dollars: 0}", f"compute: {{{cost}}}")
        path.write_text(text.replace("based_on: [linear-attention]", f"based_on: [{trick}]"))
    with open_catalog(day.place.catalog_url) as opened:
        engine = opened.engine
        for number, fidelity in (("301", "reduced"), ("302", "specified")):
            frozen = samples.registration(f"{number}-judged", fidelity)
            registration = samples.register(engine, frozen)
            experiment = samples.start(engine, registration, seeds=0)
            catalog.record_judgement(engine, registration, experiment, samples.judgement(), "e" * 64, samples.NOW)
    path = write_digest(day.place).path
    assert path is not None
    table = path.read_text().split("## The next dollar")[1]
    found = re.findall(r"^\| \d+ \| (\S+) \|.*\| (.*) \|$", table, re.MULTILINE)
    # two ideas on cosformer proceeded: a chance of 3/4, 0.811 bits
    assert found == [
        ("101-small-recall", "1.0000 bits per minute"),
        ("201-small", "0.2500 bits per minute"),
        ("203-small", "1.6226 bits per dollar"),
        ("202-small", "0.5000 bits per dollar"),
        ("301-judged", "–"),
    ]
    assert digest_numbers.problems(path.read_text(), catalog_of(day.place)) == []


def test_long_lists_are_cut_and_say_so(day: Day) -> None:
    with open_catalog(day.place.catalog_url) as opened:
        for number in range(LISTED + 7):
            proposal = samples.proposal(f"{300 + number}-one-of-many")
            catalog.record_proposal(opened.engine, proposal, datetime(2026, 2, 15, tzinfo=UTC))
    path = write_digest(day.place).path
    assert path is not None
    section = path.read_text().split("## Proposals")[1].split("## Registrations")[0]
    assert section.count("\n| ") == 1 + LISTED
    assert "\nAnd 8 more: `mve sql" in section  # and 101


# -- by hand -------------------------------------------------------------------------------------------------


def test_by_hand(day: Day) -> None:
    here = ["--workspace", str(day.place.root)]
    call = CliRunner()
    first = call.invoke(app, ["digest", *here])
    path = day.place.research_log / "2026-02-15-digest-0001.md"
    assert (first.exit_code, first.stdout) == (0, f"{path}\n")
    second = call.invoke(app, ["digest", "--json", *here])
    assert json.loads(second.stdout) == {"digest": None, "path": None, "summary": "", "restored": []}
    path.unlink()
    again = call.invoke(app, ["digest", "--again", "1", "--json", *here])
    assert json.loads(again.stdout) == {"digest": 1, "path": str(path)}
    assert as_expected(path.read_text()) == (EXPECTED / "1.md").read_text()
    missing = call.invoke(app, ["digest", "--again", "7", *here])
    assert "there is no digest 7" in str(missing.exception)
