"""What a criterion says of one seed: holds, fails, or nothing (a tie, or something was not measured)."""

import math
import operator
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from proposals.language.expressions import (
    And,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    Event,
    MetricRef,
    Negative,
    Not,
    Number,
    Or,
    Value,
    metrics_in,
)

Read = Callable[[MetricRef], float | None]

ROUNDING = 1e-9
"""Two sides closer than this, relative to the largest number compared, are at the boundary: 0.95 - 0.90 is
0.05."""

_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_COMPARISONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
}  # fmt: skip
_CALLS: dict[str, Callable[..., float]] = {"max": max, "min": min, "abs": abs}


@dataclass(frozen=True)
class Answer:
    """`holds` None says nothing either way: a tie, or not measured; `note` then says which."""

    holds: bool | None
    note: str = ""
    tie: bool = False


def number(value: Value, read: Read) -> float | None:
    """None where a metric was not measured, or where the arithmetic has no finite result."""
    match value:
        case Number(constant):
            return constant
        case MetricRef():
            return read(value)
        case Negative(operand):
            inner = number(operand, read)
            return None if inner is None else -inner
        case Arithmetic(symbol, left, right):
            return _finite(_ARITHMETIC[symbol], [number(left, read), number(right, read)])
        case Call(function, arguments):
            return _finite(_CALLS[function], [number(argument, read) for argument in arguments])


def _finite(function: Callable[..., float], arguments: list[float | None]) -> float | None:
    if any(argument is None for argument in arguments):
        return None
    try:
        result = float(function(*arguments))
    except (ZeroDivisionError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def truth(condition: Condition, read: Read, random: Collection[str], equal_ties: bool = False) -> Answer:
    """Three-valued: what is unknown stays unknown unless the rest settles it.

    `random`: names of the metrics that scatter from seed to seed; only between those can variants tie.
    `equal_ties`: two variants that are equal to the last digit are a tie whatever margin was asked for.
    """
    match condition:
        case Comparison():
            return _compare(condition, read, random, equal_ties)
        case Event(metric):
            value = read(metric)
            return Answer(None, f"{say(metric)} not measured") if value is None else Answer(value != 0)
        case Not(item):
            answer = truth(item, read, random, equal_ties)
            return answer if answer.holds is None else Answer(not answer.holds)
        case And(items) | Or(items):
            settles = isinstance(condition, Or)  # one true settles an `or`, one false an `and`
            answers = [truth(item, read, random, equal_ties) for item in items]
            if any(answer.holds is settles for answer in answers):
                return Answer(settles)
            unknown = [answer for answer in answers if answer.holds is None]
            return unknown[0] if unknown else Answer(not settles)


def _compare(comparison: Comparison, read: Read, random: Collection[str], equal_ties: bool) -> Answer:
    sides = [number(operand, read) for operand in comparison.operands]
    missing = [ref for ref in metrics_in(comparison) if read(ref) is None]
    if missing:
        return Answer(None, f"{', '.join(map(say, missing))} not measured")
    known = [side for side in sides if side is not None]
    if len(known) < len(sides):
        return Answer(None, "the arithmetic has no finite result")
    pairs = list(zip(known, comparison.operators, known[1:], strict=False))
    tie = _tie(comparison, pairs, read, random, equal_ties)
    if tie:
        return Answer(None, tie, tie=True)
    return Answer(all(_COMPARISONS[symbol](left, right) for left, symbol, right in pairs))


def _tie(
    comparison: Comparison,
    pairs: Sequence[tuple[float, str, float]],
    read: Read,
    random: Collection[str],
    equal_ties: bool,
) -> str:
    """Which tie it is, empty where there is none. At the boundary nothing is decided. Where both are equal to the
    last digit they saturated or failed alike, which is nothing to reject an idea for."""
    refs = metrics_in(comparison)
    scattering = [ref for ref in refs if ref.metric in random]
    if len({ref.variant for ref in scattering}) < 2:
        return ""
    groups: dict[tuple[object, ...], list[MetricRef]] = {}
    for ref in scattering:
        groups.setdefault((ref.metric, ref.condition), []).append(ref)
    compared = [group for group in groups.values() if len({ref.variant for ref in group}) > 1]
    if equal_ties and compared and all(len({read(ref) for ref in group}) == 1 for group in compared):
        return f"tie: {' = '.join(say(ref) for ref in compared[0])}"
    scale = max([abs(read(ref) or 0.0) for ref in refs] + [abs(side) for pair in pairs for side in pair[::2]])
    if any(abs(left - right) <= ROUNDING * scale for left, _, right in pairs):
        return "tie: exactly at the boundary"
    return ""


def say(ref: MetricRef) -> str:
    """`a.test_accuracy[length=512]`, as in the criterion."""
    condition = ", ".join(f"{name}={value}" for name, value in ref.condition)
    return f"{ref.variant}.{ref.metric}" + (f"[{condition}]" if condition else "")
