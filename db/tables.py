"""The tables. Singular names; the plural ones are views (db/views.py). docs/catalog.md is their manual.

`table=True` classes do not validate what they are given, so whatever matters is also a NOT NULL, a CHECK or a
foreign key. A changed table needs a migration (db/migrations); a test compares the two.
"""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Index, MetaData, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from db.columns import Utc, at_least, finite, flag, one_of, sha256

VERDICTS = ("PROCEED", "ABANDON", "DEBUG", "INCONCLUSIVE")
ENDS = ("collected", "failed", "crashed", "out_of_memory", "timed_out", "preempted", "lost", "refused", "cancelled")
"""How an attempt can end; an attempt without an end is open."""
TEST_ACCURACY = text("name = 'test_accuracy' AND condition = ''")


class Table(SQLModel):
    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


class Numbered(Table):
    id: int | None = Field(default=None, primary_key=True)


# -- what was proposed, and what was frozen of it ------------------------------------------------------------


class ProposalRow(Table, table=True):
    """A proposal's document as it was last seen; the only row here that follows an edit."""

    __tablename__ = "proposal"

    stem: str = Field(primary_key=True)
    number: str = Field(index=True)
    title: str
    status: str
    priority: str
    created: str
    file: str
    source_sha256: str
    first_seen: datetime = Field(sa_type=Utc)
    last_seen: datetime = Field(sa_type=Utc)


class BasedOnRow(Table, table=True):
    __tablename__ = "based_on"

    stem: str = Field(primary_key=True, foreign_key="proposal.stem")
    trick: str = Field(primary_key=True, index=True)


class RegistrationRow(Numbered, table=True):
    """Frozen before anything runs; append-only."""

    __tablename__ = "registration"
    __table_args__ = (
        one_of("fidelity", "specified", "reduced", "proxy"),
        sha256("sha256"),
        flag("git_dirty"),
        at_least("estimate_dollars", 0),
        at_least("estimate_minutes", 0),
    )

    stem: str = Field(foreign_key="proposal.stem", index=True)
    sha256: str = Field(unique=True)
    canonical_json: str
    git_commit: str | None
    git_dirty: bool
    fidelity: str
    estimate_dollars: float
    estimate_minutes: float
    registered_at: datetime = Field(sa_type=Utc)


class CriterionRow(Table, table=True):
    """The criteria of a registration, spelled out for readers; append-only."""

    __tablename__ = "criterion"
    __table_args__ = (
        one_of("section", "success", "failure"),
        one_of("role", "target", "expectation", "sanity", "guard", "diagnostic", "kill", "pause", "debug"),
    )

    registration_id: int = Field(primary_key=True, foreign_key="registration.id")
    criterion: str = Field(primary_key=True)
    position: int
    section: str
    role: str
    text: str
    canonical: str


class DeviationRow(Numbered, table=True):
    """One field in which a registration differs from the one before it; append-only.

    before, after: JSON, NULL where the field did not exist. results_seen: a run of the proposal had a result
    by then.
    """

    __tablename__ = "deviation"
    __table_args__ = (UniqueConstraint("registration_id", "field"), flag("results_seen"))

    registration_id: int = Field(foreign_key="registration.id")
    earlier_id: int = Field(foreign_key="registration.id")
    field: str
    before: str | None
    after: str | None
    results_seen: bool


# -- what ran ------------------------------------------------------------------------------------------------


class ExperimentRow(Numbered, table=True):
    """Somebody set out to run a registration, with this code, on this executor."""

    __tablename__ = "experiment"
    __table_args__ = (flag("git_dirty"),)

    registration_id: int = Field(foreign_key="registration.id", index=True)
    executor: str
    profile: str
    git_commit: str | None
    git_dirty: bool
    started_at: datetime = Field(sa_type=Utc)


class RunRow(Numbered, table=True):
    """One model to train with one seed. `key`: hash of all that determines it; several experiments may share
    it."""

    __tablename__ = "run"

    key: str = Field(unique=True)
    spec_json: str
    seed: int
    planned_at: datetime = Field(sa_type=Utc)


class ExperimentRunRow(Table, table=True):
    """Which run stands for a variant and seed of an experiment."""

    __tablename__ = "experiment_run"

    experiment_id: int = Field(primary_key=True, foreign_key="experiment.id")
    variant: str = Field(primary_key=True)
    seed: int = Field(primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True)


class AttemptRow(Numbered, table=True):
    """One try at a run, written before its process starts; append-only. Its money is this experiment's."""

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("run_id", "number"), at_least("number", 1))

    run_id: int = Field(foreign_key="run.id")
    number: int
    experiment_id: int = Field(foreign_key="experiment.id", index=True)
    executor: str
    host: str
    boot_id: str
    submitted_at: datetime = Field(sa_type=Utc)


class AttemptHandleRow(Table, table=True):
    """What to ask after: a process id, a Modal call id. Written before anyone waits; append-only."""

    __tablename__ = "attempt_handle"

    attempt_id: int = Field(primary_key=True, foreign_key="attempt.id")
    handle: str
    stored_at: datetime = Field(sa_type=Utc)


