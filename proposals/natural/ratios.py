"""Times as much, faster, less: against another variant, relative to it."""

from proposals.natural.chunks import Quantity
from proposals.natural.emit import Clause, number
from proposals.natural.measures import TIMES
from proposals.natural.names import Subject
from proposals.natural.nouns import SPEED
from proposals.natural.reading import Refused
from proposals.natural.statement import Groups, Statement, clause, flip, operator_of, single, touch


def faster(s: Statement, g: Groups) -> Clause:
    """`V is 20% faster than V`: time(base) / time(V) > 1.2."""
    if g["f"].tokens[0].start > g["q"].tokens[0].start:
        touch(g["q"], g["f"])
    metric = s.time()
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    operator = operator_of(g, "c", default="")
    if "n" in g:
        operator = flip(operator or ">")
    single(base)
    if subject.quantifier != "one":
        raise Refused("faster is about one variant", "ratio")
    shown = f"{operator} " if operator else ""
    formal = f"{s.term(subject, metric)} {shown}{number(g['q'].value)} {g['f'].value} than {s.term(base, metric)}"
    guard = g["f"].value == "slower" and operator[:1] == "<"
    return clause(s, formal, "ratio", metric, subject, guard=guard)


def saving(s: Statement, g: Groups) -> Clause:
    """`4x less memory than V`: base / V > 4; `40% less`: 1 - V / base > 0.4."""
    touch(g["q"], g["l"])
    subject, quantity = s.subject(g.get("v")), g["q"].value
    metric = s.measures.chosen(s.written, None, "ratio")
    base = s.base(g.get("w"), subject)
    operator = operator_of(g, "c", default=">")
    operator = flip(operator) if "n" in g else operator
    single(base)
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
    return clause(s, f"{formal} {operator} {number(quantity)}", "ratio", metric, subject, guard=guard)


def ratio(s: Statement, g: Groups) -> Clause:
    """`V < 3x V`, `at least 60% of V`, `ratio of V to V below 0.2`."""
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    if g["q"].value.unit != "x" and "o" not in g:
        raise Refused("whether the number is a share of the variant after it is not clear", "ratio")
    operator = operator_of(g, "c")
    operator = flip(operator) if "n" in g else operator
    return as_ratio(s, subject, base, operator, g["q"].value)


def as_ratio(s: Statement, subject: Subject, base: Subject, operator: str, quantity: Quantity) -> Clause:
    single(base)
    if quantity.unit not in ("x", "%", ""):
        raise Refused("a ratio has no unit", "ratio")
    if subject.quantifier not in ("one", "all", "list"):
        raise Refused("whether one or each of several is meant is not clear", "ratio")
    if s.written == SPEED:
        s.measures.notes.assumed.append("speed is read as the inverse of the step time")
        formal = (
            f"{s.term(base, 'step_time', right=True)} / {s.term(subject, 'step_time')} {operator} {number(quantity)}"
        )
        return clause(
            s, formal, "ratio", "step_time", subject, guard=operator[0] == ">" and quantity.value < one(quantity)
        )
    metric = s.measures.chosen(s.written, None, "ratio")
    formal = f"{s.term(subject, metric)} / {s.term(base, metric, right=True)} {operator} {number(quantity)}"
    better = s.measures.metric(metric).direction
    # not much worse than the base: a bound on a price, not an advantage
    price = (better == "lower" and operator[0] == "<" and quantity.value > one(quantity)) or (
        better == "higher" and operator[0] == ">" and quantity.value < one(quantity) and not s.measures.is_share(metric)
    )
    return clause(s, formal, "ratio", metric, subject, guard=price)


def one(quantity: Quantity) -> int:
    return 100 if quantity.unit == "%" else 1


def compared_rate(s: Statement, g: Groups) -> Clause:
    """`speedup over V > 1.3x`, `memory ratio < 0.2`, `overhead below 10%`."""
    subject = s.subject(g.get("v"))
    base = s.base(g.get("w"), subject)
    operator = operator_of(g, "c", default=">=")
    operator = flip(operator) if "n" in g else operator
    quantity, kind = g["q"].value, g["o"].value
    single(base)
    if kind == "ratio":
        return as_ratio(s, subject, base, operator, quantity)
    metric = s.time() if kind != "overhead" or s.written in TIMES or s.written is None else s.measures.known(s.written)
    if s.measures.metric(metric).direction != "lower":
        raise Refused(f"a {kind} in {metric} was not understood", "ratio")
    ours, theirs = s.term(subject, metric), s.term(base, metric, right=True)
    if kind == "overhead":
        if quantity.unit != "%":
            raise Refused("an overhead is said in %", "ratio")
        return clause(
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
    return clause(
        s,
        f"{pair} {operator} {number(quantity)}",
        "ratio",
        metric,
        subject,
        guard=kind == "slowdown" and operator[0] == "<",
    )


def divided(s: Statement, g: Groups) -> Clause:
    """`V / V step time < 3`."""
    return as_ratio(s, g["v"].value, g["w"].value, operator_of(g, "c"), g["q"].value)
