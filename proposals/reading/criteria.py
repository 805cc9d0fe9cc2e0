"""Bullets under "Success Criteria" and "Failure Criteria" -> criteria with their roles.

The criterion is the code span in the bullet; the prose around it is for people.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt
from markdown_it.token import Token

from proposals.errors import Problem, ProposalError
from proposals.language import Names, canonical, read
from proposals.language.expressions import Condition, metrics_in
from proposals.language.names import nearest
from proposals.reading.document import Document, Section
from proposals.spec import Criterion, Role
from proposals.spec import Section as Side

SUCCESS = re.compile(r"\bsuccess\s+criteri", re.IGNORECASE)
FAILURE = re.compile(r"\b(?:failure|kill)\s+criteri", re.IGNORECASE)

NO_CODE_SPAN = "no code span in it compares anything"

ROLES: dict[str, tuple[Role, Side]] = {
    "target": ("target", "success"),
    "expected": ("expectation", "success"),
    "expectation": ("expectation", "success"),
    "sanity": ("sanity", "success"),
    "guard": ("guard", "success"),
    "diagnostic": ("diagnostic", "success"),
    "kill": ("kill", "failure"),
    "pause": ("pause", "failure"),
    "debug": ("debug", "failure"),
}


@dataclass(frozen=True)
class Fragment:
    """Lines of a bullet as Markdown sees them, and where they stand."""

    line: int
    """Index of the first line in the document."""
    text: str


@dataclass(frozen=True)
class CodeSpan:
    fragment: Fragment
    start: int
    """Of the content, in the fragment's text."""
    content: str


def read_criteria(
    document: Document, section: Section, side: Side, names: Names | None
) -> tuple[list[Criterion], list[Problem]]:
    """`names` None: the setup could not be read, so no name can be looked up and no criterion is read."""
    criteria: list[Criterion] = []
    problems: list[Problem] = []
    bullets, others = _bullets(document, section)
    for number, fragments in enumerate(bullets, start=1):
        criterion, found = _criterion(document, fragments, f"{side[0].upper()}{number}", side, names)
        criteria.append(criterion)
        problems += found
    for fragment in others:
        for span in filter(_looks_formal, _code_spans(fragment)):
            line, column = _position(document, fragment, span.start)
            message = "this criterion does not stand in a bullet, so it would not be read"
            problems.append(document.problem(line, message, "Begin its line with `- `", column))
    return criteria, problems


# -- bullets -----------------------------------------------------------------------------------------------


def _bullets(document: Document, section: Section) -> tuple[list[list[Fragment]], list[Fragment]]:
    """The outermost list items, each with everything inside it; and the text outside of lists."""
    bullets: list[list[Fragment]] = []
    others: list[Fragment] = []
    depth = 0
    for token in _blocks(document.text(section)):
        if token.type == "list_item_open":
            depth += 1
            if depth == 1:
                bullets.append([])
        elif token.type == "list_item_close":
            depth -= 1
        elif token.type == "inline" and token.map is not None:
            fragment = Fragment(section.start + token.map[0], token.content)
            (bullets[-1] if depth else others).append(fragment)
    return bullets, others


def _blocks(text: str) -> list[Token]:
    """Paragraphs, lists and fences; the inside of a paragraph stays text."""
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser.parse(text)


def fences(document: Document, section: Section) -> Iterator[tuple[str, int, str]]:
    """Of each fenced block: info string, index of its first line of content, content."""
    for token in _blocks(document.text(section)):
        if token.type == "fence" and token.map is not None:
            yield token.info.strip(), section.start + token.map[0] + 1, token.content


def _position(document: Document, fragment: Fragment, at: int) -> tuple[int, int]:
    """Index of the line in the document, and column from 1, of a character of the fragment."""
    before = fragment.text[:at]
    line = fragment.line + before.count("\n")
    start = before.rfind("\n") + 1
    end = fragment.text.find("\n", start)
    shown = fragment.text[start : len(fragment.text) if end < 0 else end].rstrip()
    # Markdown takes markers and indentation from the front of a line, so what is left is its tail
    offset = len(document.lines[line].rstrip()) - len(shown)
    return line, offset + at - start + 1


# -- code spans --------------------------------------------------------------------------------------------

_TICKS = re.compile(r"(?<!`)(`+)(?!`)")


def _code_spans(fragment: Fragment) -> Iterator[CodeSpan]:
    """As CommonMark has them: closed by as many backticks as opened it."""
    text = fragment.text
    runs = [(match.start(), len(match[1])) for match in _TICKS.finditer(text)]
    following: dict[int, list[int]] = {}
    for start, length in reversed(runs):
        following.setdefault(length, []).append(start)
    after = 0
    for start, length in runs:
        later = following[length]
        while later and later[-1] <= start:
            later.pop()
        if start < after or not later or (start > 0 and text[start - 1] == "\\"):
            continue
        inner, end = start + length, later[-1]
        content = text[inner:end]
        if content[:1] == content[-1:] == " " and content.strip():
            content, inner = content[1:-1], inner + 1
        yield CodeSpan(fragment, inner, content)
        after = end + length


