"""Tables of a results page: metrics by variant, each as the median over seeds and, where seeds differ, the range."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import Any

from db.catalog import StoredRun
from models.metrics import METRICS, Metric
from proposals.checks import figures_on_paper
from proposals.judging.show import show
from proposals.spec import AnySetup, Reported, StudySetup

Condition = tuple[tuple[str, str | int | float], ...]
Key = tuple[str, Condition]
"""A metric and the condition under which it was measured."""


def under_conditions(setup: AnySetup, runs: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """A row for each metric under each evaluation."""
    return _rows(setup, runs, lambda name, condition: bool(condition))


def of_probes(setup: AnySetup, runs: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """A row for each metric of a probe."""
    return _rows(setup, runs, lambda name, condition: name not in METRICS and not condition)


def of_study(setup: StudySetup, runs: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """A row for each metric of a study that is no timing."""
    reported = setup.study.reports()
    return _rows(setup, runs, lambda name, condition: name in reported and not _timed(setup.measured[name]))


def timings(setup: StudySetup, runs: Sequence[StoredRun]) -> list[dict[str, Any]]:
    """A row for each variant and timing: median and range over seeds, spread of the repeats of one run, device."""
    rows = []
    for key in _keys(setup, runs, lambda name, condition: _timed(setup.measured.get(name))):
        for variant in setup.variants:
            found = [(run, value) for run, value in _values(runs, key) if run.variant == variant]
            if found:
                spreads = [value.spread for _, value in found if value.spread is not None]
                rows.append(
                    {
                        "variant": variant,
                        "metric": label(key),
                        "time": middle_and_range([value.value for _, value in found], "seconds"),
                        "spread": show(median(spreads), "seconds") if spreads else "–",
                        "device": ", ".join(sorted({run.device for run, _ in found})),
                    }
                )
    return rows


def beside(setup: AnySetup, runs: Sequence[StoredRun], reported: Sequence[Reported]) -> list[dict[str, str]]:
    """What the source reported, and what our seeds gave. An edited document may name what was not registered."""
    rows = []
    on_paper = {(figure.variant, figure.metric): figure.value for figure in figures_on_paper(setup)}
    for one in reported:
        key = (one.metric, one.condition)
        ours = values_by_variant(runs, key).get(one.variant, [])
        metric = setup.vocabulary.get(one.metric)
        found = middle_and_range(ours, metric.unit) if metric and ours else "not measured"
        figure = on_paper.get((one.variant, one.metric))
        if metric and not ours and not one.condition and figure is not None:
            found = f"{show(figure, metric.unit)}, on paper"
        rows.append(
            {
                "metric": f"{one.variant}.{label(key)}",
                "reported": one.reported,
                "ours": found,
                "seeds": str(len(ours)),
                "where": one.where,
            }
        )
    return rows


def label(key: Key) -> str:
    """ "test_accuracy[length=512]"."""
    name, condition = key
    return name + (f"[{', '.join(f'{option}={value}' for option, value in condition)}]" if condition else "")


def middle_and_range(values: Iterable[float | None], unit: str) -> str:
    """ "71.2 % (64.0 % .. 80.1 %)"."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle, low, high = (show(value, unit) for value in (median(known), min(known), max(known)))
    return middle if low == high else f"{middle} ({low} .. {high})"


def values_by_variant(runs: Sequence[StoredRun], key: Key) -> dict[str, list[float]]:
    """What each variant's seeds gave."""
    found: dict[str, list[float]] = {}
    for run, value in _values(runs, key):
        if value.value is not None:
            found.setdefault(run.variant, []).append(value.value)
    return found


def _rows(setup: AnySetup, runs: Sequence[StoredRun], wanted: Callable[[str, Condition], bool]) -> list[dict[str, Any]]:
    rows = []
    for key in _keys(setup, runs, wanted):
        by_variant = values_by_variant(runs, key)
        unit = setup.vocabulary[key[0]].unit
        cells = [middle_and_range(by_variant.get(variant, []), unit) for variant in setup.variants]
        rows.append({"metric": label(key), "cells": cells})
    return rows


def _keys(setup: AnySetup, runs: Sequence[StoredRun], wanted: Callable[[str, Condition], bool]) -> list[Key]:
    """Those that some run has, in the order of the metrics and then of the conditions as they were reported."""
    found: dict[Key, None] = {}
    for run in runs:
        for value in run.result.values:
            condition = tuple(sorted(value.condition.items()))
            if value.metric in setup.vocabulary and wanted(value.metric, condition):
                found[value.metric, condition] = None
    order = list(setup.vocabulary)
    return sorted(found, key=lambda key: (order.index(key[0]), _sizes(key[1])))


def _sizes(condition: Condition) -> list[tuple[str, float, str]]:
    """Conditions in the order of their numbers: 64 before 128."""
    return [
        (name, value if isinstance(value, int | float) else 0.0, value if isinstance(value, str) else "")
        for name, value in condition
    ]


def _values(runs: Sequence[StoredRun], key: Key) -> list[tuple[StoredRun, Any]]:
    name, condition = key
    return [
        (run, value)
        for run in runs
        for value in run.result.values
        if value.metric == name and tuple(sorted(value.condition.items())) == condition
    ]


def _timed(metric: Metric | None) -> bool:
    return metric is not None and metric.of_hardware and metric.unit == "seconds"
