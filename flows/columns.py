"""Rows for people: a table in a terminal; elsewhere columns in line, nothing cut off and nothing but text."""

import sys
from collections.abc import Sequence

RIGHT = frozenset({"Seeds", "Minutes", "Dollars", "Runs", "Attempts", "Median", "Lowest", "Highest", "Margin", "Line"})
"""Columns of numbers."""


def print_rows(names: Sequence[str], rows: Sequence[Sequence[str]], styles: dict[str, str] | None = None) -> None:
    """`styles`: of a cell with exactly this text, in a terminal."""
    if not sys.stdout.isatty():
        print("\n".join(aligned(names, rows)))
        return
    from rich.table import Table
    from rich.text import Text

    from flows.terminal import PlainConsole

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name in RIGHT else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell), style=(styles or {}).get(cell, "")) for cell in row))
    PlainConsole().print(table)


def aligned(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Two spaces between columns, the header first."""
    table = [list(names), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        cells = zip(row, widths, names, strict=True)
        lines.append(
            "  ".join(cell.rjust(width) if name in RIGHT else cell.ljust(width) for cell, width, name in cells)
        )
    return [line.rstrip() for line in lines]


def one_line(text: str) -> str:
    """On one line, and nothing in it that a terminal would obey."""
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else letter.encode("unicode_escape").decode()
        for letter in text
    )
