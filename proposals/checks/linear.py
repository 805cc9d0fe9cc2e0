"""What a comparison bounds, apart from how it is written: one subject, and the limit it is held to.

`a.test_accuracy > b.test_accuracy + 5 pp` and `b.test_accuracy - a.test_accuracy < -5 pp` both bound
`a.test_accuracy - b.test_accuracy` at 0.05; `3x a.step_time < b.step_time` bounds `a.step_time / b.step_time` at 1/3.
Numbers are fractions of integers, so that 0.1 + 0.2 is 0.3.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from models.metrics import EVENT_METRICS, Metric
from proposals.language import canonical
from proposals.language.expressions import (
    Arithmetic,
    Call,
    ComparisonOperator,
    MetricRef,
    Negative,
    Number,
    Value,
    metrics_in,
)

Terms = dict[Value, Fraction]
"""Coefficient of each thing that is not taken apart further: a metric, a quotient of two, `abs(...)`."""

TURNED: dict[ComparisonOperator, ComparisonOperator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


@dataclass(frozen=True)
class Bound:
    """`subject operator limit`."""

    subject: Value
    operator: ComparisonOperator
    limit: Fraction


def bound(
    left: Value,
    operator: ComparisonOperator,
    right: Value,
    metrics: Mapping[str, Metric],
    proposed: Collection[str] = (),
) -> Bound | None:
    """None where it bounds nothing, as in `a.x >= a.x`, or no single thing. Subjects begin with a proposed variant."""
    terms, constant = sums(Arithmetic("-", left, right))
    if not terms:
        return None
    ordered = sorted(terms, key=lambda value: _rank(value, proposed))
    lead = ordered[0]
    if len(terms) == 2 and constant == 0 and _by_ratio(terms, metrics):
        quotient: Value = Arithmetic("/", lead, ordered[1])
        return _at(quotient, terms[lead], operator, -terms[ordered[1]] / terms[lead])
    if len(terms) == 1:
        limit = -constant / terms[lead]
        turned = _upside_down(lead, proposed)
        if turned is None:
            return _at(lead, terms[lead], operator, limit)
        if limit <= 0 or not _positive(turned, metrics):
            return None
        return _at(turned, -terms[lead], operator, 1 / limit)
    scale = abs(terms[lead])
    sign = 1 if terms[lead] > 0 else -1
    subject = _sum([(value, sign * terms[value] / scale) for value in ordered])
    return _at(subject, Fraction(sign), operator, -sign * constant / scale)


def _at(subject: Value, coefficient: Fraction, operator: ComparisonOperator, limit: Fraction) -> Bound:
    return Bound(subject, operator if coefficient > 0 else TURNED[operator], limit)


def _rank(value: Value, proposed: Collection[str]) -> tuple[bool, str]:
    return not any(ref.variant in proposed for ref in metrics_in(value)), canonical(value)


def _sum(terms: list[tuple[Value, Fraction]]) -> Value:
    """The expression again: `a - b`, `a + 2 * b`. The first coefficient is 1."""
    whole = terms[0][0]
    for value, coefficient in terms[1:]:
        size = abs(coefficient)
        part = value if size == 1 else Arithmetic("*", Number(float(size)), value)
        whole = Arithmetic("+" if coefficient > 0 else "-", whole, part)
    return whole


# -- ratios ------------------------------------------------------------------------------------------------


def _by_ratio(terms: Terms, metrics: Mapping[str, Metric]) -> bool:
    """`a < 3 * b` is about a ratio. Fractions are compared by difference unless one of them is multiplied."""
    first, second = terms
    if not isinstance(first, MetricRef) or not isinstance(second, MetricRef) or terms[first] * terms[second] >= 0:
        return False
    if not all(_positive(ref, metrics) for ref in (first, second)):
        return False
    shares = all(metrics[ref.metric].unit in {"fraction", "number"} for ref in (first, second))
    return not shares or terms[first] != -terms[second]


def _positive(value: Value, metrics: Mapping[str, Metric]) -> bool:
    """Never negative, and zero so seldom that dividing by it is no concern."""
    return all(ref.metric not in EVENT_METRICS and metrics[ref.metric].unit != "number" for ref in metrics_in(value))


def _upside_down(value: Value, proposed: Collection[str]) -> Value | None:
    """`b / a` as `a / b`, where that is how the subject is called; else None."""
    if not isinstance(value, Arithmetic) or value.operator != "/":
        return None
    if not isinstance(value.left, MetricRef) or not isinstance(value.right, MetricRef):
        return None
    in_order = _rank(value.left, proposed) <= _rank(value.right, proposed)
    return None if in_order else Arithmetic("/", value.right, value.left)


# -- sums --------------------------------------------------------------------------------------------------


def sums(value: Value) -> tuple[Terms, Fraction]:
    """As a sum of multiples and a constant; what cancels is gone."""
    match value:
        case Number(number):
            return {}, Fraction(repr(number))
        case Negative(operand):
            return _scaled(sums(operand), Fraction(-1))
        case Arithmetic("+" | "-" as operator, left, right):
            return _added(sums(left), _scaled(sums(right), Fraction(1 if operator == "+" else -1)))
        case Arithmetic("*", left, right):
            one, other = sums(left), sums(right)
            if not one[0]:
                return _scaled(other, one[1])
            if not other[0]:
                return _scaled(one, other[1])
        case Arithmetic("/", left, right):
            return _divided(value, sums(left), sums(right))
        case Call("max" | "min" as function, arguments):
            distinct = sorted(set(arguments), key=canonical)
            if len(distinct) == 1:
                return sums(distinct[0])
            return {Call(function, tuple(distinct)): Fraction(1)}, Fraction(0)
    return {value: Fraction(1)}, Fraction(0)


def _scaled(of: tuple[Terms, Fraction], factor: Fraction) -> tuple[Terms, Fraction]:
    terms, constant = of
    return ({value: factor * size for value, size in terms.items()} if factor else {}), factor * constant


def _added(one: tuple[Terms, Fraction], other: tuple[Terms, Fraction]) -> tuple[Terms, Fraction]:
    terms = dict(one[0])
    for value, size in other[0].items():
        terms[value] = terms.get(value, Fraction(0)) + size
    return {value: size for value, size in terms.items() if size}, one[1] + other[1]


def _divided(whole: Value, above: tuple[Terms, Fraction], below: tuple[Terms, Fraction]) -> tuple[Terms, Fraction]:
    """`(a - b) / b` is `a / b - 1`; what is divided by a sum stays as it is."""
    terms, constant = below
    if not terms:
        return _scaled(above, 1 / constant) if constant else ({whole: Fraction(1)}, Fraction(0))
    if len(terms) > 1 or constant:
        return {whole: Fraction(1)}, Fraction(0)
    ((divisor, size),) = terms.items()
    quotients: Terms = {
        Arithmetic("/", value, divisor): factor / size for value, factor in above[0].items() if value != divisor
    }
    if above[1]:
        quotients[Arithmetic("/", Number(1.0), divisor)] = above[1] / size
    return quotients, above[0].get(divisor, Fraction(0)) / size
