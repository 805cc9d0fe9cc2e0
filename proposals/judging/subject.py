"""What a criterion is about, as one number per seed with its unit and its limit, where there is one such
number.

`a.x - b.x <= 0.05` is about the difference in points, `a.x < b.x` about the difference against 0, `a.time < 3
* b.time` about the ratio, `0.6 <= a.x <= 0.7` about a.x. A criterion of several parts has no single number:
then it is about the share of seeds for which it holds. This is only for showing; whether a seed holds is
never decided here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from models.metrics import Metric
from proposals.judging.evaluate import number
from proposals.judging.show import show_limit
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
    metrics_in,
)

_Turn = dict[ComparisonOperator, ComparisonOperator]
_TURNED: _Turn = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}
_OPPOSITE: _Turn = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_RATIOS = frozenset({"seconds", "bytes", "per_second", "dollars"})
"""Never negative, and compared by how many times."""


@dataclass(frozen=True)
class Subject:
    """`low`, `high`: the limits, None where open. `value` None: a criterion of several parts."""

    value: Value | None
    unit: str
    target: str
    low: float | None = None
    high: float | None = None

    def margin(self, achieved: float | None) -> float | None:
        """Signed distance to the nearest limit, positive where it holds."""
        if achieved is None or (self.low is None and self.high is None):
            return None
        distances = []
        if self.low is not None:
            distances.append(achieved - self.low)
        if self.high is not None:
            distances.append(self.high - achieved)
        margin = min(distances)
        return margin if math.isfinite(margin) else None

    @property
    def one_sided(self) -> bool:
        return self.value is not None and (self.low is None) != (self.high is None)


def subject_of(condition: Condition, metrics: Mapping[str, Metric]) -> Subject:
    while isinstance(condition, And | Or) and len(condition.items) == 1:
        condition = condition.items[0]
    match condition:
        case Not(Comparison(operands, (symbol,))) if symbol in _OPPOSITE:
            return subject_of(Comparison(operands, (_OPPOSITE[symbol],)), metrics)
        case Not(Event(metric)):
            return Subject(metric, "event", "no", high=0.0)
        case Event(metric):
            return Subject(metric, "event", "yes", low=1.0)
        case Comparison((left, right), (symbol,)):
            return _single(left, symbol, right, metrics)
        case Comparison((first, middle, last), (("<" | "<="), ("<" | "<="))):
            return _band(first, middle, last, metrics)
        case Comparison((first, middle, last), ((">" | ">="), (">" | ">="))):
            return _band(last, middle, first, metrics)
    return Subject(None, "share", "in more than 50 % of seeds", low=0.5)


def _single(left: Value, symbol: ComparisonOperator, right: Value, metrics: Mapping[str, Metric]) -> Subject:
    if _constant(left) is not None and _constant(right) is None:
        left, symbol, right = right, _TURNED[symbol], left
    limit = _constant(right)
    if limit is None:
        factor, of = _multiple(right)
        unit = _unit(left, metrics)
        if isinstance(of, MetricRef) and unit == _unit(of, metrics) and unit in _RATIOS and factor > 0:
            left, limit = Arithmetic("/", left, of), factor
        else:
            left, limit = Arithmetic("-", left, right), 0.0
    unit = _unit(left, metrics)
    return Subject(
        left,
        unit,
        f"{symbol} {show_limit(limit, unit)}",
        low=limit if symbol in {">", ">=", "=="} else None,
        high=limit if symbol in {"<", "<=", "=="} else None,
    )


def _band(low: Value, middle: Value, high: Value, metrics: Mapping[str, Metric]) -> Subject:
    bottom, top, unit = _constant(low), _constant(high), _unit(middle, metrics)
    if bottom is None or top is None:
        return Subject(None, "share", "in more than 50 % of seeds", low=0.5)
    target = f"{show_limit(bottom, unit)} .. {show_limit(top, unit)}"
    return Subject(middle, unit, target, low=bottom, high=top)


def _constant(value: Value) -> float | None:
    return None if metrics_in(value) else number(value, lambda _: None)


def _multiple(value: Value) -> tuple[float, Value]:
    """`3 * b.time` and `b.time * 3` are 3 times b.time; anything else is itself once."""
    if isinstance(value, Arithmetic) and value.operator == "*":
        for factor, of in ((value.left, value.right), (value.right, value.left)):
            constant = _constant(factor)
            if constant is not None:
                return constant, of
    return 1.0, value


def _unit(value: Value, metrics: Mapping[str, Metric]) -> str:
    """ "" for a bare number, which takes the unit of what it stands beside."""
    match value:
        case Number():
            return ""
        case MetricRef(_, name):
            return metrics[name].unit
        case Negative(operand):
            return _unit(operand, metrics)
        case Call(_, arguments):
            units = {_unit(argument, metrics) for argument in arguments} - {""}
            return units.pop() if len(units) == 1 else "number"
        case Arithmetic("+" | "-" as symbol, left, right):
            units = {_unit(left, metrics), _unit(right, metrics)} - {""}
            if symbol == "-" and units == {"fraction"} and metrics_in(left) and metrics_in(right):
                return "points"
            if units == {"fraction", "points"}:
                return "fraction" if symbol == "+" else "points"
            return units.pop() if len(units) == 1 else "number"
        case Arithmetic("*", left, right):
            units = {_unit(left, metrics), _unit(right, metrics)} - {""}
            scaled = len(units) == 1 and not (metrics_in(left) and metrics_in(right))
            return units.pop() if scaled else "number"
        case Arithmetic(_, left, right):
            above, below = _unit(left, metrics), _unit(right, metrics)
            return above if below == "" and above else "ratio" if above == below else "number"
