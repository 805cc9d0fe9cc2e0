"""The canonical form of a criterion as a tree: plain Python operators, numbers in base units.

Base units: fractions 0..1 (points are differences of fractions), seconds, bytes, dollars, per second.
Quantifiers, units, `faster` and `slower`, aliases and bare metrics are gone at this stage: the parser has
resolved them.
"""

from dataclasses import dataclass
from typing import Literal

ArithmeticOperator = Literal["+", "-", "*", "/"]
ComparisonOperator = Literal["<", "<=", ">", ">=", "=="]


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class MetricRef:
    """`variant.metric[name=value, ...]`; `condition` is sorted by name."""

    variant: str
    metric: str
    condition: tuple[tuple[str, str | int | float], ...] = ()


@dataclass(frozen=True)
class Arithmetic:
    operator: ArithmeticOperator
    left: "Value"
    right: "Value"


@dataclass(frozen=True)
class Negative:
    operand: "Value"


@dataclass(frozen=True)
class Call:
    function: Literal["max", "min", "abs"]
    arguments: tuple["Value", ...]


@dataclass(frozen=True)
class Comparison:
    """A chain as in Python: `0.6 <= a.test_accuracy <= 0.7` has two operators and three operands."""

    operands: tuple["Value", ...]
    operators: tuple[ComparisonOperator, ...]


@dataclass(frozen=True)
class Event:
    """A bare `variant.diverged`: true where its value is not zero."""

    metric: MetricRef


@dataclass(frozen=True)
class And:
    items: tuple["Condition", ...]


@dataclass(frozen=True)
class Or:
    items: tuple["Condition", ...]


@dataclass(frozen=True)
class Not:
    item: "Condition"


Value = Number | MetricRef | Arithmetic | Negative | Call
Condition = Comparison | Event | And | Or | Not
Node = Value | Condition


def metrics_in(node: Node) -> tuple[MetricRef, ...]:
    """Every metric that the expression reads, in order of appearance, each once."""
    found: dict[MetricRef, None] = {}
    _collect(node, found)
    return tuple(found)


def _collect(node: Node, found: dict[MetricRef, None]) -> None:
    match node:
        case MetricRef():
            found[node] = None
        case Number():
            pass
        case Arithmetic(_, left, right):
            _collect(left, found)
            _collect(right, found)
        case Negative(operand):
            _collect(operand, found)
        case Call(_, arguments):
            for argument in arguments:
                _collect(argument, found)
        case Comparison(operands, _):
            for operand in operands:
                _collect(operand, found)
        case Event(metric):
            found[metric] = None
        case And(items) | Or(items):
            for item in items:
                _collect(item, found)
        case Not(item):
            _collect(item, found)
