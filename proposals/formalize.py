"""Write accepted suggestions into a proposal: each becomes a code span behind the criterion's own text.

Nothing else changes by a byte: encoding, line ends and byte order mark stay. What was written is read again before it
is handed out; a criterion that would then say something else, or any other criterion that would change, is left alone.
"""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from proposals.errors import Problem, ProposalError
from proposals.language.names import suggestion as nearest
from proposals.reading import Place, Reading, read_document
from proposals.reading.document import Document, parse
from proposals.spec import Criterion

_WORDS = {"expectation": "expected"}
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Formalized:
    """`written`: the criteria that got a code span. `left`: those that did not, each with the reason."""

    file: str
    before: bytes
    after: bytes
    written: tuple[Criterion, ...]
    left: tuple[Problem, ...]

    @property
    def diff(self) -> str:
        """Unified, by lines; "" where nothing is written."""
        old, new = (text.decode("utf-8").splitlines(keepends=True) for text in (self.before, self.after))
        lines = difflib.unified_diff(old, new, self.file, f"{self.file} (formalized)")
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def formalize(source: bytes, file: str, stem: str, accept: Collection[str] | None = None) -> Formalized:
    """accept: ids such as S1; None for all. Raises ProposalError for an id without a suggestion, UnreadableError."""
    document = parse(source, file, stem)
    reading = read_document(document)
    criteria = {one.id: one for one in reading.proposal.criteria}
    wanted = _wanted(criteria, accept, file)
    left = [_without(one) for one in criteria.values() if accept is None and one.formal is None and not one.suggested]
    left += [_unsafe(criteria[id]) for id in wanted if not _safe(document, reading.places[id])]
    chosen = {id: "" for id in wanted if _safe(document, reading.places[id])}
    while chosen:
        after = _inserted(document, source, {id: (reading.places[id], criteria[id], chosen[id]) for id in chosen})
        again = read_document(parse(after, file, stem))
        wrong = _differing(reading, again, chosen)
        if len(wrong) == len(chosen) > 1 and _otherwise(reading, again, chosen):
            # one of them disturbs the document: whoever does so alone is left out
            wrong = [id for id in chosen if _disturbs(document, source, reading, id)] or wrong
            for id in wrong:
                del chosen[id]
                left.append(_changed(criteria[id]))
            continue
        if not wrong:
            return Formalized(file, source, after, tuple(criteria[id] for id in chosen), tuple(left))
        for id in wrong:
            role = criteria[id].role
            if not chosen[id] and role not in ("failure",):
                chosen[id] = f"*{_WORDS.get(role, role)}*: "
            else:
                del chosen[id]
                left.append(_changed(criteria[id]))
    return Formalized(file, source, source, (), tuple(left))


def _wanted(criteria: Mapping[str, Criterion], accept: Collection[str] | None, file: str) -> list[str]:
    if accept is None:
        return [one.id for one in criteria.values() if one.formal is None and one.suggested is not None]
    problems = []
    for id in accept:
        one = criteria.get(id)
        if one is None:
            problems.append(Problem(f"there is no criterion `{id}`", nearest(id, criteria, "criteria"), file))
        elif one.formal is not None:
            problems.append(Problem(f"{id} is said formally already", "Leave it out of --accept", file, one.line))
        elif one.suggested is None:
            problems.append(_without(one))
    if problems:
        raise ProposalError(*problems)
    return [id for id in criteria if id in accept]


def _inserted(document: Document, source: bytes, chosen: Mapping[str, tuple[Place, Criterion, str]]) -> bytes:
    """From the back, so that no place moves before its turn."""
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", source))]
    pieces: list[bytes] = []
    end = len(source)
    for place, criterion, label in sorted(chosen.values(), key=lambda one: (one[0].line, one[0].column), reverse=True):
        line = document.lines[place.line]
        if place.line in document.repaired:
            stop = starts[place.line + 1] if place.line + 1 < len(starts) else len(source)
            at = starts[place.line] + len(source[starts[place.line] : stop].decode("utf-8").rstrip().encode("utf-8"))
        else:
            mark = len(_MARK) if place.line == 0 and source.startswith(_MARK) else 0
            at = starts[place.line] + mark + len(line[: place.column].encode("utf-8"))
        ends = line[: place.column].rstrip()[-1:]
        joint = " " if ends in (".", ":", ";", "!", "?", "") else ": "
        pieces += [source[at:end], f"{joint}{label}`{criterion.suggested}`".encode()]
        end = at
    return b"".join([source[:end], *reversed(pieces)])


def _safe(document: Document, place: Place) -> bool:
    """In a line whose encoding was repaired only the end is known in the file's own bytes."""
    return place.line not in document.repaired or place.column >= len(document.lines[place.line].rstrip())


def _differing(before: Reading, after: Reading, chosen: Collection[str]) -> list[str]:
    """The chosen criteria that would not be read as suggested; all of them where anything else would change."""
    if _otherwise(before, after, chosen):
        return list(chosen)
    old, new = before.proposal.criteria, after.proposal.criteria
    same = {one.id: one for one in new}
    return [
        one.id
        for one in old
        if one.id in chosen
        and (same[one.id].formal, same[one.id].role) != (one.suggested, "kill" if one.role == "failure" else one.role)
    ]


def _otherwise(before: Reading, after: Reading, chosen: Collection[str]) -> bool:
    """Has anything but the chosen criteria changed?"""
    old, new = before.proposal.criteria, after.proposal.criteria
    if [(one.id, one.section, one.line) for one in old] != [(one.id, one.section, one.line) for one in new]:
        return True
    return any(a != b.model_copy(update=_guess(a)) for a, b in zip(old, new, strict=True) if a.id not in chosen)


def _disturbs(document: Document, source: bytes, reading: Reading, id: str) -> bool:
    one = next(criterion for criterion in reading.proposal.criteria if criterion.id == id)
    alone = _inserted(document, source, {id: (reading.places[id], one, "")})
    return _otherwise(reading, read_document(parse(alone, document.file, document.stem)), {id})


def _guess(criterion: Criterion) -> dict[str, object]:
    """What a suggestion says, which may change as others are accepted."""
    return criterion.model_dump(include={"role", "suggested", "canonical", "reason", "kind", "confidence"})


def _without(one: Criterion) -> Problem:
    return Problem(f"{one.id} has no suggestion: {one.reason}", "Write the code span yourself", one.file, one.line)


def _unsafe(one: Criterion) -> Problem:
    message = f"{one.id} stands in a line whose encoding is broken, and not at its end"
    return Problem(message, "Save the file as UTF-8 first, then formalize it", one.file, one.line)


def _changed(one: Criterion) -> Problem:
    message = f"{one.id} would be read otherwise with the code span behind it"
    return Problem(message, f"Write `{one.suggested}` into it yourself", one.file, one.line)
