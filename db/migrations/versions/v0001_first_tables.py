"""The first tables: proposals, registrations, runs, attempts, metrics, verdicts, the log.

Frozen: this says what catalogs of version 0001 look like, whatever db/tables.py says today.
"""

import sqlalchemy as sa
from alembic import op

from db.columns import Utc, words

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LARGEST = "1.7976931348623157e308"


def text(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, words(), nullable=nullable)


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, Utc(), nullable=False)


def whole(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def real(name: str, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Float(), nullable=nullable)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def finite(name: str) -> str:
    return f"{name} BETWEEN -{LARGEST} AND {LARGEST}"


def at_least(name: str, least: int) -> str:
    return f"{name} BETWEEN {least} AND {LARGEST}"


def upgrade() -> None:
    op.create_table(
        "proposal",
        text("stem"),
        text("number"),
        text("title"),
        text("status"),
        text("priority"),
        text("created"),
        text("file"),
        text("source_sha256"),
        moment("first_seen"),
        moment("last_seen"),
        sa.PrimaryKeyConstraint("stem", name=op.f("pk_proposal")),
    )
    op.create_index(op.f("ix_proposal_number"), "proposal", ["number"])

    op.create_table(
        "run",
        whole("id"),
        text("key"),
        text("spec_json"),
        whole("seed"),
        moment("planned_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("key", name=op.f("uq_run_key")),
    )

    op.create_table(
        "based_on",
        text("stem"),
        text("trick"),
        sa.ForeignKeyConstraint(["stem"], ["proposal.stem"], name=op.f("fk_based_on_stem_proposal")),
        sa.PrimaryKeyConstraint("stem", "trick", name=op.f("pk_based_on")),
    )
    op.create_index(op.f("ix_based_on_trick"), "based_on", ["trick"])

    op.create_table(
        "curve_point",
        whole("run_id"),
        text("metric"),
        whole("step"),
        whole("epoch"),
        real("value"),
        sa.CheckConstraint(finite("value"), name=op.f("ck_curve_point_value_finite")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_curve_point_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "metric", "step", "epoch", name=op.f("pk_curve_point")),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "log_entry",
        whole("id"),
        text("stem"),
        moment("at"),
        text("kind"),
        text("text"),
        text("refs"),
        sa.ForeignKeyConstraint(["stem"], ["proposal.stem"], name=op.f("fk_log_entry_stem_proposal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entry")),
    )
    op.create_index(op.f("ix_log_entry_stem"), "log_entry", ["stem"])

    op.create_table(
        "metric",
        whole("run_id"),
        text("name"),
        text("condition"),
        real("value"),
        text("unit"),
        text("direction"),
        text("source"),
        real("spread", nullable=True),
        text("device"),
        sa.CheckConstraint("direction IN ('higher', 'lower', 'neither')", name=op.f("ck_metric_direction")),
        sa.CheckConstraint("source IN ('measured', 'derived', 'analytic')", name=op.f("ck_metric_source")),
        sa.CheckConstraint(
            "unit IN ('fraction', 'number', 'count', 'seconds', 'bytes', 'per_second', 'dollars', 'event')",
            name=op.f("ck_metric_unit"),
        ),
        sa.CheckConstraint(finite("spread"), name=op.f("ck_metric_spread_finite")),
        sa.CheckConstraint(finite("value"), name=op.f("ck_metric_value_finite")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_metric_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", "name", "condition", name=op.f("pk_metric")),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "registration",
        whole("id"),
        text("stem"),
        text("sha256"),
        text("canonical_json"),
        text("git_commit", nullable=True),
        flag("git_dirty"),
        text("fidelity"),
        real("estimate_dollars"),
        real("estimate_minutes"),
        moment("registered_at"),
        sa.CheckConstraint("fidelity IN ('specified', 'reduced', 'proxy')", name=op.f("ck_registration_fidelity")),
        sa.CheckConstraint(at_least("estimate_dollars", 0), name=op.f("ck_registration_estimate_dollars_least")),
        sa.CheckConstraint(at_least("estimate_minutes", 0), name=op.f("ck_registration_estimate_minutes_least")),
        sa.CheckConstraint("git_dirty IN (true, false)", name=op.f("ck_registration_git_dirty")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_registration_sha256")),
        sa.ForeignKeyConstraint(["stem"], ["proposal.stem"], name=op.f("fk_registration_stem_proposal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("sha256", name=op.f("uq_registration_sha256")),
    )
    op.create_index(op.f("ix_registration_stem"), "registration", ["stem"])

    op.create_table(
        "criterion",
        whole("registration_id"),
        text("criterion"),
        whole("position"),
        text("section"),
        text("role"),
        text("text"),
        text("canonical"),
        sa.CheckConstraint(
            "role IN ('target', 'expectation', 'sanity', 'guard', 'diagnostic', 'kill', 'pause', 'debug')",
            name=op.f("ck_criterion_role"),
        ),
        sa.CheckConstraint("section IN ('success', 'failure')", name=op.f("ck_criterion_section")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_criterion_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("registration_id", "criterion", name=op.f("pk_criterion")),
    )

    op.create_table(
        "deviation",
        whole("id"),
        whole("registration_id"),
        whole("earlier_id"),
        text("field"),
        text("before", nullable=True),
        text("after", nullable=True),
        flag("results_seen"),
        sa.CheckConstraint("results_seen IN (true, false)", name=op.f("ck_deviation_results_seen")),
        sa.ForeignKeyConstraint(["earlier_id"], ["registration.id"], name=op.f("fk_deviation_earlier_id_registration")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_deviation_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deviation")),
        sa.UniqueConstraint("registration_id", "field", name=op.f("uq_deviation_registration_id_field")),
    )

    op.create_table(
        "experiment",
        whole("id"),
        whole("registration_id"),
        text("executor"),
        text("profile"),
        text("git_commit", nullable=True),
        flag("git_dirty"),
        moment("started_at"),
        sa.CheckConstraint("git_dirty IN (true, false)", name=op.f("ck_experiment_git_dirty")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_experiment_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
    )
    op.create_index(op.f("ix_experiment_registration_id"), "experiment", ["registration_id"])

    op.create_table(
        "attempt",
        whole("id"),
        whole("run_id"),
        whole("number"),
        whole("experiment_id"),
        text("executor"),
        text("host"),
        text("boot_id"),
        moment("submitted_at"),
        sa.CheckConstraint(at_least("number", 1), name=op.f("ck_attempt_number_least")),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name=op.f("fk_attempt_experiment_id_experiment")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_attempt_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("run_id", "number", name=op.f("uq_attempt_run_id_number")),
    )
    op.create_index(op.f("ix_attempt_experiment_id"), "attempt", ["experiment_id"])

    op.create_table(
        "experiment_run",
        whole("experiment_id"),
        text("variant"),
        whole("seed"),
        whole("run_id"),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiment.id"], name=op.f("fk_experiment_run_experiment_id_experiment")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_experiment_run_run_id_run")),
        sa.PrimaryKeyConstraint("experiment_id", "variant", "seed", name=op.f("pk_experiment_run")),
    )
    op.create_index(op.f("ix_experiment_run_run_id"), "experiment_run", ["run_id"])

    op.create_table(
        "verdict",
        whole("id"),
        whole("registration_id"),
        whole("experiment_id"),
        text("verdict"),
        whole("rule", nullable=True),
        text("reasons"),
        text("caveats"),
        whole("next_look", nullable=True),
        text("measurements_sha256"),
        moment("judged_at"),
        whole("supersedes_id", nullable=True),
        text("overruled_by", nullable=True),
        sa.CheckConstraint(
            "verdict IN ('PROCEED', 'ABANDON', 'DEBUG', 'INCONCLUSIVE')", name=op.f("ck_verdict_verdict")
        ),
        sa.CheckConstraint(
            "(overruled_by IS NULL) = (supersedes_id IS NULL) AND (overruled_by IS NULL) <> (rule IS NULL)",
            name=op.f("ck_verdict_by_policy_or_person"),
        ),
        sa.CheckConstraint("length(measurements_sha256) = 64", name=op.f("ck_verdict_measurements_sha256")),
        sa.CheckConstraint("rule BETWEEN 1 AND 6", name=op.f("ck_verdict_rule")),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name=op.f("fk_verdict_experiment_id_experiment")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_verdict_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(["supersedes_id"], ["verdict.id"], name=op.f("fk_verdict_supersedes_id_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
    )
    op.create_index(op.f("ix_verdict_registration_id"), "verdict", ["registration_id"])

    op.create_table(
        "attempt_end",
        whole("attempt_id"),
        text("state"),
        moment("ended_at"),
        real("seconds"),
        real("dollars"),
        text("device", nullable=True),
        text("reason"),
        text("log_tail"),
        sa.CheckConstraint(
            "state IN ('collected', 'failed', 'timed_out', 'preempted', 'lost', 'refused', 'cancelled')",
            name=op.f("ck_attempt_end_state"),
        ),
        sa.CheckConstraint(at_least("dollars", 0), name=op.f("ck_attempt_end_dollars_least")),
        sa.CheckConstraint(at_least("seconds", 0), name=op.f("ck_attempt_end_seconds_least")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_attempt_end_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_attempt_end")),
    )

    op.create_table(
        "attempt_handle",
        whole("attempt_id"),
        text("handle"),
        moment("stored_at"),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_attempt_handle_attempt_id_attempt")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_attempt_handle")),
    )

    op.create_table(
        "criterion_outcome",
        whole("verdict_id"),
        text("criterion"),
        text("decision"),
        text("estimand"),
        real("achieved", nullable=True),
        real("low", nullable=True),
        real("high", nullable=True),
        text("target"),
        real("margin", nullable=True),
        text("unit"),
        whole("look", nullable=True),
        text("reason"),
        whole("more_seeds", nullable=True),
        text("seeds"),
        sa.CheckConstraint(
            "decision IN ('holds', 'fails', 'undecided', 'set_aside')",
            name=op.f("ck_criterion_outcome_decision"),
        ),
        sa.CheckConstraint(finite("achieved"), name=op.f("ck_criterion_outcome_achieved_finite")),
        sa.CheckConstraint(finite("high"), name=op.f("ck_criterion_outcome_high_finite")),
        sa.CheckConstraint(finite("low"), name=op.f("ck_criterion_outcome_low_finite")),
        sa.CheckConstraint(finite("margin"), name=op.f("ck_criterion_outcome_margin_finite")),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"], name=op.f("fk_criterion_outcome_verdict_id_verdict")),
        sa.PrimaryKeyConstraint("verdict_id", "criterion", name=op.f("pk_criterion_outcome")),
    )

    op.create_table(
        "run_result",
        whole("run_id"),
        whole("attempt_id"),
        text("data_sha256"),
        whole("epochs"),
        whole("best_epoch", nullable=True),
        text("stopped"),
        flag("diverged"),
        whole("resumed"),
        text("device"),
        text("versions"),
        real("seconds"),
        text("result_sha256"),
        moment("recorded_at"),
        sa.CheckConstraint("stopped IN ('epochs', 'stop_at', 'diverged', 'time')", name=op.f("ck_run_result_stopped")),
        sa.CheckConstraint("diverged IN (true, false)", name=op.f("ck_run_result_diverged")),
        sa.CheckConstraint(at_least("epochs", 0), name=op.f("ck_run_result_epochs_least")),
        sa.CheckConstraint("length(result_sha256) = 64", name=op.f("ck_run_result_result_sha256")),
        sa.CheckConstraint(at_least("resumed", 0), name=op.f("ck_run_result_resumed_least")),
        sa.CheckConstraint(at_least("seconds", 0), name=op.f("ck_run_result_seconds_least")),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempt.id"], name=op.f("fk_run_result_attempt_id_attempt")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_result_run_id_run")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_result")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_run_result_attempt_id")),
    )

    op.create_table(
        "verdict_run",
        whole("verdict_id"),
        text("variant"),
        whole("seed"),
        whole("run_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_verdict_run_run_id_run")),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"], name=op.f("fk_verdict_run_verdict_id_verdict")),
        sa.PrimaryKeyConstraint("verdict_id", "variant", "seed", name=op.f("pk_verdict_run")),
    )
    op.create_index(op.f("ix_verdict_run_run_id"), "verdict_run", ["run_id"])
