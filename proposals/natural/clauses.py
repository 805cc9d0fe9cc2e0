"""One statement -> formal text. The chunks' letters spell a word, and each form of statement is a short pattern.

A pattern has to match from the first letter to the last: a chunk that no form accounts for refuses the criterion.
Letters as in the lexicon; metrics (M) and settings (c) were taken out before, because they may stand anywhere.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from proposals.natural.chunks import Chunk, Quantity
from proposals.natural.conditions import Condition
from proposals.natural.emit import FLIPPED, MIRRORED, Clause, compared, number, plain, term
from proposals.natural.measures import ERRORS, TIMES, Measures
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


# -- against a number ----------------------------------------------------------------------------------------


def constant(s: Statement, g: Groups) -> Clause:
    """`V > 80%`, `V does not reach 80%`, `80% or more`."""
    quantity = g["q"].value
    operator = _operator(g, "c", default=">=")
    if "n" in g:
        operator = _flip(operator)
    subject = s.subject(g.get("v"))
    if subject.quantifier == "none":
        operator = _flip(operator)
    if quantity.unit == "x" and s.written is not None:
        return _ratio(s, subject, s.base(None, subject), operator, quantity)
    if quantity.unit in ("steps", "epochs"):
        raise Refused("what is reached within these steps has no metric", "deadline")
    metric = s.measures.chosen(s.written, quantity, "constant")
    class_: Class = "agreement" if metric in ERRORS else "constant"
    return _clause(s, compared(s.term(subject, metric), operator, number(quantity)), class_, metric, subject,
                   guard=metric in ERRORS)  # fmt: skip


def constant_of(s: Statement, g: Groups) -> Clause:
    """`accuracy > 80% for V`; `< 0.25x V` is a ratio instead."""
    if g["q"].value.unit == "x":
        raise Refused("a ratio", "ratio")
    return constant(s, g)


def within(s: Statement, g: Groups) -> Clause:
    """`error within 1e-3`, `cost within $2`: an upper bound."""
    metric = s.measures.chosen(s.written, g["q"].value, "constant")
    if s.measures.metric(metric).direction != "lower":
        raise Refused("within what of which value is not said", "margin")
    subject = s.subject(g.get("v"))
    class_: Class = "agreement" if metric in ERRORS else "constant"
    return _clause(s, compared(s.term(subject, metric), "<=", number(g["q"].value)), class_, metric, subject,
                   guard=metric in ERRORS)  # fmt: skip


def mirrored(s: Statement, g: Groups) -> Clause:
    """`0.9 < accuracy of V`."""
    metric = s.measures.chosen(s.written, g["q"].value, "constant")
    subject = s.subject(g.get("v"))
    operator = MIRRORED[_operator(g, "c")]
    return _clause(s, compared(s.term(subject, metric), operator, number(g["q"].value)), "constant", metric, subject)


def chance(s: Statement, g: Groups) -> Clause:
    """`better than chance (16.7%)`: only because the number is given."""
    if any(item.letter == "M" for item in g["b"].value):
        raise Refused("the bracket was not understood", "constant")
    quantity = _inside(g, "[=~]?(?P<q>Q)")["q"].value
    metric = s.measures.chosen(s.written, quantity, "constant", default="test_accuracy")
    word = g["c"]
    operator = s.measures.quality(metric, word.value) if word.letter == "G" else str(word.value)
    operator = _flip(operator) if "n" in g else operator
    subject = s.subject(g.get("v"))
    return _clause(s, compared(s.term(subject, metric), operator, number(quantity)), "constant", metric, subject)


def solved(s: Statement, g: Groups) -> Clause:
    """`V fails (< 50%)`: the bracket is the statement, if it points the same way."""
    inside = _inside(g, "(?P<c>C)(?P<q>Q)")
    nouns = {str(item.value) for item in g["b"].value if item.letter == "M"} | ({s.written} if s.written else set())
    if len(nouns) > 1:
        raise Refused("two metrics in one statement", "constant")
    s.written = nouns.pop() if nouns else None
    operator, quantity = _operator(inside, "c"), inside["q"].value
    inherited = s.measures.inherited or (s.scope.context.siblings and s.scope.context.siblings[-1].metric)
    if s.written is None and inherited and inherited != "test_accuracy":
        raise Refused(f"is the number in the bracket {inherited}, or test accuracy?", "constant")
    metric = s.measures.chosen(s.written, quantity, "constant", default="test_accuracy")
    good = s.measures.quality(metric, ">")
    if (operator[0] == good) != (g["s"].value == "+"):
        raise Refused("the number in the bracket contradicts the verb", "constant")
    subject = s.subject(g.get("v"))
    return _clause(s, compared(s.term(subject, metric), operator, number(quantity)), "constant", metric, subject)


def band(s: Statement, g: Groups) -> Clause:
    low, high = g["b"].value
    metric = s.measures.chosen(s.written, high, "band")
    subject = s.subject(g.get("v"))
    if subject.quantifier == "none":
        raise Refused("a negated range was not understood", "band")
    return _clause(s, f"{s.term(subject, metric)} in {number(low)} .. {number(high)}", "band", metric, subject)


def chain(s: Statement, g: Groups) -> Clause:
    """`60% < accuracy < 70%`."""
    first, second = _operator(g, "c"), _operator(g, "d")
    metric = s.measures.chosen(s.written, g["r"].value, "band")
    subject = s.subject(g.get("v"))
    if first[0] != second[0] or first == "==":
        raise Refused("a chain of comparisons runs one way", "band")
    if subject.quantifier != "one":
        raise Refused("a chain of comparisons is about one variant", "band")
    formal = f"{number(g['q'].value)} {first} {s.term(subject, metric)} {second} {number(g['r'].value)}"
    return _clause(s, formal, "band", metric, subject)


def tolerance(s: Statement, g: Groups) -> Clause:
    """`50% ± 5%`."""
    middle, width = g["b"].value
    metric = s.measures.chosen(s.written, middle, "band")
    subject = s.subject(g.get("v"))
    unit = "pp" if s.measures.is_share(metric) and width.unit in ("%", "pp") else None
    if unit is None and width.unit != middle.unit:
        raise Refused("the tolerance has another unit than the value", "band")
    if unit and middle.unit == "":
        raise Refused("the tolerance has another unit than the value", "band")
    # a percentage cannot be subtracted from a fraction, its number can
    centre = plain(middle.value / 100) if unit and middle.unit == "%" else number(middle)
    formal = f"abs({s.term(subject, metric)} - {centre}) <= {number(width, unit=unit)}"
    return _clause(s, formal, "band", metric, subject)


# -- against another variant -----------------------------------------------------------------------------------


def ordering(s: Statement, g: Groups) -> Clause:
    """`V beats V`, `V > V`, `V has lower perplexity than V`, each with "not" before it or without."""
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    operator, metric = _relation(s, g)
    return _ordered(s, subject, operator, base, metric, negated="n" in g)


def _ordered(s: Statement, subject: Subject, operator: str, base: Subject, metric: str, *, negated: bool) -> Clause:
    if negated or subject.quantifier == "none":
        if base.quantifier in ("list", "all", "any", "or") or negated and subject.quantifier == "none":
            raise Refused("not better than each, or than any of them? say `no better than the best of ...`", "ordering")
        operator = _flip(operator)
    formal = compared(s.term(subject, metric), operator, s.term(base, metric, right=True))
    return _clause(s, formal, "ordering", metric, subject)


def _relation(s: Statement, g: Groups) -> tuple[str, str]:
    """The comparison of the numbers, and the metric."""
    word = g["c"]
    metric = s.measures.chosen(s.written, None, "ordering")
    if word.letter == "G":
        return s.measures.quality(metric, word.value), metric
    if word.letter == "C" and word.tokens[0].kind == "word" and "ceed" in word.tokens[-1].low + word.tokens[0].low:
        return s.measures.quality(metric, word.value) if s.measures.metric(
            metric
        ).direction == "higher" else _doubt(), metric
    return str(word.value), metric


def _doubt() -> str:
    raise Refused("exceeds in number, or in quality? for this metric less is better", "ordering")


def sequence(s: Statement, g: Groups) -> Clause:
    """`V1 > V2 > V3`."""
    metric = s.measures.chosen(s.written, None, "ordering")
    first, second = _operator(g, "c"), _operator(g, "d")
    subjects = [g[key].value for key in "vwx"]
    if first[0] != second[0] or any(item.quantifier != "one" for item in subjects):
        raise Refused("this chain of comparisons was not understood", "ordering")
    texts = [s.term(item, metric) for item in subjects]
    return _clause(s, f"{texts[0]} {first} {texts[1]} {second} {texts[2]}", "ordering", metric, subjects[0])


def speed_order(s: Statement, g: Groups) -> Clause:
    """`V is faster than V`."""
    metric = s.time()
    operator = s.measures.quality(metric, ">" if g["f"].value == "faster" else "<")
    subject = s.subject(g.get("v"))
    return _ordered(s, subject, operator, s.base(g.get("w"), subject), metric, negated="n" in g)


def gapped(s: Statement, g: Groups) -> Clause:
    """`no better than V (< 5% gap)`, `matches V (within 2%)`: the bracket holds the operative number."""
    if any(item.letter == "M" and item.value != s.written for item in g["b"].value):
        raise Refused("the bracket is about another metric", "margin")
    inside = _inside(g, "(?P<p>P?)(?P<c>[CW±])(?P<q>Q)P?")
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    metric = s.measures.chosen(s.written, None, "margin")
    limit = inside["c"]
    operator = "<=" if limit.letter in "W±" else _operator(inside, "c")
    word = g["c"]
    if word.letter == "K":
        if operator[0] != "<" or "n" in g:
            raise Refused("a match within more than something was not understood", "margin")
        return _closeness(s, subject, base, operator, inside["q"].value, metric)
    better = word.value if word.letter == "G" else _doubtless(s, metric, str(word.value))
    better = FLIPPED[better] if "n" in g else better
    if better not in (">", "<", "<=", ">="):
        raise Refused("a margin of equality was not understood", "margin")
    # "better than V (> 5%)" leads by more; "no better than V (< 5%)" leads by less; "worse (> 5%)" trails by more
    if (better == ">" and operator[0] == ">") or (better == "<=" and operator[0] == "<"):
        return _lead(s, subject, base, operator, inside["q"].value, metric)
    if (better == "<" and operator[0] == ">") or (better == ">=" and operator[0] == "<"):
        return _lead(s, base, subject, operator, inside["q"].value, metric, about=subject)
    raise Refused("the number in the bracket contradicts the comparison", "margin")


def _doubtless(s: Statement, metric: str, operator: str) -> str:
    if s.measures.metric(metric).direction != "higher":
        raise Refused("for this metric less is better: which side leads is not clear", "margin")
    return operator


def margin_before(s: Statement, g: Groups) -> Clause:
    """`V is at least 5 points better than V`: the number belongs to the word after it."""
    _touch(g["q"], g["c"])
    if g["c"].letter == "G" and g["c"].tokens[-1].low != "than":
        raise Refused("two statements in one", "compound")
    return margin(s, g)


def _touch(left: Chunk, right: Chunk) -> None:
    if not 0 <= right.tokens[0].start - left.tokens[-1].end <= 4:
        raise Refused("whether the number belongs to the comparison after it is not clear", "compound")


def margin(s: Statement, g: Groups) -> Clause:
    """`V beats V by more than 5 points`, `V is at least 5 points above V`."""
    subject = s.subject(g.get("v"))
    base = s.base(g["w"], subject)
    quantity = g["q"].value
    operator = _operator(g, "d", default=">=")
    metric = s.measures.chosen(s.written, None, "margin")
    word = g["c"]
    if word.letter == "L" and not s.measures.is_share(metric):
        raise Refused("a saving", "ratio")
    ahead = word.value if word.letter == "G" else MIRRORED[s.measures.quality(metric, MIRRORED[str(word.value)])]
    if word.letter in "CL" and s.measures.metric(metric).direction == "lower":
        # less is better: `above` means worse
        ahead = {">": "<", "<": ">", ">=": "<=", "<=": ">="}[str(word.value)]
    if ahead not in (">", "<"):
        raise Refused("by how much at least, or at most? this margin was not understood", "margin")
    if "n" in g:
        _single(base)
        operator = _flip(operator)
    if ahead == ">":
        return _lead(s, subject, base, operator, quantity, metric)
    return _lead(s, base, subject, operator, quantity, metric, about=subject)


def gain(s: Statement, g: Groups) -> Clause:
    """`V improves accuracy over V by at least 5 points`, `V falls more than 10 points short of V`."""
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    operator = _operator(g, "d", default=">=")
    metric = s.measures.chosen(s.written, None, "margin")
    if not s.measures.is_share(metric):
        if g["i"].value == "+" and any(t.low.startswith(("increase", "rise")) for t in g["i"].tokens):
            raise Refused("whether an increase is good is not clear for this metric", "margin")
    elif g["i"].value == "-" and "n" in g:
        raise Refused("a loss that is denied was not understood", "margin")
    if "n" in g:
        _single(base)
        operator = _flip(operator)
    if g["i"].value == "+":
        return _lead(s, subject, base, operator, g["q"].value, metric)
    return _lead(s, base, subject, operator, g["q"].value, metric, about=subject)


def close(s: Statement, g: Groups) -> Clause:
    """`V within 5% of V`, `V matches V within 2 points`."""
    if "n" in g:
        raise Refused("not within was not understood; say by how much it differs", "margin")
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    metric = s.measures.chosen(s.written, None, "margin")
    return _closeness(s, subject, base, "<=", g["q"].value, metric)


def gap(s: Statement, g: Groups) -> Clause:
    """`gap between V and V < 5%`; a gap that must be wide needs to know who leads."""
    operator = _operator(g, "c")
    operator = _flip(operator) if "n" in g else operator
    metric = s.measures.chosen(s.written, None, "margin")
    if "v" in g and g["v"].value.quantifier == "list" and "w" not in g:
        if len(g["v"].value.names) != 2:
            raise Refused("a gap is between two", "margin")
        subject, base = (Subject((name,)) for name in g["v"].value.names)
    else:
        subject = s.subject(g.get("v") if "w" in g else None)
        base = s.base(g.get("w") or g.get("v"), subject)
    if operator[0] == "<":
        return _closeness(s, subject, base, operator, g["q"].value, metric)
    proposed = set(s.scope.proposed)
    if not (set(subject.names) <= proposed and not set(base.names) & proposed) or s.scope.context.section == "failure":
        raise Refused("which side of the gap leads is not said", "margin")
    s.measures.notes.assumed.append("the proposed variant is taken to lead")
    return _lead(s, subject, base, operator, g["q"].value, metric)


def difference(s: Statement, g: Groups) -> Clause:
    """`V - V < 5%`, `|V - V| < 5%`."""
    subject, base = g["v"].value, g["w"].value
    metric = s.measures.chosen(s.written, None, "margin")
    operator = _operator(g, "c")
    if "a" in g:
        return _closeness(s, subject, base, operator, g["q"].value, metric)
    unit = _points(s, metric, g["q"].value)
    formal = (
        f"{s.term(subject, metric)} - {s.term(base, metric, right=True)} {operator} {number(g['q'].value, unit=unit)}"
    )
    return _clause(s, formal, "margin", metric, subject)


def _lead(
    s: Statement,
    ahead: Subject,
    behind: Subject,
    operator: str,
    by: Quantity,
    metric: str,
    about: Subject | None = None,
) -> Clause:
    """`ahead` is better by `by`: in points for fractions, relative for what is measured otherwise."""
    for item in (ahead, behind):
        if item.quantifier not in ("one", "all", "list", "best"):
            raise Refused("whether one or each of several is meant is not clear", "margin")
    left, right = s.term(ahead, metric), s.term(behind, metric, right=True)
    subject = about or ahead
    if s.measures.is_share(metric):
        formal = f"{left} - {right} {operator} {number(by, unit=_points(s, metric, by))}"
        return _clause(s, formal, "margin", metric, subject)
    higher = s.measures.quality(metric, ">") == ">"
    if by.unit == "%":
        # a share of the base's value, whoever leads
        ours, base = (right, left) if about else (left, right)
        more = higher != bool(about)
        formal = f"{ours} / {base} - 1" if more else f"1 - {ours} / {base}"
        return _clause(s, f"{formal} {operator} {number(by)}", "ratio", metric, subject)
    top, bottom = (left, right) if higher else (right, left)
    if by.unit == "x":
        return _clause(s, f"{top} / {bottom} {operator} {number(by)}", "ratio", metric, subject)
    return _clause(s, f"{top} - {bottom} {operator} {number(by)}", "margin", metric, subject)


def _closeness(s: Statement, left: Subject, right: Subject, operator: str, by: Quantity, metric: str) -> Clause:
    """Two-sided, as written: a difference of at most so much either way."""
    if left.quantifier not in ("one", "all", "list") or right.quantifier not in ("one", "all", "list", "best"):
        raise Refused("whether one or each of several is meant is not clear", "margin")
    if operator[0] != "<":
        raise Refused("which side of the difference leads is not said", "margin")
    a, b = s.term(left, metric), s.term(right, metric, right=True)
    if s.measures.is_share(metric):
        formal = f"abs({a} - {b}) {operator} {number(by, unit=_points(s, metric, by))}"
    elif by.unit == "%":
        formal = f"abs({a} / {b} - 1) {operator} {number(by)}"
    elif by.unit == "x":
        raise Refused("within a factor of what, above or below? this was not understood", "margin")
    else:
        formal = f"abs({a} - {b}) {operator} {number(by)}"
    s.measures.notes.assumed.append("close is read as a difference either way")
    return _clause(s, formal, "margin", metric, left)


def _points(s: Statement, metric: str, by: Quantity) -> str | None:
    """A percentage gap of accuracies is in points."""
    if by.unit == "x" or by.unit not in ("%", "pp", "", "x"):
        raise Refused(f"a difference in {metric} is in points", "margin")
    if by.unit == "" and by.value > 1:
        raise Refused("a difference of accuracies of more than 1 needs a unit: points?", "margin")
    return "pp" if by.unit in ("%", "pp") else None


# -- ratios ----------------------------------------------------------------------------------------------------


def faster(s: Statement, g: Groups) -> Clause:
    """`V is 20% faster than V`: time(base) / time(V) > 1.2."""
    if g["f"].tokens[0].start > g["q"].tokens[0].start:
        _touch(g["q"], g["f"])
    metric = s.time()
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    operator = _operator(g, "c", default="")
    if "n" in g:
        operator = _flip(operator or ">")
    _single(base)
    if subject.quantifier != "one":
        raise Refused("faster is about one variant", "ratio")
    shown = f"{operator} " if operator else ""
    formal = f"{s.term(subject, metric)} {shown}{number(g['q'].value)} {g['f'].value} than {s.term(base, metric)}"
    guard = g["f"].value == "slower" and operator[:1] == "<"
    return _clause(s, formal, "ratio", metric, subject, guard=guard)


def saving(s: Statement, g: Groups) -> Clause:
    """`4x less memory than V`: base / V > 4; `40% less`: 1 - V / base > 0.4."""
    _touch(g["q"], g["l"])
    subject, quantity = s.subject(g.get("v")), g["q"].value
    metric = s.measures.chosen(s.written, None, "ratio")
    base = s.base(g.get("w"), subject)
    operator = _operator(g, "c", default=">")
    operator = _flip(operator) if "n" in g else operator
    _single(base)
    if s.measures.is_share(metric):
        raise Refused("how accuracies differ is said in points", "margin")
    ours, theirs = s.term(subject, metric), s.term(base, metric, right=True)
    if quantity.unit not in ("x", "%"):
        raise Refused("how much less is said in % or x", "ratio")
    if g["l"].value == "<":
        formal = f"{theirs} / {ours}" if quantity.unit == "x" else f"1 - {ours} / {theirs}"
    else:
        formal = f"{ours} / {theirs}" if quantity.unit == "x" else f"{ours} / {theirs} - 1"
    guard = g["l"].value == ">" and operator[0] == "<"
    return _clause(s, f"{formal} {operator} {number(quantity)}", "ratio", metric, subject, guard=guard)


def ratio(s: Statement, g: Groups) -> Clause:
    """`V < 3x V`, `at least 60% of V`, `ratio of V to V below 0.2`."""
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    operator = _operator(g, "c")
    operator = _flip(operator) if "n" in g else operator
    return _ratio(s, subject, base, operator, g["q"].value)


def _ratio(s: Statement, subject: Subject, base: Subject, operator: str, quantity: Quantity) -> Clause:
    _single(base)
    if quantity.unit not in ("x", "%", ""):
        raise Refused("a ratio has no unit", "ratio")
    if subject.quantifier not in ("one", "all", "list"):
        raise Refused("whether one or each of several is meant is not clear", "ratio")
    if s.written == SPEED:
        s.measures.notes.assumed.append("speed is read as the inverse of the step time")
        formal = (
            f"{s.term(base, 'step_time', right=True)} / {s.term(subject, 'step_time')} {operator} {number(quantity)}"
        )
        return _clause(
            s, formal, "ratio", "step_time", subject, guard=operator[0] == ">" and quantity.value < _one(quantity)
        )
    metric = s.measures.chosen(s.written, None, "ratio")
    formal = f"{s.term(subject, metric)} / {s.term(base, metric, right=True)} {operator} {number(quantity)}"
    better = s.measures.metric(metric).direction
    # not much worse than the base: a bound on a price, not an advantage
    price = (better == "lower" and operator[0] == "<" and quantity.value > _one(quantity)) or (
        better == "higher"
        and operator[0] == ">"
        and quantity.value < _one(quantity)
        and not s.measures.is_share(metric)
    )
    return _clause(s, formal, "ratio", metric, subject, guard=price)


def _one(quantity: Quantity) -> int:
    return 100 if quantity.unit == "%" else 1


def compared_rate(s: Statement, g: Groups) -> Clause:
    """`speedup over V > 1.3x`, `memory ratio < 0.2`, `overhead below 10%`."""
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    operator = _operator(g, "c", default=">=")
    operator = _flip(operator) if "n" in g else operator
    quantity, kind = g["q"].value, g["o"].value
    _single(base)
    if kind == "ratio":
        return _ratio(s, subject, base, operator, quantity)
    metric = s.time() if kind != "overhead" or s.written in TIMES or s.written is None else s.measures.known(s.written)
    if s.measures.metric(metric).direction != "lower":
        raise Refused(f"a {kind} in {metric} was not understood", "ratio")
    ours, theirs = s.term(subject, metric), s.term(base, metric, right=True)
    if kind == "overhead":
        if quantity.unit != "%":
            raise Refused("an overhead is said in %", "ratio")
        return _clause(
            s,
            f"{ours} / {theirs} - 1 {operator} {number(quantity)}",
            "ratio",
            metric,
            subject,
            guard=operator[0] == "<",
        )
    if quantity.unit == "%":
        raise Refused(f"a {kind} is said in x", "ratio")
    pair = f"{theirs} / {ours}" if kind == "speedup" else f"{ours} / {theirs}"
    return _clause(
        s,
        f"{pair} {operator} {number(quantity)}",
        "ratio",
        metric,
        subject,
        guard=kind == "slowdown" and operator[0] == "<",
    )


def divided(s: Statement, g: Groups) -> Clause:
    """`V / V step time < 3`."""
    return _ratio(s, g["v"].value, g["w"].value, _operator(g, "c"), g["q"].value)


# -- the rest --------------------------------------------------------------------------------------------------


def exact(s: Statement, g: Groups) -> Clause:
    subject = s.subject(g.get("v"))
    if s.written is not None:
        raise Refused("bit-exact goes with no other metric", "agreement")
    operator = ">" if "n" in g or subject.quantifier == "none" else "=="
    return _clause(s, f"{s.term(subject, 'max_error')} {operator} 0", "agreement", "max_error", subject, guard=True)


def agreement(s: Statement, g: Groups) -> Clause:
    """`matches the reference within 1e-5`, `agrees with the reference to a relative error below 1e-3`."""
    quantity = g["q"].value
    if s.written not in (None, *ERRORS):
        raise Refused(f"agreement in {s.written} with a reference was not understood", "agreement")
    if s.written is None and quantity.unit:
        raise Refused("relative or absolute error? this agreement was not understood", "agreement")
    metric = s.written or "max_error"
    if s.written is None:
        s.measures.notes.assumed.append("the tolerance is taken to be the largest absolute difference")
    subject = s.subject(g.get("v"))
    operator = "<=" if g["c"].letter == "W" else _operator(g, "c")
    formal = compared(s.term(subject, metric), operator, number(quantity))
    return _clause(s, formal, "agreement", metric, subject, guard=True)


def event(s: Statement, g: Groups) -> Clause:
    """`no NaN`, `V diverges`, `NaN or divergence`."""
    if s.written is not None:
        raise Refused(f"what an event has to do with {s.written} was not understood", "event")
    subject = s.subject(g.get("v") or g.get("w"))
    absent = "n" in g or subject.quantifier == "none"
    if "n" in g and subject.quantifier == "none":
        raise Refused("a double negation was not understood", "event")
    if "q" in g and "j" in g:
        raise Refused("how the events are joined was not understood", "event")
    if absent and subject.quantifier in ("any", "or"):
        raise Refused("none of them, or not all? this was not understood", "event")
    if not absent and "a" in g and g["a"].value != "any":
        raise Refused("every event? this was not understood", "event")
    kinds = [g["e"].value, *([g["j"].value] if "j" in g else [])]
    texts = []
    for kind in kinds:
        if kind == "nan":
            texts.append(f"{s.term(subject, 'nan_count')} {'==' if absent else '>'} 0")
        elif absent:
            # `not` applies to the whole, so that each of several is denied
            texts.append(
                f"not {s.term(Subject(subject.names, 'any') if len(subject.names) > 1 or '*' in subject.names else subject, 'diverged')}"
            )
        else:
            texts.append(s.term(subject, "diverged"))
    if "k" in g and g["k"].letter == "&" and not absent:
        raise Refused("both events at once, or either? this was not understood", "event")
    return _clause(s, (" and " if absent else " or ").join(texts), "event", None, subject, guard=True)


def free(s: Statement, g: Groups) -> Clause:
    """`NaN-free`."""
    subject = s.subject(g.get("v"))
    if subject.quantifier not in ("one", "all", "list") or s.written is not None:
        raise Refused("free of NaN: which of them? this was not understood", "event")
    return _clause(s, f"{s.term(subject, 'nan_count')} == 0", "event", None, subject, guard=True)


def times_as_fast(s: Statement, g: Groups) -> Clause:
    """`at least twice as fast as V`: a ratio of times, the base's on top."""
    metric = s.time()
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    _single(base)
    operator = _operator(g, "c", default=">=")
    operator = _flip(operator) if "n" in g else operator
    if g["q"].value.unit not in ("x", "%") or s.measures.metric(metric).direction != "lower":
        raise Refused("how many times as fast? this was not understood", "ratio")
    ours, theirs = s.term(subject, metric), s.term(base, metric, right=True)
    pair = f"{theirs} / {ours}" if g["f"].value == "fast" else f"{ours} / {theirs}"
    formal = f"{pair} {operator} {number(g['q'].value)}"
    return _clause(s, formal, "ratio", metric, subject, guard=(g["f"].value == "slow") == (operator[0] == "<"))