class AttemptEndRow(Table, table=True):
    """How an attempt ended and what it cost; append-only. An attempt without this row is open."""

    __tablename__ = "attempt_end"
    __table_args__ = (one_of("state", *ENDS), at_least("seconds", 0), at_least("dollars", 0))

    attempt_id: int = Field(primary_key=True, foreign_key="attempt.id")
    state: str
    ended_at: datetime = Field(sa_type=Utc)
    seconds: float
    dollars: float
    device: str | None
    reason: str
    log_tail: str


class RunResultRow(Table, table=True):
    """The one result that counts for a run. result_sha256: over all of its numbers (db/results.py)."""

    __tablename__ = "run_result"
    __table_args__ = (
        one_of("stopped", "epochs", "stop_at", "diverged", "time"),
        flag("diverged"),
        at_least("seconds", 0),
        at_least("epochs", 0),
        at_least("resumed", 0),
        sha256("result_sha256"),
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id")
    attempt_id: int = Field(foreign_key="attempt.id", unique=True)
    data_sha256: str
    epochs: int
    best_epoch: int | None
    stopped: str
    diverged: bool
    resumed: int
    device: str
    versions: str
    seconds: float
    result_sha256: str
    recorded_at: datetime = Field(sa_type=Utc)


class MetricRow(Table, table=True):
    """One number of one run. `condition`: canonical JSON, '' for none. What was not measured has no row."""

    __tablename__ = "metric"
    __table_args__ = (
        finite("value"),
        finite("spread"),
        one_of("unit", "fraction", "number", "count", "seconds", "bytes", "per_second", "dollars", "event"),
        one_of("direction", "higher", "lower", "neither"),
        one_of("source", "measured", "derived", "analytic"),
        # the number that every overview asks for, apart from the fifty others of a run
        Index("ix_metric_test_accuracy", "run_id", "value", sqlite_where=TEST_ACCURACY, postgresql_where=TEST_ACCURACY),
        # clustered by its key: the numbers of a run lie together, and no index by run is needed
        {"sqlite_with_rowid": False},
    )

    run_id: int = Field(primary_key=True, foreign_key="run.id")
    name: str = Field(primary_key=True)
    condition: str = Field(primary_key=True)
    value: float
    unit: str
    direction: str
    source: str
    spread: float | None
    device: str


class CurvePointRow(Table, table=True):
    """A learning curve, one row a point."""

    __tablename__ = "curve_point"
    __table_args__ = (finite("value"), {"sqlite_with_rowid": False})

    run_id: int = Field(primary_key=True, foreign_key="run.id")
    metric: str = Field(primary_key=True)
    step: int = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    value: float


# -- what was decided ----------------------------------------------------------------------------------------


class VerdictRow(Numbered, table=True):
    """A verdict of the policy, or of a person who overrules one (supersedes_id, overruled_by, rule NULL).

    Append-only. reasons, caveats: JSON lists. next_look: seeds that the policy asked for before judging
    again.
    """

    __tablename__ = "verdict"
    __table_args__ = (
        one_of("verdict", *VERDICTS),
        CheckConstraint("rule BETWEEN 1 AND 6", name="rule"),
        CheckConstraint(
            "(overruled_by IS NULL) = (supersedes_id IS NULL) AND (overruled_by IS NULL) <> (rule IS NULL)",
            name="by_policy_or_person",
        ),
        sha256("measurements_sha256"),
    )

    registration_id: int = Field(foreign_key="registration.id", index=True)
    experiment_id: int = Field(foreign_key="experiment.id")
    verdict: str
    rule: int | None
    reasons: str
    caveats: str
    next_look: int | None
    measurements_sha256: str
    judged_at: datetime = Field(sa_type=Utc)
    supersedes_id: int | None = Field(default=None, foreign_key="verdict.id")
    overruled_by: str | None = None


class VerdictRunRow(Table, table=True):
    """The runs that a verdict rests on, so that it can be derived again after others have joined;
    append-only."""

    __tablename__ = "verdict_run"

    verdict_id: int = Field(primary_key=True, foreign_key="verdict.id")
    variant: str = Field(primary_key=True)
    seed: int = Field(primary_key=True)
    run_id: int = Field(foreign_key="run.id", index=True)


class CriterionOutcomeRow(Table, table=True):
    """What became of a criterion under a verdict; append-only. `seeds`: JSON, what each seed said."""

    __tablename__ = "criterion_outcome"
    __table_args__ = (
        one_of("decision", "holds", "fails", "undecided", "set_aside"),
        finite("achieved"),
        finite("low"),
        finite("high"),
        finite("margin"),
    )

    verdict_id: int = Field(primary_key=True, foreign_key="verdict.id")
    criterion: str = Field(primary_key=True)
    decision: str
    estimand: str
    achieved: float | None
    low: float | None
    high: float | None
    target: str
    margin: float | None
    unit: str
    look: int | None
    reason: str
    more_seeds: int | None
    seeds: str


class LogEntryRow(Numbered, table=True):
    """Something happened to a proposal; append-only. refs: JSON object, such as {"verdict": 3}."""

    __tablename__ = "log_entry"

    stem: str = Field(foreign_key="proposal.stem", index=True)
    at: datetime = Field(sa_type=Utc)
    kind: str
    text: str
    refs: str


APPEND_ONLY = (
    "registration",
    "criterion",
    "deviation",
    "attempt",
    "attempt_handle",
    "attempt_end",
    "verdict",
    "verdict_run",
    "criterion_outcome",
    "log_entry",
)
"""Tables in which no row is ever changed or removed; triggers see to it."""