_COMPARES = re.compile(r"""(?<![-=])(?:<=|>=|<|>|≤|≥|==)(?!-)|\s(?:in|faster|slower)\s""")
_EVENT = re.compile(r"\s*(?:not\s+)?[\w\"'().*, -]*\b(?:diverged|nan_count)\)*\s*$")
_ASSIGNS = re.compile(r"(?<!\w)[^\W\d]\w*\.[^\W\d]\w*(?:\[[^\]]{0,200}\])?\s*[=!]")


def _looks_formal(span: CodeSpan) -> bool:
    """Does it compare something, or name an event? `layout: spread` and `log_linear` are mere names."""
    content = span.content[:20_000]
    for match in _COMPARES.finditer(content):
        if content[: match.start()].strip() and content[match.end() :].strip():
            return True
    return bool((len(content) < 500 and _EVENT.match(content)) or _ASSIGNS.search(content))


# -- one criterion -----------------------------------------------------------------------------------------


def _criterion(
    document: Document, fragments: list[Fragment], id: str, side: Side, names: Names | None
) -> tuple[Criterion, list[Problem]]:
    text = " ".join(" ".join(fragment.text.split()) for fragment in fragments)
    line = fragments[0].line if fragments else 0
    word, problems = _role_word(document, fragments, side)
    spans = [span for fragment in fragments for span in _code_spans(fragment) if _looks_formal(span)]
    formal = canonical_text = reason = None
    tree: Condition | None = None
    if len(spans) == 1:
        formal = " ".join(spans[0].content.split())
        tree, unread = _read_span(document, spans[0], names)
        problems += unread
        if names is None:
            reason = "without a setup its names cannot be looked up"
        elif tree is None:
            reason = unread[0].message
        else:
            canonical_text = canonical(tree)
    elif spans:
        reason = "it holds several code spans that compare something"
        at, column = _position(document, spans[1].fragment, spans[1].start)
        remedy = "Make one bullet of each, or join them with `and` in one code span"
        problems.append(document.problem(at, "this bullet holds more than one criterion", remedy, column))
    else:
        reason = NO_CODE_SPAN
    criterion = Criterion(
        id=id, section=side, role=word or _default_role(side, tree, names), text=text, file=document.file,
        line=line + 1, formal=formal, canonical=canonical_text, reason=reason,
    )  # fmt: skip
    return criterion, problems


def _read_span(document: Document, span: CodeSpan, names: Names | None) -> tuple[Condition | None, list[Problem]]:
    if names is None:
        return None, []
    try:
        return read(span.content, names, line=1), []
    except ProposalError as refusal:
        return None, [_moved(document, span, problem) for problem in refusal.problems]


def _moved(document: Document, span: CodeSpan, problem: Problem) -> Problem:
    """From a place in the code span, which may go over several lines, to its place in the file."""
    assert problem.line is not None
    assert problem.column is not None
    ends = [index for index, char in enumerate(span.content) if char == "\n"]
    at = (0 if problem.line == 1 else ends[problem.line - 2] + 1) + problem.column - 1
    line, column = _position(document, span.fragment, span.start + at)
    return replace(problem, file=document.file, line=line + 1, column=column)


_LABEL = re.compile(r"\s*(\*\*|__|\*|_)\s*([A-Za-z]{3,20})\s*(?:(?::\s*\1)|(?:\1\s*:))")


def _role_word(document: Document, fragments: list[Fragment], side: Side) -> tuple[Role | None, list[Problem]]:
    """A leading `*expected*:` or `**Kill:**`. Other labels are prose."""
    match = _LABEL.match(fragments[0].text) if fragments else None
    if match is None:
        return None, []
    word = match[2].lower()
    line, column = _position(document, fragments[0], match.start(2))
    if word not in ROLES:
        close = nearest(word, ROLES)
        if close is None or abs(len(close) - len(word)) > 2:
            return None, []
        return None, [document.problem(line, f"`{match[2]}` is no role", f"Did you mean `{close}`?", column)]
    role, home = ROLES[word]
    if home != side:
        message = f"a {side} criterion cannot be `{match[2]}`"
        return None, [document.problem(line, message, f"Move it to the {home} criteria, or leave out the word", column)]
    return role, []


def _default_role(side: Side, tree: Condition | None, names: Names | None) -> Role:
    if side == "failure":
        return "kill"
    about_idea = tree is None or names is None or any(ref.variant in names.proposed for ref in metrics_in(tree))
    return "target" if about_idea else "expectation"
