"""Before machines are paid for: say what it comes to, and ask whether to go on."""

import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console

from proposals.checks import check
from proposals.reading import number_of, stem_of
from proposals.workspace import Workspace
from tasks.executors.modal_client import is_local
from tasks.statement import Statement, lines_of, statement_of, table_of

NOTHING = ". Nothing was "
"""From here on a refusal speaks to whoever asked for this proposal alone; in a row there is no room for it."""
UNASKED = (
    "this would be paid for, and there is no terminal to ask on. Nothing was registered or started. Run it again with "
    "--yes where the statement above is what you want"
)


class UnaskedError(ValueError):
    """There is something to pay for, nobody to ask, and no --yes."""


def agree(
    place: Workspace, paths: Sequence[Path], *, quick: bool, executor: str, yes: bool, alone: bool, console: Console
) -> None:
    """Print the statement, and ask once for all proposals. Nothing is asked where nothing is paid: against a server on
    this machine, or with all results there.

    Raises UnaskedError without a terminal and without `yes`, typer.Exit(1) where the answer is no, and for a single
    proposal whatever refuses it; of several, one that is refused has its reason in its row.
    """
    if alone:
        rows: list[tuple[str, Statement | str]] = [("", statement_of(place, paths[0], quick, executor))]
    else:
        rows = [(number_of(stem_of(path)), _row(place, path, quick, executor)) for path in paths]
    stated = [one for _, one in rows if isinstance(one, Statement)]
    for line in lines_of(stated[0]) if alone else table_of(rows):
        console.print(line, soft_wrap=True)
    if yes or is_local() or not any(one.runs for one in stated):
        return
    if not sys.stdin.isatty():
        raise UnaskedError(UNASKED)
    if not typer.confirm("go on?", default=False, err=True):
        console.print("nothing was registered or started")
        raise typer.Exit(1)


def _row(place: Workspace, path: Path, quick: bool, executor: str) -> Statement | str:
    report = check(path)
    if report.exit_code:
        return f"refused: {report.problems[0]}"
    try:
        return statement_of(place, path, quick, executor)
    except ValueError as refusal:
        return f"refused: {str(refusal).splitlines()[0].split(NOTHING)[0]}"
