"""Where a report says what was wanted and what came out: rows with a target, and bullets with a mark.

Only the words are taken apart here: subject, target, achieved, status. What they mean is `reading.py`'s.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from proposals.history.blocks import Block
from proposals.history.quantities import plain
from proposals.history.source import DAMAGED
from proposals.history.tables import ACHIEVED, STATUS, TARGETS, column, shape_of
from proposals.spec import Role

Mark = Literal["pass", "fail", "mixed", ""]
Origin = Literal["success", "failure", "specified", "elsewhere"]

_PASS = re.compile(r"[✅✓✔☑]|:white_check_mark:|\b(?:pass(?:ed)?|met|holds|yes)\b", re.IGNORECASE)
_FAIL = re.compile(
    rf"[❌✗✘]|:x:|{re.escape(next(iter(DAMAGED)))}|\b(?:fail(?:ed|s)?|missed|not met|kill(?:ed)?|triggered)\b",
    re.IGNORECASE,
)
_UNSURE = re.compile(rf"⚠|{re.escape(list(DAMAGED)[1])}|:warning:|\b(?:partial(?:ly)?|mixed)\b", re.IGNORECASE)
_LEADING = re.compile(
    rf"^(?:{'|'.join(map(re.escape, DAMAGED))}|[✅✓✔☑❌✗✘⚠\ufe0f]|:[a-z_]+:|\[[ xX]\]|\s|\*\*(?=[✅❌⚠✗✘]))+"
)
_SUCCESS = re.compile(r"\bsuccess (?:criteri|metric)|\bcriteria check|\bacceptance criteria", re.IGNORECASE)
_FAILURE = re.compile(r"\b(?:failure|kill|abandon(?:ment)?) criteri", re.IGNORECASE)
_ROLE_FIRST = re.compile(
    r"^(?:criterion\s+\w{1,4}\s*[:.)-]\s*)?(kill|pause|debug|guard|sanity|diagnostic|expected|expectation|target)"
    r"(?:\s+(?:the\s+idea\s+)?(?:if|when|criterion|check))?\s*[:\-–]\s*",
    re.IGNORECASE,
)
_ROLE_ALONE = re.compile(
    r"^(?:kill|pause|debug|guard|sanity|diagnostic|expected|expectation|target)"
    r"(?:\s+(?:the\s+idea\s+)?(?:if|when|criterion|check))?:?$",
    re.IGNORECASE,
)
_ROLE_BRACKET = re.compile(
    r"\s*\((kill|pause|debug|guard|sanity|diagnostic|expected|expectation|target)(?:\s+(?:criterion|check))?\)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^(?:criterion|[SFC])?\s*\d{1,2}\s*[:.)]\s*", re.IGNORECASE)
_TARGET = re.compile(
    r"\(?\b(?:target|goal|threshold|required)\b\s*(?:was|is)?\s*[:=]?\s*([^()]{1,80}?)\s*(?:\)|$)", re.I
)
_ACHIEVED = re.compile(
    r"^(?:only\s+)?(?:(?:achieved|reached|got|obtained|measured|scored)\s+)?(?:only\s+)?(?=[~≈\d.+-])", re.I
)
_ROLES: dict[str, Role] = {"expected": "expectation", "expectation": "expectation", "target": "target", "kill": "kill",
    "pause": "pause", "debug": "debug", "guard": "guard", "sanity": "sanity", "diagnostic": "diagnostic"}  # fmt: skip


@dataclass(frozen=True)
class Statement:
    """`text`: the row or bullet as written. `said_role`: where its author names the role."""

    line: int
    text: str
    origin: Origin
    subject: str
    target: str = ""
    achieved: str = ""
    status: str = ""
    mark: Mark = ""
    said_role: Role | None = None
    killed: bool = False
    """The author's mark says that a kill applies."""


def mark_of(text: str) -> Mark:
    """What the author ticked. "Pass on easy / Fail on hard" is mixed; words count only beside no other mark."""
    fails, passes = _FAIL.search(text), _PASS.search(text)
    if _UNSURE.search(text) or (fails and passes):
        negated = re.search(r"\bnot (?:met|triggered|pass)", text, re.IGNORECASE)
        return "mixed" if not negated or _UNSURE.search(text) else _emoji(text)
    return "fail" if fails else "pass" if passes else ""


def _emoji(text: str) -> Mark:
    return "pass" if re.search("[✅✓✔]", text) else "fail" if re.search("[❌✗✘]", text) else "mixed"


