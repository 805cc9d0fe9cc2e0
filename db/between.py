"""What the catalog said at a cursor, and what came to it between two (db/digesting.py). Append-only rows alone, so the
answer to the same cursors is the same for ever, in the same order."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from db.digest_tables import ProposalVersionRow
from db.digesting import Cursor
from db.engine import reading
from db.registering import Deviation
from db.tables import (
    AttemptEndRow,
    AttemptRow,
    CriterionOutcomeRow,
    CriterionRow,
    DeviationRow,
    ExperimentRow,
    ExperimentRunRow,
    RegistrationRow,
    RunRow,
    VerdictRow,
    VerdictRunRow,
)

AT_ONCE = 500
"""Ids in one query: databases limit how many values a statement may have."""


class Version(NamedTuple):
    """A proposal's document as a digest saw it."""

    id: int
    stem: str
    title: str
    priority: str
    tricks: tuple[str, ...]
    estimate_dollars: float | None
    estimate_minutes: float | None


class Frozen(NamedTuple):
    """A registration."""

    id: int
    stem: str
    sha256: str
    fidelity: str
    estimate_dollars: float
    estimate_minutes: float
    registered_at: datetime


class Begun(NamedTuple):
    """An experiment."""

    id: int
    registration_id: int
    executor: str
    profile: str
    started_at: datetime


class Tried(NamedTuple):
    """An attempt. `state`: None while it is open; `result`: the run has its result from it."""

    id: int
    run_id: int
    experiment_id: int
    state: str | None
    seconds: float
    dollars: float
    result: bool


class Decided(NamedTuple):
    """A verdict, of the policy or (`overruled_by`) of a person."""

    id: int
    registration_id: int
    experiment_id: int
    verdict: str
    next_look: int | None
    supersedes_id: int | None
    overruled_by: str | None


class Story(NamedTuple):
    """All that had happened by a cursor, each in the order in which it came. `deviations`: by registration."""

    versions: list[Version]
    registrations: list[Frozen]
    deviations: dict[int, list[Deviation]]
    experiments: list[Begun]
    attempts: list[Tried]
    verdicts: list[Decided]


class Attempt(NamedTuple):
    """An attempt in full. ended_at, reason: of one that has ended."""

    id: int
    experiment_id: int
    variant: str
    seed: int
    number: int
    executor: str
    host: str
    submitted_at: datetime
    state: str | None
    reason: str
    ended_at: datetime | None


class Outcome(NamedTuple):
    criterion: str
    role: str
    canonical: str
    decision: str
    target: str
    achieved: float | None
    low: float | None
    high: float | None
    margin: float | None
    unit: str


class Details(NamedTuple):
    """A verdict in full; `seeds`: on how many it rests."""

    rule: int | None
    reasons: tuple[str, ...]
    caveats: tuple[str, ...]
    judged_at: datetime
    seeds: int
    outcomes: tuple[Outcome, ...]


def story_until(engine: Engine, start: Cursor, end: Cursor) -> Story:
    """The catalog as it was at `end`; deviations only of registrations since `start`."""
    with reading(engine) as session:
        return Story(
            [
                Version(**{**row, "tricks": tuple(json.loads(row["tricks"]))})
                for row in _until(session, ProposalVersionRow, Version, end.proposal_version)
            ],
            [Frozen(**row) for row in _until(session, RegistrationRow, Frozen, end.registration)],
            _deviations(session, start, end),
            [Begun(**row) for row in _until(session, ExperimentRow, Begun, end.experiment)],
            _attempts(session, end),
            [Decided(**row) for row in _until(session, VerdictRow, Decided, end.verdict)],
        )


def attempts_with(engine: Engine, ids: Sequence[int]) -> list[Attempt]:
    """By id. One at a run that stands for several variants is named after the first. An end is the present one: ask
    only for attempts whose end the cursor covers, or ignore it."""
    found: list[Any] = []
    with reading(engine) as session:
        for some in _portions(ids):
            variant = (
                select(func.min(ExperimentRunRow.variant))
                .where(
                    ExperimentRunRow.experiment_id == AttemptRow.experiment_id,
                    ExperimentRunRow.run_id == AttemptRow.run_id,
                )
                .scalar_subquery()
            )
            found += session.exec(
                select(AttemptRow, RunRow.seed, variant, AttemptEndRow)
                .join(RunRow, col(RunRow.id) == col(AttemptRow.run_id))
                .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(AttemptRow.id), isouter=True)
                .where(col(AttemptRow.id).in_(some))
                .order_by(col(AttemptRow.id))
            ).all()
    return [
        Attempt(
            row.id or 0, row.experiment_id, name, seed, row.number, row.executor, row.host, row.submitted_at,
            end.state if end else None, end.reason if end else "", end.ended_at if end else None,
        )
        for row, seed, name, end in found
    ]  # fmt: skip


