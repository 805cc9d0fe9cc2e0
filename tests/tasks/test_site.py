"""The site says what the catalog says, obeys nobody's text, and writes only what changed."""

import json
import random
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlsplit

import pytest
from typer.testing import CliRunner

from db import catalog
from db.catalog import Point, ProposalLine, open_catalog
from proposals.judging.outcomes import CriterionOutcome, SeedOutcome
from proposals.judging.subject import Subject
from proposals.spec import Setup
from proposals.workspace import Workspace, find_workspace
from tasks.site import listing, numbers, write_site
from tasks.site.criterion_chart import draw_criterion
from tasks.site.line_chart import Axes, Series, draw_lines
from tasks.site.prose import Links, in_line, to_html
from tasks.site.rendering import render_page
from tasks.site.scatter_chart import Dot, draw_scatter, frontier
from tasks.site.svg import apart, log_ticks, ticks

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))
import catalog_samples as samples

NASTY = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
DOCUMENT = """---
id: "008"
based_on: [x]
---
# Title

## Hypothesis

Two *states* beat one. <script>alert(3)</script> <b onclick="alert(4)">bold</b>
[bad](javascript:alert(5)) [data](data:text/html,x) [there](https://example.org/a) [log](../research-log/one.md)
[elsewhere](//example.org) [gone](missing.md) ![picture](https://example.org/i.png)

## Minimum Viable Experiment

| a | b |
|---|---|
| 1 | 2 |
"""
LOG = """---
title: A <b>day</b>
date: 2026-02-15T03:52:00
proposals: 2
---
## What happened

<!-- notes -->

See [008](../proposals/008-cosine-log-linear-attention.md).
"""


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A workspace with everything in it that a reader could meet, some of it hostile."""
    (tmp_path / "proposals").mkdir()
    (tmp_path / "research-log").mkdir()
    (tmp_path / "proposals" / f"{samples.STEM}.md").write_text(DOCUMENT)
    (tmp_path / "research-log" / "one.md").write_text(LOG)
    (tmp_path / "research-log" / "README.md").write_text("# The index of the log\n")
    place = find_workspace(tmp_path, str(tmp_path / "db" / "catalog.sqlite"))
    with open_catalog(place.catalog_url) as opened:
        frozen, _ = samples.fill(opened.engine)
        hostile = samples.proposal("033-hostile", based_on=(NASTY,)).model_copy(update={"title": NASTY})
        catalog.record_proposal(opened.engine, hostile, samples.NOW)
        catalog.add_log(opened.engine, "033-hostile", "note", NASTY, samples.NOW)
        catalog.overrule(opened.engine, frozen, "DEBUG", name="Ada", reason=NASTY, now=samples.LATER)
    return place


class Seen(HTMLParser):
    """Elements and attributes as a browser would meet them, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def pages(out: Path) -> Iterator[tuple[Path, Seen]]:
    for path in sorted(out.rglob("*.html")):
        yield path, Seen(path.read_text())


# -- the whole ------------------------------------------------------------------------------------------------


