"""Verdicts: the policy's, kept with every criterion's outcome, and a person's that overrules one."""

import json
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Engine, insert
from sqlmodel import Session, col, select

from db.columns import canonical, refuse_nan
from db.engine import reading, writing
from db.errors import CatalogError
from db.tables import (
    VERDICTS,
    CriterionOutcomeRow,
    CriterionRow,
    ExperimentRow,
    ExperimentRunRow,
    RunResultRow,
    VerdictRow,
    VerdictRunRow,
)
from proposals.judging.outcomes import CriterionOutcome, Judgement, VerdictName


class StoredJudgement(NamedTuple):
    judgement: Judgement
    measurements_sha256: str
    judged_at: datetime
    verdict_id: int
    experiment_id: int


class Overruling(NamedTuple):
    verdict: VerdictName
    name: str
    reason: str
    at: datetime
    verdict_id: int


def record_judgement(
    engine: Engine,
    registration_id: int,
    experiment_id: int,
    judgement: Judgement,
    measurements_sha256: str,
    now: datetime,
) -> int:
    """Keep a verdict of the policy: its id. One that is identical to the registration's latest is that one.

    Every registered criterion must have an outcome. The runs that have a result now are noted as those it
    rests on.
    """
    with writing(engine) as session:
        experiment = session.get(ExperimentRow, experiment_id)
        if experiment is None or experiment.registration_id != registration_id:
            raise ValueError(f"experiment {experiment_id} is not of registration {registration_id}")
        registered = {row.criterion: row for row in _criteria(session, registration_id)}
        judged = [outcome.id for outcome in judgement.outcomes]
        if sorted(judged) != sorted(registered):
            raise ValueError(
                f"registration {registration_id} has the criteria {', '.join(registered)}; judged were "
                f"{', '.join(judged) or 'none'}. Each needs one outcome"
            )
        in_order = sorted(judgement.outcomes, key=lambda outcome: registered[outcome.id].position)
        judgement = judgement.model_copy(update={"outcomes": tuple(in_order)})
        latest = _latest(session, registration_id)
        if latest and (latest.judgement, latest.measurements_sha256) == (judgement, measurements_sha256):
            return latest.verdict_id
        for outcome in judgement.outcomes:
            row = registered[outcome.id]
            if (outcome.section, outcome.role, outcome.text, outcome.canonical) != (
                row.section,
                row.role,
                row.text,
                row.canonical,
            ):
                raise ValueError(f"the outcome of {outcome.id} is not about the registered criterion {row.canonical}")

        verdict = VerdictRow(
            registration_id=registration_id,
            experiment_id=experiment_id,
            verdict=judgement.verdict,
            rule=judgement.rule,
            reasons=canonical(judgement.reasons),
            caveats=canonical(judgement.caveats),
            next_look=judgement.next_look,
            measurements_sha256=measurements_sha256,
            judged_at=now,
        )
        session.add(verdict)
        session.flush()
        assert verdict.id is not None
        session.add_all(_outcome_row(verdict.id, outcome) for outcome in judgement.outcomes)
        rests_on = session.exec(
            select(ExperimentRunRow)
            .join(RunResultRow, col(RunResultRow.run_id) == col(ExperimentRunRow.run_id))
            .where(ExperimentRunRow.experiment_id == experiment_id)
        ).all()
        rows = [{"verdict_id": verdict.id, **link.model_dump(exclude={"experiment_id"})} for link in rests_on]
        if rows:
            session.connection().execute(insert(VerdictRunRow), rows)
        return verdict.id


def latest_judgement(engine: Engine, registration_id: int) -> StoredJudgement | None:
    """The policy's latest verdict of a registration, also where a person has overruled it."""
    with reading(engine) as session:
        return _latest(session, registration_id)


