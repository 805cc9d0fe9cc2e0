"""One statement: what the forms of sentences need to know about it, and what they share."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from proposals.natural.chunks import Chunk
from proposals.natural.conditions import Condition
from proposals.natural.emit import FLIPPED, Clause, term
from proposals.natural.measures import TIMES, Measures
from proposals.natural.names import Scope, Subject
from proposals.natural.nouns import SPEED
from proposals.natural.reading import Class, Refused


@dataclass
class Statement:
    """The chunks of one statement, and what the patterns need to know."""

    scope: Scope
    measures: Measures
    written: str | None
    """The metric that the statement names."""
    conditions: tuple[Condition, ...]
    span: tuple[Condition, Condition] | None
    previous: Subject | None
    """Whom the statement before was about."""

    def subject(self, chunk: Chunk | None) -> Subject:
        if chunk is not None:
            assert isinstance(chunk.value, Subject)
            return chunk.value
        if self.measures.notes.described:
            raise Refused("a pattern of sparsity describes a variant that is not named")
        if self.previous is not None:
            return self.previous
        if len(self.scope.proposed) == 1:
            return Subject(self.scope.proposed)
        many = "several variants are" if self.scope.proposed else "no variant is"
        raise Refused(f"whose value is meant is not said, and {many} marked as proposed")

    def base(self, chunk: Chunk | None, subject: Subject) -> Subject:
        """What is compared with: named, or the only other variant there is."""
        if chunk is not None:
            assert isinstance(chunk.value, Subject)
            return chunk.value
        others = [v.name for v in self.scope.context.known if v.name not in subject.names]
        if len(others) != 1 or self.scope.context.open:
            raise Refused("compared with which variant is not said", "ratio")
        self.measures.notes.assumed.append(f"the comparison is taken to be with {others[0]}")
        return Subject((others[0],))

    def term(self, subject: Subject, metric: str, *, right: bool = False) -> str:
        return term(subject, metric, self.conditions, right=right)

    def time(self) -> str:
        """The metric of "faster": a time that is named, else a training step."""
        if self.written in TIMES and self.written != SPEED:
            assert self.written is not None
            return self.measures.known(self.written)
        if self.written not in (None, SPEED):
            raise Refused(f"faster and slower do not go with {self.written}", "ratio")
        self.measures.notes.assumed.append("faster and slower are read as step time")
        return "step_time"


Groups = dict[str, Chunk]
Reader = Callable[[Statement, Groups], Clause]


def clause(
    s: Statement, formal: str, class_: Class, metric: str | None, subject: Subject, guard: bool = False
) -> Clause:
    return Clause(formal, class_, metric, subject, s.conditions, guard)


def operator_of(g: Groups, key: str, default: str | None = None) -> str:
    if key not in g:
        assert default is not None
        return default
    value = str(g[key].value)
    return "==" if value == "=" else value


def flip(operator: str) -> str:
    if operator not in FLIPPED:
        raise Refused("a denied equality was not understood")
    return FLIPPED[operator]


def single(base: Subject) -> None:
    if base.quantifier not in ("one", "best", "max", "min"):
        raise Refused("compared with each, or with any of them? name one, or `the best of ...`", "ratio")


def bracketed(g: Groups, pattern: str) -> Groups:
    """The chunks of the bracket, which have to spell the pattern."""
    items: list[Chunk] = [item for item in g["b"].value if item.letter != "M"]
    found = re.fullmatch(pattern, "".join(item.letter for item in items))
    if found is None:
        shown = " ".join(token.text for item in items for token in item.tokens)
        raise Refused(f"the bracket ({shown}) was not understood")
    return {key: items[found.start(key)] for key in found.groupdict() if found.group(key)}


def touch(left: Chunk, right: Chunk) -> None:
    if not 0 <= right.tokens[0].start - left.tokens[-1].end <= 4:
        raise Refused("whether the number belongs to the comparison after it is not clear", "compound")