def test_every_link_leads_to_a_page_and_nothing_is_loaded_from_elsewhere(place: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "site"
    write_site(place, out, newest=200)
    names = {path.relative_to(out).as_posix() for path, _ in pages(out)}
    stems = {samples.STEM, "022-displacement-rank", "033-hostile"}
    assert names == {"index.html", "overview.html", "log.html", "log/one.html"} | {f"proposals/{s}.html" for s in stems}
    outside = set()
    for path, seen in pages(out):
        assert {tag for tag, _ in seen.elements} & {"img", "iframe", "object", "embed", "video", "base"} == set()
        loaded = [a.get("src") for a in seen.all("script")] + [a.get("href") for a in seen.all("link")]
        for link in [*loaded, *(a.get("href") for a in seen.all("a"))]:
            assert link is not None
            parts = urlsplit(link)
            if parts.scheme:
                assert link not in loaded
                outside.add(link)
            elif parts.path:
                assert (path.parent / unquote(parts.path)).is_file(), (path, link)
            else:
                assert any(a.get("id") == parts.fragment for _, a in seen.elements), (path, link)
    assert outside == {"https://example.org/a"}


def test_text_is_shown_and_never_obeyed(place: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "site"
    write_site(place, out, newest=200)
    told = ""
    for path, seen in pages(out):
        scripts = [attributes.get("src") for attributes in seen.all("script")]
        assert scripts == (["proposals.js", "filter.js"] if path.name == "index.html" else []), path
        assert not [name for _, attributes in seen.elements for name in attributes if name.startswith("on")], path
        told += seen.text
    assert told.count("alert(2)") >= 5  # title, trick, log entry and the reason of who overruled, as words
    assert "alert(3)" in told
    assert "notes -->" not in told
    assert "image: picture" in told
    data = (out / "proposals.js").read_text()
    rows = json.loads(data.removeprefix("var catalog = ").strip().removesuffix(";"))["rows"]
    assert NASTY in [title for _, _, title, *_ in rows]


def test_the_same_is_written_once(place: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "site"
    first = write_site(place, out, newest=200)
    assert sorted(first.files) == sorted(first.changed)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.rglob("*") if path.is_file()}
    assert write_site(place, out, newest=200).changed == []
    assert before == {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.rglob("*") if path.is_file()}

    write_site(place, tmp_path / "again", newest=200)
    assert {p.relative_to(out): p.read_bytes() for p in before} == {
        p.relative_to(tmp_path / "again"): p.read_bytes() for p in (tmp_path / "again").rglob("*") if p.is_file()
    }
    with open_catalog(place.catalog_url) as opened:
        catalog.add_log(opened.engine, "022-displacement-rank", "note", "a look by hand", samples.LATER)
    assert write_site(place, out, newest=200).changed == ["proposals/022-displacement-rank.html"]


def test_only_the_newest_get_a_page_and_the_others_no_link(place: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "site"
    write_site(place, out, newest=1)
    assert [path.stem for path in (out / "proposals").iterdir()] == [samples.STEM]
    index = Seen((out / "index.html").read_text())
    linked = [a["href"] for a in index.all("a") if str(a.get("href")).startswith("proposals/")]
    assert linked == [f"proposals/{samples.STEM}.html"]
    assert "022" in index.text


def test_a_page_says_what_was_decided_and_measured(place: Workspace, tmp_path: Path) -> None:
    write_site(place, tmp_path / "site", newest=200)
    text = Seen((tmp_path / "site" / "proposals" / f"{samples.STEM}.html").read_text()).text
    for said in (
        "DEBUG", "Overruled by Ada", "The criteria say PROCEED", "every target holds", "two seeds", "beat one",
        "cos_log_linear.test_accuracy", "85.0 % to 95.0 %", "1 of 2", "gap=wide, length=512", "30.0 %", "25,000",
        "$0.08 of $0.50 estimated", "All registrations", "this page", "2026-02-15 10:00 UTC judged PROCEED",
    ):  # fmt: skip
        assert said in text, said
    failing = Seen((tmp_path / "site" / "proposals" / "022-displacement-rank.html").read_text()).text
    assert "under way" in failing
    assert "cosformer, seed 0, attempt 1: preempted, node taken" in failing
    unregistered = Seen((tmp_path / "site" / "proposals" / "033-hostile.html").read_text()).text
    assert "not registered" in unregistered


def test_each_page_can_be_walked_by_keyboard_and_by_ear(place: Workspace, tmp_path: Path) -> None:
    write_site(place, tmp_path / "site", newest=200)
    for path, seen in pages(tmp_path / "site"):
        levels = [int(tag[1]) for tag, _ in seen.elements if tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
        assert levels.count(1) == 1, path
        assert all(later <= earlier + 1 for earlier, later in pairwise(levels)), (path, levels)
        assert seen.all("html") == [{"lang": "en"}]
        assert seen.all("a")[0]["href"] == "#main"
        assert all(chart.get("aria-label") for chart in seen.all("svg"))
        regions = [a for tag, a in seen.elements if a.get("class") == "scroll"]
        assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in regions)


def test_an_altered_registration_is_told_and_the_others_are_shown(place: Workspace, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "db" / "catalog.sqlite")) as connection, connection:
        guards = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'registration'"
        for (name,) in connection.execute(guards).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE registration SET canonical_json = replace(canonical_json, '0.8', '0.7') WHERE id = 1"
        )
    write_site(place, tmp_path / "site", newest=200)
    altered = Seen((tmp_path / "site" / "proposals" / f"{samples.STEM}.html").read_text()).text
    assert "cannot be shown" in altered
    assert "was altered" in altered
    assert "beat one" in altered
    assert "Criteria" in Seen((tmp_path / "site" / "proposals" / "022-displacement-rank.html").read_text()).text


def test_the_command_says_what_it_wrote(place: Workspace, tmp_path: Path) -> None:
    from flows.cli import app

    asked = ["pages", "--workspace", str(tmp_path), "--catalog", place.catalog_url, "--newest", "2"]
    told = json.loads(CliRunner().invoke(app, [*asked, "--json"], catch_exceptions=False).stdout)
    assert Path(told["index"]) == tmp_path / "site" / "index.html"
    assert told["files"] == len(told["changed"]) == 9
    assert "9 files, 0 of them new or changed" in CliRunner().invoke(app, asked, catch_exceptions=False).stdout


def test_an_empty_catalog_has_a_site_too(tmp_path: Path) -> None:
    (tmp_path / "proposals").mkdir()
    open_catalog(tmp_path / "catalog.sqlite").close()
    site = write_site(find_workspace(tmp_path, str(tmp_path / "catalog.sqlite")), tmp_path / "site", newest=200)
    assert "no proposal yet" in (tmp_path / "site" / "index.html").read_text()
    assert len(site.files) == 6


# -- prose ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#115;cript:alert(1)", "vbscript:x", "data:text/html,x",
     "file:///etc/passwd", "//example.org/x", "ftp://example.org"],
)  # fmt: skip
def test_other_links_are_words(link: str) -> None:
    links = Links(Path("/w/proposals"), Path("/w/site"), {})
    html = to_html(f"[x]({link}) <{link}>\n\n[y][1]\n\n[1]: {link}\n", 2, links)
    assert Seen(html).all("a") == []
    assert Seen(in_line(f"[x]({link})")).all("a") == []


