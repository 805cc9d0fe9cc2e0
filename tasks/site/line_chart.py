"""Lines with seed bands: learning curves over epochs, accuracy over lengths. Each series has its colour, dash and
marker, and its name stands at its end."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.site.svg import DASHES, MARKS, Scale, apart, figure, line, log_ticks, mark, path, ticks, words

WIDTH, HEIGHT = 640.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 54.0, 150.0, 24.0, 44.0
FEW = 24
"""Points up to which each has its marker; of longer lines eight have one."""


@dataclass(frozen=True)
class Series:
    """points: (x, lowest, median, highest over seeds), x ascending."""

    name: str
    points: tuple[tuple[float, float, float, float], ...]
    proposed: bool = False


@dataclass(frozen=True)
class Axes:
    """share: y is a fraction, shown in percent. noted: an x to point out, with what it is."""

    title: str
    x: str
    y: str
    share: bool = True
    log_x: bool = False
    noted: tuple[float, str] | None = None


def draw_lines(series: Sequence[Series], axes: Axes) -> Markup | None:
    """None where there is nothing to draw. Series beyond the sixth repeat dashes and markers, and keep their names."""
    series = [one for one in series if one.points]
    if not series:
        return None
    x, y = _scales(series, axes)
    parts = _frame(x, y, series, axes)
    for index, one in enumerate(series):
        band = [(x(at), y(high)) for at, _, _, high in one.points]
        band += [(x(at), y(low)) for at, low, _, _ in reversed(one.points)]
        if any(low != high for _, low, _, high in one.points):
            parts.append(path(band, f"band s{index % DASHES}", closed=True))
    ends = apart([y(one.points[-1][2]) for one in series], 15, TOP + 4, HEIGHT - BOTTOM)
    for index, (one, end) in enumerate(zip(series, ends, strict=True)):
        parts += _line(one, index, x, y, end)
    return figure(WIDTH, HEIGHT, parts, axes.title, "lines")


def _line(one: Series, index: int, x: Scale, y: Scale, label: float) -> list[str]:
    kind = f"s{index % DASHES}"
    places = [(x(at), y(middle)) for at, _, middle, _ in one.points]
    parts = [path(places, f"line {kind}{' proposed' if one.proposed else ''}")] if len(places) > 1 else []
    every = 1 if len(places) <= FEW else len(places) // 8
    shown = places[index * every // DASHES :: every]
    about = [f"{one.name}: {middle:.4g} at {at:g}" for at, _, middle, _ in one.points]
    shape = MARKS[index % DASHES]
    for place in shown:
        parts.append(mark(shape, *place, f"mark {kind}", 3.4, about[places.index(place)] if every == 1 else ""))
    last = places[-1]
    parts.append(line(last[0] + 3, last[1], WIDTH - RIGHT + 12, label, f"leader {kind}"))
    parts.append(mark(shape, WIDTH - RIGHT + 19, label, f"mark {kind}", 3.4))
    parts.append(words(WIDTH - RIGHT + 28, label + 4, _short(one.name), f"name{' proposed' if one.proposed else ''}"))
    return parts


def _frame(x: Scale, y: Scale, series: Sequence[Series], axes: Axes) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [words(LEFT - 46, 13, axes.y, "title")]
    for value in ticks(y.low, y.high) if not y.log else log_ticks(y.low, y.high):
        said = f"{100 * value:g} %" if axes.share else f"{value:g}"
        parts += [line(LEFT, y(value), right, y(value), "grid"), words(LEFT - 7, y(value) + 4, said, "tick", "end")]
    if axes.log_x:
        values = sorted({at for one in series for at, *_ in one.points})
        places = [value for place, value in enumerate(values) if place == 0 or x(value) - x(values[place - 1]) > 26]
    else:
        places = [value for value in ticks(x.low, x.high, 6) if value == int(value)]
    for value in places:
        parts += [
            line(x(value), bottom, x(value), bottom + 4, "axis"),
            words(x(value), bottom + 18, f"{value:g}", "tick", "middle"),
        ]
    parts += [line(LEFT, bottom, right, bottom, "axis"), words(right, bottom + 36, axes.x, "title", "end")]
    if axes.noted:
        place, said = x(axes.noted[0]), axes.noted[1]
        parts += [line(place, TOP - 4, place, bottom, "noted"), words(place, TOP - 9, said, "tick", "middle")]
    return parts


def _scales(series: Sequence[Series], axes: Axes) -> tuple[Scale, Scale]:
    xs = [at for one in series for at, *_ in one.points]
    ys = [value for one in series for _, *values in one.points for value in values]
    x = Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT, log=axes.log_x and min(xs) > 0)
    low, high = (0.0, max(1.0, max(ys))) if axes.share else (min(ys), max(ys))
    log = not axes.share and low > 0 and high > 20 * low
    if not axes.share and not log:
        low, high = (0.0 if low >= 0 else low), high * 1.05 if high > 0 else 0.0
    return x, Scale(low, high, HEIGHT - BOTTOM, TOP, log)


def _short(name: str) -> str:
    return name if len(name) <= 19 else name[:18] + "…"
