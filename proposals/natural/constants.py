"""Against a number: bounds, bands, chance levels, and verbs whose bracket holds the bound."""

from proposals.natural.emit import MIRRORED, Clause, compared, number, plain
from proposals.natural.measures import ERRORS
from proposals.natural.ratios import as_ratio
from proposals.natural.reading import Class, Refused
from proposals.natural.statement import Groups, Statement, bracketed, clause, flip, operator_of


def constant(s: Statement, g: Groups) -> Clause:
    """`V > 80%`, `V does not reach 80%`, `80% or more`."""
    quantity = g["q"].value
    operator = operator_of(g, "c", default=">=")
    if "n" in g:
        operator = flip(operator)
    subject = s.subject(g.get("v"))
    if subject.quantifier == "none":
        operator = flip(operator)
    if quantity.unit == "x" and s.written is not None:
        return as_ratio(s, subject, s.base(None, subject), operator, quantity)
    if quantity.unit in ("steps", "epochs"):
        raise Refused("what is reached within these steps has no metric", "deadline")
    metric = s.measures.chosen(s.written, quantity, "constant")
    class_: Class = "agreement" if metric in ERRORS else "constant"
    return clause(s, compared(s.term(subject, metric), operator, number(quantity)), class_, metric, subject,
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
    return clause(s, compared(s.term(subject, metric), "<=", number(g["q"].value)), class_, metric, subject,
                   guard=metric in ERRORS)  # fmt: skip


def mirrored(s: Statement, g: Groups) -> Clause:
    """`0.9 < accuracy of V`."""
    metric = s.measures.chosen(s.written, g["q"].value, "constant")
    subject = s.subject(g.get("v"))
    operator = MIRRORED[operator_of(g, "c")]
    return clause(s, compared(s.term(subject, metric), operator, number(g["q"].value)), "constant", metric, subject)


def chance(s: Statement, g: Groups) -> Clause:
    """`better than chance (16.7%)`: only because the number is given."""
    if any(item.letter == "M" for item in g["b"].value):
        raise Refused("the bracket was not understood", "constant")
    quantity = bracketed(g, "[=~]?(?P<q>Q)")["q"].value
    metric = s.measures.chosen(s.written, quantity, "constant", default="test_accuracy")
    word = g["c"]
    operator = s.measures.quality(metric, word.value) if word.letter == "G" else str(word.value)
    operator = flip(operator) if "n" in g else operator
    subject = s.subject(g.get("v"))
    return clause(s, compared(s.term(subject, metric), operator, number(quantity)), "constant", metric, subject)


def solved(s: Statement, g: Groups) -> Clause:
    """`V fails (< 50%)`: the bracket is the statement, if it points the same way."""
    inside = bracketed(g, "(?P<c>C)(?P<q>Q)")
    nouns = {str(item.value) for item in g["b"].value if item.letter == "M"} | ({s.written} if s.written else set())
    if len(nouns) > 1:
        raise Refused("two metrics in one statement", "constant")
    s.written = nouns.pop() if nouns else None
    operator, quantity = operator_of(inside, "c"), inside["q"].value
    inherited = s.measures.inherited or (s.scope.context.siblings and s.scope.context.siblings[-1].metric)
    if s.written is None and inherited and inherited != "test_accuracy":
        raise Refused(f"is the number in the bracket {inherited}, or test accuracy?", "constant")
    metric = s.measures.chosen(s.written, quantity, "constant", default="test_accuracy")
    good = s.measures.quality(metric, ">")
    if (operator[0] == good) != (g["s"].value == "+"):
        raise Refused("the number in the bracket contradicts the verb", "constant")
    subject = s.subject(g.get("v"))
    return clause(s, compared(s.term(subject, metric), operator, number(quantity)), "constant", metric, subject)


def band(s: Statement, g: Groups) -> Clause:
    low, high = g["b"].value
    metric = s.measures.chosen(s.written, high, "band")
    subject = s.subject(g.get("v"))
    if subject.quantifier == "none":
        raise Refused("a negated range was not understood", "band")
    return clause(s, f"{s.term(subject, metric)} in {number(low)} .. {number(high)}", "band", metric, subject)


def chain(s: Statement, g: Groups) -> Clause:
    """`60% < accuracy < 70%`."""
    first, second = operator_of(g, "c"), operator_of(g, "d")
    metric = s.measures.chosen(s.written, g["r"].value, "band")
    subject = s.subject(g.get("v"))
    if first[0] != second[0] or first == "==":
        raise Refused("a chain of comparisons runs one way", "band")
    if subject.quantifier != "one":
        raise Refused("a chain of comparisons is about one variant", "band")
    formal = f"{number(g['q'].value)} {first} {s.term(subject, metric)} {second} {number(g['r'].value)}"
    return clause(s, formal, "band", metric, subject)


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
    return clause(s, formal, "band", metric, subject)
