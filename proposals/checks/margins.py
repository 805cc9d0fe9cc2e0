"""Comparisons of variants that say nothing of how much: a hair's breadth would decide them."""

from collections.abc import Iterator

from proposals.language.expressions import (
    And,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    MetricRef,
    Negative,
    Not,
    Number,
    Or,
    Value,
    metrics_in,
)


def without_margin(tree: Condition) -> bool:
    return any(_without_margin(comparison) for comparison in _comparisons(tree))


def _comparisons(tree: Condition) -> Iterator[Comparison]:
    match tree:
        case Comparison():
            yield tree
        case And(items) | Or(items):
            for item in items:
                yield from _comparisons(item)
        case Not(item):
            yield from _comparisons(item)


def _without_margin(comparison: Comparison) -> bool:
    variants = {ref.variant for ref in metrics_in(comparison)}
    return len(variants) > 1 and all(_bare(operand) for operand in comparison.operands)


def _bare(value: Value) -> bool:
    match value:
        case MetricRef():
            return True
        case Number(number):
            return number == 0  # `a - b > 0` has no margin either
        case Negative(operand):
            return _bare(operand)
        case Call(_, arguments):
            return all(_bare(argument) for argument in arguments)
        case Arithmetic(operator, left, right):
            return operator == "-" and _bare(left) and _bare(right)