def test_documents_lead_to_each_others_pages() -> None:
    links = Links(
        Path("/w/proposals"), Path("/w/site/proposals"), {Path("/w/research-log/a b.md"): Path("/w/site/log/a b.html")}
    )
    (link,) = Seen(to_html("[x](../research-log/a%20b.md#part) [y](other.md)", 2, links)).all("a")
    assert link["href"] == "../log/a b.html"


def test_headings_fit_below_those_of_the_page() -> None:
    html = to_html("# One\n## Two\n###### Six", 3, Links(Path("/w"), Path("/w"), {}))
    assert [tag for tag, _ in Seen(html).elements] == ["h3", "h4", "h6"]


# -- charts ---------------------------------------------------------------------------------------------------


def outcome(decision: str, achieved: float | None = 0.9, unit: str = "fraction") -> CriterionOutcome:
    return CriterionOutcome.model_validate(
        {
            "id": "S1", "section": "success", "role": "target", "text": "", "canonical": "a.x > 0.8", "reason": "",
            "decision": decision, "estimand": "", "achieved": achieved, "low": 0.7, "high": 0.95, "target": "> 80 %",
            "margin": 0.1, "unit": unit, "seeds": (SeedOutcome(seed=0, holds=True, value=0.9),), "look": None,
        }
    )  # fmt: skip


def test_a_decision_shows_in_the_shape_of_its_drawing() -> None:
    subject = Subject(None, "fraction", "> 80 %", low=0.8)
    drawn = {word: draw_criterion(outcome(word), subject) for word in ("holds", "fails", "undecided", "set_aside")}
    assert all(drawn.values())
    style = (Path(__file__).parents[2] / "templates" / "site" / "style.css").read_text()
    assert 'class="interval undecided"' in str(drawn["undecided"])
    assert ".interval.undecided { fill: var(--paper); fill-opacity: .5; stroke-dasharray" in style
    assert '<line x1="248" y1="34"' in str(drawn["set_aside"])  # a line, no bar: 10 + 0.7 * 340
    assert "undecided" in str(drawn["undecided"]).split("aria-label")[1].split(">")[0]


def test_what_was_counted_has_no_drawing() -> None:
    assert draw_criterion(outcome("holds", unit="count"), Subject(None, "count", "== 0")) is None
    assert draw_criterion(outcome("set_aside", achieved=None), Subject(None, "fraction", "> 80 %", low=0.8)) is None


def test_the_frontier_is_what_no_other_beats() -> None:
    chance = random.Random(3)
    for _ in range(50):
        dots = [
            Dot(str(number), chance.choice([1.0, 2.0, 4.0, 8.0, 16.0]), round(chance.random(), 1), False)
            for number in range(chance.randint(1, 12))
        ]
        beaten = {
            dot for dot in dots for other in dots
            if (other.size <= dot.size and other.accuracy > dot.accuracy)
            or (other.size < dot.size and other.accuracy >= dot.accuracy)
        }  # fmt: skip
        wanted = {(dot.size, dot.accuracy) for dot in set(dots) - beaten}
        assert [(dot.size, dot.accuracy) for dot in frontier(dots)] == sorted(wanted)
        assert "<svg" in draw_scatter(dots, frontier(dots), "title", "x", "")


