"""Formal text from what was understood: the last step, and the only one that writes the criterion language."""

from dataclasses import dataclass
from decimal import Decimal

from models.metrics import Metric
from proposals.language.names import is_name
from proposals.natural.chunks import Quantity
from proposals.natural.conditions import Condition
from proposals.natural.names import Subject
from proposals.natural.reading import Class, Refused

FLIPPED = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
"""The comparison that holds where this one does not."""
MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "=="}
"""The comparison with its sides exchanged."""


@dataclass(frozen=True)
class Clause:
    """One understood statement. `metric` and `subject` are inherited by the next."""

    formal: str
    class_: Class
    metric: str | None = None
    subject: Subject | None = None
    conditions: tuple[Condition, ...] = ()
    guard: bool = False
    """It bounds a cost or a mishap rather than claiming an advantage."""
    own: tuple[tuple[str, Metric], ...] = ()


def term(subject: Subject, metric: str, conditions: tuple[Condition, ...] = (), *, right: bool = False) -> str:
    names = ", ".join(name if is_name(name) or name == "*" else f'"{name}"' for name in subject.names)
    match subject.quantifier:
        case "one":
            head = names
        case "all" | "list" | "none":
            head = f"all({names})"
        case "any" | "or" if not right:
            head = f"any({names})"
        case "best" | "max" | "min":
            head = f"{subject.quantifier}({names})"
        case _:
            raise Refused("whether one or each of several is meant is not clear", "compound")
    if right and "*" in subject.names:
        raise Refused("a comparison with all variants would compare one with itself", "compound")
    settings = ", ".join(f"{key}={_setting(value)}" for key, value in sorted(conditions))
    return f"{head}.{metric}" + (f"[{settings}]" if settings else "")


def _setting(value: str | int | float) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def number(quantity: Quantity, *, unit: str | None = None) -> str:
    """`80%`, `5 pp`, `1.5x`, `$2`."""
    meant = quantity.unit if unit is None else unit
    value = plain(quantity.value)
    if meant in ("steps", "epochs"):
        meant = ""
    if meant in ("%", "x", ""):
        return value + meant
    return f"${value}" if meant == "$" else f"{value} {meant}"


def plain(value: Decimal) -> str:
    """Without an exponent where it reads better without."""
    if value == value.to_integral_value() and abs(value) < 10**15:
        return str(int(value))
    return f"{value.normalize():f}" if Decimal("0.0001") <= abs(value) < 10**15 else f"{value:e}".replace("e+", "e")


def compared(left: str, operator: str, right: str) -> str:
    return f"{left} {operator} {right}"
