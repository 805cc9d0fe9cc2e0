"""`mve sql`: a question to the catalog in SQL, answered as a table, as CSV or as JSON. Reads only."""

import csv
import io
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.options import AsJson, Catalog, Root
from proposals.workspace import find_workspace

if TYPE_CHECKING:
    from db.asking import Answer


def sql(
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="One SELECT; - reads it from a pipe.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Read the query from this file.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header; NULL is empty.")] = False,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most; it says when there are more.")] = 1000,
    seconds: Annotated[float, typer.Option(min=0.001, help="Give up after so long.")] = 10,
    workspace: Root = None,
    catalog: Catalog = None,
) -> None:
    """Ask the catalog: `mve sql "SELECT stem, verdict FROM verdicts WHERE stands"`. docs/catalog.md has its views.

    Nothing is written or created. JSON is one object: columns, rows (an object each), more (were there others).
    """
    from db.asking import ask

    if as_csv and as_json:
        raise ValueError("--csv or --json, not both")
    answer = ask(find_workspace(workspace, catalog).catalog_url, _query(query, file), limit, seconds)
    if as_json:
        typer.echo(_json(answer))
    elif as_csv:
        typer.echo(_csv(answer), nl=False)
    elif sys.stdout.isatty():
        _print_table(answer)
    else:
        typer.echo(_columns(answer))
    if answer.cut:
        rows = "row" if limit == 1 else f"{limit} rows"
        typer.echo(f"mve: only the first {rows}; there are more (--limit)", err=True)


def _query(query: str | None, file: Path | None) -> str:
    if (query is None) == (file is None):
        raise ValueError('ask one thing: mve sql "SELECT ...", mve sql --file FILE, or mve sql - to read from a pipe')
    if file is not None:
        return file.read_text(encoding="utf-8")
    return sys.stdin.read() if query == "-" else query or ""


# -- as text -------------------------------------------------------------------------------------------------


def _json(answer: "Answer") -> str:
    rows = [dict(zip(answer.columns, map(_finite, row), strict=True)) for row in answer.rows]
    stated = {"columns": answer.columns, "rows": rows, "more": answer.cut}
    return json.dumps(stated, ensure_ascii=False, allow_nan=False, indent=1)


def _finite(value: Any) -> Any:
    """The catalog has no infinity, but 1e308 * 10 has; JSON knows none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _csv(answer: "Answer") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows(answer.rows)
    return text.getvalue()


def _columns(answer: "Answer") -> str:
    """Columns in line, nothing cut off: for a pipe."""
    rows = [list(answer.columns), *([_shown(value) for value in row] for row in answer.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    right = [_is_number(answer, place) for place in range(len(widths))]
    lines = [
        "  ".join(
            text.rjust(width) if numeric else text.ljust(width)
            for text, width, numeric in zip(row, widths, right, strict=True)
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def _print_table(answer: "Answer") -> None:
    from rich.table import Table
    from rich.text import Text

    from flows.terminal import PlainConsole

    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(answer.columns):
        justify = "right" if _is_number(answer, place) else "left"
        table.add_column(Text(column), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in answer.rows:
        table.add_row(*(Text(_shown(value), style="dim" if value is None else "") for value in row))
    PlainConsole().print(table)


def _is_number(answer: "Answer", place: int) -> bool:
    values = [row[place] for row in answer.rows if row[place] is not None]
    return bool(values) and all(isinstance(value, int | float) for value in values)


def _shown(value: Any) -> str:
    """One line, and nothing that a terminal would obey."""
    if value is None:
        return "NULL"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
