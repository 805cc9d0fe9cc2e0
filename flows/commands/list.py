"""`mve list`: the proposals of the workspace and what became of each, one a line."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.options import AsJson, Catalog, Root
from proposals.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from db.catalog import ProposalLine

VERDICTS = ("PROCEED", "ABANDON", "DEBUG", "INCONCLUSIVE")
NONE = "none"
"""The filter for proposals without a verdict."""


@dataclass(frozen=True)
class Line:
    """A proposal. file: None where only the catalog knows it. verdict: the one that stands, None before there is one.
    minutes, dollars: of all attempts at it. open: attempts that have not ended."""

    number: str
    stem: str
    title: str
    file: str | None
    tricks: tuple[str, ...]
    verdict: str | None
    overruled_by: str | None
    fidelity: str | None
    seeds: int | None
    minutes: float
    dollars: float
    open: int
    registered_at: datetime | None
    judged_at: datetime | None


def list_proposals(
    verdict: Annotated[
        str | None, typer.Option(help="PROCEED, ABANDON, DEBUG, INCONCLUSIVE, or none for those without one.")
    ] = None,
    trick: Annotated[str | None, typer.Option(help="Only what is based on this one, by its slug.")] = None,
    as_json: AsJson = False,
    workspace: Root = None,
    catalog: Catalog = None,
) -> None:
    """List the proposals with their verdicts, what they cost and how they were tested.

    \b
    Examples:
      mve list
      mve list --verdict proceed --trick log-linear-attention
      mve list --json | jq '.proposals[] | select(.open > 0) | .stem'
    """
    wanted = _verdict(verdict)
    every = lines_of(find_workspace(workspace, catalog))
    _refuse_unknown_trick(trick, every)
    shown = [
        line
        for line in every
        if (wanted is None or (line.verdict or NONE) == wanted) and (trick is None or trick in line.tricks)
    ]
    counts = {name: sum((line.verdict or NONE) == name for line in shown) for name in (*VERDICTS, NONE)}
    if as_json:
        typer.echo(json.dumps({"proposals": [_plain(line) for line in shown], "counts": counts}, indent=1))
        return
    _print(shown, counts, len(every))


def lines_of(place: Workspace) -> list[Line]:
    """Documents and rows of the catalog together, in order of their stems."""
    from db.catalog import proposal_lines
    from flows.reading import catalog_if_any
    from proposals.reading import list_proposals as documents
    from proposals.reading import stem_of

    with catalog_if_any(place) as engine:
        known = {} if engine is None else {row.stem: row for row in proposal_lines(engine)}
    files = {stem_of(path): path for path in documents(place.proposals)}
    return [_line(place, stem, files.get(stem), known.get(stem)) for stem in sorted({*files, *known})]


def _line(place: Workspace, stem: str, file: Path | None, row: "ProposalLine | None") -> Line:
    from proposals.reading import number_of

    shown = None if file is None else str(file.relative_to(place.root))
    if row is not None:
        return Line(
            row.number, stem, row.title, shown, row.tricks, row.verdict, row.overruled_by, row.fidelity, row.seeds,
            row.minutes, row.dollars, row.open, row.registered_at, row.judged_at,
        )  # fmt: skip
    assert file is not None, "a stem comes from a file or from the catalog"
    title, tricks = _heading(file)
    return Line(number_of(stem), stem, title, shown, tricks, None, None, None, None, 0.0, 0.0, 0, None, None)


def _heading(file: Path) -> tuple[str, tuple[str, ...]]:
    """Title and `based_on` of a document, without reading its criteria."""
    from proposals.errors import ProposalError
    from proposals.reading.document import load
    from proposals.reading.front import read_about

    try:
        document = load(file)
    except ProposalError as refusal:
        return f"({refusal.problems[0].message})", ()
    about = read_about(document, own_format=False)
    title = next((heading.title for heading in document.headings if heading.level == 1), "")
    return title or about.values.get("title", "") or "(no title)", about.based_on


def _verdict(given: str | None) -> str | None:
    if given is None:
        return None
    for name in (*VERDICTS, NONE):
        if given.lower() == name.lower():
            return name
    raise ValueError(f"there is no verdict {given!r}; --verdict takes {', '.join(VERDICTS)} or {NONE}")


def _refuse_unknown_trick(trick: str | None, every: Sequence[Line]) -> None:
    from proposals.language.names import nearest

    known = sorted({one for line in every for one in line.tricks})
    if trick is None or trick in known:
        return
    close = nearest(trick, known)
    raise ValueError(f"no proposal is based on {trick!r}" + (f". Did you mean {close}?" if close else ""))


def _plain(line: Line) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(line).items()}


def _print(lines: Sequence[Line], counts: dict[str, int], of: int) -> None:
    from flows.columns import print_rows
    from flows.show import STYLES

    rows = [
        (
            line.number,
            line.title,
            "–" if line.verdict is None else line.verdict + ("*" if line.overruled_by else ""),
            line.fidelity or "–",
            "–" if line.seeds is None else str(line.seeds),
            f"{line.minutes:.1f}",
            f"{line.dollars:.2f}",
            f"{line.judged_at:%Y-%m-%d}" if line.judged_at else state_of(line),
        )
        for line in lines
    ]
    if rows:
        print_rows(("", "Title", "Verdict", "Fidelity", "Seeds", "Minutes", "Dollars", "Judged"), rows, STYLES)
    told = ", ".join(
        f"{count} {'without a verdict' if name == NONE else name}" for name, count in counts.items() if count
    )
    shown = f"{of} proposal{'s' if of != 1 else ''}" if len(lines) == of else f"{len(lines)} of {of} proposals"
    typer.echo(f"{shown}: {told}" if told else shown)
    if any(line.overruled_by for line in lines):
        typer.echo("* a person overruled the policy; `mve show` says who and why")


def state_of(line: Line) -> str:
    """How far a proposal without a verdict came."""
    if line.open:
        return f"{line.open} running"
    return "not run" if line.registered_at is None else "no verdict yet"
