"""An index over the test accuracy of each run, and views that do not look at all rows to answer for a few."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEST_ACCURACY = sa.text("name = 'test_accuracy' AND condition = ''")


def upgrade() -> None:
    op.create_index(
        "ix_metric_test_accuracy",
        "metric",
        ["run_id", "value"],
        sqlite_where=TEST_ACCURACY,
        postgresql_where=TEST_ACCURACY,
    )