def as_fast(s: Statement, g: Groups) -> Clause:
    """`at least as fast as V`."""
    metric = s.time()
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    operator = _operator(g, "c")
    if operator not in (">=", "<="):
        raise Refused("as fast as was not understood", "ordering")
    if g["f"].value == "slow":
        operator = MIRRORED[operator]
    return _ordered(s, subject, s.measures.quality(metric, operator), base, metric, negated="n" in g)


def counted_event(s: Statement, g: Groups) -> Clause:
    """`NaN count = 0`, `fewer than 3 NaNs`."""
    if g["e"].value != "nan" or g["q"].value.unit not in ("", "steps"):
        raise Refused("how this event is counted was not understood", "event")
    operator = _operator(g, "c", default="==")
    subject = s.subject(g.get("v"))
    if subject.quantifier == "none":
        raise Refused("a negated count was not understood", "event")
    return _clause(
        s, compared(s.term(subject, "nan_count"), operator, number(g["q"].value)), "event", None, subject, guard=True
    )


def deadline(s: Statement, g: Groups) -> Clause:
    """`converges within 500 steps`."""
    quantity = g["q"].value
    if quantity.unit not in ("steps", "epochs") or s.written not in (None, "step_time", "steps_to_converge"):
        raise Refused("within how many steps is not said", "deadline")
    metric = s.measures.known("steps_to_converge" if quantity.unit == "steps" else "epochs_to_converge")
    operator = _operator(g, "c", default="<=")
    subject = s.subject(g.get("v"))
    if "n" in g or subject.quantifier == "none":
        operator = _flip(operator)
    return _clause(s, compared(s.term(subject, metric), operator, number(quantity)), "deadline", metric, subject)


