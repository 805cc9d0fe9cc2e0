"""What happened to a proposal, in order, with times that nobody typed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlmodel import col, select

from db.columns import canonical
from db.engine import reading, writing
from db.errors import CatalogError
from db.tables import LogEntryRow, ProposalRow


class LogEntry(NamedTuple):
    id: int
    at: datetime
    kind: str
    text: str
    refs: dict[str, Any]


def add_log(
    engine: Engine, stem: str, kind: str, text: str, now: datetime, refs: Mapping[str, Any] | None = None
) -> int:
    """One entry; `kind` is a word such as registered, dispatched, collected, fault, judged, note. `refs`: ids
    that it speaks of. The same entry twice in a row is one."""
    if not kind.strip() or not text.strip():
        raise ValueError("a log entry needs a kind and a text")
    referred = canonical(dict(refs or {}))
    with writing(engine) as session:
        if session.get(ProposalRow, stem) is None:
            raise CatalogError(f"proposal {stem} is not in the catalog; record it before logging")
        last = session.exec(
            select(LogEntryRow).where(LogEntryRow.stem == stem).order_by(col(LogEntryRow.id).desc())
        ).first()
        if last and last.id is not None and (last.kind, last.text, last.refs) == (kind, text, referred):
            return last.id
        row = LogEntryRow(stem=stem, at=now, kind=kind, text=text, refs=referred)
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def log_of(engine: Engine, stem: str) -> list[LogEntry]:
    with reading(engine) as session:
        rows = session.exec(select(LogEntryRow).where(LogEntryRow.stem == stem).order_by(col(LogEntryRow.id))).all()
    return [LogEntry(row.id or 0, row.at, row.kind, row.text, json.loads(row.refs)) for row in rows]