def leading_mark(text: str) -> Mark:
    head = _LEADING.match(text)
    return mark_of(head[0]) if head else ""


def statements(blocks: Sequence[Block], document: Sequence[Block]) -> Iterator[Statement]:
    """Of the blocks of one experiment; `document`: all blocks, in which `within` counts."""
    for block in blocks:
        if block.kind == "table" and shape_of(block) == "criteria":
            yield from _rows(block)
        elif block.kind == "bullet":
            found = _bullet(block, document)
            if found:
                yield found


def _origin(block: Block, blocks: Sequence[Block]) -> Origin:
    above = " / ".join(block.under)
    parents = " / ".join(blocks[item].text[:200] for item in block.within) if blocks else ""
    if _FAILURE.search(above):
        return "failure"
    if _SUCCESS.search(above):
        return "success"
    if _SUCCESS.search(parents):
        return "specified"
    return "elsewhere"


def _rows(table: Block) -> Iterator[Statement]:
    target, achieved, status = (column(table, words) for words in (TARGETS, ACHIEVED, STATUS))
    assert target is not None
    if status == achieved:
        status = None
    for row in table.rows:
        if not row.cells:
            continue
        subject, role = _said_role(row.cells[0])
        said = row.cells[status] if status is not None else ""
        yield Statement(
            row.line,
            row.text,
            _origin(table, ()),
            subject,
            plain(row.cells[target]),
            plain(row.cells[achieved]) if achieved is not None else "",
            said,
            mark_of(said),
            role,
            killed=bool(re.search(r"\bkill", said, re.IGNORECASE)),
        )


def _bullet(block: Block, blocks: Sequence[Block]) -> Statement | None:
    origin = _origin(block, blocks)
    text = " ".join(block.text.split())
    if origin in {"success", "failure"} and block.level > 1:
        return None  # what is nested below a criterion explains it
    if origin == "elsewhere" and not (_TARGET.search(plain(text)) and leading_mark(text)):
        return None
    body = _LEADING.sub("", text, count=1)
    statement, rest = _halves(body)
    if rest and _ROLE_ALONE.match(plain(statement)):  # `**Kill**: A does not beat B`
        statement, rest = f"{statement.rstrip(':')}: {rest}", ""
    subject, role = _said_role(statement)
    target = _TARGET.search(plain(rest)) or (None if origin != "elsewhere" else _TARGET.search(plain(body)))
    achieved = _achieved(plain(rest))
    return Statement(
        block.line,
        block.text,
        origin,
        _TARGET.sub("", subject).strip(),
        target[1].strip() if target else "",
        achieved,
        "",
        leading_mark(text),
        role,
        killed=origin == "failure" and leading_mark(text) == "fail",
    )


def _halves(body: str) -> tuple[str, str]:
    """The claim and what is said of it: a bold beginning, else what stands before the first colon."""
    bold = re.match(r"(?:\*\*)?([^*]{1,300}?)\*\*\s*:?\s*", body) if body.startswith("**") else None
    if bold is None and body.count("**") % 2 and "**" in body:  # the mark stood inside the bold
        bold = re.match(r"([^*]{1,300}?)\*\*\s*:?\s*", body)
    if bold:
        return bold[1].rstrip(":").strip(), body[bold.end() :]
    head, colon, rest = body.partition(": ")
    return (head.strip(), rest) if colon and len(head) <= 300 else (body, "")


def _said_role(text: str) -> tuple[str, Role | None]:
    text = plain(text)
    first = _ROLE_FIRST.match(text)
    if first:
        return text[first.end() :].strip(), _ROLES[first[1].lower()]
    bracket = _ROLE_BRACKET.search(text)
    if bracket:
        return (text[: bracket.start()] + text[bracket.end() :]).strip(), _ROLES[bracket[1].lower()]
    return _NUMBERED.sub("", text, count=1).strip(), None


def _achieved(rest: str) -> str:
    """`Achieved 91.3% test accuracy (target: ...)` gives "91.3%". Only where the number comes first."""
    head = _ACHIEVED.match(rest)
    if not head:
        return ""
    number = re.match(
        r"[~≈]?\s?[-+]?[\d,]*\.?\d+(?:[eE][-+]?\d+)?\s?(?:%|pp|[×x]\b|ms\b|s\b|[KMG]i?B\b)?", rest[head.end() :]
    )
    return number[0].strip() if number else ""