def deadline_order(s: Statement, g: Groups) -> Clause:
    """`converges faster than V`, `converges in fewer steps than V`."""
    if s.written not in (None, "step_time", "steps_to_converge"):
        raise Refused("converges faster in steps, or in time?", "deadline")
    word = g["f"]
    operator = str(word.value) if word.letter == "L" else ("<" if word.value == "faster" else ">")
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    return _ordered(s, subject, operator, base, "steps_to_converge", negated="n" in g)


def deadline_ratio(s: Statement, g: Groups) -> Clause:
    """`converges 2x faster than V`: in steps."""
    if s.written not in (None, "step_time", "steps_to_converge"):
        raise Refused("converges faster in steps, or in time?", "deadline")
    s.written = "steps_to_converge"
    subject = s.subject(g.get("v"))
    base = s.base(g["w"], subject)
    _single(base)
    operator = _operator(g, "c", default=">")
    operator = _flip(operator) if "n" in g else operator
    if g["q"].value.unit != "x":
        raise Refused("how many times faster? this was not understood", "deadline")
    ours, theirs = s.term(subject, s.written), s.term(base, s.written, right=True)
    pair = f"{theirs} / {ours}" if g["f"].value == "faster" else f"{ours} / {theirs}"
    return _clause(s, f"{pair} {operator} {number(g['q'].value)}", "deadline", s.written, subject)