def details_of(engine: Engine, verdict_ids: Sequence[int]) -> dict[int, Details]:
    """Verdicts in full, with the outcome of every criterion; a person's has the outcomes and seeds of the one it
    overrules."""
    with reading(engine) as session:
        rows = {
            row.id or 0: row
            for some in _portions(verdict_ids)
            for row in session.exec(select(VerdictRow).where(col(VerdictRow.id).in_(some))).all()
        }
        judged = {id: row.supersedes_id or id for id, row in rows.items()}
        outcomes: dict[int, list[Outcome]] = {}
        seeds: dict[int, int] = {}
        for some in _portions(sorted(set(judged.values()))):
            seeds.update(
                session.exec(
                    select(VerdictRunRow.verdict_id, func.count(func.distinct(VerdictRunRow.seed)))
                    .where(col(VerdictRunRow.verdict_id).in_(some))
                    .group_by(col(VerdictRunRow.verdict_id))
                ).all()
            )
            for criterion, outcome in session.exec(
                select(CriterionRow, CriterionOutcomeRow)
                .join(VerdictRow, col(VerdictRow.registration_id) == col(CriterionRow.registration_id))
                .join(
                    CriterionOutcomeRow,
                    (col(CriterionOutcomeRow.verdict_id) == col(VerdictRow.id))
                    & (col(CriterionOutcomeRow.criterion) == col(CriterionRow.criterion)),
                )
                .where(col(VerdictRow.id).in_(some))
                .order_by(col(VerdictRow.id), col(CriterionRow.position))
            ).all():
                outcomes.setdefault(outcome.verdict_id, []).append(_outcome(criterion, outcome))
    return {
        id: Details(
            row.rule, tuple(json.loads(row.reasons)), tuple(json.loads(row.caveats)), row.judged_at,
            seeds.get(judged[id], 0), tuple(outcomes.get(judged[id], ())),
        )
        for id, row in rows.items()
    }  # fmt: skip


# -- rows ----------------------------------------------------------------------------------------------------


def _until(session: Session, table: Any, row: Any, last: int) -> sa.MappingResult:
    """The columns of `table` that `row` has fields for, up to the id `last`."""
    columns = [getattr(table, name) for name in row._fields]
    return session.connection().execute(sa.select(*columns).where(table.id <= last).order_by(table.id)).mappings()


def _deviations(session: Session, start: Cursor, end: Cursor) -> dict[int, list[Deviation]]:
    found: dict[int, list[Deviation]] = {}
    for row in session.exec(
        select(DeviationRow)
        .where(
            col(DeviationRow.registration_id) > start.registration,
            col(DeviationRow.registration_id) <= end.registration,
        )
        .order_by(col(DeviationRow.id))
    ).all():
        before, after = (None if value is None else json.loads(value) for value in (row.before, row.after))
        found.setdefault(row.registration_id, []).append(Deviation(row.field, before, after, row.results_seen))
    return found


def _attempts(session: Session, end: Cursor) -> list[Tried]:
    """An attempt that the cursor calls open is open here, even where it has ended since."""
    rows = session.connection().execute(
        sa.select(
            col(AttemptRow.id),
            col(AttemptRow.run_id),
            col(AttemptRow.experiment_id),
            col(AttemptEndRow.state),
            col(AttemptEndRow.seconds),
            col(AttemptEndRow.dollars),
        )
        .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(AttemptRow.id), isouter=True)
        .where(col(AttemptRow.id) <= end.attempt)
        .order_by(col(AttemptRow.id))
    )
    open_then, late = frozenset(end.open), frozenset(end.late)
    return [
        Tried(id, run, experiment, None, 0.0, 0.0, False)
        if id in open_then
        else Tried(id, run, experiment, state, seconds, dollars, state == "collected" or id in late)
        for id, run, experiment, state, seconds, dollars in rows
    ]


def _outcome(criterion: CriterionRow, outcome: CriterionOutcomeRow) -> Outcome:
    return Outcome(
        criterion.criterion, criterion.role, criterion.canonical, outcome.decision, outcome.target,
        outcome.achieved, outcome.low, outcome.high, outcome.margin, outcome.unit,
    )  # fmt: skip


def _portions(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE))