def overrule(
    engine: Engine, registration_id: int, verdict: VerdictName, *, name: str, reason: str, now: datetime
) -> int:
    """A person's verdict over the policy's latest: a second row, both are shown. The same again is the same
    row."""
    if not name.strip() or not reason.strip():
        raise CatalogError("a verdict is overruled with the name of a person and a reason")
    if verdict not in VERDICTS:
        raise CatalogError(f"{verdict!r} is no verdict; it is one of {', '.join(VERDICTS)}")
    with writing(engine) as session:
        latest = _latest(session, registration_id)
        if latest is None:
            raise CatalogError(f"registration {registration_id} has no verdict to overrule")
        known = _overruling_of(session, latest.verdict_id)
        if known and (known.verdict, known.name, known.reason) == (verdict, name, reason):
            return known.verdict_id
        row = VerdictRow(
            registration_id=registration_id,
            experiment_id=latest.experiment_id,
            verdict=verdict,
            rule=None,
            reasons=canonical([reason]),
            caveats=canonical([]),
            next_look=None,
            measurements_sha256=latest.measurements_sha256,
            judged_at=now,
            supersedes_id=latest.verdict_id,
            overruled_by=name,
        )
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def overruling_of(engine: Engine, verdict_id: int) -> Overruling | None:
    """The latest word of a person on a verdict of the policy."""
    with reading(engine) as session:
        return _overruling_of(session, verdict_id)


# -- within a transaction ------------------------------------------------------------------------------------


def _criteria(session: Session, registration_id: int) -> list[CriterionRow]:
    return list(
        session.exec(
            select(CriterionRow)
            .where(CriterionRow.registration_id == registration_id)
            .order_by(col(CriterionRow.position))
        ).all()
    )


def _outcome_row(verdict_id: int, outcome: CriterionOutcome) -> CriterionOutcomeRow:
    for field in ("achieved", "low", "high", "margin"):
        refuse_nan(getattr(outcome, field), f"{field} of criterion {outcome.id}")
    return CriterionOutcomeRow(
        verdict_id=verdict_id,
        criterion=outcome.id,
        seeds=canonical([seed.model_dump() for seed in outcome.seeds]),
        **outcome.model_dump(exclude={"id", "section", "role", "text", "canonical", "seeds"}),
    )


def _latest(session: Session, registration_id: int) -> StoredJudgement | None:
    row = session.exec(
        select(VerdictRow)
        .where(VerdictRow.registration_id == registration_id, col(VerdictRow.supersedes_id).is_(None))
        .order_by(col(VerdictRow.id).desc())
    ).first()
    if row is None or row.id is None:
        return None
    kept = {
        outcome.criterion: outcome
        for outcome in session.exec(select(CriterionOutcomeRow).where(CriterionOutcomeRow.verdict_id == row.id)).all()
    }
    outcomes = [
        {
            "id": criterion.criterion,
            **criterion.model_dump(include={"section", "role", "text", "canonical"}),
            **kept[criterion.criterion].model_dump(exclude={"verdict_id", "criterion", "seeds"}),
            "seeds": json.loads(kept[criterion.criterion].seeds),
        }
        for criterion in _criteria(session, registration_id)
    ]
    judgement = Judgement.model_validate(
        {
            "verdict": row.verdict,
            "rule": row.rule,
            "reasons": json.loads(row.reasons),
            "caveats": json.loads(row.caveats),
            "outcomes": outcomes,
            "next_look": row.next_look,
        }
    )
    return StoredJudgement(judgement, row.measurements_sha256, row.judged_at, row.id, row.experiment_id)


def _overruling_of(session: Session, verdict_id: int) -> Overruling | None:
    row = session.exec(
        select(VerdictRow).where(VerdictRow.supersedes_id == verdict_id).order_by(col(VerdictRow.id).desc())
    ).first()
    if row is None:
        return None
    assert row.id is not None
    assert row.overruled_by is not None
    verdict = cast(VerdictName, row.verdict)
    return Overruling(verdict, row.overruled_by, json.loads(row.reasons)[0], row.judged_at, row.id)
