"""One criterion as it stands in the document, before anybody asks what it means: bullet, row, line, sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from proposals.errors import Problem
from proposals.reading.blocks import Fragment, Item, joined, part, position
from proposals.reading.document import Document
from proposals.reading.spans import formal_spans
from proposals.reading.tables import SETTING, rows
from proposals.spec import Role
from proposals.spec import Section as Side


@dataclass(frozen=True)
class Statement:
    """text: as reported; given: as the natural reader gets it; end: where a code span would be appended, as indices of
    line and column; role: of a heading, a column or the line above; refused: why no reading can be right."""

    side: Side
    text: str
    given: str
    line: int
    fragments: list[Fragment]
    end: tuple[int, int]
    role: Role | None = None
    metric: str | None = None
    refused: str | None = None
    bullet: bool = False


@dataclass
class Found:
    """What a walk through the experiment brought. `passed`: lines among the criteria that are none."""

    statements: list[Statement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    loose: list[Fragment] = field(default_factory=list)


@dataclass(frozen=True)
class Lead:
    """What stands above a list and goes for each of its items."""

    role: Role | None = None
    refused: str | None = None


_ROLE_WORDS: dict[Role, re.Pattern[str]] = {
    "kill": re.compile(r"\b(?:kill|killed|abandon|abandoned|reject|discard|drop|stop)\b", re.IGNORECASE),
    "pause": re.compile(r"\b(?:pause|paused|rethink|park)\b", re.IGNORECASE),
    "debug": re.compile(r"\b(?:debug|debugging|investigate)\b", re.IGNORECASE),
    "target": re.compile(r"\btargets?\b", re.IGNORECASE),
    "expectation": re.compile(r"\b(?:expected|expectations?)\b", re.IGNORECASE),
    "sanity": re.compile(r"\bsanity\b", re.IGNORECASE),
    "guard": re.compile(r"\b(?:guards?|guardrails?)\b", re.IGNORECASE),
    "diagnostic": re.compile(r"\bdiagnostics?\b", re.IGNORECASE),
}
LONGEST = 20_000
FAILING = frozenset({"kill", "pause", "debug"})


def role_in(text: str, side: Side) -> Role | None:
    """The one role of that side that a heading, a cell or a label names; None for none or several."""
    found = [
        role for role, words in _ROLE_WORDS.items() if (role in FAILING) == (side == "failure") and words.search(text)
    ]
    return found[0] if len(found) == 1 else None


# -- lists -----------------------------------------------------------------------------------------------------


def of_items(document: Document, items: list[Item], side: Side, lead: Lead, own_format: bool) -> Iterator[Statement]:
    """The outermost items; where one only announces those below it (`... where:`), these."""
    for number, item in enumerate(items, start=1):
        announces = item.children and item.fragments and not formal_spans(item.fragments, own_format)
        if announces and announcement(item.text):
            below = lead_of(item.text, side)
            joint = Lead(below.role or lead.role, lead.refused or below.refused)
            yield from of_items(document, item.children, side, joint, own_format)
            continue
        fragments = item.everything()
        text = joined(fragments)
        given = re.sub(r"^\[[ xX]\]\s+", "", text)
        label = _COUNTING.match(given)
        if label is not None and int(label[2]) == number:
            given = given[label.end() :]
        end = _end(document, fragments[-1]) if fragments else (item.line, len(document.lines[item.line].rstrip()))
        line = fragments[0].line if fragments else item.line
        refused = "a line in it begins with `>`, which is a quotation" if item.quotes else lead.refused
        yield Statement(side, text, given, line, fragments, end, lead.role, refused=refused, bullet=True)


_COUNTING = re.compile(r"(\*\*|__)?(?:S|F|K|C|G|SC|FC|KC|P)(\d{1,4})(?:(?(1)\1[.:)]|[.:)])|[.:)]\1|\1)\s+")
"""A label that counts the items, `**S2**: ...`, says nothing."""


def announcement(text: str) -> bool:
    return text.rstrip().rstrip("*_ ").endswith(":") or bool(re.search(r"\b(?:where|following|if)\s*$", text))


_SOME = re.compile(
    r"\b(?:any|either|one|some|at least (?:one|two|three|\d+)|two|most|\d+)\s+of\b"
    r"|\beither\b|\bany\s+(?:one|two|single)\b|\bsuffices?\b|\benough\b", re.I
)  # fmt: skip
_ANY = re.compile(r"\bany\b", re.I)
_EVERY = re.compile(r"\b(?:all|both|each|every)\b(?:\s+of)?", re.I)
_NARROWS = re.compile(
    r"\d|^\W*(?:at|on|for|after|with|without|under|using|during|in|across|per|when|while|unless|only)\b|\b(?:not|unless|"
    r"except|only|accuracy|loss|perplexity|memory|throughput|speed|error|parameters|flops|latency|time)\b", re.I
)  # fmt: skip


def lead_of(text: str, side: Side) -> Lead:
    """Precision first: a line above a list may hold a condition for all of it, or say that some of it suffices."""
    role = role_in(text, side)
    if side == "success" and _SOME.search(text):
        return Lead(role, "the line above says that some of these suffice: join them with `or` in one criterion")
    if side == "failure" and _EVERY.search(text) and not _ANY.search(text):
        return Lead(role, "the line above asks for all of these together: join them with `and` in one criterion")
    if re.search(r"\b(?:two|three|most|several|\d+) of\b|\bat least \w+ of\b", text, re.I) and not re.search(
        r"\bat least one of\b", text, re.I
    ):
        return Lead(role, "the line above asks for a number of these: write that as one criterion")
    bare = re.sub(r"\bat least one of\b", "any of", text, flags=re.I)
    if _NARROWS.search(re.sub(r"^\W*(?:\*\*|__)[^*_]{1,40}(?:\*\*|__)", "", bare)):
        shown = " ".join(text.split())[:60]
        return Lead(role, f"the line above (`{shown}`) may be a condition of it: write it into the criterion")
    return Lead(role)


def aside_of(text: str, side: Side) -> Lead:
    """The same for what does not announce: a heading, `(at least two of three)`, or the prose above a list."""
    told = lead_of(text, side)
    counted = told.refused is not None and "condition" not in told.refused
    return told if counted or SETTING.search(text) else Lead(told.role)


def _end(document: Document, fragment: Fragment) -> tuple[int, int]:
    """Behind the last character of the fragment that is no space."""
    length = len(fragment.text.rstrip())
    if not length:
        return fragment.line, len(document.lines[fragment.line].rstrip())
    line, column = position(document, fragment, length - 1)
    return line, column


# -- tables ----------------------------------------------------------------------------------------------------


def of_table(document: Document, fragment: Fragment, header: int, side: Side, found: Found, lead: Lead) -> None:
    for row in rows(document, fragment, header):
        if row.broken is not None:
            place = (row.line, len(document.lines[row.line].rstrip()))
            found.problems.append(
                document.problem(row.line, row.broken, "Write a bar inside a formula as \\vert, elsewhere as \\|")
            )
            found.statements.append(Statement(side, row.text, "", row.line, [], place, refused=row.broken))
            continue
        if row.bare_bar:
            message = "a bar in a formula of this row ends the cell for other readers of Markdown"
            found.notes.append(document.problem(row.line, message, "Write it as \\vert"))
        assert row.cell is not None
        own, refused = role_in(row.role, side) or lead.role, row.refused or lead.refused
        found.statements.append(
            Statement(
                side, row.text, row.given, row.line, row.cells, _end(document, row.cell), own, row.metric, refused
            )
        )


# -- sentences -------------------------------------------------------------------------------------------------

_CLOSED = re.compile(r"\\.|`+[^`]*`+|\$[^$]*\$")
_STOP = re.compile(r"(?<!\bi\.e)(?<!\be\.g)(?<!\bvs)(?<!\bcf)(?<!\bFig)(?<!\bEq)(?<!approx)[.!?][*_)]{0,3}(?=\s|$)")
_FAILS = re.compile(
    r"\b(?:fails?|failed|failure|refuted|rejected|falsified|dead|killed|abandoned|dropped|not worth \w+)\b.{0,30}?"
    r"\b(?:if|when|unless)\b"
    r"|^\W*(?:we\s+)?(?:would\s+|will\s+)?(?:kill|abandon|reject|discard|drop|stop|pause|debug|give up)\b.{0,40}?"
    r"(?:\b(?:if|when|unless)\b|:)",
    re.IGNORECASE,
)
_WORKS = re.compile(
    r"\b(?:works|succeeds|supported|confirmed|validated|holds|success|successful|proceed|go ahead|continue|worth "
    r"\w+)\b.{0,30}?\b(?:if|when|once|provided)\b",
    re.IGNORECASE,
)


def sentences(document: Document, fragment: Fragment) -> list[Fragment]:
    """The end of a formula, a code span or an abbreviation ends no sentence. A paragraph of pages is not cut."""
    if len(fragment.text) > LONGEST:
        return [fragment]
    masked = _CLOSED.sub(lambda piece: "x" * len(piece.group()), fragment.text)
    found = []
    start = 0
    for stop in [*(match.end() for match in _STOP.finditer(masked)), len(masked)]:
        inner = fragment.text[start:stop]
        left = start + len(inner) - len(inner.lstrip())
        right = start + len(inner.rstrip())
        if left < right:
            found.append(part(document, fragment, left, right))
        start = stop
    return found


def decides(text: str) -> Side | None:
    """Is it a sentence that says what would settle the idea?"""
    head = text[:160]
    if _FAILS.search(head):
        return "failure"
    return "success" if _WORKS.search(head) else None


def of_sentence(document: Document, sentence: Fragment, side: Side, role: Role | None = None) -> Statement:
    text = " ".join(sentence.text.split())
    length = len(sentence.text.rstrip().rstrip(".!?"))
    line, column = position(document, sentence, max(length - 1, 0))
    return Statement(side, text, text, sentence.line, [sentence], (line, column), role)
