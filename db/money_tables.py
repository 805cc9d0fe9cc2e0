"""Tables of money and of who is at work: what an attempt may cost, and which process runs an experiment."""

from datetime import datetime

from sqlmodel import Field

from db.columns import Utc, at_least
from db.tables import Table


class ReservationRow(Table, table=True):
    """The most that an attempt may take, written in the transaction that begins it; append-only. It is released by the
    attempt's end: what is reserved now is the sum over attempts without one.

    seconds: its time limit. dollars = seconds / 3600 * dollars_per_hour. basis: of the rate, for people.
    """

    __tablename__ = "reservation"
    __table_args__ = (at_least("seconds", 0), at_least("dollars_per_hour", 0), at_least("dollars", 0))

    attempt_id: int = Field(primary_key=True, foreign_key="attempt.id")
    seconds: float
    dollars_per_hour: float
    dollars: float
    basis: str


class LeaseRow(Table, table=True):
    """The process that runs an experiment now. It renews `heartbeat_at` while it lives and removes the row when it is
    through: a row whose owner is dead is an experiment to be taken up again.

    process_started: of the process `pid` on this boot of the host, since a process id alone may be given anew.
    Times are the catalog's own clock.
    """

    __tablename__ = "lease"

    experiment_id: int = Field(primary_key=True, foreign_key="experiment.id")
    host: str
    boot_id: str
    pid: int
    process_started: str
    taken_at: datetime = Field(sa_type=Utc)
    heartbeat_at: datetime = Field(sa_type=Utc)


APPEND_ONLY = ("reservation",)
