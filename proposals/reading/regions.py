"""Where the criteria of the experiment stand, in whatever style: under headings, under bold lines, behind labels, in
tables, in sentences. Only what is said to be a criterion is taken; the rest of the section is prose."""

import re
from dataclasses import dataclass

from proposals.errors import Problem
from proposals.reading.blocks import Block, Fragment, Listing, Title, blocks, lines_of, together
from proposals.reading.document import Document, Section
from proposals.reading.spans import formal_spans
from proposals.reading.statements import (
    Found,
    Lead,
    announcement,
    aside_of,
    decides,
    lead_of,
    of_items,
    of_sentence,
    of_table,
    role_in,
    sentences,
)  # fmt: skip
from proposals.reading.tables import table_start
from proposals.spec import Role
from proposals.spec import Section as Side

SUCCESS = re.compile(r"\bsuccess\s+criteri", re.IGNORECASE)
FAILURE = re.compile(r"\b(?:failure|kill)\s+criteri", re.IGNORECASE)

_NOTHING = re.compile(
    r"\b(?:why|rationale|notes?|decision|interpretation|human|risks?|outcomes?|next|timeline|costs?|budget|setup|"
    r"estimated|learn|implications?|background|discussion|scale|remarks?)\b", re.IGNORECASE,
)  # fmt: skip
_LOOSE_SUCCESS = re.compile(r"\bsuccess\b|\bgo criteri", re.IGNORECASE)
_LOOSE_FAILURE = re.compile(r"\bfail(?:ure|s)?\b|\bkill\b|\babandon\b|\bno-go\b", re.IGNORECASE)
_LABEL = re.compile(r"\s*(?:\*\*|__)([^*_\n]{2,80})(?:\*\*|__)\s*(:?)\s*")
_PLAIN_LABEL = re.compile(r"\s*((?:success|failure|kill)\s+criteri(?:a|on))\s*(?:\([^)]*\))?\s*:\s*", re.IGNORECASE)
_QUANTITY = re.compile(r"\d|[<>≤≥≈~±]|\\(?:geq?|leq?|sim|approx|ll|gg|times)\b")
_MARKS = re.compile("[✅❌✔✓✗✘🟢🔴🟡⚪⚫🚀🛑💀]")


@dataclass
class _Region:
    """`level` of the heading that opened it; 7 for a bold line."""

    side: Side
    level: int
    role: Role | None
    blocks: list[Block]
    title: str = ""


def find_criteria(document: Document, experiment: Section, own_format: bool) -> Found:
    found = Found()
    outside: list[Block] = []
    for region in _regions(document, blocks(document, experiment), outside, found, own_format):
        _read(document, region, found, own_format)
    taken = {statement.side for statement in found.statements}
    for block in outside:
        _labelled_or_told(document, block, taken, found, own_format)
    found.statements.sort(key=lambda statement: statement.line)
    return found


def side_of(title: str, loosely: bool = False) -> Side | None:
    success, failure = (_LOOSE_SUCCESS, _LOOSE_FAILURE) if loosely else (SUCCESS, FAILURE)
    if bool(success.search(title)) == bool(failure.search(title)):
        return None
    return "success" if success.search(title) else "failure"


def _regions(
    document: Document, given: list[Block], outside: list[Block], found: Found, own_format: bool
) -> list[_Region]:
    """Blocks by the heading or the bold line above them; those that belong to none go `outside`."""
    regions: list[_Region] = []
    region: _Region | None = None
    for block in given:
        if isinstance(block, Title):
            side = side_of(block.text) or side_of(block.text, loosely=True)
            if region is not None and block.level > region.level and (side is None or side == region.side):
                # a heading below it: of a role, of a topic, or the end of the criteria
                if _NOTHING.search(block.text):
                    region = None
                elif role := role_in(block.text, region.side):
                    region = _Region(region.side, region.level, role, [], region.title)
                    regions.append(region)
                continue
            region = None
            if side is not None and not (_NOTHING.search(block.text) and side_of(block.text) is None):
                region = _Region(side, block.level, role_in(block.text, side), [], block.text)
                regions.append(region)
            continue
        if isinstance(block, Fragment) and table_start(block) is None:
            pieces = _by_labels(document, block)
            if len(pieces) > 1 or pieces[0][0]:
                for label, piece in pieces:
                    region = _labelled(label, piece, region, regions, outside)
                continue
        (outside if region is None else region.blocks).append(block)
    return regions


def _labelled(
    label: str, piece: Fragment, region: _Region | None, regions: list[_Region], outside: list[Block]
) -> _Region | None:
    """A line that begins with a bold label: it opens a region, closes one, or is a piece of it."""
    side = side_of(label) if label else None
    rest = _after_label(piece)
    if label and side is None and not rest and re.fullmatch(r"\W*(?:success|failures?|kill)\W*", label, re.IGNORECASE):
        side = side_of(label, loosely=True)
    if side is not None and (region is None or region.level == 7 or side != region.side):
        region = _Region(side, 7, role_in(label, side), [], label)
        regions.append(region)
        if rest:
            region.blocks.append(_tail(piece, rest))
        return region
    if label and _NOTHING.search(label) and side is None and not decides(piece.text):
        outside.append(piece)
        return None if region is not None else region
    (outside if region is None else region.blocks).append(piece)
    return region


