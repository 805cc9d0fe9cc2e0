"""Reports of earlier experiments in the catalog: their bytes, what was understood of them, and both verdicts."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine, func
from sqlmodel import Session, col, select

from db.columns import canonical, refuse_nan
from db.engine import reading, writing
from db.import_tables import (
    ImportedBlockRow,
    ImportedCriterionRow,
    ImportedDocumentRow,
    ImportedExperimentRow,
    ImportedIdeaRow,
    ImportedMeasurementRow,
    ImportedVerdictRow,
)
from proposals.history import READING, Document, Experiment, tell


class Imported(NamedTuple):
    """`new` False: the same bytes had been imported under the same rules, and nothing was written."""

    id: int
    version: int
    new: bool


class ImportedVerdict(NamedTuple):
    stem: str
    number: str
    title: str
    written: str | None
    verdict: str | None


def import_document(engine: Engine, document: Document, now: datetime) -> Imported:
    """One transaction. A document whose bytes changed is a new version, beside the one before."""
    with writing(engine) as session:
        same = session.exec(
            select(ImportedDocumentRow).where(
                ImportedDocumentRow.stem == document.stem,
                ImportedDocumentRow.sha256 == document.source.sha256,
                ImportedDocumentRow.reading == READING,
            )
        ).first()
        if same is not None and same.id is not None:
            return Imported(same.id, same.version, False)
        versions = session.exec(
            select(func.max(ImportedDocumentRow.version)).where(ImportedDocumentRow.stem == document.stem)
        ).one()
        row = ImportedDocumentRow(
            stem=document.stem,
            version=(versions or 0) + 1,
            sha256=document.source.sha256,
            reading=READING,
            shape=document.shape,
            title=document.title,
            file=document.source.file,
            original=document.source.original,
            front_matter=canonical(document.front_matter),
            repairs=canonical([one.__dict__ for one in document.repairs]),
            not_understood=canonical(tell(document).not_understood),
            imported_at=now,
        )
        number = _added(session, row)
        for position, block in enumerate(document.blocks):
            session.add(
                ImportedBlockRow(
                    document_id=number, position=position, kind=block.kind, line=block.line, text=block.text
                )
            )
        for idea in document.ideas:
            labels = canonical({name: line.text for name, line in idea.labels.items()})
            session.add(
                ImportedIdeaRow(document_id=number, line=idea.line, number=idea.number, title=idea.title, labels=labels)
            )
        for one in document.experiments:
            _add_experiment(session, number, one)
        return Imported(number, row.version, True)


def _add_experiment(session: Session, document_id: int, one: Experiment) -> None:
    part = one.part
    row = ImportedExperimentRow(
        document_id=document_id,
        number=part.number,
        title=part.title,
        proposal=part.proposal,
        line=part.line,
        date=part.date,
        status=part.status,
        dollars=part.dollars,
        seconds=part.seconds,
        device=part.device,
        variants=canonical(
            [{"name": who.name, "label": who.label, "proposed": who.proposed} for who in one.cast.variants]
        ),
        ids=canonical([line.text for line in part.ids()]),
        labels=canonical({name: line.text for name, line in part.labels.items()}),
    )
    number = _added(session, row)
    for figure in one.measurements:
        entry = figure.measurement
        assert entry.value is not None, "a cell without a number is no measurement"
        refuse_nan(entry.value, f"{entry.metric} of {entry.variant} in line {figure.line}")
        session.add(
            ImportedMeasurementRow(
                experiment_id=number,
                variant=entry.variant,
                metric=entry.metric,
                condition=canonical(entry.condition) if entry.condition else "",
                seed=entry.seed,
                value=entry.value,
                unit=one.vocabulary.metrics[entry.metric].unit,
                line=figure.line,
                text=figure.text,
            )
        )
    for position, criterion in enumerate(one.criteria):
        outcome = criterion.outcome
        session.add(
            ImportedCriterionRow(
                experiment_id=number,
                criterion=criterion.id,
                position=position,
                section=criterion.section,
                role=criterion.casting.role,
                role_because=criterion.casting.doubt or criterion.casting.why,
                line=criterion.statement.line,
                text=criterion.statement.text,
                canonical=criterion.canonical,
                marked=criterion.statement.mark,
                decision=outcome.decision if outcome else None,
                achieved=outcome.achieved if outcome else None,
                unit=outcome.unit if outcome else None,
                target=outcome.target if outcome else criterion.statement.target,
                counts=criterion.judged,
                reason=outcome.reason if outcome else criterion.reason,
                contradiction=criterion.contradiction,
            )
        )
    judgement = one.judgement
    session.add(
        ImportedVerdictRow(
            experiment_id=number,
            written=part.decision.text if part.decision else "",
            written_verdict=part.verdict,
            verdict=judgement.verdict if judgement else None,
            rule=judgement.rule if judgement else None,
            reasons=canonical(list(judgement.reasons) if judgement else [one.why_none]),
            caveats=canonical(list(judgement.caveats) if judgement else []),
        )
    )


def imported_verdicts(engine: Engine) -> list[ImportedVerdict]:
    """Of the newest version of every document, in the order in which they were imported."""
    newest = select(func.max(ImportedDocumentRow.id)).group_by(col(ImportedDocumentRow.stem))
    query = (
        select(ImportedDocumentRow, ImportedExperimentRow, ImportedVerdictRow)
        .join(ImportedExperimentRow, col(ImportedExperimentRow.document_id) == col(ImportedDocumentRow.id))
        .join(ImportedVerdictRow, col(ImportedVerdictRow.experiment_id) == col(ImportedExperimentRow.id))
        .where(col(ImportedDocumentRow.id).in_(newest))
        .order_by(col(ImportedExperimentRow.id))
    )
    with reading(engine) as session:
        return [
            ImportedVerdict(document.stem, one.number, one.title, verdict.written_verdict, verdict.verdict)
            for document, one, verdict in session.exec(query).all()
        ]


def _added(session: Session, row: Any) -> int:
    session.add(row)
    session.flush()
    assert isinstance(row.id, int)
    return row.id
