"""What runs gave: recorded once, read back as measurements, checked for alterations."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Engine, func, insert
from sqlmodel import Session, col, select

from db.columns import canonical, refuse_nan
from db.engine import reading, writing
from db.running import add_end
from db.tables import (
    AttemptEndRow,
    AttemptRow,
    CurvePointRow,
    ExperimentRow,
    ExperimentRunRow,
    MetricRow,
    RunResultRow,
    RunRow,
    VerdictRunRow,
)
from models.metrics import Metric
from models.request import CurvePoint, SeedResult, Value
from proposals.judging.measurements import Measurement


class StoredRun(NamedTuple):
    """A run with its result. `result.values` has no entry for what was not measured, and has `cost`."""

    variant: str
    key: str
    result: SeedResult
    device: str
    versions: dict[str, str]
    seconds: float
    recorded_at: datetime


class AlteredRun(NamedTuple):
    """A run whose numbers are no longer those that were recorded."""

    variant: str
    seed: int
    key: str
    recorded_sha256: str
    present_sha256: str


def record_result(
    engine: Engine,
    attempt_id: int,
    result: SeedResult,
    *,
    device: str,
    versions: Mapping[str, str],
    seconds: float,
    dollars: float,
    vocabulary: Mapping[str, Metric],
    now: datetime,
    log_tail: str = "",
    used_seconds: float | None = None,
) -> bool:
    """The result of an attempt: its numbers, its curve and its end, together or not at all.

    A run has one result. Where it has one, this one is not stored (False), but the attempt still ends and its
    money counts. An attempt that was given up as lost can still bring its result; its end and money stay as
    they were written then. `vocabulary` says the unit and direction of each metric. `cost` is added: the
    dollars of all attempts at the run so far. seconds: of the training, over all attempts that it took; used_seconds:
    for which this attempt had its machine, where that is known.
    """
    with writing(engine) as session:
        attempt = session.get(AttemptRow, attempt_id)
        run = session.get(RunRow, attempt.run_id) if attempt else None
        if run is None or run.id is None:
            raise ValueError(f"there is no attempt {attempt_id} in the catalog")
        if run.seed != result.seed:
            raise ValueError(f"attempt {attempt_id} is at seed {run.seed}; its result says seed {result.seed}")
        known = session.get(RunResultRow, run.id)
        reason = f"the run has its result from attempt {known.attempt_id}" if known else ""
        used = seconds if used_seconds is None else used_seconds
        add_end(session, attempt_id, "collected", used, dollars, reason, now, device, log_tail)
        if known:
            return False

        metrics = _metric_rows(run.id, run.key, result.values, vocabulary, device)
        if "cost" in vocabulary and all(row["name"] != "cost" for row in metrics):
            cost = Value(metric="cost", value=_dollars_of(session, run.id), source="derived")
            metrics += _metric_rows(run.id, run.key, [cost], vocabulary, device)
        row = RunResultRow(
            run_id=run.id,
            attempt_id=attempt_id,
            data_sha256=result.data_sha256,
            epochs=result.epochs,
            best_epoch=result.best_epoch,
            stopped=result.stopped,
            diverged=result.stopped == "diverged",
            resumed=result.resumed,
            device=device,
            versions=canonical(dict(versions)),
            seconds=seconds,
            result_sha256=_hash(
                run.seed, result.data_sha256, result.epochs, result.best_epoch, result.stopped, metrics
            ),
            recorded_at=now,
        )
        session.add(row)
        session.flush()
        connection = session.connection()
        if metrics:
            connection.execute(insert(MetricRow), metrics)
        if curve := _curve_rows(run.id, run.key, result.curve):
            connection.execute(insert(CurvePointRow), curve)
        return True


def results_of(engine: Engine, experiment_id: int) -> list[StoredRun]:
    """The runs of an experiment that have a result, with their curves, by variant and seed."""
    with reading(engine) as session:
        found = []
        for variant, run, stored in _finished(session, experiment_id):
            values = [
                Value.model_validate(
                    {
                        "metric": row.name,
                        "value": row.value,
                        "source": row.source,
                        "condition": _condition(row.condition),
                        "spread": row.spread,
                    }
                )
                for row in _metrics_of(session, stored.run_id)
            ]
            points = session.exec(
                select(CurvePointRow)
                .where(CurvePointRow.run_id == stored.run_id)
                .order_by(col(CurvePointRow.step), col(CurvePointRow.metric))
            ).all()
            result = SeedResult.model_validate(
                {
                    "seed": run.seed,
                    "values": values,
                    "curve": [CurvePoint.model_validate(point.model_dump(exclude={"run_id"})) for point in points],
                    **stored.model_dump(include={"data_sha256", "epochs", "best_epoch", "stopped", "resumed"}),
                }
            )
            versions = cast(dict[str, str], json.loads(stored.versions))
            found.append(
                StoredRun(variant, run.key, result, stored.device, versions, stored.seconds, stored.recorded_at)
            )
        return found


def measurements_of(
    engine: Engine,
    registration_id: int,
    experiment_id: int | None = None,
    verdict_id: int | None = None,
) -> list[Measurement]:
    """What the judge is given, by variant, seed and metric.

    Of the registration's newest experiment, or the one named; or exactly of the runs that a verdict rests on,
    so that it can be derived again whatever has been run since.
    """
    with reading(engine) as session:
        if verdict_id is not None:
            runs = session.exec(
                select(VerdictRunRow.variant, VerdictRunRow.seed, VerdictRunRow.run_id)
                .where(VerdictRunRow.verdict_id == verdict_id)
                .order_by(col(VerdictRunRow.variant), col(VerdictRunRow.seed))
            ).all()
        else:
            if experiment_id is None:
                experiment_id = session.exec(
                    select(func.max(ExperimentRow.id)).where(ExperimentRow.registration_id == registration_id)
                ).one()
            finished = _finished(session, experiment_id)
            runs = [(variant, run.seed, stored.run_id) for variant, run, stored in finished]
        return [
            Measurement.model_validate(
                {
                    "variant": variant,
                    "seed": seed,
                    "metric": row.name,
                    "value": row.value,
                    "source": row.source,
                    "condition": _condition(row.condition),
                    "device": row.device,
                }
            )
            for variant, seed, run_id in runs
            for row in _metrics_of(session, run_id)
        ]


def altered_runs(engine: Engine, registration_id: int) -> list[AlteredRun]:
    """Runs of any experiment of the registration whose numbers no longer have the hash they were recorded
    with."""
    with reading(engine) as session:
        experiments = session.exec(
            select(ExperimentRow.id)
            .where(ExperimentRow.registration_id == registration_id)
            .order_by(col(ExperimentRow.id))
        ).all()
        altered = {}
        for experiment_id in experiments:
            for variant, run, stored in _finished(session, experiment_id):
                metrics = [row.model_dump() for row in _metrics_of(session, stored.run_id)]
                present = _hash(run.seed, stored.data_sha256, stored.epochs, stored.best_epoch, stored.stopped, metrics)
                if present != stored.result_sha256:
                    altered[variant, run.key] = AlteredRun(variant, run.seed, run.key, stored.result_sha256, present)
        return list(altered.values())


# -- rows ----------------------------------------------------------------------------------------------------


def _metric_rows(
    run_id: int, key: str, values: Iterable[Value], vocabulary: Mapping[str, Metric], device: str
) -> list[dict[str, Any]]:
    rows = []
    for value in values:
        if value.value is None:
            continue
        name = f"{value.metric}{canonical(value.condition) if value.condition else ''} of run {key}"
        refuse_nan(value.value, name)
        refuse_nan(value.spread, f"the spread of {name}")
        metric = vocabulary.get(value.metric)
        if metric is None:
            raise ValueError(f"{name}: there is no metric {value.metric!r}; declare it under `metrics:` in the setup")
        rows.append(
            {
                "run_id": run_id,
                "name": value.metric,
                "condition": canonical(value.condition) if value.condition else "",
                "value": _plain(value.value),
                "spread": None if value.spread is None else _plain(value.spread),
                "unit": metric.unit,
                "direction": metric.direction,
                "source": value.source,
                "device": device,
            }
        )
    twice = [
        row["name"]
        for at, row in enumerate(rows)
        if any(row["name"] == other["name"] and row["condition"] == other["condition"] for other in rows[:at])
    ]
    if twice:
        raise ValueError(f"run {key} gives {twice[0]} twice under the same condition")
    return rows


def _curve_rows(run_id: int, key: str, curve: Iterable[CurvePoint]) -> list[dict[str, Any]]:
    rows = []
    for point in curve:
        refuse_nan(point.value, f"{point.metric} at step {point.step} of run {key}")
        rows.append(
            {
                "run_id": run_id,
                "metric": point.metric,
                "step": point.step,
                "epoch": point.epoch,
                "value": point.value,
            }
        )
    return rows


def _plain(value: float) -> float:
    """SQLite keeps no sign of zero, and the hash is to be the same after reading back."""
    return float(value) + 0.0


def _hash(
    seed: int,
    data_sha256: str,
    epochs: int,
    best_epoch: int | None,
    stopped: str,
    metrics: list[dict[str, Any]],
) -> str:
    """SHA-256 over the canonical JSON of a result: what was trained on which data, and every number it
    gave."""
    fields = ("name", "condition", "value", "spread", "unit", "direction", "source", "device")
    values = sorted(([row[field] for field in fields] for row in metrics), key=lambda value: value[:2])
    stated = {
        "seed": seed,
        "data_sha256": data_sha256,
        "epochs": epochs,
        "best_epoch": best_epoch,
        "stopped": stopped,
        "values": values,
    }
    return hashlib.sha256(canonical(stated).encode()).hexdigest()


def _dollars_of(session: Session, run_id: int) -> float:
    spent = session.exec(
        select(func.sum(AttemptEndRow.dollars))
        .join(AttemptRow, col(AttemptRow.id) == col(AttemptEndRow.attempt_id))
        .where(AttemptRow.run_id == run_id)
    ).one()
    return float(spent or 0.0)


def _finished(session: Session, experiment_id: int | None) -> list[tuple[str, RunRow, RunResultRow]]:
    return [
        (variant, run, stored)
        for variant, run, stored in session.exec(
            select(ExperimentRunRow.variant, RunRow, RunResultRow)
            .join(RunRow, col(RunRow.id) == col(ExperimentRunRow.run_id))
            .join(RunResultRow, col(RunResultRow.run_id) == col(RunRow.id))
            .where(ExperimentRunRow.experiment_id == experiment_id)
            .order_by(col(ExperimentRunRow.variant), col(ExperimentRunRow.seed))
        ).all()
    ]


def _metrics_of(session: Session, run_id: int) -> list[MetricRow]:
    return list(
        session.exec(
            select(MetricRow).where(MetricRow.run_id == run_id).order_by(col(MetricRow.name), col(MetricRow.condition))
        ).all()
    )


def _condition(text: str) -> dict[str, str | int | float]:
    return cast(dict[str, str | int | float], json.loads(text)) if text else {}
