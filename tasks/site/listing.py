"""The index: a table that reads without a script, and the same rows as data for the script that filters them."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from db.catalog import ProposalLine
from tasks.site.rendering import day, money

ON_A_PAGE = 500
"""Rows of the table on one page; older ones are on the pages after it. The filter looks at all of them."""
STATES = ("PROCEED", "ABANDON", "DEBUG", "INCONCLUSIVE", "under way", "registered", "not registered")


def newest_first(lines: Sequence[ProposalLine]) -> list[ProposalLine]:
    """The most recently active first."""
    return sorted(lines, key=lambda one: (one.active_at, one.stem), reverse=True)


def state_of(line: ProposalLine) -> str:
    return line.verdict or line.state


def row(line: ProposalLine, has_page: bool) -> dict[str, Any]:
    return {
        "stem": line.stem,
        "number": line.number,
        "title": line.title,
        "state": state_of(line),
        "cost": money(line.dollars),
        "date": day(line.active_at),
        "fidelity": line.fidelity or "",
        "tricks": line.tricks,
        "page": has_page,
    }


def counts(lines: Sequence[ProposalLine]) -> list[tuple[str, int]]:
    """How many stand where, in a fixed order; without those that are nowhere."""
    number = Counter(map(state_of, lines))
    return [(state, number[state]) for state in STATES if number[state]]


def tricks(lines: Sequence[ProposalLine]) -> list[str]:
    return sorted({trick for line in lines for trick in line.tricks})


def data(rows: Sequence[dict[str, Any]], every_trick: Sequence[str]) -> str:
    """A script, since a page opened from disk may load no JSON. Words that repeat are numbers: 10,000 rows are to stay
    well under two megabytes. The order of a row is that of filter.js."""
    place = {trick: at for at, trick in enumerate(every_trick)}
    fidelities = sorted({one["fidelity"] for one in rows})
    packed = [
        [
            one["number"],
            one["stem"].removeprefix(one["number"]),
            one["title"],
            STATES.index(one["state"]),
            one["cost"],
            one["date"],
            fidelities.index(one["fidelity"]),
            [place[trick] for trick in one["tricks"]],
            int(one["page"]),
        ]
        for one in rows
    ]
    stated = {"states": STATES, "fidelities": fidelities, "tricks": every_trick, "rows": packed}
    lines = json.dumps(stated, separators=(",", ":")).replace('"],[', '"],\n[')
    return f"var catalog = {lines};\n"
