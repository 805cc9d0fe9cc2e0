"""The whole site, top to bottom. It opens from disk: no server, no network, no clock; the same catalog and files give
the same bytes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db.catalog import ProposalLine, open_catalog, proposal_lines
from proposals.reading import path_of
from proposals.workspace import Workspace
from tasks.site.journal import Entry, body, entries
from tasks.site.listing import ON_A_PAGE, counts, data, newest_first, row, tricks
from tasks.site.overview import synthetics
from tasks.site.proposal_page import proposal_page
from tasks.site.prose import Links
from tasks.site.rendering import TEMPLATES, Written, render_page

LENGTHS = 12
"""Experiments whose accuracy by length the overview shows; each has it on its own page too."""


def write_site(place: Workspace, out: Path, newest: int) -> Written:
    """The index of all proposals, a page for each of the `newest` that were active last, the overview and the research
    log. Pages of older proposals that are there already stay: whatever had happened to one would have made it new."""
    site = Written(out)
    for asset in ("style.css", "filter.js"):
        site.put(asset, (TEMPLATES / asset).read_text(encoding="utf-8"))
    journal = entries(place.research_log)
    with open_catalog(place.catalog_url, read_only=True) as catalog:
        lines = newest_first(proposal_lines(catalog.engine))
        known = _shown_where(place, out, lines[:newest], journal)
        lengths = _write_proposals(catalog.engine, place, site, lines[:newest], known)
        charts = synthetics(catalog.engine, lines)
    with_page = {one.stem for one in lines if (out / _page(one.stem)).is_file()}
    overview = {"synthetics": charts, "lengths": lengths[:LENGTHS], "more_lengths": len(lengths) > LENGTHS}
    site.put("overview.html", render_page("overview.html.j2", root="", with_page=with_page, **overview))
    _write_index(site, lines, with_page)
    _write_journal(site, journal, known)
    return site


def _page(stem: str) -> str:
    return f"proposals/{stem}.html"


def _shown_where(
    place: Workspace, out: Path, lines: Sequence[ProposalLine], journal: Sequence[Entry]
) -> dict[Path, Path]:
    """Files of the workspace that documents may link to, and the page that shows what each says."""
    known = {entry.source: out / "log" / f"{entry.name}.html" for entry in journal}
    for one in lines:
        page, folder = out / _page(one.stem), place.experiments / one.stem
        known |= {path_of(place.proposals, one.stem): page, folder / "results.md": page, folder / "log.md": page}
    return known


def _write_proposals(
    engine: Engine, place: Workspace, site: Written, lines: Sequence[ProposalLine], known: Mapping[Path, Path]
) -> list[dict[str, Any]]:
    """The proposals' pages. Returns the charts of accuracy by length that came up on the way."""
    lengths = []
    for one in lines:
        links = Links(path_of(place.proposals, one.stem).parent, site.root / "proposals", known)
        page = proposal_page(engine, place, one, links)
        site.put(_page(one.stem), render_page("proposal.html.j2", root="../", **page.context))
        if page.lengths:
            lengths.append({"proposal": one, "svg": page.lengths})
    return lengths


def _write_index(site: Written, lines: Sequence[ProposalLine], with_page: set[str]) -> None:
    rows = [row(one, one.stem in with_page) for one in lines]
    every_trick = tricks(lines)
    parts = [rows[start : start + ON_A_PAGE] for start in range(0, len(rows), ON_A_PAGE)] or [[]]
    names = ["index.html", *(f"index-{number}.html" for number in range(2, len(parts) + 1))]
    for number, (name, part) in enumerate(zip(names, parts, strict=True)):
        context = {
            "rows": part,
            "first": number * ON_A_PAGE + 1,
            "total": len(rows),
            "counts": counts(lines),
            "tricks": every_trick,
            "newer": names[number - 1] if number else None,
            "older": names[number + 1] if number + 1 < len(names) else None,
        }
        site.put(name, render_page("index.html.j2", root="", **context))
    site.put("proposals.js", data(rows, every_trick))


def _write_journal(site: Written, journal: Sequence[Entry], known: Mapping[Path, Path]) -> None:
    site.put("log.html", render_page("log.html.j2", root="", entries=journal))
    for newer, entry, older in zip([None, *journal], journal, [*journal[1:], None], strict=False):
        text = body(entry, site.root / "log", known)
        page = render_page("log_entry.html.j2", root="../", entry=entry, body=text, newer=newer, older=older)
        site.put(f"log/{entry.name}.html", page)
