"""Prints the canonical tree: plain Python operators, numbers in base units, no parenthesis too many."""

from proposals.language.expressions import (
    And,
    Arithmetic,
    Call,
    Comparison,
    Event,
    MetricRef,
    Negative,
    Node,
    Not,
    Number,
    Or,
)
from proposals.language.names import is_name

OR, AND, NOT, COMPARISON, SUM, TERM, UNARY, ATOM = range(8)


def canonical(node: Node) -> str:
    """`cos_log_linear.test_accuracy > 0.8`. Reading the text again gives an equal tree."""
    return _print(node)[0]


def _print(node: Node) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    match node:
        case Number(value):
            return _number(value), UNARY if value < 0 else ATOM
        case MetricRef():
            return _metric(node), ATOM
        case Call(function, arguments):
            return f"{function}({', '.join(canonical(argument) for argument in arguments)})", ATOM
        case Negative(operand):
            return f"-{_inside(operand, UNARY)}", UNARY
        case Arithmetic(operator, left, right):
            level = SUM if operator in "+-" else TERM
            return f"{_inside(left, level)} {operator} {_inside(right, level + 1)}", level
        case Comparison(operands, operators):
            parts = [_inside(operands[0], SUM)]
            for comparison, operand in zip(operators, operands[1:], strict=True):
                parts += [comparison, _inside(operand, SUM)]
            return " ".join(parts), COMPARISON
        case Event(metric):
            return _metric(metric), ATOM
        case Not(item):
            return f"not {_inside(item, NOT)}", NOT
        case And(items):
            return " and ".join(_inside(item, NOT) for item in items), AND
        case Or(items):
            return " or ".join(_inside(item, AND) for item in items), OR


def _inside(node: Node, level: int) -> str:
    text, binds = _print(node)
    return text if binds >= level else f"({text})"


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _metric(ref: MetricRef) -> str:
    condition = ", ".join(f"{name}={_setting(value)}" for name, value in ref.condition)
    variant = ref.variant if is_name(ref.variant) else _quoted(ref.variant)
    return f"{variant}.{ref.metric}" + (f"[{condition}]" if condition else "")


def _setting(value: str | int | float) -> str:
    if isinstance(value, str):
        return value if is_name(value) else _quoted(value)
    return repr(value)


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text else f'"{text}"'


def depth(node: Node) -> int:
    """Nested operations of the printed text."""
    match node:
        case Number(value):
            return 2 if value < 0 else 1
        case MetricRef() | Event():
            return 1
        case Call(_, items) | Comparison(items, _) | And(items) | Or(items):
            return 1 + max(depth(item) for item in items)
        case Arithmetic(_, left, right):
            return 1 + max(depth(left), depth(right))
        case Negative(item) | Not(item):
            return 1 + depth(item)
