"""Where digests begin and end: cursors, the window between two of them, and the digests that were written.

A cursor says how far the append-only tables had grown: the newest id of each. Writers take turns (db/engine.py), so ids
are in the order of commits, and neither equal times nor a row whose time was taken before it had to wait can fall
between two windows or into both. The rows that end an attempt have no number of their own, so a cursor also names the
attempts that were open. What a cursor covers never changes: everything a digest says can be derived from it again.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Engine, func, insert, text
from sqlmodel import Session, col, select

from db.columns import canonical
from db.digest_tables import DigestRow, ProposalVersionRow
from db.engine import reading, writing
from db.errors import CatalogError
from db.tables import (
    AttemptEndRow,
    AttemptRow,
    BasedOnRow,
    ExperimentRow,
    ProposalRow,
    RegistrationRow,
    RunResultRow,
    VerdictRow,
)

VERSION = ("stem", "title", "priority", "tricks", "estimate_dollars", "estimate_minutes", "source_sha256")
"""What makes one version of a proposal another."""


class Cursor(NamedTuple):
    """Newest id of each table, and what they do not tell: `open`, the attempts without an end; `late`, those that were
    given up and yet brought the result of their run."""

    proposal_version: int = 0
    registration: int = 0
    experiment: int = 0
    attempt: int = 0
    verdict: int = 0
    open: tuple[int, ...] = ()
    late: tuple[int, ...] = ()

    def as_json(self) -> str:
        return canonical(self._asdict())

    @classmethod
    def from_json(cls, stated: str) -> "Cursor":
        fields = json.loads(stated)
        return cls(**{**fields, "open": tuple(fields["open"]), "late": tuple(fields["late"])})


class Window(NamedTuple):
    """What digest `id` covers. `since`: when the one before was written; None for the first. `revision`: the schema of
    the catalog."""

    id: int
    start: Cursor
    end: Cursor
    since: datetime | None
    revision: str


class StoredDigest(NamedTuple):
    window: Window
    sha256: str
    path: str
    summary: str
    written_at: datetime


# -- windows and digests -------------------------------------------------------------------------------------


def next_window(engine: Engine) -> Window | None:
    """From where the newest digest ended until now, however many schedules were missed; None where nothing has
    changed."""
    with reading(engine) as session:
        newest = _newest(session)
        start = Cursor.from_json(newest.window_end) if newest else Cursor()
        end = _present(session)
        if start == end:
            return None
        revision = str(session.connection().execute(text("SELECT version_num FROM alembic_version")).scalar_one())
        return Window(newest.id + 1 if newest else 1, start, end, newest.written_at if newest else None, revision)


def store_digest(engine: Engine, window: Window, *, sha256: str, path: str, summary: str, now: datetime) -> bool:
    """Keep a digest; False, and nothing is kept, where another process has written one since `window` was taken."""
    with writing(engine) as session:
        newest = _newest(session)
        if (newest.id if newest else 0) != window.id - 1:
            return False
        session.add(
            DigestRow(
                id=window.id,
                window_start=window.start.as_json(),
                window_end=window.end.as_json(),
                catalog_revision=window.revision,
                sha256=sha256,
                path=path,
                summary=summary,
                written_at=now,
            )
        )
        return True


def digests(engine: Engine) -> list[StoredDigest]:
    """Oldest first."""
    with reading(engine) as session:
        rows = session.exec(select(DigestRow).order_by(col(DigestRow.id))).all()
    found: list[StoredDigest] = []
    for row in rows:
        since = found[-1].written_at if found else None
        window = Window(
            row.id, Cursor.from_json(row.window_start), Cursor.from_json(row.window_end), since, row.catalog_revision
        )
        found.append(StoredDigest(window, row.sha256, row.path, row.summary, row.written_at))
    return found


def digest_with(engine: Engine, digest_id: int) -> StoredDigest:
    found = [one for one in digests(engine) if one.window.id == digest_id]
    if not found:
        raise CatalogError(f"there is no digest {digest_id} in the catalog. `mve digest` writes the next one")
    return found[0]


def _newest(session: Session) -> DigestRow | None:
    return session.exec(select(DigestRow).order_by(col(DigestRow.id).desc()).limit(1)).first()


def _present(session: Session) -> Cursor:
    newest = {
        name: session.exec(select(func.max(column))).one() or 0
        for name, column in (
            ("proposal_version", ProposalVersionRow.id),
            ("registration", RegistrationRow.id),
            ("experiment", ExperimentRow.id),
            ("attempt", AttemptRow.id),
            ("verdict", VerdictRow.id),
        )
    }
    without_end = (
        select(AttemptRow.id)
        .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(AttemptRow.id), isouter=True)
        .where(col(AttemptEndRow.attempt_id).is_(None))
        .order_by(col(AttemptRow.id))
    )
    given_up = (
        select(RunResultRow.attempt_id)
        .join(AttemptEndRow, col(AttemptEndRow.attempt_id) == col(RunResultRow.attempt_id))
        .where(AttemptEndRow.state != "collected")
        .order_by(col(RunResultRow.attempt_id))
    )
    open_now = tuple(id for id in session.exec(without_end).all() if id is not None)
    return Cursor(**newest, open=open_now, late=tuple(session.exec(given_up).all()))


# -- proposals as they are now -------------------------------------------------------------------------------


def known_sources(engine: Engine) -> dict[str, str]:
    """Stem -> hash of the document's bytes, of every proposal whose newest version is known."""
    with reading(engine) as session:
        return {stem: row["source_sha256"] for stem, row in _versions(session).items()}


def take_stock(engine: Engine, estimates: Mapping[str, tuple[float, float]], now: datetime) -> int:
    """Keep a version of each proposal that is new or reads otherwise than its last one. Returns how many.

    `estimates`: dollars and minutes of the setups that were read just now, by stem; other versions keep the estimate of
    the one before, as long as the document is the same.
    """
    with writing(engine) as session:
        versions = _versions(session)
        tricks: dict[str, list[str]] = {}
        for stem, trick in session.exec(select(BasedOnRow.stem, BasedOnRow.trick).order_by(BasedOnRow.trick)).all():
            tricks.setdefault(stem, []).append(trick)
        rows = []
        for stem, title, priority, source in session.exec(
            select(ProposalRow.stem, ProposalRow.title, ProposalRow.priority, ProposalRow.source_sha256).order_by(
                ProposalRow.stem
            )
        ).all():
            before = versions.get(stem)
            kept = (
                (before["estimate_dollars"], before["estimate_minutes"])
                if before and before["source_sha256"] == source
                else (None, None)
            )
            dollars, minutes = estimates.get(stem, kept)
            version = {
                "stem": stem,
                "title": title,
                "priority": priority,
                "tricks": canonical(sorted(tricks.get(stem, []))),
                "estimate_dollars": dollars,
                "estimate_minutes": minutes,
                "source_sha256": source,
            }
            if before != version:
                rows.append({**version, "seen_at": now})
        if rows:
            session.connection().execute(insert(ProposalVersionRow), rows)
        return len(rows)


def _versions(session: Session) -> dict[str, dict[str, Any]]:
    """The newest version of each proposal, by stem. Rows and no objects: there can be many."""
    table = ProposalVersionRow
    newest = select(func.max(table.id)).group_by(table.stem)
    columns = [getattr(table, name) for name in VERSION]
    rows = session.connection().execute(sa.select(*columns).where(col(table.id).in_(newest))).mappings()
    return {row["stem"]: dict(row) for row in rows}