def test_a_seed_that_stopped_keeps_its_last_value() -> None:
    setup = Setup.model_validate(samples.SETUP)
    values = {0: [0.1, 0.9], 1: [0.2, 0.3, 0.4], 2: [0.0, 0.1, 0.2]}
    points = [
        Point("cosformer", seed, "validation_accuracy", epoch, value)
        for seed, each in values.items()
        for epoch, value in enumerate(each, start=1)
    ]
    (line,) = numbers.curves(setup, points, "validation_accuracy")
    assert (line.name, line.proposed) == ("cosformer", False)
    assert line.points == ((1, 0.0, 0.1, 0.2), (2, 0.1, 0.3, 0.9), (3, 0.2, 0.4, 0.9))


def test_accuracy_by_length_takes_the_trained_length_along() -> None:
    setup = Setup.model_validate(samples.SETUP)
    measured = [
        catalog.Number(variant, seed, "test_accuracy", condition, value, "fraction")
        for variant, seed, condition, value in (
            ("cosformer", 0, {}, 0.9), ("cosformer", 1, {}, 0.7), ("cosformer", 0, {"length": 512}, 0.5),
            ("cosformer", 1, {"length": 512}, 0.1), ("cosformer", 0, {"length": 64, "gap": "wide"}, 0.0),
        )
    ]  # fmt: skip
    (line,) = numbers.by_length(setup, measured)
    assert line.points == ((128.0, 0.7, median([0.7, 0.9]), 0.9), (512.0, 0.1, 0.3, 0.5))
    assert numbers.by_length(setup, measured[:2]) == []
    assert "trained at 128" in str(draw_lines([line], numbers.length_axes(setup, "008")))


def test_lines_differ_without_colour() -> None:
    series = [Series(f"v{number}", ((1, 0.1, 0.2, 0.3), (2, 0.2, 0.4, 0.5))) for number in range(6)]
    drawn = str(draw_lines(series, Axes("t", "epoch", "accuracy")))
    style = (Path(__file__).parents[2] / "templates" / "site" / "style.css").read_text()
    dashes = {style.split(f".line.s{number} {{ stroke-dasharray: ")[1].split(" }")[0] for number in range(1, 6)}
    assert len(dashes) == 5
    for one in series:
        assert f">{one.name}</text>" in drawn
    assert draw_lines([], Axes("t", "epoch", "accuracy")) is None


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(5, 5) == [5]
    assert log_ticks(1, 1000) == [1, 10, 100, 1000]
    chance = random.Random(1)
    for _ in range(200):
        low, span = chance.uniform(-1e3, 1e3), 10 ** chance.uniform(-6, 6)
        found = ticks(low, low + span, 5)
        assert 2 <= len(found) <= 9
        assert all(low - 1e-6 * span <= value <= low + span * (1 + 1e-6) for value in found)


def test_labels_keep_apart() -> None:
    chance = random.Random(2)
    for _ in range(100):
        wanted = [chance.uniform(0, 100) for _ in range(chance.randint(1, 9))]
        placed = sorted(apart(wanted, 10, 0, 100))
        assert all(later - earlier > 9.99 for earlier, later in pairwise(placed))
        assert placed[0] >= -1e-9
        assert placed[-1] <= 100 + 1e-9
    assert apart([10, 50], 10, 0, 100) == [10, 50]


# -- the index ------------------------------------------------------------------------------------------------


def test_ten_thousand_proposals_with_long_names_fit() -> None:
    every_trick = [f"a-trick-with-a-name-of-some-length-{number:03d}" for number in range(200)]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines = [
        ProposalLine(
            f"{number:05d}-a-proposal-whose-file-has-a-long-name-{number}", f"{number:05d}",
            f"A proposal whose title is about as long as titles are, number {number}",
            tuple(every_trick[number % 190 : number % 190 + 3]), first_seen=start, registered_at=start,
            started_at=start, verdict="INCONCLUSIVE", overruled_by=None, fidelity="specified", seeds=5,
            judged_at=start + timedelta(hours=number), registration_id=number, minutes=3.0, dollars=0.25, open=0,
        )
        for number in range(10_000)
    ]  # fmt: skip
    assert listing.newest_first(lines) == lines[::-1]
    rows = [listing.row(one, True) for one in lines]
    data = listing.data(rows, listing.tricks(lines))
    page = render_page(
        "index.html.j2", root="", rows=rows[: listing.ON_A_PAGE], first=1, total=len(rows),
        counts=listing.counts(lines), tricks=every_trick, newer=None, older="index-2.html",
    )  # fmt: skip
    assert len(page.encode()) + len(data.encode()) < 2_000_000
    stated = json.loads(data.removeprefix("var catalog = ").strip().removesuffix(";"))
    assert len(stated["rows"]) == 10_000
    number, rest, title, state, *_ = stated["rows"][7]
    assert (number + rest, title, stated["states"][state]) == (lines[7].stem, lines[7].title, "INCONCLUSIVE")
    assert "1 to 500 of 10,000" in Seen(page).text
