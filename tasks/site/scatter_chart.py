"""Accuracy against size, over all experiments, with the Pareto frontier: those that no smaller one matches."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.site.svg import Scale, figure, line, log_ticks, mark, path, ticks, words

WIDTH, HEIGHT = 640.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 20.0, 38.0, 44.0
WIDE = 190.0
"""Pixels that a name may take."""
LABELLED = 8
"""Points of the frontier that bear their names; the table beside the chart has all."""


@dataclass(frozen=True)
class Dot:
    """size: parameters, or bytes of state; accuracy: a fraction."""

    name: str
    size: float
    accuracy: float
    proposed: bool


def frontier(dots: Sequence[Dot]) -> list[Dot]:
    """Those that none with as little or less reaches, smallest first: each is more accurate than all before it."""
    found: list[Dot] = []
    for dot in sorted(dots, key=lambda one: (one.size, -one.accuracy, one.name)):
        if not found or dot.accuracy > found[-1].accuracy:
            found.append(dot)
    return found


def draw_scatter(dots: Sequence[Dot], best: Sequence[Dot], title: str, x_title: str, unit: str) -> Markup:
    """dots: all that are drawn, those of the frontier `best` among them. Ideas are filled, what they are compared with
    is hollow; those of the frontier are squares on its line. unit: of the ticks, "" or "B"."""
    sizes = [dot.size for dot in dots]
    low, high = min(sizes) / 1.25, max(sizes) * 1.25
    x = Scale(low, high, LEFT, WIDTH - RIGHT, log=True)
    y = Scale(0, 1, HEIGHT - BOTTOM, TOP)
    bottom = HEIGHT - BOTTOM
    parts = [words(LEFT - 46, 13, "test accuracy, median over seeds", "title")]
    for value in ticks(0, 1):
        parts.append(line(LEFT, y(value), WIDTH - RIGHT, y(value), "grid"))
        parts.append(words(LEFT - 7, y(value) + 4, f"{100 * value:g} %", "tick", "end"))
    for value in log_ticks(low, high):
        parts.append(line(x(value), bottom, x(value), bottom + 4, "axis"))
        parts.append(words(x(value), bottom + 18, _size(value, unit), "tick", "middle"))
    parts.append(line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis"))
    parts.append(words(WIDTH - RIGHT, bottom + 36, x_title, "title", "end"))

    steps: list[tuple[float, float]] = []
    for dot in best:
        steps += [(x(dot.size), steps[-1][1])] if steps else []
        steps.append((x(dot.size), y(dot.accuracy)))
    steps.append((WIDTH - RIGHT, steps[-1][1]))
    parts.append(path(steps, "frontier"))
    on_it = set(best)
    for dot in dots:
        if dot not in on_it:
            parts.append(mark("circle", x(dot.size), y(dot.accuracy), _kind(dot), 3.6, _about(dot, unit)))
    for dot in best:
        parts.append(mark("square", x(dot.size), y(dot.accuracy), f"{_kind(dot)} best", 4.2, _about(dot, unit)))
    return figure(WIDTH, HEIGHT, parts + _names(best, x, y), title, "scatter")


def _names(best: Sequence[Dot], x: Scale, y: Scale) -> list[str]:
    """Above their points, where by its nature no other point lies; those of the most accurate, kept apart."""
    parts: list[str] = []
    before = (-WIDE, HEIGHT)
    for dot in list(best)[-LABELLED:]:
        beside = x(dot.size) - before[0] < WIDE
        before = x(dot.size), min(y(dot.accuracy) - 9, before[1] - 14 if beside else HEIGHT)
        at_end = before[0] > WIDTH - WIDE
        if before[1] > 24:
            parts.append(
                words(before[0] + (4 if at_end else -4), before[1], dot.name, "name", "end" if at_end else "start")
            )
    return parts


def _kind(dot: Dot) -> str:
    return "dot proposed" if dot.proposed else "dot"


def _about(dot: Dot, unit: str) -> str:
    return f"{dot.name}: {100 * dot.accuracy:.1f} % at {_size(dot.size, unit)}"


def _size(value: float, unit: str) -> str:
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor * 0.9995:
            return f"{value / factor:.3g} {letter}{unit}" if unit else f"{value / factor:.3g}{letter}"
    return f"{value:.3g} {unit}".strip()
