"""The ledger: what was spent, what is reserved, and the caps that both together may not exceed.

Spent: the dollars of attempts that ended, however they ended. Reserved: the most that open attempts may take. An
attempt is in one of the two sums and moves over with its end, in one transaction: nothing is counted twice or missed.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, func
from sqlmodel import Session, col, select

from db.columns import refuse_nan
from db.engine import reading
from db.errors import CatalogError
from db.money_tables import ReservationRow
from db.tables import AttemptEndRow, AttemptRow, ExperimentRow

HAIR = 1e-9
"""Dollars: sums of floats may be off by so much, and a cap that is met exactly is not exceeded."""


class Reserve(NamedTuple):
    """What an attempt asks for: `seconds` if the caps have room for them, otherwise what they have room for, but not
    less than `least_seconds`. basis: of the rate, for people."""

    seconds: float
    least_seconds: float
    dollars_per_hour: float
    basis: str


class Caps(NamedTuple):
    """Dollars; None: no cap. experiment: of all attempts of a registration, whatever experiment they belong to. day: of
    attempts that end on a day in UTC, with all that are open. workspace: of everything in the catalog."""

    experiment: float | None = None
    day: float | None = None
    workspace: float | None = None


class Money(NamedTuple):
    spent: float
    reserved: float


class Reserved(NamedTuple):
    """An attempt and what was reserved for it. `ended`: nothing is reserved any more."""

    executor: str
    submitted_at: datetime
    seconds: float
    dollars_per_hour: float
    dollars: float
    ended: bool


REMEDIES = {
    "experiment": "Raise `dollars` under `compute` in the proposal (a new registration, which says so), or "
    "`experiment` under [caps] in mve.toml, whichever is lower",
    "day": "Wait for tomorrow (UTC), or raise `day` under [caps] in mve.toml",
    "workspace": "Raise `workspace` under [caps] in mve.toml",
}


class CapError(CatalogError):
    """A cap refuses an attempt; nothing was begun and nothing is reserved. `cap`: experiment, day or workspace.
    may_clear: there would be room if what is reserved now were released unused."""

    def __init__(self, cap: str, limit: float, money: Money, asked: float) -> None:
        self.cap, self.limit, self.money, self.asked = cap, limit, money, asked
        total = money.spent + money.reserved + asked
        super().__init__(
            f"the cap per {cap} of {_dollars(limit)} would be exceeded: {_dollars(money.spent)} spent, "
            f"{_dollars(money.reserved)} reserved by attempts under way, and at least {_dollars(asked)} for this one "
            f"make {_dollars(total)}. Nothing was started. {REMEDIES[cap]}"
        )

    @property
    def may_clear(self) -> bool:
        return self.money.reserved > 0 and self.money.spent + self.asked <= self.limit + HAIR


def money_of(engine: Engine, experiment_id: int, now: datetime) -> dict[str, Money]:
    """Spent and reserved under each cap: "experiment" (its registration), "day" (of `now`, in UTC), "workspace"."""
    with reading(engine) as session:
        return {cap: _money(session, cap, experiment_id, now) for cap in Caps._fields}


def reservation_of(engine: Engine, attempt_id: int) -> Reserved | None:
    """None where nothing was ever reserved for it: an attempt of a catalog before version 0005."""
    with reading(engine) as session:
        row = session.exec(
            select(AttemptRow, ReservationRow, AttemptEndRow)
            .join(ReservationRow, col(ReservationRow.attempt_id) == col(AttemptRow.id))
            .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(AttemptRow.id), isouter=True)
            .where(AttemptRow.id == attempt_id)
        ).one_or_none()
    if row is None:
        return None
    attempt, kept, end = row
    return Reserved(
        attempt.executor, attempt.submitted_at, kept.seconds, kept.dollars_per_hour, kept.dollars, end is not None
    )


# -- within a transaction ------------------------------------------------------------------------------------


def add_reservation(
    session: Session, attempt_id: int, experiment_id: int, asked: Reserve, caps: Caps, now: datetime
) -> None:
    """Reserve for an attempt that this transaction has begun. Raises CapError where a cap has too little room; what
    costs nothing is never refused."""
    for name in ("seconds", "least_seconds", "dollars_per_hour"):
        refuse_nan(getattr(asked, name), f"{name} of the reservation for attempt {attempt_id}")
    if not 0 <= asked.least_seconds <= asked.seconds:
        raise ValueError(f"a reservation of {asked.seconds} s cannot be at least {asked.least_seconds} s")
    dollars = asked.seconds / 3600 * asked.dollars_per_hour
    least = asked.least_seconds / 3600 * asked.dollars_per_hour
    if dollars > 0:
        for cap, limit in caps._asdict().items():
            if limit is None:
                continue
            money = _money(session, cap, experiment_id, now)
            room = limit - money.spent - money.reserved
            if least > room + HAIR:
                raise CapError(cap, limit, money, least)
            dollars = min(dollars, max(room, least))
    session.add(
        ReservationRow(
            attempt_id=attempt_id,
            seconds=dollars / asked.dollars_per_hour * 3600 if dollars > 0 else asked.seconds,
            dollars_per_hour=asked.dollars_per_hour,
            dollars=dollars,
            basis=asked.basis,
        )
    )
    session.flush()


def _money(session: Session, cap: str, experiment_id: int, now: datetime) -> Money:
    among: list[ColumnElement[bool] | Any] = []
    if cap == "experiment":
        registration = select(ExperimentRow.registration_id).where(ExperimentRow.id == experiment_id).scalar_subquery()
        paying = select(ExperimentRow.id).where(col(ExperimentRow.registration_id) == registration)
        among.append(col(AttemptRow.experiment_id).in_(paying))
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    ended = [col(AttemptEndRow.ended_at) >= today] if cap == "day" else []
    spent = session.exec(
        select(func.sum(AttemptEndRow.dollars))
        .join(AttemptRow, col(AttemptRow.id) == col(AttemptEndRow.attempt_id))
        .where(*among, *ended)
    ).one()
    reserved = session.exec(
        select(func.sum(ReservationRow.dollars))
        .join(AttemptRow, col(AttemptRow.id) == col(ReservationRow.attempt_id))
        .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(ReservationRow.attempt_id), isouter=True)
        .where(col(AttemptEndRow.attempt_id).is_(None), *among)
    ).one()
    return Money(float(spent or 0.0), float(reserved or 0.0))


def _dollars(amount: float) -> str:
    """Cents, or as many places as a small amount needs."""
    return f"${amount:.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.6f}"