def trend(s: Statement, g: Groups) -> Clause:
    """`accuracy drops by less than 5 points from T=128 to T=512`."""
    assert s.span is not None
    first, second = s.span
    metric = s.measures.chosen(s.written, None, "trend")
    operator = _operator(g, "c", default=">=")
    operator = _flip(operator) if "n" in g else operator
    subject = s.subject(g.get("v"))
    if subject.quantifier != "one":
        raise Refused("a change over settings is about one variant", "trend")
    if not s.measures.is_share(metric):
        raise Refused("a change of this metric: in its unit, or relative? not understood", "trend")
    before = term(subject, metric, (*s.conditions, first))
    after = term(subject, metric, (*s.conditions, second))
    left, right = (before, after) if g["i"].value == "-" else (after, before)
    formal = f"{left} - {right} {operator} {number(g['q'].value, unit=_points(s, metric, g['q'].value))}"
    return _clause(s, formal, "trend", metric, subject)


# -- what the patterns share -------------------------------------------------------------------------------------


def _clause(
    s: Statement, formal: str, class_: Class, metric: str | None, subject: Subject, guard: bool = False
) -> Clause:
    return Clause(formal, class_, metric, subject, s.conditions, guard)


def _operator(g: Groups, key: str, default: str | None = None) -> str:
    if key not in g:
        assert default is not None
        return default
    value = str(g[key].value)
    return "==" if value == "=" else value


