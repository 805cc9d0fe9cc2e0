"""Tables of experiments that were made elsewhere and read from their reports. Never mixed with our own runs: no row
here refers to a proposal, a run or a verdict of ours, and no view of ours reads them. All are append-only."""

from datetime import datetime

from sqlalchemy import CheckConstraint, LargeBinary, UniqueConstraint
from sqlmodel import Field

from db.columns import Utc, at_least, finite, flag, one_of, sha256
from db.tables import VERDICTS, Numbered, Table


class ImportedDocumentRow(Numbered, table=True):
    """A report as it came, byte for byte. The same bytes under other rules of reading are a reading of their own."""

    __tablename__ = "imported_document"
    __table_args__ = (
        UniqueConstraint("stem", "sha256", "reading"),
        one_of("shape", "results", "log", "research_log"),
        sha256("sha256"),
        at_least("version", 1),
    )

    stem: str = Field(index=True)
    version: int
    sha256: str
    reading: int
    shape: str
    title: str
    file: str
    original: bytes = Field(sa_type=LargeBinary)
    front_matter: str
    repairs: str
    not_understood: str
    imported_at: datetime = Field(sa_type=Utc)


class ImportedBlockRow(Table, table=True):
    """Every heading, paragraph, bullet and table, as written."""

    __tablename__ = "imported_block"

    document_id: int = Field(primary_key=True, foreign_key="imported_document.id")
    position: int = Field(primary_key=True)
    kind: str
    line: int
    text: str


class ImportedIdeaRow(Table, table=True):
    """A proposal that a research log speaks of."""

    __tablename__ = "imported_idea"

    document_id: int = Field(primary_key=True, foreign_key="imported_document.id")
    line: int = Field(primary_key=True)
    number: str
    title: str
    labels: str


class ImportedExperimentRow(Numbered, table=True):
    __tablename__ = "imported_experiment"
    __table_args__ = (at_least("dollars", 0), at_least("seconds", 0))

    document_id: int = Field(foreign_key="imported_document.id", index=True)
    number: str
    title: str
    proposal: str
    line: int
    date: str
    status: str
    dollars: float | None
    seconds: float | None
    device: str
    variants: str
    ids: str
    labels: str


class ImportedMeasurementRow(Numbered, table=True):
    """One number of a report, with the words it was written in."""

    __tablename__ = "imported_measurement"
    __table_args__ = (finite("value"),)

    experiment_id: int = Field(foreign_key="imported_experiment.id", index=True)
    variant: str
    metric: str
    condition: str
    seed: int | None
    value: float
    unit: str
    line: int
    text: str


class ImportedCriterionRow(Table, table=True):
    """A criterion as written, with its author's mark beside our own evaluation."""

    __tablename__ = "imported_criterion"
    __table_args__ = (
        one_of("section", "success", "failure"),
        one_of("role", "target", "expectation", "sanity", "guard", "diagnostic", "kill", "pause", "debug"),
        one_of("marked", "pass", "fail", "mixed", ""),
        one_of("decision", "holds", "fails", "undecided", "set_aside"),
        finite("achieved"),
        flag("counts"),
    )

    experiment_id: int = Field(primary_key=True, foreign_key="imported_experiment.id")
    criterion: str = Field(primary_key=True)
    position: int
    section: str
    role: str
    role_because: str
    line: int
    text: str
    canonical: str | None
    marked: str
    decision: str | None
    achieved: float | None
    unit: str | None
    target: str
    counts: bool
    reason: str
    contradiction: str


class ImportedVerdictRow(Table, table=True):
    """What the report decided, as written, beside what our policy derives from its figures."""

    __tablename__ = "imported_verdict"
    __table_args__ = (
        one_of("written_verdict", *VERDICTS),
        one_of("verdict", *VERDICTS),
        CheckConstraint("rule BETWEEN 1 AND 6", name="rule"),
    )

    experiment_id: int = Field(primary_key=True, foreign_key="imported_experiment.id")
    written: str
    written_verdict: str | None
    verdict: str | None
    rule: int | None
    reasons: str
    caveats: str


APPEND_ONLY = (
    "imported_document", "imported_block", "imported_idea", "imported_experiment", "imported_measurement",
    "imported_criterion", "imported_verdict",
)  # fmt: skip
