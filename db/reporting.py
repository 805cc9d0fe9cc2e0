"""What a results page and a progress display ask for beyond verdicts and measurements."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, text
from sqlmodel import col, select

from db.engine import reading
from db.errors import CatalogError
from db.tables import (
    AttemptEndRow,
    AttemptRow,
    ExperimentRow,
    ExperimentRunRow,
    ProposalRow,
    RegistrationRow,
)


class ExperimentFacts(NamedTuple):
    """The header of a results page."""

    stem: str
    number: str
    title: str
    sha256: str
    fidelity: str
    registered_at: datetime
    registration_commit: str | None
    registration_dirty: bool
    commit: str | None
    dirty: bool
    started_at: datetime
    executor: str
    profile: str


class RunState(NamedTuple):
    """A row of the view `runs`."""

    variant: str
    seed: int
    state: str
    run_key: str
    attempts: int
    test_accuracy: float | None
    best_epoch: int | None
    epochs: int | None
    stopped: str | None
    seconds: float | None
    device: str | None


class Fault(NamedTuple):
    """An attempt that gave no result."""

    variant: str
    seed: int
    number: int
    state: str
    reason: str
    at: datetime


def facts_of(engine: Engine, experiment_id: int) -> ExperimentFacts:
    with reading(engine) as session:
        found = session.exec(
            select(ExperimentRow, RegistrationRow, ProposalRow)
            .join(RegistrationRow, col(RegistrationRow.id) == col(ExperimentRow.registration_id))
            .join(ProposalRow, col(ProposalRow.stem) == col(RegistrationRow.stem))
            .where(ExperimentRow.id == experiment_id)
        ).first()
    if found is None:
        raise CatalogError(f"there is no experiment {experiment_id} in the catalog")
    experiment, registration, proposal = found
    return ExperimentFacts(
        stem=proposal.stem,
        number=proposal.number,
        title=proposal.title,
        sha256=registration.sha256,
        fidelity=registration.fidelity,
        registered_at=registration.registered_at,
        registration_commit=registration.git_commit,
        registration_dirty=registration.git_dirty,
        commit=experiment.git_commit,
        dirty=experiment.git_dirty,
        started_at=experiment.started_at,
        executor=experiment.executor,
        profile=experiment.profile,
    )


def run_states(engine: Engine, experiment_id: int) -> list[RunState]:
    """Where each run of the experiment stands, by seed and variant."""
    columns = ", ".join(RunState._fields)
    with reading(engine) as session:
        rows = session.connection().execute(
            text(f"SELECT {columns} FROM runs WHERE experiment_id = :id ORDER BY variant, seed"),
            {"id": experiment_id},
        )
        return [RunState(*row) for row in rows]


def faults_of(engine: Engine, experiment_id: int) -> list[Fault]:
    """Attempts at the experiment's runs that gave no result, oldest first, whoever began them."""
    with reading(engine) as session:
        rows = session.exec(
            select(ExperimentRunRow, AttemptRow, AttemptEndRow)
            .join(AttemptRow, col(AttemptRow.run_id) == col(ExperimentRunRow.run_id))
            .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(AttemptRow.id))
            .where(ExperimentRunRow.experiment_id == experiment_id, AttemptEndRow.state != "collected")
            .order_by(col(AttemptRow.id))
        ).all()
    return [
        Fault(link.variant, link.seed, attempt.number, end.state, end.reason, end.ended_at)
        for link, attempt, end in rows
    ]