def _after_label(piece: Fragment) -> str:
    match = _LABEL.match(piece.text) or _PLAIN_LABEL.match(piece.text)
    return piece.text[match.end() :].lstrip(": ").strip() if match else piece.text


def _tail(piece: Fragment, rest: str) -> Fragment:
    """The text behind a label, on the line of its label."""
    at = piece.text.index(rest)
    assert piece.columns is not None
    first = piece.columns[0] + at if "\n" not in piece.text[:at] else piece.columns[piece.text[:at].count("\n")]
    number = piece.text[:at].count("\n")
    return Fragment(piece.line + number, rest, (first, *piece.columns[number + 1 :]))


def _by_labels(document: Document, fragment: Fragment) -> list[tuple[str, Fragment]]:
    """A paragraph cut before each line that begins with a bold label: (label, lines). Label "" where it has none."""
    pieces: list[tuple[str, list[Fragment]]] = []
    for line in lines_of(document, fragment):
        label = _label(line.text[:200])
        if label or not pieces:
            pieces.append((label, []))
        pieces[-1][1].append(line)
    return [(label, together(lines)) for label, lines in pieces]


def _label(text: str) -> str:
    match = _LABEL.match(text) or _PLAIN_LABEL.match(text)
    return match[1].strip() if match else ""


# -- inside a region -----------------------------------------------------------------------------------------------


def _read(document: Document, region: _Region, found: Found, own_format: bool) -> None:
    side = region.side
    listed = any(isinstance(block, Listing) or _is_table(block) for block in region.blocks)
    everywhere = Lead(region.role, aside_of(region.title, side).refused)
    lead = everywhere
    for number, block in enumerate(region.blocks):
        following = region.blocks[number + 1] if number + 1 < len(region.blocks) else None
        if isinstance(block, Listing):
            for statement in of_items(document, block.items, side, lead, own_format):
                if _emoji_rule(statement.text):
                    found.notes.append(_passed(document, statement.line, statement.text))
                else:
                    found.statements.append(statement)
            lead = everywhere
        elif isinstance(block, Fragment):
            start = table_start(block)
            if start is not None:
                of_table(document, block, start, side, found, lead)
                lead = everywhere
            elif isinstance(following, Listing) and announcement(block.text):
                above = lead_of(block.text, side)
                lead = Lead(above.role or region.role, everywhere.refused or above.refused)
            else:
                _paragraph(document, block, region, listed, found, own_format)
                if listed and not formal_spans([block], own_format):
                    lead = Lead(region.role, everywhere.refused or aside_of(block.text, side).refused)


def _is_table(block: Block) -> bool:
    return isinstance(block, Fragment) and table_start(block) is not None


def _paragraph(
    document: Document, block: Fragment, region: _Region, listed: bool, found: Found, own_format: bool
) -> None:
    """Sentences that decide are criteria; beside a list or a table, other prose is none."""
    for sentence in sentences(document, block):
        side = decides(sentence.text)
        label = _label(sentence.text)
        role = role_in(label, region.side) if label else None
        quantity = bool(_QUANTITY.search(sentence.text))
        if side == region.side or role is not None or (quantity and not listed):
            found.statements.append(of_sentence(document, sentence, region.side, region.role))
        elif formal_spans([sentence], own_format):
            found.loose.append(sentence)
        elif quantity:
            found.notes.append(_passed(document, sentence.line, sentence.text))


def _emoji_rule(text: str) -> bool:
    """`✅✅ go · ✅❌ think` is a rule of thumb about criteria, and none itself."""
    return len(_MARKS.findall(text)) >= 2 and not _QUANTITY.search(text)


def _passed(document: Document, line: int, text: str) -> Problem:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return document.problem(line, f"not read as a criterion: {shown}", "Make it a bullet if it is one")


# -- without a region ----------------------------------------------------------------------------------------------


def _labelled_or_told(document: Document, block: Block, taken: set[Side], found: Found, own_format: bool) -> None:
    """`- **Success**: ...` in a list of other things, and "The idea works if ...", for a side that has no region."""
    if isinstance(block, Listing):
        for item in block.items:
            label = _label(item.text)
            side = side_of(label) or side_of(label, loosely=True) if label else None
            if side is None or side in taken:
                continue
            if item.children and announcement(item.text):
                below, lead = item.children, lead_of(item.text, side)
            else:
                below, lead = [item], Lead(role_in(label, side))
            found.statements += of_items(document, below, side, lead, own_format)
    elif isinstance(block, Fragment) and table_start(block) is None:
        for sentence in sentences(document, block):
            side = decides(sentence.text)
            if side is not None and side not in taken:
                found.statements.append(of_sentence(document, sentence, side))
