"""What pages ask of the catalog: the numbers behind a proposal, and what was tried everywhere. Few questions, each one
pass over what it needs; plain SQL that SQLite and PostgreSQL both take."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, Row, bindparam, text
from sqlalchemy.types import TypeEngine

from db.columns import Utc
from db.engine import reading


class RegistrationLine(NamedTuple):
    """A registration of a proposal. experiment_id: of its newest experiment. stands: its verdict is the proposal's."""

    id: int
    sha256: str
    fidelity: str
    registered_at: datetime
    git_commit: str | None
    estimate_dollars: float
    actual_dollars: float
    experiment_id: int | None
    verdict: str | None
    judged_at: datetime | None
    stands: bool


class Number(NamedTuple):
    """One number of one run."""

    variant: str
    seed: int
    metric: str
    condition: dict[str, Any]
    value: float
    unit: str


class Point(NamedTuple):
    variant: str
    seed: int
    metric: str
    epoch: int
    value: float


class TriedVariant(NamedTuple):
    """A variant of an experiment, as accuracy is compared over all experiments. test_accuracy: median over seeds.
    synthetic: what it learned. proposed: it embodies the idea."""

    stem: str
    variant: str
    synthetic: str
    proposed: bool
    test_accuracy: float
    seeds: int
    parameters: float | None
    state_memory: float | None


REGISTRATIONS = """
SELECT
    registration.id, registration.sha256, registration.fidelity, registration.registered_at, registration.git_commit,
    registration.estimate_dollars,
    COALESCE((
        SELECT SUM(attempt_end.dollars) FROM experiment
        JOIN attempt ON attempt.experiment_id = experiment.id
        JOIN attempt_end ON attempt_end.attempt_id = attempt.id
        WHERE experiment.registration_id = registration.id
    ), 0) AS actual_dollars,
    (SELECT MAX(experiment.id) FROM experiment WHERE experiment.registration_id = registration.id) AS experiment_id
FROM registration WHERE registration.stem = :stem ORDER BY registration.id DESC
"""
NUMBERS = """
SELECT planned.variant, planned.seed, metric.name, metric.condition, metric.value, metric.unit
FROM experiment_run AS planned JOIN metric ON metric.run_id = planned.run_id
WHERE planned.experiment_id = :id ORDER BY planned.variant, planned.seed, metric.name, metric.condition
"""
POINTS = """
SELECT planned.variant, planned.seed, curve_point.metric, curve_point.epoch, curve_point.value
FROM experiment_run AS planned JOIN curve_point ON curve_point.run_id = planned.run_id
WHERE planned.experiment_id = :id AND curve_point.metric IN :metrics
ORDER BY planned.variant, planned.seed, curve_point.metric, curve_point.epoch
"""
TRIED = """
SELECT leaderboard.stem, leaderboard.variant, leaderboard.registration_id, leaderboard.test_accuracy,
    leaderboard.seeds, leaderboard.parameters, leaderboard.state_memory
FROM leaderboard ORDER BY leaderboard.stem, leaderboard.variant
"""
STANDING = """
SELECT registration.id, registration.canonical_json FROM verdicts
JOIN registration ON registration.id = verdicts.registration_id
WHERE verdicts.stands AND verdicts.fidelity = 'specified'
"""


def registrations_of(engine: Engine, stem: str) -> list[RegistrationLine]:
    """Newest first."""
    rows = _ask(engine, REGISTRATIONS, {"stem": stem}, times=("registered_at",))
    # apart: joined to the registrations, the view would be made whole for each proposal
    asked = "SELECT registration_id, verdict, judged_at, stands FROM verdicts WHERE stem = :stem"
    judged = {
        row.registration_id: (row.verdict, row.judged_at, bool(row.stands))
        for row in _ask(engine, asked, {"stem": stem}, times=("judged_at",))
    }
    return [RegistrationLine._make((*row, *judged.get(row.id, (None, None, False)))) for row in rows]


def numbers_of(engine: Engine, experiment_id: int) -> list[Number]:
    """Every number of the experiment's runs, by variant, seed and metric."""
    return [
        Number(variant, seed, metric, json.loads(condition) if condition else {}, value, unit)
        for variant, seed, metric, condition, value, unit in _ask(engine, NUMBERS, {"id": experiment_id})
    ]


def curves_of(engine: Engine, experiment_id: int, *metrics: str) -> list[Point]:
    """Learning curves of the experiment's runs, by variant, seed and epoch."""
    with reading(engine) as session:
        asked = text(POINTS).bindparams(bindparam("metrics", expanding=True))
        found = session.connection().execute(asked, {"id": experiment_id, "metrics": list(metrics)})
        return [Point(*row) for row in found]


def variants_everywhere(engine: Engine) -> list[TriedVariant]:
    """Each trained variant of every experiment whose verdict stands at full fidelity."""
    setups = {row.id: json.loads(row.canonical_json)["setup"] for row in _ask(engine, STANDING)}
    return [
        TriedVariant(
            row.stem,
            row.variant,
            setup["synthetic"]["name"],
            bool(setup["variants"][row.variant]["proposed"]),
            row.test_accuracy,
            row.seeds,
            row.parameters,
            row.state_memory,
        )
        for row in _ask(engine, TRIED)
        if (setup := setups.get(row.registration_id)) and "synthetic" in setup
    ]


def _ask(
    engine: Engine, query: str, values: Mapping[str, Any] | None = None, times: tuple[str, ...] = ()
) -> list[Row[Any]]:
    """The rows of a query; the columns named in `times` are moments."""
    kinds: dict[str, TypeEngine[Any]] = {name: Utc() for name in times}
    with reading(engine) as session:
        asked = text(query).columns(**kinds) if kinds else text(query)
        return list(session.connection().execute(asked, dict(values or {})).all())
