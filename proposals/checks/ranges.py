"""Can a condition come out both ways? Decided by interval arithmetic over what each metric can be at all.

What stands on both sides of a comparison cancels; beyond that, intervals know nothing of dependence, so "always"
and "never" are certain and "either" is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from math import inf, isnan
from typing import Literal

from models.metrics import Metric
from proposals.checks.linear import TURNED, sums
from proposals.checks.regions import EVERYTHING, Region, between, both, region_of, whole_numbers
from proposals.language.expressions import (
    And,
    Arithmetic,
    Call,
    Comparison,
    ComparisonOperator,
    Condition,
    Event,
    MetricRef,
    Negative,
    Not,
    Number,
    Or,
    Value,
)

Outlook = Literal["always", "never", "either"]


@dataclass(frozen=True)
class Interval:
    low: float
    high: float


ANYTHING = Interval(-inf, inf)
_BY_NAME = {"perplexity": Interval(1, inf)}
_NOT_NEGATIVE = frozenset(
    {"test_loss", "train_loss", "initial_train_loss", "relative_error", "max_error"}
)  # fmt: skip


def range_of(name: str, metric: Metric) -> Interval:
    """What the metric can be, whatever is trained."""
    if metric.unit in {"fraction", "event"}:
        return Interval(0, 1)
    if metric.unit == "number":
        return _BY_NAME.get(name, Interval(0, inf) if name in _NOT_NEGATIVE else ANYTHING)
    return Interval(0, inf)


def outlook(condition: Condition, metrics: Mapping[str, Metric]) -> Outlook:
    match condition:
        case Event():
            return "either"
        case Not(item):
            return _OPPOSITE[outlook(item, metrics)]
        case And(items):
            each = [outlook(item, metrics) for item in items]
            if "never" in each or _exclude_each_other(items, metrics):
                return "never"
            return "always" if all(one == "always" for one in each) else "either"
        case Or(items):
            return _OPPOSITE[outlook(And(tuple(_negated(item) for item in items)), metrics)]
        case Comparison():
            return _compared(condition, metrics)


_OPPOSITE: dict[Outlook, Outlook] = {"always": "never", "never": "always", "either": "either"}
_NEGATED: dict[ComparisonOperator, ComparisonOperator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _negated(condition: Condition) -> Condition:
    match condition:
        case Comparison(operands, (operator,)) if operator in _NEGATED:
            return Comparison(operands, (_NEGATED[operator],))
        case Not(item):
            return item
        case _:
            return Not(condition)


def _compared(comparison: Comparison, metrics: Mapping[str, Metric]) -> Outlook:
    """A chain fails as soon as two of its operands, neighbours or not, cannot stand in that order."""
    intervals = [interval(operand, metrics) for operand in comparison.operands]
    results = []
    for left, right in combinations(range(len(intervals)), 2):
        if (operator := _together(comparison.operators[left:right])) is not None:
            result = _pair(intervals[left], operator, intervals[right])
            if result == "either":
                result = _cancelled(comparison.operands[left], operator, comparison.operands[right], metrics)
            results.append(result)
    if "never" in results:
        return "never"
    return "always" if all(result == "always" for result in results) else "either"


def _cancelled(left: Value, operator: ComparisonOperator, right: Value, metrics: Mapping[str, Metric]) -> Outlook:
    """With what stands on both sides taken away: `a.x + b.x > a.x` is about b.x alone."""
    terms, constant = sums(Arithmetic("-", left, right))
    reach = Interval(float(constant), float(constant))
    for value, size in terms.items():
        part = _arithmetic("*", Interval(float(size), float(size)), interval(value, metrics))
        reach = _arithmetic("+", reach, part)
    return _pair(reach, operator, Interval(0, 0))


def _together(operators: tuple[ComparisonOperator, ...]) -> ComparisonOperator | None:
    """What follows for the ends: `a < b <= c` is `a < c`; nothing follows from `a < b > c`."""
    distinct = set(operators) - {"=="}
    if not distinct:
        return "=="
    if distinct <= {"<", "<="}:
        return "<" if "<" in distinct else "<="
    if distinct <= {">", ">="}:
        return ">" if ">" in distinct else ">="
    return None


def _pair(left: Interval, operator: ComparisonOperator, right: Interval) -> Outlook:
    if operator in {">", ">="}:
        return _pair(right, TURNED[operator], left)
    if operator == "==":
        if left.low == left.high == right.low == right.high:
            return "always"
        return "never" if left.high < right.low or right.high < left.low else "either"
    if operator == "<":
        always, never = left.high < right.low, left.low >= right.high
    else:
        always, never = left.high <= right.low, left.low > right.high
    return "always" if always else "never" if never else "either"


def interval(value: Value, metrics: Mapping[str, Metric]) -> Interval:
    match value:
        case Number(number):
            return Interval(number, number)
        case MetricRef(_, name, _):
            return range_of(name, metrics[name])
        case Negative(operand):
            inner = interval(operand, metrics)
            return Interval(-inner.high, -inner.low)
        case Call("abs", arguments):
            inner = interval(arguments[0], metrics)
            low = 0 if inner.low <= 0 <= inner.high else min(abs(inner.low), abs(inner.high))
            return Interval(low, max(abs(inner.low), abs(inner.high)))
        case Call(function, arguments):
            inners = [interval(argument, metrics) for argument in arguments]
            choose = max if function == "max" else min
            return Interval(choose(one.low for one in inners), choose(one.high for one in inners))
        case Arithmetic(operator, left, right):
            return _arithmetic(operator, interval(left, metrics), interval(right, metrics))


def _arithmetic(operator: str, left: Interval, right: Interval) -> Interval:
    if operator == "+":
        return _hull([left.low + right.low, left.high + right.high])
    if operator == "-":
        return _hull([left.low - right.high, left.high - right.low])
    corners = list(product((left.low, left.high), (right.low, right.high)))
    if operator == "*":
        return _hull([a * b for a, b in corners])
    if right.low < 0 < right.high or right == Interval(0, 0):
        return ANYTHING
    # what is not zero may be close to it, from the side on which it lies
    return _hull([_over(a, b, below=right.high == 0) for a, b in corners])


def _over(a: float, b: float, *, below: bool) -> float:
    if b:
        return a / b
    return 0.0 if a == 0 else (inf if (a > 0) != below else -inf)


def _hull(corners: list[float]) -> Interval:
    """Where an infinity meets a zero or another infinity, the product may be as small as zero."""
    if any(isnan(corner) for corner in corners):
        known = [corner for corner in corners if not isnan(corner)]
        return Interval(min([0.0, *known]), max([0.0, *known])) if known else ANYTHING
    return Interval(min(corners), max(corners))


def _exclude_each_other(items: tuple[Condition, ...], metrics: Mapping[str, Metric]) -> bool:
    """Bounds on one subject that leave nothing between them, as in `x > 0.5 and x < 0.3`."""
    left: dict[Value, Region] = {}
    for item in items:
        found = region_of(item, metrics)
        if found is not None:
            subject, region = found
            left[subject] = both(left.get(subject, EVERYTHING), region)
    return any(not possible(subject, region, metrics) for subject, region in left.items())


def possible(subject: Value, region: Region, metrics: Mapping[str, Metric]) -> Region:
    """What of the region the subject can be at all."""
    reach = interval(subject, metrics)
    within = both(region, between(reach.low, reach.high))
    counted = isinstance(subject, MetricRef) and metrics[subject.metric].unit in {"count", "event"}
    return whole_numbers(within) if counted else within
