"""Numbers as reports write them: `95.8% (seq12) / 1.0% (seq20)`, `0.16x (6.3x slower)`, `> 85%`, `60-70%`.

A text that is not wholly understood gives nothing: half a number is worse than none.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from proposals.language.dimensions import of_literal

Unit = Literal["fraction", "points", "ratio", "number", "seconds", "bytes", "per_second", "dollars"]
Condition = tuple[tuple[str, str | int | float], ...]

LONGEST = 2_000
"""Characters of a cell or a bullet that are interpreted; all of it is kept."""

NUMBER = r"[-+−]?\$?(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d{1,30})(?:\.\d{1,30})?(?:[eE][-+−]?\d{1,3})?"
_UNITS = r"%|pp\b|[×x](?![\w])|tok/s|tokens/s|(?:ms|us|µs|μs|min|KiB|MiB|GiB|KB|MB|GB|K|M|s|h)\b"
_QUANTITY = re.compile(rf"(?P<about>[~≈]\s?)?(?P<number>{NUMBER})\s?(?P<unit>{_UNITS})?(?![\w.])")
_SPREAD = re.compile(rf"\s?(?:±|\+/-)\s?{NUMBER}\s?(?:%|pp)?")
_THOUSANDS = {"K": 1_000, "M": 1_000_000}

_OPERATORS = {
    ">": ">", "<": "<", "≥": ">=", "≤": "<=", ">=": ">=", "<=": "<=", "\\geq": ">=", "\\leq": "<=",
    "at least": ">=", "at most": "<=", "above": ">", "below": "<", "over": ">", "under": "<",
    "more than": ">", "less than": "<",
}  # fmt: skip
_BOUND = re.compile(
    r"(?P<symbol>[<>]=|[<>≥≤]|\\geq|\\leq|\b(?:at least|at most|above|below|over|under|more than|less than)\b)"
    rf"\s?(?P<number>{NUMBER})\s?(?P<unit>{_UNITS})?(?![\w.])",
    re.IGNORECASE,
)
_BAND = re.compile(
    rf"(?<![\w.])(?P<low>{NUMBER})\s?(?P<low_unit>{_UNITS})?\s?(?:-|–|—|to|\.\.)\s?"
    rf"(?P<high>{NUMBER})\s?(?P<unit>{_UNITS})?(?![\w.])"
)

LENGTHS = frozenset({"seq", "seqlen", "seq_len", "sequence_length", "length", "len", "t", "l"})
SETTINGS = LENGTHS | {"n", "layer", "depth", "delay", "pairs", "noise", "vocabulary", "width", "d", "epoch", "steps"}
_SETTING = re.compile(r"(?<![\w.])(?P<name>[A-Za-z_]{1,20})\s?=\s?(?P<value>\d{1,9}(?:\.\d{1,9})?)(?![\w.])")
_SHORT = re.compile(r"(?<![\w.])(?P<name>seq|len|length)[ _]?(?P<value>\d{1,9})(?![\w.])", re.IGNORECASE)


@dataclass(frozen=True)
class Quantity:
    """`value` in base units. `note`: what stood behind it in brackets, as written."""

    value: float
    unit: Unit
    text: str
    approximate: bool = False
    condition: Condition = ()
    note: str = ""


@dataclass(frozen=True)
class Bound:
    """`low` and `high` in base units, one of them None where it is open; `strict` for > and <."""

    low: float | None
    high: float | None
    strict: bool
    unit: Unit
    text: str

    @property
    def banded(self) -> bool:
        return self.low is not None and self.high is not None


def plain(text: str) -> str:
    """Without emphasis and code marks, on one line, minus signs and spaces as in ASCII."""
    text = re.sub(r"\*\*|__|`", "", text[:LONGEST]).replace("\u2212", "-").replace("\u00a0", " ")
    text = re.sub(r"(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])", "", text)
    return " ".join(text.split())


def quantities(cell: str, unit: str = "") -> tuple[Quantity, ...]:
    """All values of a cell, each under another condition; empty where the cell is not made of numbers.

    unit: from the column's header, for numbers without one of their own.
    """
    parts = re.split(r"\s/\s", plain(cell))
    found = [_one(part, unit) for part in parts]
    if not all(found) or (len(found) > 1 and len({one.condition for one in found if one}) < len(found)):
        return ()
    return tuple(one for one in found if one)


def _one(part: str, unit: str) -> Quantity | None:
    match = _QUANTITY.match(part)
    if not match:
        return None
    rest = part[match.end() :]
    spread = _SPREAD.match(rest)
    if spread:  # `91.3 ± 0.5%`: the unit stands behind the spread
        unit = "%" if "%" in spread[0] and not match["unit"] else unit
        rest = rest[spread.end() :]
    note = _bracket(rest.strip())
    if note is None:
        return None
    read = _value(match["number"], match["unit"] or unit)
    if read is None:
        return None
    value, kind = read
    text = part[: len(part) - len(rest)] if spread else match[0]
    shown = f"{spread[0].strip()} {note}".strip() if spread else note
    return Quantity(value, kind, text.strip(), bool(match["about"]), conditions(note), shown)


def _bracket(rest: str) -> str | None:
    """What stands behind a number and does not change it: nothing, or one bracket."""
    if not rest:
        return ""
    if rest.startswith("(") and rest.endswith(")") and ")" not in rest[:-1]:
        return rest[1:-1].strip()
    return None


def _value(number: str, unit: str) -> tuple[float, Unit] | None:
    digits = number.replace("−", "-").replace(",", "")
    dollars = "$" in digits
    value = Decimal(digits.replace("$", ""))
    if dollars:
        return (float(value), "dollars") if not unit else None
    if unit in _THOUSANDS:
        return float(value * _THOUSANDS[unit]), "number"
    factor, dimension = of_literal("x" if unit == "×" else unit)
    result = float(value * factor)
    if abs(result) > 1e300:
        return None
    match dimension.kind:
        case "percent":
            return result, "fraction"
        case "points":
            return result, "points"
        case "ratio":
            return result, "ratio"
        case "physical":
            kinds: dict[tuple[int, int, int], Unit] = {
                (1, 0, 0): "seconds", (0, 1, 0): "bytes", (-1, 0, 0): "per_second", (0, 0, 1): "dollars",
            }  # fmt: skip
            return result, kinds[dimension.exponents]
    return result, "number"


def split_bound(text: str) -> tuple[str, Bound, str] | None:
    """What stands before the one bound of the text, the bound, and what stands behind it.

    None where there is no bound, or more than one: `> 80% or < 20%` is not read.
    """
    text = plain(text)
    bounds = list(_BOUND.finditer(text))
    if len(bounds) == 1:
        match = bounds[0]
        if re.search(r"(?:\b(?:no|not|never|cannot)|n't)$", text[: match.start()].strip(), re.IGNORECASE):
            return None  # "no more than 5 %" turns around what the words after it say
        read = _value(match["number"], match["unit"] or "")
        if read is None:
            return None
        symbol = _OPERATORS[match["symbol"].lower()]
        low, high = (read[0], None) if symbol.startswith(">") else (None, read[0])
        bound = Bound(low, high, "=" not in symbol, read[1], match[0].strip())
        return text[: match.start()].strip(), bound, text[match.end() :].strip()
    bands = list(_BAND.finditer(text))
    if bounds or len(bands) != 1:
        return None
    match = bands[0]
    unit = match["unit"] or ""
    first, last = _value(match["low"], match["low_unit"] or unit), _value(match["high"], unit)
    # `2015-2020` or a date is no band; a percentage or a multiple is
    if not unit or first is None or last is None or first[1] != last[1] or first[0] >= last[0]:
        return None
    bound = Bound(first[0], last[0], False, last[1], match[0].strip())
    return text[: match.start()].strip(), bound, text[match.end() :].strip()


def conditions(text: str) -> Condition:
    """`seq_len=12, 5K samples` gives length=12. Only settings that everybody writes so."""
    found: dict[str, str | int | float] = {}
    for match in [*_SETTING.finditer(text[:LONGEST]), *_SHORT.finditer(text[:LONGEST])]:
        name = match["name"].lower()
        if name in SETTINGS:
            value = match["value"]
            found["length" if name in LENGTHS else name] = float(value) if "." in value else int(value)
    return tuple(sorted(found.items()))


def without_conditions(text: str) -> str:
    kept = _SETTING.sub(lambda match: "" if match["name"].lower() in SETTINGS else match[0], text[:LONGEST])
    kept = _SHORT.sub("", kept)
    return " ".join(re.sub(r"\b(?:at|for)\s*(?=$|[,;)])|\(\s*\)", " ", kept).split())