def _flip(operator: str) -> str:
    if operator not in FLIPPED:
        raise Refused("a denied equality was not understood")
    return FLIPPED[operator]


def _single(base: Subject) -> None:
    if base.quantifier not in ("one", "best", "max", "min"):
        raise Refused("compared with each, or with any of them? name one, or `the best of ...`", "ratio")


def _inside(g: Groups, pattern: str) -> Groups:
    """The chunks of the bracket, which have to spell the pattern."""
    items: list[Chunk] = [item for item in g["b"].value if item.letter != "M"]
    found = re.fullmatch(pattern, "".join(item.letter for item in items))
    if found is None:
        shown = " ".join(token.text for item in items for token in item.tokens)
        raise Refused(f"the bracket ({shown}) was not understood")
    return {key: items[found.start(key)] for key in found.groupdict() if found.group(key)}


FORMS: tuple[tuple[str, Reader], ...] = (
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>[C=])(?P<q>Q)", constant),
    (r"(?P<n>N)?R?(?P<c>[C=])(?P<q>Q)(?P<v>V)", constant_of),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>R)(?P<q>Q)", constant),
    (r"(?P<v>V)?W(?P<q>Q)", within),
    (r"(?P<q>Q)(?P<c>C)(?P<v>V)?", mirrored),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>[GC])h(?P<b>\()", chance),
    (r"(?P<v>V)?(?P<s>S)(?P<b>\()", solved),
    (r"(?P<v>V)?[R=~∈]*(?P<b>B)", band),
    (r"(?P<b>B)o?(?P<v>V)", band),
    (r"(?P<q>Q)(?P<c>C)(?P<v>V)?(?P<d>C)(?P<r>Q)", chain),
    (r"(?P<v>V)?[R=]?(?P<b>±)", tolerance),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>[GC])(?P<w>V)", ordering),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>L)T(?P<w>V)", ordering),
    (r"(?P<v>V)(?P<c>C)(?P<w>V)(?P<d>C)(?P<x>V)", sequence),
    (r"(?P<v>V)?(?P<n>N)?(?P<f>F)T?(?P<w>V)?", speed_order),
    (r"(?P<v>V)?(?P<n>N)?X?(?P<c>[GCK])(?P<w>V)(?P<b>\()", gapped),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>[GC])(?P<w>V)y(?P<d>C)?(?P<q>Q)", margin),
    (r"(?P<v>V)?(?P<n>N)?(?P<d>C)?(?P<q>Q)(?P<c>[GC])(?P<w>V)", margin_before),
    (r"(?P<v>V)?(?P<n>N)?(?P<d>C)?(?P<q>Q)(?P<c>L)T(?P<w>V)", margin_before),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<i>I)v?(?P<w>V)y(?P<d>C)?(?P<q>Q)", gain),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<i>I)[yo]?(?P<d>C)?(?P<q>Q)v(?P<w>V)", gain),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<i>I)v(?P<w>V)(?P<d>C)(?P<q>Q)", gain),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<d>C)(?P<q>Q)(?P<i>I)v?(?P<w>V)", gain),
    (r"(?P<v>V)?(?P<n>N)?K?W(?P<q>Q)o?(?P<w>V)", close),
    (r"(?P<v>V)?(?P<n>N)?K(?P<w>V)W(?P<q>Q)", close),
    (r"(?:Pv?)(?P<v>V)(?P<n>N)?(?P<c>C)(?P<q>Q)", gap),
    (r"(?P<v>V)Pv?(?P<w>V)(?P<n>N)?(?P<c>C)(?P<q>Q)", gap),
    (r"(?P<v>V)(?P<c>C)(?P<q>Q)Pv?(?P<w>V)", gap),
    (r"(?P<a>‖)?(?P<v>V)[-—](?P<w>V)‖?(?P<c>C)(?P<q>Q)", difference),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)?(?P<q>Q)(?P<f>F)T?(?P<w>V)?", faster),
    (r"(?P<v>V)?(?P<n>N)?(?P<f>F)(?P<w>V)y(?P<c>C)?(?P<q>Q)", faster),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)?(?P<q>Q)(?P<l>L)T(?P<w>V)", saving),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>C)(?P<q>Q)o?(?P<w>V)", ratio),
    (r"(?P<v>V)?(?P<o>O)v?(?P<w>V)?(?P<n>N)?(?P<c>C)(?P<q>Q)", compared_rate),
    (r"(?P<o>O)(?P<v>V)v(?P<w>V)(?P<n>N)?(?P<c>C)(?P<q>Q)", compared_rate),
    (r"(?P<v>V)?R?(?P<o>O)o?(?P<c>C)?(?P<q>Q)(?:v(?P<w>V))?", compared_rate),
    (r"(?P<v>V)?R?(?P<c>C)(?P<q>Q)(?P<o>O)(?:v(?P<w>V))?", compared_rate),
    (r"(?P<v>V)/(?P<w>V)O?(?P<c>C)(?P<q>Q)", divided),
    (r"(?P<v>V)?(?P<n>N)?Z(?:v?r)?", exact),
    (r"(?P<v>V)?Kr(?P<c>[CW])(?P<q>Q)", agreement),
    (r"(?P<v>V)?(?:v?r)(?P<c>C)(?P<q>Q)", agreement),
    (r"(?P<v>V)?(?P<c>C)(?P<q>Q)v?r", agreement),
    (r"(?P<v>V)?(?P<n>f)", free),
    (r"(?P<n>f)(?P<v>V)", free),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)?(?P<q>Q)(?P<f>J)(?P<w>V)", times_as_fast),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)(?P<f>J)(?P<w>V)", as_fast),
    (r"(?P<v>V)?(?P<n>N)?(?P<a>q)?(?P<e>E)(?:(?P<k>[|&])(?P<j>E))?", event),
    (r"(?P<n>N)?(?P<a>q)?(?P<e>E)(?:(?P<k>[|&])(?P<j>E))?(?P<w>V)", event),
    (r"(?P<v>V)?(?P<e>E)(?P<c>[C=])?(?P<q>Q)", counted_event),
    (r"(?P<v>V)?(?P<c>C)?(?P<q>Q)(?P<e>E)", counted_event),
    (r"(?P<v>V)?(?P<n>N)?D(?:W|(?P<c>C))?(?P<q>Q)", deadline),
    (r"(?P<v>V)?(?P<n>N)?D(?P<f>F)(?P<w>V)", deadline_order),
    (r"(?P<v>V)?(?P<n>N)?D(?P<c>C)?(?P<q>Q)(?P<f>F)(?P<w>V)", deadline_ratio),
    (r"(?P<v>V)?(?P<n>N)?D(?P<f>L)T(?P<w>V)", deadline_order),
    (r"(?P<v>V)?(?P<n>N)?(?P<i>I)y?(?P<c>C)?(?P<q>Q)H", trend),
)
"""Forms of a statement. Where two forms fit, each is tried in order and a refusal moves on to the next."""

_COMPILED = tuple((re.compile(pattern), reader) for pattern, reader in FORMS)


def read_statement(core: list[Chunk], statement: Statement) -> Clause:
    """The first form that accounts for every chunk; Refused with the reason of the form that came closest."""
    letters = "".join(item.letter for item in core)
    reason: Refused | None = None
    for pattern, reader in _COMPILED:
        found = pattern.fullmatch(letters)
        if found is None:
            continue
        groups = {key: core[found.start(key)] for key in found.groupdict() if found.group(key)}
        if "H" in letters and reader is not trend:
            continue
        try:
            return reader(statement, groups)
        except Refused as refused:
            reason = reason or refused
    raise reason or Refused("")
