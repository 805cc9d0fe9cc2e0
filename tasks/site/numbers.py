"""What an experiment measured, grouped for tables and lines: by variant, over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from db.catalog import Number, Point
from models.metrics import METRICS
from proposals.judging.show import show
from proposals.spec import AnySetup, StudySetup
from tasks.site.line_chart import Axes, Series

Values = dict[tuple[str, str], dict[str, list[float]]]
"""(metric, condition as text) -> variant -> values over seeds."""
SHOWN = ("parameters", "state_memory", "test_accuracy", "test_loss", "step_time", "train_time", "peak_memory")
"""Of the common metrics, those that a page has room for; a study and the probes show all of theirs."""


def in_order(setup: AnySetup) -> list[str]:
    """The variants, the ideas first."""
    return sorted(setup.variants, key=lambda name: name not in setup.proposed)


def grouped(numbers: Iterable[Number]) -> Values:
    found: Values = {}
    for one in numbers:
        key = one.metric, ", ".join(f"{name}={value}" for name, value in sorted(one.condition.items()))
        found.setdefault(key, {}).setdefault(one.variant, []).append(one.value)
    return found


def table(setup: AnySetup, numbers: Sequence[Number]) -> list[dict[str, Any]]:
    """A row a metric: its median over seeds for each variant, and the range where seeds differ. Unconditioned metrics
    first, in the order of the vocabulary; then each condition, by its numbers."""
    values, units = grouped(numbers), {one.metric: one.unit for one in numbers}
    order = {name: place for place, name in enumerate(setup.vocabulary)}
    study = isinstance(setup, StudySetup)
    keys = [key for key in values if study or key[1] or key[0] in SHOWN or key[0] not in METRICS]
    keys.sort(key=lambda key: (bool(key[1]), order.get(key[0], len(order)), _numbers_in(key[1]), key))
    return [
        {
            "metric": metric,
            "condition": condition,
            "cells": [_cell(values[metric, condition].get(variant, []), units[metric]) for variant in in_order(setup)],
        }
        for metric, condition in keys
    ]


def curves(setup: AnySetup, points: Sequence[Point], metric: str) -> list[Series]:
    """A series a variant: median and range over seeds by epoch. A seed that stopped early keeps its last value."""
    by_seed: dict[str, dict[int, list[tuple[int, float]]]] = {}
    for one in points:
        if one.metric == metric:
            by_seed.setdefault(one.variant, {}).setdefault(one.seed, []).append((one.epoch, one.value))
    proposed = setup.proposed
    return [
        Series(name, tuple(_over_seeds(by_seed[name].values())), name in proposed)
        for name in in_order(setup)
        if name in by_seed
    ]


def by_length(setup: AnySetup, numbers: Sequence[Number]) -> list[Series]:
    """Test accuracy under the conditions `length=`, and under none at the length that was trained. Empty where only one
    length was tested."""
    trained = trained_length(setup)
    found: dict[str, dict[float, list[float]]] = {}
    for one in numbers:
        if one.metric != "test_accuracy" or set(one.condition) - {"length"}:
            continue
        length = one.condition.get("length", trained)
        if isinstance(length, int | float):
            found.setdefault(one.variant, {}).setdefault(float(length), []).append(one.value)
    if len({length for lengths in found.values() for length in lengths}) < 2:
        return []
    return [
        Series(
            name,
            tuple((length, min(v), median(v), max(v)) for length, v in sorted(found[name].items())),
            name in setup.proposed,
        )
        for name in in_order(setup)
        if name in found
    ]


def length_axes(setup: AnySetup, stem: str) -> Axes:
    trained = trained_length(setup)
    return Axes(
        title=f"{stem}: test accuracy by length, median over seeds and range",
        x="length (logarithmic)",
        y="test accuracy",
        log_x=True,
        noted=None if trained is None else (trained, f"trained at {trained:g}"),
    )


def trained_length(setup: AnySetup) -> float | None:
    length = None if isinstance(setup, StudySetup) else getattr(setup.synthetic, "length", None)
    return float(length) if isinstance(length, int | float) else None


def _over_seeds(seeds: Iterable[Sequence[tuple[int, float]]]) -> list[tuple[float, float, float, float]]:
    known: list[Mapping[int, float]] = [dict(points) for points in seeds]
    last: list[float | None] = [None] * len(known)
    found = []
    for epoch in sorted({epoch for one in known for epoch in one}):
        last = [one.get(epoch, before) for one, before in zip(known, last, strict=True)]
        values = [value for value in last if value is not None]
        found.append((float(epoch), min(values), median(values), max(values)))
    return found


def _cell(values: Sequence[float], unit: str) -> dict[str, str]:
    if not values:
        return {"middle": "–", "range": ""}
    middle, low, high = (show(value, unit) for value in (median(values), min(values), max(values)))
    return {"middle": middle, "range": "" if low == high else f"{low} to {high}"}


def _numbers_in(condition: str) -> list[tuple[str, float]]:
    """64 before 128."""
    pairs = [part.split("=", 1) for part in condition.split(", ") if part]
    return [(name, float(value)) if value.replace(".", "", 1).isdigit() else (name, 0.0) for name, value in pairs]
