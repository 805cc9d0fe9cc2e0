"""Digests, and proposals as they were when a digest looked at them.

Frozen: this says what catalogs of version 0004 look like, whatever db/digest_tables.py says today.
"""

import sqlalchemy as sa
from alembic import op

from db.columns import Utc, words

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LARGEST = "1.7976931348623157e308"


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, words(), nullable=False)


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    version = "proposal_version"
    op.create_table(
        version,
        sa.Column("id", sa.Integer(), nullable=False),
        text("stem"),
        text("title"),
        text("priority"),
        text("tricks"),
        sa.Column("estimate_dollars", sa.Float(), nullable=True),
        sa.Column("estimate_minutes", sa.Float(), nullable=True),
        text("source_sha256"),
        sa.Column("seen_at", Utc(), nullable=False),
        check(version, "estimate_dollars_least", f"estimate_dollars BETWEEN 0 AND {LARGEST}"),
        check(version, "estimate_minutes_least", f"estimate_minutes BETWEEN 0 AND {LARGEST}"),
        check(version, "source_sha256", "length(source_sha256) = 64"),
        sa.ForeignKeyConstraint(["stem"], ["proposal.stem"], name=op.f("fk_proposal_version_stem_proposal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_version")),
    )
    op.create_index(op.f("ix_proposal_version_stem"), version, ["stem"])

    op.create_table(
        "digest",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        text("window_start"),
        text("window_end"),
        text("catalog_revision"),
        text("sha256"),
        text("path"),
        text("summary"),
        sa.Column("written_at", Utc(), nullable=False),
        check("digest", "id_least", f"id BETWEEN 1 AND {LARGEST}"),
        check("digest", "sha256", "length(sha256) = 64"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
    )
