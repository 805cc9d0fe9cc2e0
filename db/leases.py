"""Leases: which process runs an experiment, so that two orchestrators, here or on two machines, never both do.

An owner on this host and boot is alive exactly if its process is: whoever asks can look, and clocks do not matter. Of
an owner elsewhere only the age of its heartbeat is known: both times are told by the catalog's own clock (of the
server on PostgreSQL; in a file, of the machine), within one transaction. Where that clock jumps ahead a lease may look
expired; its owner is then refused its next attempt (`hold` below) rather than working beside the new one.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from db.engine import reading, writing
from db.errors import CatalogError
from db.money_tables import LeaseRow

EXPIRY = timedelta(seconds=60)
"""A lease elsewhere, whose heartbeat is older, has a dead owner."""


class Owner(NamedTuple):
    """A process. process_started: tells it from another one that got the same id later."""

    host: str
    boot_id: str
    pid: int
    process_started: str


class Lease(NamedTuple):
    """`alive`: its owner is at work. age: of its last heartbeat, in seconds."""

    experiment_id: int
    owner: Owner
    taken_at: datetime
    age: float
    alive: bool


Look = Callable[[Owner], bool | None]
"""Is that process alive? None where it cannot be seen from here."""


class LeaseError(CatalogError):
    """The experiment is run by another process."""


def take_lease(engine: Engine, experiment_id: int, me: Owner, look: Look) -> Lease | None:
    """Take the lease, renew it, or take it over from a dead owner: None. Otherwise the lease of the one who has it."""
    with writing(engine) as session:
        now = _clock(session)
        row = session.get(LeaseRow, experiment_id)
        if row is None:
            session.add(LeaseRow(experiment_id=experiment_id, **me._asdict(), taken_at=now, heartbeat_at=now))
            return None
        held = _lease(row, now, look)
        if held.owner != me:
            if held.alive:
                return held
            for name, value in me._asdict().items():
                setattr(row, name, value)
            row.taken_at = now
        row.heartbeat_at = now
        session.add(row)
        return None


def release_lease(engine: Engine, experiment_id: int, owner: Owner) -> bool:
    """The experiment is nobody's any more. False where `owner` does not have it."""
    with writing(engine) as session:
        row = session.get(LeaseRow, experiment_id)
        if row is None or _owner(row) != owner:
            return False
        session.delete(row)
        return True


def leases(engine: Engine, look: Look) -> list[Lease]:
    """All of them, by experiment."""
    with reading(engine) as session:
        now = _clock(session)
        rows = session.exec(select(LeaseRow).order_by(col(LeaseRow.experiment_id))).all()
        return [_lease(row, now, look) for row in rows]


def hold(session: Session, experiment_id: int, me: Owner) -> None:
    """Within a transaction that starts something: raises LeaseError where the experiment is leased to someone else."""
    row = session.get(LeaseRow, experiment_id)
    if row is not None and _owner(row) != me:
        raise LeaseError(
            f"experiment {experiment_id} is leased to process {row.pid} on {row.host} since "
            f"{row.taken_at:%Y-%m-%d %H:%M:%S} UTC; nothing was started. Wait for it to end, or stop it"
        )


def _lease(row: LeaseRow, now: datetime, look: Look) -> Lease:
    owner = _owner(row)
    seen = look(owner)
    age = now - row.heartbeat_at
    return Lease(
        row.experiment_id, owner, row.taken_at, age.total_seconds(), alive=age <= EXPIRY if seen is None else seen
    )


def _owner(row: LeaseRow) -> Owner:
    return Owner(row.host, row.boot_id, row.pid, row.process_started)


def _clock(session: Session) -> datetime:
    """The catalog's own time."""
    if session.get_bind().dialect.name == "postgresql":
        found: datetime = session.connection().execute(text("SELECT clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)
    said = session.connection().execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')")).scalar_one()
    return datetime.fromisoformat(said)
