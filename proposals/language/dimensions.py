"""Units, and what may be added to and compared with what.

A plain number fits anywhere: it is in base units. All rules are such that what is accepted with units is
accepted again in canonical form, where every number is plain.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from models.metrics import Metric

Kind = Literal["plain", "percent", "fraction", "points", "share", "ratio", "number", "count", "physical"]
Exponents = tuple[int, int, int]
"""Powers of seconds, bytes and dollars."""

NONE: Exponents = (0, 0, 0)
SECONDS: Exponents = (1, 0, 0)
BYTES: Exponents = (0, 1, 0)
DOLLARS: Exponents = (0, 0, 1)
PER_SECOND: Exponents = (-1, 0, 0)


@dataclass(frozen=True)
class Dimension:
    """`share`: something between fraction and points, such as `1 - a.test_accuracy`; fits with both.
    `literal`: made of numbers alone."""

    kind: Kind
    exponents: Exponents = NONE
    literal: bool = False

    def __str__(self) -> str:
        if self.kind == "physical":
            return _PHYSICAL.get(self.exponents, "a mixture of units")
        return _DESCRIBED[self.kind]


_PHYSICAL = {SECONDS: "seconds", BYTES: "bytes", DOLLARS: "dollars", PER_SECOND: "a rate per second"}
_DESCRIBED: dict[Kind, str] = {
    "plain": "a plain number",
    "percent": "a percentage",
    "fraction": "a fraction",
    "points": "a difference in points",
    "share": "a fraction",
    "ratio": "a ratio",
    "number": "a number",
    "count": "a count",
}

_UNITS: dict[str, tuple[Decimal, Kind, Exponents]] = {
    "": (Decimal(1), "plain", NONE),
    "%": (Decimal("0.01"), "percent", NONE),
    "pp": (Decimal("0.01"), "points", NONE),
    "x": (Decimal(1), "ratio", NONE),
    "us": (Decimal("0.000001"), "physical", SECONDS),
    "ms": (Decimal("0.001"), "physical", SECONDS),
    "s": (Decimal(1), "physical", SECONDS),
    "min": (Decimal(60), "physical", SECONDS),
    "h": (Decimal(3600), "physical", SECONDS),
    "B": (Decimal(1), "physical", BYTES),
    "KB": (Decimal(1000), "physical", BYTES),
    "MB": (Decimal(1000) ** 2, "physical", BYTES),
    "GB": (Decimal(1000) ** 3, "physical", BYTES),
    "KiB": (Decimal(1024), "physical", BYTES),
    "MiB": (Decimal(1024) ** 2, "physical", BYTES),
    "GiB": (Decimal(1024) ** 3, "physical", BYTES),
    "$": (Decimal(1), "physical", DOLLARS),
    "tok/s": (Decimal(1), "physical", PER_SECOND),
    "/s": (Decimal(1), "physical", PER_SECOND),
}
_SPELLINGS = {"µs": "us", "μs": "us", "tokens/s": "tok/s"}


def of_literal(unit: str) -> tuple[Decimal, Dimension]:
    """Factor to base units, and the dimension. KeyError for a unit that does not exist."""
    factor, kind, exponents = _UNITS[_SPELLINGS.get(unit, unit)]
    return factor, Dimension(kind, exponents, literal=True)


def of_metric(metric: Metric) -> Dimension:
    match metric.unit:
        case "fraction":
            return Dimension("fraction")
        case "number":
            return Dimension("number")
        case "count" | "event":
            return Dimension("count")
        case "seconds":
            return Dimension("physical", SECONDS)
        case "bytes":
            return Dimension("physical", BYTES)
        case "dollars":
            return Dimension("physical", DOLLARS)
        case "per_second":
            return Dimension("physical", PER_SECOND)


# -- arithmetic: each gives the dimension of the result, or None where there is none -----------------------

_SCALES = frozenset({"plain", "percent", "ratio"})
_SHARES = frozenset({"fraction", "points", "share"})


def joined(left: Dimension, right: Dimension) -> Dimension | None:
    """Of two sides of a comparison, or two arguments of max: the common dimension."""
    kind = _joined_kind(left, right)
    if kind is None:
        return None
    physical = left if left.kind == "physical" else right
    return Dimension(kind, physical.exponents if kind == "physical" else NONE, left.literal and right.literal)


def _joined_kind(left: Dimension, right: Dimension) -> Kind | None:
    kinds = {left.kind, right.kind}
    if "physical" in kinds:
        return "physical" if "plain" in kinds or left.exponents == right.exponents else None
    if len(kinds) == 1:
        return left.kind
    if "plain" in kinds:
        return right.kind if left.kind == "plain" else left.kind
    if "number" in kinds:
        return "number"
    if "share" in kinds:
        return None if "count" in kinds else "share"
    if "percent" in kinds:
        other = right.kind if left.kind == "percent" else left.kind
        return other if other in {"fraction", "ratio"} else None
    return None


def added(operator: str, left: Dimension, right: Dimension) -> Dimension | None:
    """Of `left + right` or `left - right`."""
    kinds = {left.kind, right.kind}
    literal = left.literal and right.literal
    if kinds <= _SHARES | {"plain"} and kinds & _SHARES:
        return _added_shares(operator, left, right, literal)
    if "percent" in kinds and kinds & {"fraction", "points"}:
        return None
    return joined(left, right)


def _added_shares(operator: str, left: Dimension, right: Dimension, literal: bool) -> Dimension | None:
    match left.kind, right.kind:
        case ("fraction", "fraction"):
            return Dimension("points" if operator == "-" else "share", literal=literal)
        case ("fraction", "points"):
            return Dimension("fraction", literal=literal)
        case ("points", "fraction"):
            return Dimension("fraction", literal=literal) if operator == "+" else None
        case ("points", "points") | ("points", "plain") | ("plain", "points"):
            return Dimension("points", literal=literal)
        case _:
            return Dimension("share", literal=literal)


def may_scale(literal: Dimension, other: Dimension) -> bool:
    """Only plain numbers, percentages and ratios multiply or divide what was measured: were
    `a.step_time / 3 ms` allowed, its canonical form would have lost a unit."""
    return other.literal or not literal.literal or literal.kind in _SCALES


def multiplied(left: Dimension, right: Dimension) -> Dimension:
    literal = left.literal and right.literal
    if "physical" in (left.kind, right.kind):
        return _physical(_sum(left.exponents, right.exponents, 1), literal)
    if right.kind in _SCALES and left.kind not in _SCALES:
        left, right = right, left
    if left.kind in _SCALES:
        if right.kind not in _SCALES:
            return replace(right, literal=literal)
        return Dimension("plain", literal=True) if literal else Dimension("ratio")
    return Dimension("share" if {left.kind, right.kind} <= _SHARES else "number", literal=literal)


def divided(left: Dimension, right: Dimension) -> Dimension:
    literal = left.literal and right.literal
    if "physical" in (left.kind, right.kind):
        exponents = _sum(left.exponents, right.exponents, -1)
        return Dimension("ratio", literal=literal) if exponents == NONE else _physical(exponents, literal)
    if right.kind in _SCALES:
        if left.kind not in _SCALES:
            return replace(left, literal=literal)
        return Dimension("plain", literal=True) if literal else Dimension("ratio")
    alike = left.kind == right.kind or {left.kind, right.kind} <= _SHARES
    return Dimension("ratio" if alike else "number", literal=literal)


def _physical(exponents: Exponents, literal: bool) -> Dimension:
    return Dimension("number" if exponents == NONE else "physical", exponents, literal)


def _sum(left: Exponents, right: Exponents, sign: int) -> Exponents:
    return (left[0] + sign * right[0], left[1] + sign * right[1], left[2] + sign * right[2])
