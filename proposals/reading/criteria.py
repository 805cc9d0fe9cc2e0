"""A criterion's text, code span and role. The code span is the criterion; the prose around it is for people."""

import re
from dataclasses import replace

from proposals.errors import Problem, ProposalError
from proposals.language import Names, canonical, read
from proposals.language.expressions import Condition, metrics_in
from proposals.language.names import nearest
from proposals.reading.blocks import position
from proposals.reading.document import Document
from proposals.reading.spans import CodeSpan, formal_spans
from proposals.reading.statements import Statement
from proposals.spec import Criterion, Role
from proposals.spec import Section as Side

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


def criterion_of(
    document: Document, statement: Statement, id: str, names: Names | None, own_format: bool
) -> tuple[Criterion, list[Problem]]:
    """`names` None: the setup could not be read, so no name can be looked up and no criterion is read."""
    side = statement.side
    spans = formal_spans(statement.fragments, own_format)
    word, problems = _role_word(document, statement, spans)
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
        at, column = position(document, spans[1].fragment, spans[1].start)
        remedy = "Make one bullet of each, or join them with `and` in one code span"
        problems.append(document.problem(at, "this bullet holds more than one criterion", remedy, column))
    else:
        reason = statement.refused or NO_CODE_SPAN
    criterion = Criterion(
        id=id, section=side, role=word or _default_role(side, tree, names), text=statement.text, file=document.file,
        line=statement.line + 1, formal=formal, canonical=canonical_text, reason=reason,
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
    line, column = position(document, span.fragment, span.start + at)
    return replace(problem, file=document.file, line=line + 1, column=column)


# -- roles -------------------------------------------------------------------------------------------------------

_LABEL = re.compile(r"\s*(\*\*|__|\*|_)\s*([A-Za-z]{3,20})\s*(?:(?::\s*\1)|(?:\1\s*:))")
_BEFORE_SPAN = re.compile(r"(?:^|[:.;!?])\s*(\*\*|__|\*|_)([A-Za-z]{3,20})(?:(?::\1)|(?:\1:))\s*$")


def _role_word(document: Document, statement: Statement, spans: list[CodeSpan]) -> tuple[Role | None, list[Problem]]:
    """`*expected*:` or `**Kill:**` at the head of the bullet, or right before its code span. Other labels are prose."""
    fragments, side = statement.fragments, statement.side
    match = _LABEL.match(fragments[0].text) if fragments else None
    at = fragments[0] if fragments else None
    if (match is None or match[2].lower() not in ROLES) and len(spans) == 1:
        near = spans[0]
        found = _BEFORE_SPAN.search(near.fragment.text[max(near.first - 40, 0) : near.first])
        if found is not None and found[2].lower() in ROLES and ROLES[found[2].lower()][1] == side:
            return ROLES[found[2].lower()][0], []
    if match is None or at is None or (not spans and match[2].lower() not in ROLES):
        return None, []
    word = match[2].lower()
    line, column = position(document, at, match.start(2))
    if word not in ROLES:
        close = nearest(word, ROLES)
        if close is None or abs(len(close) - len(word)) > 2:
            return None, []
        return None, [document.problem(line, f"`{match[2]}` is no role", f"Did you mean `{close}`?", column)]
    role, home = ROLES[word]
    if home != side and not spans:
        return None, []
    if home != side:
        message = f"a {side} criterion cannot be `{match[2]}`"
        return None, [document.problem(line, message, f"Move it to the {home} criteria, or leave out the word", column)]
    return role, []


def _default_role(side: Side, tree: Condition | None, names: Names | None) -> Role:
    if side == "failure":
        return "kill"
    about_idea = tree is None or names is None or any(ref.variant in names.proposed for ref in metrics_in(tree))
    return "target" if about_idea else "expectation"
