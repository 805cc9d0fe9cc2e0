"""Experiments, their runs and the attempts at them, up to the moment a result is in (db/results.py)."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, func, text
from sqlmodel import Session, col, select

from db.columns import canonical, refuse_nan
from db.engine import reading, writing
from db.errors import CatalogError, ChangedCodeError
from db.leases import Owner, hold
from db.ledger import Caps, Reserve, add_reservation
from db.registering import current_registration
from db.tables import (
    ENDS,
    AttemptEndRow,
    AttemptHandleRow,
    AttemptRow,
    ExperimentRow,
    ExperimentRunRow,
    RegistrationRow,
    RunResultRow,
    RunRow,
)


class PlannedRun(NamedTuple):
    """A run that stands for a variant and seed. `key`: hash of what determines it. `spec_json`: what that
    was."""

    key: str
    variant: str
    seed: int
    spec_json: str


class OpenAttempt(NamedTuple):
    """An attempt without an end. `handle` None: whoever began it died, or has not got so far, before starting
    it."""

    attempt_id: int
    key: str
    seed: int
    number: int
    experiment_id: int
    executor: str
    handle: dict[str, Any] | None
    host: str
    boot_id: str
    submitted_at: datetime


class Spend(NamedTuple):
    """Of one registration. actual_dollars includes failed_dollars; open attempts are not in it yet."""

    estimate_dollars: float
    actual_dollars: float
    failed_dollars: float
    estimate_minutes: float
    actual_minutes: float
    attempts: int
    failed_attempts: int
    open_attempts: int


# -- experiments and runs ------------------------------------------------------------------------------------


def start_experiment(
    engine: Engine,
    registration_id: int,
    *,
    executor: str,
    profile: str,
    git_commit: str | None,
    git_dirty: bool,
    now: datetime,
    fresh: bool = False,
) -> int:
    """Set out to run a registration. The same again, with nothing else in between, is the same experiment, so
    that a second call goes on where the first one stood; unless `fresh` asks for a new one."""
    with writing(engine) as session:
        registration = session.get(RegistrationRow, registration_id)
        if registration is None:
            raise CatalogError(f"there is no registration {registration_id} in the catalog")
        newest = session.exec(
            select(ExperimentRow)
            .where(ExperimentRow.registration_id == registration_id)
            .order_by(col(ExperimentRow.id).desc())
        ).first()
        asked = (executor, profile, git_commit, git_dirty)
        if (
            not fresh
            and newest is not None
            and newest.id is not None
            and (newest.executor, newest.profile, newest.git_commit, newest.git_dirty) == asked
            and current_registration(session, registration.stem) == registration_id
        ):
            return newest.id
        row = ExperimentRow(
            registration_id=registration_id,
            executor=executor,
            profile=profile,
            git_commit=git_commit,
            git_dirty=git_dirty,
            started_at=now,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def registration_of_experiment(engine: Engine, experiment_id: int) -> int:
    with reading(engine) as session:
        row = session.get(ExperimentRow, experiment_id)
    if row is None:
        raise CatalogError(f"there is no experiment {experiment_id} in the catalog")
    return row.registration_id


def latest_experiment(engine: Engine, registration_id: int) -> int | None:
    with reading(engine) as session:
        return session.exec(
            select(func.max(ExperimentRow.id)).where(ExperimentRow.registration_id == registration_id)
        ).one()


def plan_runs(engine: Engine, experiment_id: int, runs: Iterable[tuple[str, str, int, str]], now: datetime) -> None:
    """Say which runs (key, variant, seed, spec_json) an experiment needs. Those already planned stay as they
    are; a later look adds its own."""
    with writing(engine) as session:
        for key, variant, seed, spec_json in runs:
            run = session.exec(select(RunRow).where(RunRow.key == key)).first()
            if run is None:
                run = RunRow(key=key, spec_json=spec_json, seed=seed, planned_at=now)
                session.add(run)
                session.flush()
            if (run.seed, run.spec_json) != (seed, spec_json):
                raise ValueError(
                    f"run {key} is known with another seed or specification, so its key does not hash "
                    "all that determines it"
                )
            assert run.id is not None
            link = session.get(ExperimentRunRow, (experiment_id, variant, seed))
            if link is None:
                session.add(ExperimentRunRow(experiment_id=experiment_id, variant=variant, seed=seed, run_id=run.id))
            elif link.run_id != run.id:
                raise ChangedCodeError(
                    f"experiment {experiment_id} has another run for {variant}, seed {seed}; code that "
                    "changed needs a new experiment"
                )


def runs_without_result(engine: Engine, experiment_id: int) -> list[PlannedRun]:
    """What is left to train, whether or not an attempt at it is open."""
    with reading(engine) as session:
        rows = session.exec(
            select(RunRow, ExperimentRunRow)
            .join(ExperimentRunRow, col(ExperimentRunRow.run_id) == col(RunRow.id))
            .join(RunResultRow, col(RunResultRow.run_id) == col(RunRow.id), isouter=True)
            .where(ExperimentRunRow.experiment_id == experiment_id, col(RunResultRow.run_id).is_(None))
            .order_by(col(ExperimentRunRow.variant), col(ExperimentRunRow.seed))
        ).all()
    return [PlannedRun(run.key, link.variant, link.seed, run.spec_json) for run, link in rows]


# -- attempts ------------------------------------------------------------------------------------------------


def begin_attempt(
    engine: Engine,
    experiment_id: int,
    key: str,
    *,
    executor: str,
    host: str,
    boot_id: str,
    now: datetime,
    reserve: Reserve | None = None,
    caps: Caps = Caps(),  # noqa: B008 (immutable)
    owner: Owner | None = None,
) -> int | None:
    """Claim a run before anything is started for it: the attempt's id.

    None where the run has a result or an open attempt, of whatever experiment: of two that dispatch at once, one gets
    it. `reserve`: under the caps. `owner`: who dispatches. Raises CapError where a cap has too little room, and
    LeaseError where the experiment is leased to someone else; then nothing is begun.
    """
    with writing(engine) as session:
        if owner is not None:
            hold(session, experiment_id, owner)
        run_id = run_id_of(session, key)
        if session.get(RunResultRow, run_id) or _open_attempt_of(session, run_id):
            return None
        tried = session.exec(select(func.max(AttemptRow.number)).where(AttemptRow.run_id == run_id)).one()
        row = AttemptRow(
            run_id=run_id,
            number=(tried or 0) + 1,
            experiment_id=experiment_id,
            executor=executor,
            host=host,
            boot_id=boot_id,
            submitted_at=now,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        if reserve is not None:
            add_reservation(session, row.id, experiment_id, reserve, caps, now)
        return row.id


def store_handle(engine: Engine, attempt_id: int, handle: Mapping[str, Any], now: datetime) -> None:
    """What to ask after, right after the start and before anyone waits. Storing the same again changes
    nothing."""
    with writing(engine) as session:
        known = session.get(AttemptHandleRow, attempt_id)
        if known is None:
            session.add(AttemptHandleRow(attempt_id=attempt_id, handle=canonical(dict(handle)), stored_at=now))
        elif known.handle != canonical(dict(handle)):
            raise ValueError(f"attempt {attempt_id} has another handle already: {known.handle}")


def open_attempts(engine: Engine, experiment_id: int | None = None) -> list[OpenAttempt]:
    """Attempts that nobody has ended: all of them, or those at the runs of an experiment, whoever began
    them."""
    query = (
        select(AttemptRow, RunRow, AttemptHandleRow)
        .join(RunRow, col(RunRow.id) == col(AttemptRow.run_id))
        .join(AttemptHandleRow, col(AttemptHandleRow.attempt_id) == col(AttemptRow.id), isouter=True)
        .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(AttemptRow.id), isouter=True)
        .where(col(AttemptEndRow.attempt_id).is_(None))
        .order_by(col(AttemptRow.id))
    )
    if experiment_id is not None:
        own = select(ExperimentRunRow.run_id).where(ExperimentRunRow.experiment_id == experiment_id)
        query = query.where(col(AttemptRow.run_id).in_(own))
    with reading(engine) as session:
        rows: list[tuple[AttemptRow, RunRow, AttemptHandleRow | None]] = list(session.exec(query).all())
    found = []
    for attempt, run, handle in rows:
        assert attempt.id is not None
        found.append(
            OpenAttempt(
                attempt.id,
                run.key,
                run.seed,
                attempt.number,
                attempt.experiment_id,
                attempt.executor,
                json.loads(handle.handle) if handle else None,
                attempt.host,
                attempt.boot_id,
                attempt.submitted_at,
            )
        )
    return found


def end_attempt(
    engine: Engine,
    attempt_id: int,
    state: str,
    *,
    seconds: float,
    dollars: float,
    reason: str,
    now: datetime,
    device: str | None = None,
    log_tail: str = "",
) -> bool:
    """Say how an attempt ended, other than by its result (db/results.py). The first end stands: False where
    it had one."""
    with writing(engine) as session:
        return add_end(session, attempt_id, state, seconds, dollars, reason, now, device, log_tail)


def spend_of(engine: Engine, registration_id: int) -> Spend:
    """The ledger of a registration: a row of the view `spend`."""
    columns = ", ".join(Spend._fields)
    with reading(engine) as session:
        row = (
            session.connection()
            .execute(text(f"SELECT {columns} FROM spend WHERE registration_id = :id"), {"id": registration_id})
            .one_or_none()
        )
    if row is None:
        raise CatalogError(f"there is no registration {registration_id} in the catalog")
    return Spend(*row)


# -- within a transaction ------------------------------------------------------------------------------------


def add_end(
    session: Session,
    attempt_id: int,
    state: str,
    seconds: float,
    dollars: float,
    reason: str,
    now: datetime,
    device: str | None,
    log_tail: str,
) -> bool:
    if state not in ENDS:
        raise ValueError(f"an attempt cannot end as {state!r}; it is one of {', '.join(ENDS)}")
    refuse_nan(seconds, f"seconds of attempt {attempt_id}")
    refuse_nan(dollars, f"dollars of attempt {attempt_id}")
    if session.get(AttemptEndRow, attempt_id) is not None:
        return False
    session.add(
        AttemptEndRow(
            attempt_id=attempt_id,
            state=state,
            ended_at=now,
            seconds=seconds,
            dollars=dollars,
            device=device,
            # a crashed process may have printed anything; PostgreSQL's text takes no NUL
            reason=reason.replace("\0", "�"),
            log_tail=log_tail.replace("\0", "�"),
        )
    )
    session.flush()
    return True


def run_id_of(session: Session, key: str) -> int:
    run_id = session.exec(select(RunRow.id).where(RunRow.key == key)).first()
    if run_id is None:
        raise ValueError(f"run {key} was never planned")
    return run_id


def _open_attempt_of(session: Session, run_id: int) -> bool:
    found = session.exec(
        select(AttemptRow.id)
        .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(AttemptRow.id), isouter=True)
        .where(AttemptRow.run_id == run_id, col(AttemptEndRow.attempt_id).is_(None))
    ).first()
    return found is not None
