"""Against another variant: orderings, margins, gaps."""

from proposals.natural.chunks import Quantity
from proposals.natural.emit import FLIPPED, MIRRORED, Clause, compared, number
from proposals.natural.names import Subject
from proposals.natural.reading import Refused
from proposals.natural.statement import Groups, Statement, bracketed, clause, flip, operator_of, single, touch


def ordering(s: Statement, g: Groups) -> Clause:
    """`V beats V`, `V > V`, `V has lower perplexity than V`, each with "not" before it or without."""
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    operator, metric = relation(s, g)
    return ordered(s, subject, operator, base, metric, negated="n" in g)


def ordered(s: Statement, subject: Subject, operator: str, base: Subject, metric: str, *, negated: bool) -> Clause:
    if negated or subject.quantifier == "none":
        if base.quantifier in ("list", "all", "any", "or") or (negated and subject.quantifier == "none"):
            raise Refused("not better than each, or than any of them? say `no better than the best of ...`", "ordering")
        operator = flip(operator)
    formal = compared(s.term(subject, metric), operator, s.term(base, metric, right=True))
    return clause(s, formal, "ordering", metric, subject)


def relation(s: Statement, g: Groups) -> tuple[str, str]:
    """The comparison of the numbers, and the metric."""
    word = g["c"]
    metric = s.measures.chosen(s.written, None, "ordering")
    if word.letter == "G":
        return s.measures.quality(metric, word.value), metric
    if word.letter == "C" and word.tokens[0].kind == "word" and "ceed" in word.tokens[-1].low + word.tokens[0].low:
        return s.measures.quality(metric, word.value) if s.measures.metric(
            metric
        ).direction == "higher" else doubt(), metric
    return str(word.value), metric


def doubt() -> str:
    raise Refused("exceeds in number, or in quality? for this metric less is better", "ordering")


def sequence(s: Statement, g: Groups) -> Clause:
    """`V1 > V2 > V3`."""
    metric = s.measures.chosen(s.written, None, "ordering")
    first, second = operator_of(g, "c"), operator_of(g, "d")
    subjects = [g[key].value for key in "vwx"]
    if first[0] != second[0] or any(item.quantifier != "one" for item in subjects):
        raise Refused("this chain of comparisons was not understood", "ordering")
    texts = [s.term(item, metric) for item in subjects]
    return clause(s, f"{texts[0]} {first} {texts[1]} {second} {texts[2]}", "ordering", metric, subjects[0])


def speed_order(s: Statement, g: Groups) -> Clause:
    """`V is faster than V`."""
    metric = s.time()
    operator = s.measures.quality(metric, ">" if g["f"].value == "faster" else "<")
    subject = s.subject(g.get("v"))
    return ordered(s, subject, operator, s.base(g.get("w"), subject), metric, negated="n" in g)


def gapped(s: Statement, g: Groups) -> Clause:
    """`no better than V (< 5% gap)`, `matches V (within 2%)`: the bracket holds the operative number."""
    if any(item.letter == "M" and item.value != s.written for item in g["b"].value):
        raise Refused("the bracket is about another metric", "margin")
    inside = bracketed(g, "(?P<p>P?)(?P<c>[CW±])(?P<q>Q)P?")
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    metric = s.measures.chosen(s.written, None, "margin")
    limit = inside["c"]
    operator = "<=" if limit.letter in "W±" else operator_of(inside, "c")
    word = g["c"]
    if word.letter == "K":
        if operator[0] != "<" or "n" in g:
            raise Refused("a match within more than something was not understood", "margin")
        return closeness(s, subject, base, operator, inside["q"].value, metric)
    better = word.value if word.letter == "G" else doubtless(s, metric, str(word.value))
    better = FLIPPED[better] if "n" in g else better
    if better not in (">", "<", "<=", ">="):
        raise Refused("a margin of equality was not understood", "margin")
    # "better than V (> 5%)" leads by more; "no better than V (< 5%)" leads by less; "worse (> 5%)" trails by more
    if (better == ">" and operator[0] == ">") or (better == "<=" and operator[0] == "<"):
        return lead(s, subject, base, operator, inside["q"].value, metric)
    if (better == "<" and operator[0] == ">") or (better == ">=" and operator[0] == "<"):
        return lead(s, base, subject, operator, inside["q"].value, metric, about=subject)
    raise Refused("the number in the bracket contradicts the comparison", "margin")


def doubtless(s: Statement, metric: str, operator: str) -> str:
    if s.measures.metric(metric).direction != "higher":
        raise Refused("for this metric less is better: which side leads is not clear", "margin")
    return operator


def margin_before(s: Statement, g: Groups) -> Clause:
    """`V is at least 5 points better than V`: the number belongs to the word after it."""
    touch(g["q"], g["c"])
    if g["c"].letter == "G" and g["c"].tokens[-1].low != "than":
        raise Refused("two statements in one", "compound")
    return margin(s, g)


def margin(s: Statement, g: Groups) -> Clause:
    """`V beats V by more than 5 points`, `V is at least 5 points above V`."""
    subject = s.subject(g.get("v"))
    base = s.base(g["w"], subject)
    quantity = g["q"].value
    operator = operator_of(g, "d", default=">=")
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
        single(base)
        operator = flip(operator)
    if ahead == ">":
        return lead(s, subject, base, operator, quantity, metric)
    return lead(s, base, subject, operator, quantity, metric, about=subject)


