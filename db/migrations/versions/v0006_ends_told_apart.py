"""An attempt that ran out of memory, and one whose harness crashed, end as what they are and not as refused.

Frozen: this says what catalogs of version 0006 look like, whatever db/tables.py says today.
"""

import sqlalchemy as sa
from alembic import op

from db.columns import Utc, words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LARGEST = "1.7976931348623157e308"
NAME = "ck_attempt_end_state"
STATE = (
    "state IN ('collected', 'failed', 'crashed', 'out_of_memory', 'timed_out', 'preempted', 'lost', 'refused', "
    "'cancelled')"
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f(NAME), "attempt_end", type_="check")
        op.create_check_constraint(op.f(NAME), "attempt_end", STATE)
        return
    # SQLite changes no constraint: the table is written anew
    op.execute("ALTER TABLE attempt_end RENAME TO attempt_end_0005")
    op.create_table(
        "attempt_end",
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("state", words(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("dollars", sa.Float(), nullable=False),
        sa.Column("device", words(), nullable=True),
        sa.Column("reason", words(), nullable=False),
        sa.Column("log_tail", words(), nullable=False),
        sa.CheckConstraint(STATE, name=op.f(NAME)),
        sa.CheckConstraint(f"dollars BETWEEN 0 AND {LARGEST}", name=op.f("ck_attempt_end_dollars_least")),
        sa.CheckConstraint(f"seconds BETWEEN 0 AND {LARGEST}", name=op.f("ck_attempt_end_seconds_least")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_attempt_end_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_attempt_end")),
    )
    columns = "attempt_id, state, ended_at, seconds, dollars, device, reason, log_tail"
    op.execute(f"INSERT INTO attempt_end ({columns}) SELECT {columns} FROM attempt_end_0005")
    op.execute("DROP TABLE attempt_end_0005")
