"""What an imported report says of a proposal's experiment, for whoever sets ours beside it."""

from typing import NamedTuple

from sqlalchemy import Engine, func
from sqlmodel import col, select

from db.engine import reading
from db.import_tables import (
    ImportedCriterionRow,
    ImportedDocumentRow,
    ImportedExperimentRow,
    ImportedMeasurementRow,
    ImportedVerdictRow,
)


class ImportedCriterion(NamedTuple):
    """As its author wrote and marked it, and what the reported figure makes of it."""

    text: str
    role: str
    marked: str
    decision: str | None
    achieved: float | None
    unit: str | None
    target: str


class ImportedReport(NamedTuple):
    """seeds: how many the report tells apart; at least one. written: its verdict in its words; verdict: ours, derived
    from its figures."""

    document: str
    title: str
    date: str
    device: str
    seeds: int
    written: str
    verdict: str | None
    criteria: tuple[ImportedCriterion, ...]


def imported_report(engine: Engine, number: str) -> ImportedReport | None:
    """The one that was imported last of the experiments with this number."""
    with reading(engine) as session:
        found = session.exec(
            select(ImportedExperimentRow, ImportedDocumentRow)
            .join(ImportedDocumentRow, col(ImportedDocumentRow.id) == col(ImportedExperimentRow.document_id))
            .where(ImportedExperimentRow.number == number)
            .order_by(col(ImportedExperimentRow.id).desc())
        ).first()
        if found is None:
            return None
        experiment, document = found
        verdict = session.get(ImportedVerdictRow, experiment.id)
        criteria = session.exec(
            select(ImportedCriterionRow)
            .where(ImportedCriterionRow.experiment_id == experiment.id)
            .order_by(col(ImportedCriterionRow.position))
        ).all()
        seeds = session.exec(
            select(func.count(func.distinct(ImportedMeasurementRow.seed))).where(
                ImportedMeasurementRow.experiment_id == experiment.id
            )
        ).one()
    return ImportedReport(
        document.stem,
        experiment.title,
        experiment.date,
        experiment.device,
        max(1, seeds),
        "" if verdict is None else verdict.written,
        None if verdict is None else verdict.verdict,
        tuple(
            ImportedCriterion(one.text, one.role, one.marked, one.decision, one.achieved, one.unit, one.target)
            for one in criteria
        ),
    )
