"""Figures of a results page, as SVG: learning curves, and each criterion against its target.

No meaning rests on colour alone: variants also differ in line style, outcomes in marker and word.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from proposals.judging.outcomes import CriterionOutcome
from proposals.judging.show import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")  # Okabe and Ito
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKS = {"holds": "●", "fails": "✕", "undecided": "?", "set_aside": "–"}

SCALES = frozenset({"fraction", "points", "ratio", "number", "seconds", "bytes", "per_second", "dollars"})
Limits = tuple[float | None, float | None]
"""Lower and upper limit of what a criterion is about; None where open."""

Curves = Mapping[str, Mapping[int, Sequence[tuple[int, float]]]]
"""variant -> seed -> (epoch, value), epochs ascending."""


def draw_curves(curves: Curves, metric: str, path: Path) -> None:
    """`metric`, validation accuracy or loss, by epoch: every seed thin, the median over seeds thick. An early-stopped
    seed keeps its last value in the median. Where there is nothing to draw, there is no figure."""
    if not curves:
        return
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(8, 4.2), layout="constrained")
    factor = 100 if metric.endswith("accuracy") else 1
    for index, (variant, seeds) in enumerate(curves.items()):
        colour, style = COLOURS[index % len(COLOURS)], STYLES[index % len(STYLES)]
        for points in seeds.values():
            axes.plot([e for e, _ in points], [factor * v for _, v in points], color=colour, lw=0.7, alpha=0.4)
        epochs, middle = _median_curve(seeds)
        axes.plot(epochs, [factor * v for v in middle], color=colour, ls=style, lw=2.2, label=variant)
    if factor == 100:
        axes.set(xlabel="epoch", ylabel="validation accuracy (%)", ylim=(0, 102))
    else:
        axes.set(xlabel="epoch", ylabel="validation loss", yscale="log")
    axes.grid(alpha=0.25)
    figure.legend(loc="outside right upper", frameon=False, title="median over seeds")
    _save(figure, path)


def draw_margins(outcomes: Sequence[CriterionOutcome], limits: Mapping[str, Limits], path: Path) -> None:
    """One row for each criterion that was estimated: its seeds, its interval and its limits, on a scale of its own.
    What was counted or computed has nothing to draw."""
    drawn = [outcome for outcome in outcomes if outcome.achieved is not None and outcome.unit in SCALES]
    if not drawn:
        return
    plt = _pyplot()
    figure, rows = plt.subplots(
        len(drawn), 1, figsize=(8, 0.35 + 0.72 * len(drawn)), layout="constrained", squeeze=False
    )
    for axes, outcome in zip(rows[:, 0], drawn, strict=True):
        _draw_criterion(axes, outcome, limits.get(outcome.id, (None, None)))
    _save(figure, path)


def _draw_criterion(axes: "Axes", outcome: CriterionOutcome, limits: Limits) -> None:
    values = [seed.value for seed in outcome.seeds if seed.value is not None]
    if outcome.low is not None and outcome.high is not None:
        axes.plot([outcome.low, outcome.high], [0, 0], color="#0072B2", lw=5, alpha=0.35, solid_capstyle="butt")
    axes.plot(values, [0] * len(values), "o", ms=5, mfc="none", mec="#0072B2")
    assert outcome.achieved is not None
    axes.plot([outcome.achieved], [0], "D", ms=6, color="#0072B2")
    for limit in limits:
        if limit is not None:
            axes.axvline(limit, color="#D55E00", lw=1.5, ls="--")
    mark, word = MARKS[outcome.decision], outcome.decision.replace("_", " ")
    title = f"{mark} {outcome.id} {outcome.role}: {outcome.canonical}   {word}"
    axes.set_title(title, fontsize=8, loc="left", pad=3)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(lambda value, _: show(value, outcome.unit))
    axes.tick_params(labelsize=7)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    if outcome.unit == "fraction":
        axes.set_xlim(-0.02, 1.02)
    axes.margins(x=0.08)


def _median_curve(seeds: Mapping[int, Sequence[tuple[int, float]]]) -> tuple[list[int], list[float]]:
    epochs = sorted({epoch for points in seeds.values() for epoch, _ in points})
    middle = []
    for epoch in epochs:
        reached = [[value for e, value in points if e <= epoch] for points in seeds.values()]
        middle.append(median(values[-1] for values in reached if values))
    return epochs, middle


def _pyplot() -> Any:
    """Loaded where it is used: it takes most of a second, and a run that fails before has no need of it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    # the same data give the same bytes
    matplotlib.rcParams.update({"svg.hashsalt": "mve", "svg.fonttype": "none", "font.family": "sans-serif"})
    return plt


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None}, facecolor="white")
    _pyplot().close(figure)
