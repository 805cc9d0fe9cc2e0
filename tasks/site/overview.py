"""Over all experiments: accuracy against the number of parameters and against the size of the state, for each
synthetic, with the Pareto frontier."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine

from db.catalog import ProposalLine, TriedVariant, variants_everywhere
from proposals.judging.show import show
from tasks.site.scatter_chart import Dot, draw_scatter, frontier

DRAWN = 300
"""Points of a chart. Of more, the frontier and the experiments that were active last."""


class Size(NamedTuple):
    """What accuracy is drawn against: the field of a TriedVariant, its heading, the axis, the unit of its ticks and the
    unit of the catalog."""

    field: str
    heading: str
    axis: str
    tick: str
    unit: str


SIZES = (
    Size("parameters", "Parameters", "trained parameters (logarithmic)", "", "count"),
    Size("state_memory", "State", "recurrent state of one sequence (bytes, logarithmic)", "B", "bytes"),
)


def synthetics(engine: Engine, lines: Sequence[ProposalLine]) -> list[dict[str, Any]]:
    """By synthetic, the one with most experiments first: a chart and a table of the frontier for each size."""
    place = {one.stem: at for at, one in enumerate(lines)}
    tried = sorted(variants_everywhere(engine), key=lambda one: (place[one.stem], one.variant))
    by_name: dict[str, list[TriedVariant]] = {}
    for one in tried:
        by_name.setdefault(one.synthetic, []).append(one)
    stems = {name: {one.stem for one in those} for name, those in by_name.items()}
    numbers = {one.stem: one.number for one in lines}
    return [
        {
            "name": name,
            "experiments": len(stems[name]),
            "charts": [chart for size in SIZES if (chart := _chart(name, by_name[name], numbers, size))],
        }
        for name in sorted(by_name, key=lambda name: (-len(stems[name]), name))
    ]


def _chart(
    synthetic: str, tried: Sequence[TriedVariant], numbers: Mapping[str, str], size: Size
) -> dict[str, Any] | None:
    dots = {
        one: Dot(f"{one.variant}, {numbers[one.stem]}", value, one.test_accuracy, one.proposed)
        for one in tried
        if (value := getattr(one, size.field)) is not None and value > 0
    }
    if not dots:
        return None
    best = frontier(list(dots.values()))
    drawn = [dot for dot in dots.values() if dot not in set(best)][: max(0, DRAWN - len(best))]
    of_dot = {dot: one for one, dot in dots.items()}
    title = f"{synthetic}: test accuracy against {size.heading.lower()}, with the Pareto frontier"
    return {
        "heading": size.heading,
        "svg": draw_scatter([*drawn, *best], best, title, size.axis, size.tick),
        "drawn": len(drawn) + len(best),
        "all": len(dots),
        "rows": [
            {
                "stem": of_dot[dot].stem,
                "number": numbers[of_dot[dot].stem],
                "variant": of_dot[dot].variant,
                "proposed": dot.proposed,
                "size": show(dot.size, size.unit),
                "accuracy": show(dot.accuracy, "fraction"),
                "seeds": of_dot[dot].seeds,
            }
            for dot in best
        ],
    }
