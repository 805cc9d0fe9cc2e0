"""What each attempt may cost at most, and which process runs an experiment.

Frozen: this says what catalogs of version 0005 look like, whatever db/money_tables.py says today.
"""

import sqlalchemy as sa
from alembic import op

from db.columns import Utc, words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LARGEST = "1.7976931348623157e308"


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, words(), nullable=False)


def whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def amount(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=False)


def never_negative(table: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} BETWEEN 0 AND {LARGEST}", name=op.f(f"ck_{table}_{name}_least"))


def upgrade() -> None:
    op.create_table(
        "reservation",
        whole("attempt_id"),
        amount("seconds"),
        amount("dollars_per_hour"),
        amount("dollars"),
        text("basis"),
        never_negative("reservation", "seconds"),
        never_negative("reservation", "dollars_per_hour"),
        never_negative("reservation", "dollars"),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_reservation_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_reservation")),
    )
    op.create_table(
        "lease",
        whole("experiment_id"),
        text("host"),
        text("boot_id"),
        whole("pid"),
        text("process_started"),
        sa.Column("taken_at", Utc(), nullable=False),
        sa.Column("heartbeat_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name=op.f("fk_lease_experiment_id_experiment")),
        sa.PrimaryKeyConstraint("experiment_id", name=op.f("pk_lease")),
    )
