"""The measurements in order: checked against the registration, and looked up by seed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proposals.judging.evaluate import say
from proposals.judging.measurements import Measurement
from proposals.language.expressions import MetricRef
from proposals.language.names import suggestion
from proposals.spec import AnySetup

Seed = int | None
"""None: the source did not say which; that is one seed of its own."""


@dataclass(frozen=True)
class Table:
    """`seeds`: those at hand, ascending; one counts as at hand where anything of any variant was measured at
    it."""

    setup: AnySetup
    seeds: tuple[Seed, ...]
    cells: dict[MetricRef, dict[Seed, Measurement]]

    def value(self, ref: MetricRef, seed: Seed) -> float | None:
        metric = self.setup.vocabulary.get(ref.metric)
        if metric is None:  # a study has no losses, and nothing in it diverges
            return None
        if metric.source == "analytic":
            return self.analytic(ref)
        cell = self.cells.get(ref, {}).get(seed)
        if cell is not None and cell.value is not None:
            return cell.value
        if ref.metric == "diverged" and self.value(MetricRef(ref.variant, "nan_count", ref.condition), seed) == 0:
            return 0.0  # no step was not finite, so the last one was
        return None

    def values(self, ref: MetricRef) -> list[float]:
        """What was measured, over the seeds at hand."""
        found = (self.value(ref, seed) for seed in self.seeds)
        return [value for value in found if value is not None]

    def worst(self, ref: MetricRef) -> float | None:
        """Of an event: one occurrence in one seed is an occurrence."""
        return max(self.values(ref), default=None)

    def analytic(self, ref: MetricRef) -> float | None:
        """Computed on paper, so the same at every seed."""
        found = {cell.value for cell in self.cells.get(ref, {}).values() if cell.value is not None}
        if len(found) > 1:
            raise ValueError(f"{say(ref)} is computed, not sampled, but has several values: {sorted(found)}")
        return found.pop() if found else None

    def devices(self, refs: Iterable[MetricRef]) -> tuple[str, ...]:
        cells = (cell for ref in refs for cell in self.cells.get(ref, {}).values())
        return tuple(sorted({cell.device for cell in cells if cell.device and cell.value is not None}))

    def theoretical(self) -> tuple[str, ...]:
        """Metrics that are to be measured, and for which the source computed a figure instead."""
        return tuple(
            say(ref)
            for ref, cells in self.cells.items()
            if self.setup.vocabulary[ref.metric].source == "measured"
            and any(cell.source == "analytic" for cell in cells.values())
        )

    def diverged(self, variant: str, seed: Seed) -> bool:
        """Said so, or steps were not finite and no trained metric came out."""
        own = MetricRef(variant, "diverged")
        said = self.value(own, seed)
        if said is not None:
            return said != 0
        trained = [
            ref
            for ref, cells in self.cells.items()
            if ref.variant == variant and self.setup.vocabulary[ref.metric].from_learning and seed in cells
        ]
        return bool(self.value(MetricRef(variant, "nan_count"), seed)) and all(
            self.value(ref, seed) is None for ref in trained
        )

    def seeds_of(self, variant: str) -> tuple[Seed, ...]:
        """The seeds at which anything of this variant was reported, be it that nothing was measured."""
        own = {seed for ref, cells in self.cells.items() if ref.variant == variant for seed in cells}
        return tuple(seed for seed in self.seeds if seed in own)


def tabulate(setup: AnySetup, measurements: Sequence[Measurement]) -> Table:
    """Refuses what the registration does not know and what is there twice: a typing error must not go
    unseen."""
    cells: dict[MetricRef, dict[Seed, Measurement]] = {}
    seeds: set[Seed] = set()
    for entry in measurements:
        if entry.variant not in setup.variants:
            raise ValueError(_unknown("variant", entry.variant, setup.variants))
        if entry.metric not in setup.vocabulary:
            raise ValueError(_unknown("metric", entry.metric, setup.vocabulary))
        ref = MetricRef(entry.variant, entry.metric, tuple(sorted(entry.condition.items())))
        row = cells.setdefault(ref, {})
        if entry.seed in row:
            at = "without a seed" if entry.seed is None else f"at seed {entry.seed}"
            raise ValueError(f"{say(ref)} {at} is there twice; one run has one value, so remove one of them")
        row[entry.seed] = entry
        if setup.vocabulary[entry.metric].source != "analytic":
            seeds.add(entry.seed)
    ordered = sorted(seed for seed in seeds if seed is not None)
    cells = {ref: cells[ref] for ref in sorted(cells, key=say)}  # the order in which they were given is nothing
    return Table(setup, (*ordered, None) if None in seeds else tuple(ordered), cells)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    return f"unknown {what} {name!r} in the measurements. {suggestion(name, known, what + 's')}"
