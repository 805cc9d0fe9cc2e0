"""A criterion against its target: the shaded part is where it holds; bar, seeds and median say where the runs came out.

Decided and undecided differ in shape, not in colour alone: a decided interval is a filled bar with a filled diamond, an
undecided one is outlined and hollow, one that was set aside is a dotted line.
"""

from collections.abc import Sequence

from markupsafe import Markup

from proposals.judging.outcomes import CriterionOutcome
from proposals.judging.show import show, show_interval
from proposals.judging.subject import Subject
from tasks.site.svg import Scale, box, figure, line, mark, ticks, words

DRAWN = frozenset({"fraction", "points", "ratio", "number", "seconds", "bytes", "per_second", "dollars", "share"})
"""Units in which something is estimated; what was counted or computed has nothing to draw."""
WIDTH, HEIGHT, MIDDLE = 360.0, 74.0, 34.0


def draw_criterion(outcome: CriterionOutcome, subject: Subject) -> Markup | None:
    """None where there is nothing to draw."""
    if outcome.achieved is None or outcome.unit not in DRAWN:
        return None
    seeds = [seed.value for seed in outcome.seeds if seed.value is not None and outcome.unit != "share"]
    limits = [limit for limit in (subject.low, subject.high) if limit is not None]
    low, high = _range([outcome.achieved, *seeds, *limits, *_known(outcome.low, outcome.high)], outcome.unit)
    x = Scale(low, high, 10, WIDTH - 10)
    parts = _target(x, subject) + _axis(x, outcome.unit) + _interval(x, outcome)
    parts += [mark("circle", x(value), MIDDLE, "seed", 3.2) for value in seeds]
    parts.append(mark("diamond", x(outcome.achieved), MIDDLE, f"median {outcome.decision}", 4.5))
    return figure(WIDTH, HEIGHT, parts, _said(outcome), f"criterion {outcome.decision}")


def _target(x: Scale, subject: Subject) -> list[str]:
    start = x.start - 6 if subject.low is None else x(subject.low)
    end = x.end + 6 if subject.high is None else x(subject.high)
    parts = [] if subject.low is None and subject.high is None else [box(start, 17, end - start, 34, "holds-here")]
    for limit in (subject.low, subject.high):
        if limit is not None:
            parts.append(line(x(limit), 14, x(limit), 54, "limit"))
    edge = next((limit for limit in (subject.low, subject.high) if limit is not None), None)
    if edge is not None:
        place = x(edge)
        anchor = "start" if place < 70 else "end" if place > WIDTH - 70 else "middle"
        parts.append(words(place, 10, _holds(subject.target), "limit-label", anchor))
    return parts


def _holds(target: str) -> str:
    written = target.replace("<=", "≤").replace(">=", "≥")
    return f"holds {written}" if written.startswith("in ") else f"holds where {written}"


def _interval(x: Scale, outcome: CriterionOutcome) -> list[str]:
    if outcome.low is None or outcome.high is None:
        return []
    start, end = x(outcome.low), x(outcome.high)
    if outcome.decision == "set_aside":
        return [line(start, MIDDLE, end, MIDDLE, "interval set_aside")]
    return [box(start, MIDDLE - 6, max(2.0, end - start), 12, f"interval {outcome.decision}", 3)]


def _axis(x: Scale, unit: str) -> list[str]:
    parts = [line(x.start - 6, 54, x.end + 6, 54, "axis")]
    for value in ticks(x.low, x.high, 4):
        anchor = "start" if x(value) < 24 else "end" if x(value) > WIDTH - 24 else "middle"
        place = {"start": x(value) - 4, "end": x(value) + 4, "middle": x(value)}[anchor]
        parts += [line(x(value), 54, x(value), 58, "axis"), words(place, 70, tick(value, unit), "tick", anchor)]
    return parts


def tick(value: float, unit: str) -> str:
    """A round value on an axis, without digits that say nothing."""
    if unit in ("fraction", "share"):
        return f"{100 * value:g} %"
    if unit == "points":
        return f"{100 * value:+g} pp" if value else "0 pp"
    if unit in ("number", "ratio", "count"):
        return f"{value:g}{'x' if unit == 'ratio' else ''}"
    return show(value, unit)


def _range(values: Sequence[float], unit: str) -> tuple[float, float]:
    low, high = min(values), max(values)
    if unit in ("fraction", "share") and low >= 0 and high <= 1:
        return 0.0, 1.0
    margin = 0.12 * (high - low) or abs(high) * 0.2 or 1.0
    never_negative = unit not in ("points", "number") and low >= 0
    return (max(0.0, low - margin) if never_negative else low - margin), high + margin


def _known(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]


def _said(outcome: CriterionOutcome) -> str:
    word = outcome.decision.replace("_", " ")
    interval = show_interval(outcome.low, outcome.high, outcome.unit)
    within = "" if interval == "–" else f", interval {interval}"
    return f"{outcome.id}: {show(outcome.achieved, outcome.unit)}{within}, target {outcome.target}: {word}"