def gain(s: Statement, g: Groups) -> Clause:
    """`V improves accuracy over V by at least 5 points`, `V falls more than 10 points short of V`."""
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    operator = operator_of(g, "d", default=">=")
    metric = s.measures.chosen(s.written, None, "margin")
    if not s.measures.is_share(metric):
        if g["i"].value == "+" and any(t.low.startswith(("increase", "rise")) for t in g["i"].tokens):
            raise Refused("whether an increase is good is not clear for this metric", "margin")
    elif g["i"].value == "-" and "n" in g:
        raise Refused("a loss that is denied was not understood", "margin")
    if "n" in g:
        single(base)
        operator = flip(operator)
    if g["i"].value == "+":
        return lead(s, subject, base, operator, g["q"].value, metric)
    return lead(s, base, subject, operator, g["q"].value, metric, about=subject)


def close(s: Statement, g: Groups) -> Clause:
    """`V within 5% of V`, `V matches V within 2 points`."""
    if "n" in g:
        raise Refused("not within was not understood; say by how much it differs", "margin")
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    metric = s.measures.chosen(s.written, None, "margin")
    return closeness(s, subject, base, "<=", g["q"].value, metric)


def gap(s: Statement, g: Groups) -> Clause:
    """`gap between V and V < 5%`; a gap that must be wide needs to know who leads."""
    operator = operator_of(g, "c")
    operator = flip(operator) if "n" in g else operator
    metric = s.measures.chosen(s.written, None, "margin")
    if "v" in g and g["v"].value.quantifier == "list" and "w" not in g:
        if len(g["v"].value.names) != 2:
            raise Refused("a gap is between two", "margin")
        subject, base = (Subject((name,)) for name in g["v"].value.names)
    else:
        subject = s.subject(g.get("v") if "w" in g else None)
        base = s.base(g.get("w") or g.get("v"), subject)
    if operator[0] == "<":
        return closeness(s, subject, base, operator, g["q"].value, metric)
    proposed = set(s.scope.proposed)
    if not (set(subject.names) <= proposed and not set(base.names) & proposed) or s.scope.context.section == "failure":
        raise Refused("which side of the gap leads is not said", "margin")
    s.measures.notes.assumed.append("the proposed variant is taken to lead")
    return lead(s, subject, base, operator, g["q"].value, metric)


def difference(s: Statement, g: Groups) -> Clause:
    """`V - V < 5%`, `|V - V| < 5%`."""
    subject, base = g["v"].value, g["w"].value
    metric = s.measures.chosen(s.written, None, "margin")
    operator = operator_of(g, "c")
    if "a" in g:
        return closeness(s, subject, base, operator, g["q"].value, metric)
    unit = points(s, metric, g["q"].value)
    formal = (
        f"{s.term(subject, metric)} - {s.term(base, metric, right=True)} {operator} {number(g['q'].value, unit=unit)}"
    )
    return clause(s, formal, "margin", metric, subject)


def lead(
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
        formal = f"{left} - {right} {operator} {number(by, unit=points(s, metric, by))}"
        return clause(s, formal, "margin", metric, subject)
    higher = s.measures.quality(metric, ">") == ">"
    if by.unit == "%":
        # a share of the base's value, whoever leads
        ours, base = (right, left) if about else (left, right)
        more = higher != bool(about)
        formal = f"{ours} / {base} - 1" if more else f"1 - {ours} / {base}"
        return clause(s, f"{formal} {operator} {number(by)}", "ratio", metric, subject)
    top, bottom = (left, right) if higher else (right, left)
    if by.unit == "x":
        return clause(s, f"{top} / {bottom} {operator} {number(by)}", "ratio", metric, subject)
    return clause(s, f"{top} - {bottom} {operator} {number(by)}", "margin", metric, subject)


def closeness(s: Statement, left: Subject, right: Subject, operator: str, by: Quantity, metric: str) -> Clause:
    """Two-sided, as written: a difference of at most so much either way."""
    if left.quantifier not in ("one", "all", "list") or right.quantifier not in ("one", "all", "list", "best"):
        raise Refused("whether one or each of several is meant is not clear", "margin")
    if operator[0] != "<":
        raise Refused("which side of the difference leads is not said", "margin")
    a, b = s.term(left, metric), s.term(right, metric, right=True)
    if s.measures.is_share(metric):
        formal = f"abs({a} - {b}) {operator} {number(by, unit=points(s, metric, by))}"
    elif by.unit == "%":
        formal = f"abs({a} / {b} - 1) {operator} {number(by)}"
    elif by.unit == "x":
        raise Refused("within a factor of what, above or below? this was not understood", "margin")
    else:
        formal = f"abs({a} - {b}) {operator} {number(by)}"
    s.measures.notes.assumed.append("close is read as a difference either way")
    return clause(s, formal, "margin", metric, left)


def points(s: Statement, metric: str, by: Quantity) -> str | None:
    """A percentage gap of accuracies is in points."""
    if by.unit == "x" or by.unit not in ("%", "pp", "", "x"):
        raise Refused(f"a difference in {metric} is in points", "margin")
    if by.unit == "" and by.value > 1:
        raise Refused("a difference of accuracies of more than 1 needs a unit: points?", "margin")
    return "pp" if by.unit in ("%", "pp") else None
