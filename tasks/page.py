"""Rows and lines of a results page: the catalog's numbers as people read them. Nothing is decided here."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any, NamedTuple

import yaml

from db.catalog import Deviation, RunState, StoredRun
from proposals.checks.amendments import shown, summary
from proposals.judging.outcomes import CriterionOutcome
from proposals.judging.show import show, show_interval
from proposals.spec import AnySetup, Setup

NONE = "–"


def criteria_rows(outcomes: Iterable[CriterionOutcome]) -> list[dict[str, Any]]:
    return [
        {
            "id": outcome.id,
            "role": outcome.role,
            "canonical": outcome.canonical,
            "target": outcome.target,
            "achieved": show(outcome.achieved, outcome.unit),
            "interval": show_interval(outcome.low, outcome.high, outcome.unit),
            "margin": signed(outcome.margin, outcome.unit),
            "seeds_for": seeds_for(outcome),
            "decision": outcome.decision.replace("_", " "),
            "text": outcome.text,
            "reason": outcome.reason,
        }
        for outcome in outcomes
    ]


def seeds_for(outcome: CriterionOutcome) -> str:
    """ "4 of 5", ties and unmeasured seeds among the five; an en dash where it was counted, not estimated."""
    if not outcome.seeds:
        return NONE
    return f"{sum(seed.holds is True for seed in outcome.seeds)} of {len(outcome.seeds)}"


def signed(margin: float | None, unit: str) -> str:
    """A margin with its sign; one of a fraction is in points."""
    if margin is None or unit == "event":
        return NONE
    text = show(margin, "points" if unit in ("fraction", "share") else unit)
    return text if text.startswith(("+", "-")) else f"+{text}"


class Measure(NamedTuple):
    """What a trained model is looked at by: its accuracy, or its loss where the answers are numbers.
    curve: the same while it learns."""

    metric: str
    curve: str
    title: str
    unit: str
    suffix: str
    factor: float


ACCURACY = Measure("test_accuracy", "validation_accuracy", "Test accuracy", "fraction", " (%)", 100)
LOSS = Measure("test_loss", "validation_loss", "Test loss", "number", "", 1)


def measure_of(runs: Sequence[StoredRun]) -> Measure:
    accuracies = any(value_of(run, "test_accuracy") is not None for run in runs)
    losses = any(value_of(run, "test_loss") is not None for run in runs)
    return LOSS if losses and not accuracies else ACCURACY


def variant_rows(setup: Setup, runs: Sequence[StoredRun]) -> list[dict[str, Any]]:
    rows = []
    measure = measure_of(runs)
    for name, variant in setup.variants.items():
        own = sorted((run for run in runs if run.variant == name), key=lambda run: run.result.seed)
        each = [value_of(run, measure.metric) for run in own]
        rows.append(
            {
                "name": name,
                "proposed": variant.proposed,
                "parameters": middle(own, "parameters", "count"),
                "measure": middle(own, measure.metric, measure.unit),
                "each_seed": ", ".join(_of_seed(value, measure) for value in each) or NONE,
                "epochs": f"{median(run.result.epochs for run in own):g}" if own else NONE,
                "step_time": middle(own, "step_time", "seconds"),
                "train_time": middle(own, "train_time", "seconds"),
                "state_memory": middle(own, "state_memory", "bytes"),
            }
        )
    return rows


def _of_seed(value: float | None, measure: Measure) -> str:
    if value is None:
        return NONE
    return f"{measure.factor * value:.1f}" if measure is ACCURACY else show(value, measure.unit)


def value_of(run: StoredRun, metric: str) -> float | None:
    return next((v.value for v in run.result.values if v.metric == metric and not v.condition), None)


def middle(runs: Sequence[StoredRun], metric: str, unit: str) -> str:
    known = [value for run in runs if (value := value_of(run, metric)) is not None]
    return show(median(known), unit) if known else NONE


def run_rows(states: Iterable[RunState]) -> list[dict[str, Any]]:
    return [
        {
            "variant": run.variant,
            "seed": run.seed,
            "state": run.state,
            "attempts": run.attempts,
            "accuracy": show(run.test_accuracy, "fraction"),
            "epochs": NONE if run.epochs is None else run.epochs,
            "best_epoch": NONE if run.best_epoch is None else run.best_epoch,
            "stopped": run.stopped or NONE,
            "seconds": NONE if run.seconds is None else f"{run.seconds:.1f}",
            "key": run.run_key,
        }
        for run in states
    ]


def data_line(runs: Sequence[StoredRun]) -> list[tuple[int, str]]:
    """Seed and hash of its data; the same for every variant, or there are several lines for the seed."""
    return sorted({(run.result.seed, run.result.data_sha256) for run in runs})


def setup_yaml(setup: AnySetup) -> str:
    """The frozen setup, defaults filled in. Of an own mixer's file only its length and hash."""
    content = setup.model_dump(mode="json", exclude_none=True)
    for variant in content["variants"].values():
        if variant.get("mixer", {}).get("source"):
            variant["mixer"]["source"] = summary(variant["mixer"]["source"])
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100).strip()
    return text.replace("```", "'''")  # in a name it could end the fence that this stands in


def deviation_rows(deviations: Iterable[Deviation]) -> list[dict[str, Any]]:
    return [
        {
            "field": one.field,
            "before": shown(one.field, one.before),
            "after": shown(one.field, one.after),
            "results_seen": one.results_seen,
        }
        for one in deviations
    ]


def utc(moment: datetime, seconds: bool = False) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M{':%S' if seconds else ''}} UTC"


def duration(seconds: float) -> str:
    """ "48 s", "12 min 5 s", "2 h 3 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
