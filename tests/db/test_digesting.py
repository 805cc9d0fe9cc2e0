"""Cursors: every row falls into one window, whatever its clock said, and what a cursor covers never changes."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from catalog_samples import HERE, LATER, NOW, STEM, collect, fill, judgement, proposal, register, registration, start
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from db import catalog
from db.catalog import Cursor, Story, Window
from db.engine import reading, writing

SHA = "5" * 64


def digest(engine: Engine) -> Window | None:
    """What `mve digest` does, but for the rendering."""
    catalog.take_stock(engine, {}, NOW)
    window = catalog.next_window(engine)
    if window is not None:
        assert catalog.store_digest(engine, window, sha256=SHA, path=f"{window.id}.md", summary="", now=NOW)
    return window


def must(window: Window | None) -> Window:
    assert window is not None
    return window


def new_in(engine: Engine, window: Window) -> dict[str, list[int]]:
    """Ids of what the window covers, by table."""
    story, start = catalog.story_until(engine, window.start, window.end), window.start
    return {
        "versions": [row.id for row in story.versions if row.id > start.proposal_version],
        "registrations": [row.id for row in story.registrations if row.id > start.registration],
        "experiments": [row.id for row in story.experiments if row.id > start.experiment],
        "begun": [row.id for row in story.attempts if row.id > start.attempt],
        "ended": [
            row.id
            for row in story.attempts
            if row.state is not None and (row.id > start.attempt or row.id in start.open)
        ],
        "verdicts": [row.id for row in story.verdicts if row.id > start.verdict],
    }


def test_an_empty_catalog_has_nothing_to_tell(engine: Engine) -> None:
    assert digest(engine) is None
    assert catalog.digests(engine) == []


def test_windows_join_without_gap_or_overlap_though_all_clocks_say_the_same(engine: Engine) -> None:
    """A digest after every step, each at one and the same moment: together they have every row once."""
    windows = []
    frozen = register(engine)
    windows.append(digest(engine))
    experiment = start(engine, frozen)
    windows.append(digest(engine))
    for run in catalog.runs_without_result(engine, experiment):
        attempt = catalog.begin_attempt(engine, experiment, run.key, **HERE, now=NOW)
        windows.append(digest(engine))
        assert attempt is not None
        collect(engine, attempt, run.seed)
        windows.append(digest(engine))
    catalog.record_judgement(engine, frozen, experiment, judgement(), SHA, NOW)
    windows.append(digest(engine))
    catalog.overrule(engine, frozen, "DEBUG", name="Ada", reason="because", now=NOW)
    windows.append(digest(engine))
    assert digest(engine) is None

    seen: dict[str, list[int]] = {}
    for window in map(must, windows):
        for table, ids in new_in(engine, window).items():
            seen[table] = seen.get(table, []) + ids
    assert seen == {
        "versions": [1], "registrations": [1], "experiments": [1], "begun": [1, 2, 3, 4], "ended": [1, 2, 3, 4],
        "verdicts": [1, 2],
    }  # fmt: skip
    assert [must(window).id for window in windows] == list(range(1, len(windows) + 1))
    stored = [one.window for one in catalog.digests(engine)]
    assert stored == [must(window) for window in windows]
    assert [one.start for one in stored] == [Cursor(), *(one.end for one in stored[:-1])]


def test_a_row_whose_clock_is_behind_is_in_the_next_window(engine: Engine) -> None:
    frozen = register(engine, now=LATER)
    experiment = start(engine, frozen, now=LATER)
    must(digest(engine))
    catalog.record_judgement(engine, frozen, experiment, judgement(), SHA, NOW - timedelta(days=300))
    assert new_in(engine, must(digest(engine)))["verdicts"] == [1]


def test_what_a_cursor_covers_stays_as_it_was(engine: Engine) -> None:
    """An attempt open then is open for ever at that cursor, though it has ended; a result that came late came later;
    a title that was edited reads as it did."""
    frozen = register(engine)
    experiment = start(engine, frozen, seeds=1)
    first, second = (
        catalog.begin_attempt(engine, experiment, run.key, **HERE, now=NOW)
        for run in catalog.runs_without_result(engine, experiment)
    )
    windows, stories = [], list[Story]()
    for step in range(4):
        if step == 1:
            catalog.end_attempt(engine, first, "lost", seconds=1.0, dollars=0.5, reason="gone", now=NOW)
        if step == 2:
            collect(engine, first, 0)
            catalog.record_proposal(engine, proposal().model_copy(update={"title": "Edited"}), LATER)
        if step == 3:
            collect(engine, second, 0)
            register(engine, registration(s1="cos_log_linear.test_accuracy > 0.7"))
        windows.append(must(digest(engine)))
        stories.append(catalog.story_until(engine, windows[-1].start, windows[-1].end))
    assert [catalog.story_until(engine, window.start, window.end) for window in windows] == stories
    assert [[(one.state, one.result) for one in story.attempts] for story in stories] == [
        [(None, False), (None, False)],
        [("lost", False), (None, False)],
        [("lost", True), (None, False)],
        [("lost", True), ("collected", True)],
    ]
    assert [story.versions[-1].title for story in stories[1:3]] == ["Cosine-Reweighted Log-Linear Attention", "Edited"]
    assert [len(story.deviations) for story in stories] == [0, 0, 0, 1]
    assert [one.window.end.open for one in catalog.digests(engine)] == [(1, 2), (2,), (2,), ()]
    assert [one.window.end.late for one in catalog.digests(engine)] == [(), (), (1,), (1,)]


def test_of_two_that_took_the_same_window_one_is_stored(engine: Engine) -> None:
    register(engine)
    catalog.take_stock(engine, {}, NOW)
    window, same = must(catalog.next_window(engine)), must(catalog.next_window(engine))
    assert catalog.store_digest(engine, window, sha256=SHA, path="a.md", summary="", now=NOW)
    assert not catalog.store_digest(engine, same, sha256=SHA, path="b.md", summary="", now=NOW)
    assert [one.path for one in catalog.digests(engine)] == ["a.md"]
    # and below our own care, the key
    with pytest.raises(DBAPIError), writing(engine) as session:
        _insert_again(session)


def _insert_again(session: Session) -> None:
    session.connection().execute(text("INSERT INTO digest SELECT * FROM digest"))


def test_digests_and_versions_are_append_only(engine: Engine) -> None:
    register(engine)
    must(digest(engine))
    for statement in (
        "DELETE FROM digest", "UPDATE digest SET path = 'x'", "DELETE FROM proposal_version",
        "UPDATE proposal_version SET title = 'x'",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match="append-only"), writing(engine) as session:
            session.connection().execute(text(statement))


def test_a_version_for_each_edit_and_the_estimate_of_an_unchanged_document(engine: Engine) -> None:
    catalog.record_proposal(engine, proposal(), NOW)
    assert catalog.take_stock(engine, {STEM: (0.5, 15.0)}, NOW) == 1
    assert catalog.take_stock(engine, {}, NOW) == 0
    assert catalog.known_sources(engine) == {STEM: "a" * 64}
    catalog.record_proposal(engine, proposal(based_on=("cosformer",)), LATER)
    assert catalog.take_stock(engine, {}, LATER) == 1
    catalog.record_proposal(engine, proposal().model_copy(update={"source_sha256": "b" * 64}), LATER)
    assert catalog.take_stock(engine, {}, LATER) == 1
    story = catalog.story_until(engine, Cursor(), must(catalog.next_window(engine)).end)
    assert [(row.tricks, row.estimate_dollars, row.estimate_minutes) for row in story.versions] == [
        (("cosformer", "log-linear-attention"), 0.5, 15.0),
        (("cosformer",), 0.5, 15.0),
        (("cosformer", "log-linear-attention"), None, None),
    ]


def test_attempts_and_verdicts_in_full(engine: Engine) -> None:
    frozen, experiment = fill(engine)
    catalog.overrule(engine, frozen, "DEBUG", name="Ada", reason="because", now=LATER)
    last, open_one = catalog.attempts_with(engine, [5, 6])
    assert (last.variant, last.seed, last.state, last.reason, last.ended_at) == (
        "cosformer", 0, "preempted", "node taken", LATER,
    )  # fmt: skip
    assert (open_one.seed, open_one.state, open_one.submitted_at) == (1, None, NOW)
    details = catalog.details_of(engine, [1, 2])
    assert (details[1].rule, details[1].seeds, details[2].rule, details[2].seeds) == (6, 2, None, 2)
    assert details[1].outcomes == details[2].outcomes
    assert [(one.criterion, one.role, one.margin, one.decision) for one in details[2].outcomes] == [
        ("S1", "target", 0.1, "holds"), ("S2", "expectation", 0.1, "holds"), ("F1", "kill", 0.1, "fails"),
    ]  # fmt: skip
    assert details[2].reasons == ("because",)
    assert experiment == 1


def test_a_cursor_survives_its_json(engine: Engine) -> None:
    cursor = Cursor(1, 2, 3, 4, 5, (6, 7), (8,))
    assert Cursor.from_json(cursor.as_json()) == cursor
    with reading(engine) as session:
        assert session.connection().execute(text("SELECT COUNT(*) FROM digest")).scalar_one() == 0


def test_a_day_reads_alike_on_both(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))
    from digest_day import EXPECTED, Day, as_expected

    day = Day(tmp_path, url)
    monkeypatch.setattr("tasks.digest.now", day.now)
    written = [one for one in day.digests() if one.path]
    assert [as_expected(one.path.read_text()) for one in written if one.path] == [
        (EXPECTED / f"{one.id}.md").read_text() for one in written
    ]
    assert len(written) == 4
