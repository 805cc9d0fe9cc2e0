"""Tables of experiments that were made elsewhere and imported from their reports.

Frozen: this says what catalogs of version 0002 look like, whatever db/import_tables.py says today.
"""

import sqlalchemy as sa
from alembic import op

from db.columns import Utc, words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LARGEST = "1.7976931348623157e308"
VERDICTS = "'PROCEED', 'ABANDON', 'DEBUG', 'INCONCLUSIVE'"


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, words(), nullable=nullable)


def whole(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def real(name: str, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=nullable)


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    document = "imported_document"
    op.create_table(
        document,
        whole("id"),
        text("stem"),
        whole("version"),
        text("sha256"),
        whole("reading"),
        text("shape"),
        text("title"),
        text("file"),
        sa.Column("original", sa.LargeBinary(), nullable=False),
        text("front_matter"),
        text("repairs"),
        text("not_understood"),
        sa.Column("imported_at", Utc(), nullable=False),
        check(document, "shape", "shape IN ('results', 'log', 'research_log')"),
        check(document, "sha256", "length(sha256) = 64"),
        check(document, "version_least", f"version BETWEEN 1 AND {LARGEST}"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{document}")),
        sa.UniqueConstraint("stem", "sha256", "reading", name=op.f(f"uq_{document}_stem_sha256_reading")),
    )
    op.create_index(op.f("ix_imported_document_stem"), document, ["stem"])

    op.create_table(
        "imported_block",
        whole("document_id"),
        whole("position"),
        text("kind"),
        whole("line"),
        text("text"),
        _of_document("imported_block"),
        sa.PrimaryKeyConstraint("document_id", "position", name=op.f("pk_imported_block")),
    )
    op.create_table(
        "imported_idea",
        whole("document_id"),
        whole("line"),
        text("number"),
        text("title"),
        text("labels"),
        _of_document("imported_idea"),
        sa.PrimaryKeyConstraint("document_id", "line", name=op.f("pk_imported_idea")),
    )
    experiment = "imported_experiment"
    op.create_table(
        experiment,
        whole("id"),
        whole("document_id"),
        text("number"),
        text("title"),
        text("proposal"),
        whole("line"),
        text("date"),
        text("status"),
        real("dollars", nullable=True),
        real("seconds", nullable=True),
        text("device"),
        text("variants"),
        text("ids"),
        text("labels"),
        check(experiment, "dollars_least", f"dollars BETWEEN 0 AND {LARGEST}"),
        check(experiment, "seconds_least", f"seconds BETWEEN 0 AND {LARGEST}"),
        _of_document(experiment),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{experiment}")),
    )
    op.create_index(op.f("ix_imported_experiment_document_id"), experiment, ["document_id"])

    measurement = "imported_measurement"
    op.create_table(
        measurement,
        whole("id"),
        whole("experiment_id"),
        text("variant"),
        text("metric"),
        text("condition"),
        whole("seed", nullable=True),
        real("value"),
        text("unit"),
        whole("line"),
        text("text"),
        check(measurement, "value_finite", f"value BETWEEN -{LARGEST} AND {LARGEST}"),
        _of_experiment(measurement),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{measurement}")),
    )
    op.create_index(op.f("ix_imported_measurement_experiment_id"), measurement, ["experiment_id"])

    criterion = "imported_criterion"
    op.create_table(
        criterion,
        whole("experiment_id"),
        text("criterion"),
        whole("position"),
        text("section"),
        text("role"),
        text("role_because"),
        whole("line"),
        text("text"),
        text("canonical", nullable=True),
        text("marked"),
        text("decision", nullable=True),
        real("achieved", nullable=True),
        text("unit", nullable=True),
        text("target"),
        sa.Column("counts", sa.Boolean(), nullable=False),
        text("reason"),
        text("contradiction"),
        check(criterion, "section", "section IN ('success', 'failure')"),
        check(
            criterion,
            "role",
            "role IN ('target', 'expectation', 'sanity', 'guard', 'diagnostic', 'kill', 'pause', 'debug')",
        ),
        check(criterion, "marked", "marked IN ('pass', 'fail', 'mixed', '')"),
        check(criterion, "decision", "decision IN ('holds', 'fails', 'undecided', 'set_aside')"),
        check(criterion, "achieved_finite", f"achieved BETWEEN -{LARGEST} AND {LARGEST}"),
        check(criterion, "counts", "counts IN (true, false)"),
        _of_experiment(criterion),
        sa.PrimaryKeyConstraint("experiment_id", "criterion", name=op.f(f"pk_{criterion}")),
    )
    verdict = "imported_verdict"
    op.create_table(
        verdict,
        whole("experiment_id"),
        text("written"),
        text("written_verdict", nullable=True),
        text("verdict", nullable=True),
        whole("rule", nullable=True),
        text("reasons"),
        text("caveats"),
        check(verdict, "written_verdict", f"written_verdict IN ({VERDICTS})"),
        check(verdict, "verdict", f"verdict IN ({VERDICTS})"),
        check(verdict, "rule", "rule BETWEEN 1 AND 6"),
        _of_experiment(verdict),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f(f"pk_{verdict}")),
    )


def _of_document(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_document_id_imported_document")
    return sa.ForeignKeyConstraint(["document_id"], ["imported_document.id"], name=name)


def _of_experiment(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_experiment_id_imported_experiment")
    return sa.ForeignKeyConstraint(["experiment_id"], ["imported_experiment.id"], name=name)
