"""The few shapes that the pages' charts consist of, as SVG text. Colours, dashes and fonts are the style sheet's: a
chart says what a thing is by its class, so that dark and light, screen and paper can each show it in their way."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

DASHES = 6
"""Series of one chart that the style sheet tells apart; each has a dash and a marker of its own as well."""
MARKS = ("circle", "square", "triangle", "diamond", "plus", "cross")


@dataclass(frozen=True)
class Scale:
    """Values `low` .. `high` onto pixels `start` .. `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, self.low * 1e-6))
        share = 0.5 if high == low else (value - low) / (high - low)
        return self.start + share * (self.end - self.start)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values within low .. high, a step of 1, 2 or 5 times a power of ten apart."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough * 0.75)
    first = math.ceil(low / step - 1e-9)
    # not by adding up: 0.1 three times is not 0.3
    return [round(step * place, 12) for place in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, with 2 and 5 times them where few would fit."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        found = [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= high]
        if len(found) >= 3:
            return found
    return ticks(low, high, 3)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, within low .. high, at least `gap` from each other where there is room."""
    order = sorted(range(len(wanted)), key=lambda one: wanted[one])
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    placed, least = [0.0] * len(wanted), low
    for one in order:
        placed[one] = max(wanted[one], least)
        least = placed[one] + gap
    most = high
    for one in reversed(order):
        placed[one] = min(placed[one], most)
        most = placed[one] - gap
    return placed


def words(x: float, y: float, said: object, kind: str = "", anchor: str = "start") -> str:
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{_n(x)}" y="{_n(y)}"{_class(kind)}{where}>{escape(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"{_class(kind)}/>'


def box(x: float, y: float, width: float, height: float, kind: str, round: float = 0) -> str:
    corners = f' rx="{_n(round)}"' if round else ""
    size = f'width="{_n(max(0.0, width))}" height="{_n(height)}"'
    return f'<rect x="{_n(x)}" y="{_n(y)}" {size}{corners}{_class(kind)}/>'


def path(points: Sequence[tuple[float, float]], kind: str, closed: bool = False) -> str:
    steps = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return f'<path d="M{steps}{"Z" if closed else ""}"{_class(kind)}/>'


def mark(shape: str, x: float, y: float, kind: str, size: float = 4.0, about: str = "") -> str:
    """A marker around (x, y). about: what a pointer that rests on it is told."""
    s = size
    title = f"<title>{escape(about)}</title>" if about else ""
    if shape == "circle":
        return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(s)}"{_class(kind)}>{title}</circle>'
    outline = {
        "square": f"M{_n(x - s)} {_n(y - s)}h{_n(2 * s)}v{_n(2 * s)}h{_n(-2 * s)}Z",
        "triangle": f"M{_n(x)} {_n(y - 1.2 * s)}L{_n(x + 1.1 * s)} {_n(y + s)}H{_n(x - 1.1 * s)}Z",
        "diamond": f"M{_n(x)} {_n(y - 1.4 * s)}L{_n(x + 1.4 * s)} {_n(y)}L{_n(x)} {_n(y + 1.4 * s)}"
        f"L{_n(x - 1.4 * s)} {_n(y)}Z",
        "plus": f"M{_n(x - s)} {_n(y)}h{_n(2 * s)}M{_n(x)} {_n(y - s)}v{_n(2 * s)}",
        "cross": f"M{_n(x - s)} {_n(y - s)}l{_n(2 * s)} {_n(2 * s)}M{_n(x + s)} {_n(y - s)}l{_n(-2 * s)} {_n(2 * s)}",
    }[shape]
    return f'<path d="{outline}"{_class(kind)}>{title}</path>'


def figure(width: float, height: float, parts: Sequence[str], title: str, kind: str = "") -> Markup:
    """The drawing. title: what it shows, in a sentence, for whoever cannot see it."""
    return Markup(
        f'<svg{_class(f"chart {kind}".strip())} viewBox="0 0 {_n(width)} {_n(height)}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""


def _n(value: float) -> str:
    """A tenth of a pixel is enough."""
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.05 else "0"
