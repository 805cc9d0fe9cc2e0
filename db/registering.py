"""Proposals as they were seen, and what was frozen of them."""

import hashlib
import json
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, delete, func
from sqlmodel import Session, col, select

from db.columns import refuse_nan
from db.engine import reading, writing
from db.errors import CatalogError
from db.tables import (
    BasedOnRow,
    CriterionRow,
    DeviationRow,
    ExperimentRow,
    ExperimentRunRow,
    ProposalRow,
    RegistrationRow,
    RunResultRow,
)
from proposals.checks.amendments import differences
from proposals.spec import Proposal, Registration


class Registered(NamedTuple):
    """`new` False: the same specification had been registered before, and this is that registration."""

    id: int
    new: bool


class Deviation(NamedTuple):
    """before, after: values as in the specification's JSON; None where the field did not exist, or is
    null."""

    field: str
    before: Any
    after: Any
    results_seen: bool


def record_proposal(engine: Engine, proposal: Proposal, now: datetime) -> None:
    """The document as it is now; `first_seen` stays what it was."""
    seen = proposal.model_dump(exclude={"based_on", "hypothesis", "setup", "criteria", "reported"})
    with writing(engine) as session:
        known = session.get(ProposalRow, proposal.stem)
        first_seen = known.first_seen if known else now
        session.merge(ProposalRow(**seen, first_seen=first_seen, last_seen=now))
        session.flush()
        session.exec(delete(BasedOnRow).where(col(BasedOnRow.stem) == proposal.stem))
        session.add_all(BasedOnRow(stem=proposal.stem, trick=trick) for trick in dict.fromkeys(proposal.based_on))


def register(
    engine: Engine,
    registration: Registration,
    *,
    git_commit: str | None,
    git_dirty: bool,
    estimate_dollars: float,
    estimate_minutes: float,
    now: datetime,
) -> Registered:
    """Freeze a specification. One that is frozen already is found again, whatever the commit or the estimate.

    Where an earlier registration of the proposal at the same fidelity differs, the differences are written
    down with it, and whether any run of the proposal had shown a result by then.
    """
    refuse_nan(estimate_dollars, f"the estimated cost of {registration.stem} in dollars")
    refuse_nan(estimate_minutes, f"the estimated time of {registration.stem} in minutes")
    with writing(engine) as session:
        same = session.exec(select(RegistrationRow).where(RegistrationRow.sha256 == registration.sha256)).first()
        if same:
            assert same.id is not None
            return Registered(same.id, new=False)
        if session.get(ProposalRow, registration.stem) is None:
            raise CatalogError(f"proposal {registration.stem} is not in the catalog; record it before registering")

        before = session.exec(
            select(RegistrationRow)
            .where(RegistrationRow.stem == registration.stem, RegistrationRow.fidelity == registration.fidelity)
            .order_by(col(RegistrationRow.id).desc())
        ).first()
        row = RegistrationRow(
            stem=registration.stem,
            sha256=registration.sha256,
            canonical_json=registration.canonical_json,
            git_commit=git_commit,
            git_dirty=git_dirty,
            fidelity=registration.fidelity,
            estimate_dollars=estimate_dollars,
            estimate_minutes=estimate_minutes,
            registered_at=now,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        session.add_all(
            CriterionRow(
                registration_id=row.id,
                criterion=criterion.id,
                position=position,
                **criterion.model_dump(exclude={"id"}),
            )
            for position, criterion in enumerate(registration.criteria, start=1)
        )
        if before:
            assert before.id is not None
            seen = _results_seen(session, registration.stem)
            session.add_all(
                DeviationRow(
                    registration_id=row.id,
                    earlier_id=before.id,
                    field=field,
                    before=old,
                    after=new,
                    results_seen=seen,
                )
                for field, old, new in differences(before.canonical_json, row.canonical_json)
            )
        return Registered(row.id, new=True)


def latest_registration(engine: Engine, stem: str, fidelity: str | None = None) -> int | None:
    """The registration that was last registered or last set out to run, of this fidelity or of any."""
    with reading(engine) as session:
        return current_registration(session, stem, fidelity)


def registration_with(engine: Engine, sha256: str) -> int | None:
    """The registration of a specification, if it was ever registered."""
    with reading(engine) as session:
        return session.exec(select(RegistrationRow.id).where(RegistrationRow.sha256 == sha256)).first()


def current_registration(session: Session, stem: str, fidelity: str | None = None) -> int | None:
    """An author who goes back to an earlier specification finds that registration again, so its number does
    not say which is current; the newest experiment does."""
    last_used = func.coalesce(func.max(ExperimentRow.started_at), RegistrationRow.registered_at)
    query = (
        select(RegistrationRow.id)
        .join(ExperimentRow, col(ExperimentRow.registration_id) == col(RegistrationRow.id), isouter=True)
        .where(RegistrationRow.stem == stem)
        .group_by(col(RegistrationRow.id))
        .order_by(last_used.desc(), col(RegistrationRow.id).desc())
    )
    if fidelity is not None:
        query = query.where(RegistrationRow.fidelity == fidelity)
    return session.exec(query).first()


def load_registration(engine: Engine, registration_id: int) -> Registration:
    """The frozen specification. Raises CatalogError where its text is no longer the one that was hashed."""
    with reading(engine) as session:
        row = session.get(RegistrationRow, registration_id)
    if row is None:
        raise CatalogError(f"there is no registration {registration_id} in the catalog")
    if hashlib.sha256(row.canonical_json.encode()).hexdigest() != row.sha256:
        raise CatalogError(
            f"registration {registration_id} of {row.stem} was altered: its specification no longer "
            "has the hash it was registered with. Restore the catalog from a backup"
        )
    return Registration.model_validate_json(row.canonical_json)


def deviations_of(engine: Engine, registration_id: int) -> list[Deviation]:
    """How this registration differs from the one before it."""
    with reading(engine) as session:
        rows = session.exec(
            select(DeviationRow).where(DeviationRow.registration_id == registration_id).order_by(col(DeviationRow.id))
        ).all()
    return [
        Deviation(
            row.field,
            None if row.before is None else json.loads(row.before),
            None if row.after is None else json.loads(row.after),
            row.results_seen,
        )
        for row in rows
    ]


def _results_seen(session: Session, stem: str) -> bool:
    seen = session.exec(
        select(RunResultRow.run_id)
        .join(ExperimentRunRow, col(ExperimentRunRow.run_id) == col(RunResultRow.run_id))
        .join(ExperimentRow, col(ExperimentRow.id) == col(ExperimentRunRow.experiment_id))
        .join(RegistrationRow, col(RegistrationRow.id) == col(ExperimentRow.registration_id))
        .where(RegistrationRow.stem == stem)
    ).first()
    return seen is not None
