"""UTF-8 that was read as cp1252 and saved again (`â‰¥` for ≥, `Î±` for α) -> what it was. Only the encoding: quotes and
ligatures are the author's. The bytes of the file stay as they are, and so does their hash."""

import re

SIGNS = re.compile(
    r"[\u00c2\u00c3][\u0080-\u00bf\u20ac\u201a-\u203a\u0160-\u017e\u0192\u02c6\u02dc\u2122]"  # é, ×, §
    r"|[\u00ce\u00cf][\u0080-\u00bf\u20ac\u0152-\u0192\u02c6\u02dc\u2013-\u203a\u2122]"  # Greek
    r"|\u00e2[\u0080-\u009f\u20ac\u2020-\u203a\u02c6\u0160\u0161\u0152\u0153\u0192\u201a\u201e\u2026\u017d\u2030\u2122]"
    r"|\u00f0[\u009f\u0178]"  # emoji
)
DAMAGED = re.compile(r"â\x9dŒ|âŒ|âš(?:\xa0| )ï¸")
"""Marks of which cp1252 dropped a byte. Repaired, they would become another character."""


def repaired(lines: list[str]) -> dict[int, str]:
    """Index of each line whose encoding was broken -> what it says."""
    found: dict[int, str] = {}
    known: dict[str, str] = {}
    for index, line in enumerate(lines):
        if line.isascii() or not SIGNS.search(line):
            continue
        if line not in known:
            known[line] = _repaired(line)
        if known[line] != line:
            found[index] = known[line]
    return found


def _repaired(line: str) -> str:
    from ftfy import fix_encoding  # imported only where a text shows signs of it

    pieces: list[str] = []
    at = 0
    for kept in DAMAGED.finditer(line):
        pieces += [str(fix_encoding(line[at : kept.start()])), kept.group()]
        at = kept.end()
    fixed = "".join([*pieces, str(fix_encoding(line[at:]))])
    # a repair that makes a line break would shift every line number after it
    return line if "\n" in fixed or "\r" in fixed else fixed
