"""The values of one subject for which a condition holds, as a union of intervals.

An interval reaches from one cut to another. A cut lies just before a number, (x, 0), or just after it, (x, 1): so
`0.6 <= x < 0.7` reaches from (0.6, 0) to (0.7, 0), and open and closed ends need no cases of their own.
"""

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, inf

from models.metrics import Metric
from proposals.checks.linear import bound
from proposals.language.expressions import And, Comparison, ComparisonOperator, Condition, Event, Not, Or, Value

Cut = tuple[Fraction | float, int]
Region = tuple[tuple[Cut, Cut], ...]
"""Ascending, apart from each other, none of them empty."""

BOTTOM: Cut = (-inf, 0)
TOP: Cut = (inf, 1)
EVERYTHING: Region = ((BOTTOM, TOP),)
NOTHING: Region = ()


def region_of(
    condition: Condition, metrics: Mapping[str, Metric], proposed: Collection[str] = ()
) -> tuple[Value, Region] | None:
    """The subject and where it holds; None where the condition is about more than one subject."""
    match condition:
        case Event(metric):
            return metric, complement(_where("==", Fraction(0)))
        case Not(item):
            inner = region_of(item, metrics, proposed)
            return None if inner is None else (inner[0], complement(inner[1]))
        case And(items):
            return _together(items, metrics, proposed, all_of=True)
        case Or(items):
            return _together(items, metrics, proposed, all_of=False)
        case Comparison(operands, operators) if len(operators) > 1:
            pairs = zip(pairwise(operands), operators, strict=True)
            steps = [Comparison(pair, (operator,)) for pair, operator in pairs]
            return _together(steps, metrics, proposed, all_of=True)
        case Comparison((left, right), (operator,)):
            found = bound(left, operator, right, metrics, proposed)
            return None if found is None else (found.subject, _where(found.operator, found.limit))
    return None


def _together(
    items: Iterable[Condition], metrics: Mapping[str, Metric], proposed: Collection[str], all_of: bool
) -> tuple[Value, Region] | None:
    subject: Value | None = None
    whole = EVERYTHING if all_of else NOTHING
    for item in items:
        one = region_of(item, metrics, proposed)
        if one is None or (subject is not None and one[0] != subject):
            return None
        subject = one[0]
        whole = both(whole, one[1]) if all_of else either(whole, one[1])
    return None if subject is None else (subject, whole)


def _where(operator: ComparisonOperator, limit: Fraction) -> Region:
    before, after = (limit, 0), (limit, 1)
    match operator:
        case "<":
            return ((BOTTOM, before),)
        case "<=":
            return ((BOTTOM, after),)
        case ">":
            return ((after, TOP),)
        case ">=":
            return ((before, TOP),)
        case "==":
            return ((before, after),)


# -- sets --------------------------------------------------------------------------------------------------


def between(low: float, high: float) -> Region:
    """`low <= x <= high`."""
    return ((_cut(low, 0), _cut(high, 1)),)


def _cut(value: float, side: int) -> Cut:
    return (value if value in (inf, -inf) else Fraction(repr(value)), side)


def both(one: Region, other: Region) -> Region:
    found = []
    for low, high in one:
        for lower, higher in other:
            if (start := max(low, lower)) < (end := min(high, higher)):
                found.append((start, end))
    return tuple(sorted(found))


def complement(region: Region) -> Region:
    ends = [BOTTOM, *(cut for interval in region for cut in interval), TOP]
    return tuple((low, high) for low, high in zip(ends[::2], ends[1::2], strict=True) if low < high)


def either(one: Region, other: Region) -> Region:
    return complement(both(complement(one), complement(other)))


def whole_numbers(region: Region) -> Region:
    """What is left for a count: from whole number to whole number."""
    found: list[tuple[Cut, Cut]] = []
    for (low, low_side), (high, high_side) in region:
        first = low if low == -inf else floor(low) + 1 if low_side and low == floor(low) else ceil(low)
        last = high if high == inf else ceil(high) - 1 if not high_side and high == ceil(high) else floor(high)
        if first <= last:
            found.append(((_exact(first), 0), (_exact(last), 1)))
    return tuple(found)


def _exact(value: float | Fraction) -> Fraction | float:
    return value if value in (inf, -inf) else Fraction(value)


def is_points(region: Region) -> bool:
    """Single values and nothing between them."""
    return all(low[0] == high[0] for low, high in region)


def sample(interval: tuple[Cut, Cut]) -> Fraction:
    """A value inside."""
    (low, low_side), (high, high_side) = interval
    if low_side == 0 and low != -inf:
        return Fraction(low)
    if high_side == 1 and high != inf:
        return Fraction(high)
    if low == -inf:
        return Fraction(0) if high == inf else Fraction(high) - 1
    return Fraction(low) + 1 if high == inf else (Fraction(low) + Fraction(high)) / 2


def contains(region: Region, value: Fraction) -> bool:
    return any(low <= (value, 0) and (value, 1) <= high for low, high in region)
