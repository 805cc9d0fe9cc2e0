"""Tables of the digest: proposals as each digest could see them, and the digests themselves. Both append-only."""

from datetime import datetime

from sqlmodel import Field

from db.columns import Utc, at_least, sha256
from db.tables import Numbered, Table


class ProposalVersionRow(Numbered, table=True):
    """A proposal's document as it was at some time; `proposal` has only the newest. A digest that is rendered again
    is to say what it said, whatever has been edited since.

    tricks: JSON list, sorted. estimates: those of the setup; NULL where there was none.
    """

    __tablename__ = "proposal_version"
    __table_args__ = (
        sha256("source_sha256"),
        at_least("estimate_dollars", 0),
        at_least("estimate_minutes", 0),
    )

    stem: str = Field(foreign_key="proposal.stem", index=True)
    title: str
    priority: str
    tricks: str
    estimate_dollars: float | None
    estimate_minutes: float | None
    source_sha256: str
    seen_at: datetime = Field(sa_type=Utc)


class DigestRow(Table, table=True):
    """A digest covers what came between two cursors (db/digesting.py), and its window begins where that of the one
    before ended. Ids count from 1 without gaps, so two digests of one window would have one id.

    sha256: of the document with empty notes. path: within the workspace.
    """

    __tablename__ = "digest"
    __table_args__ = (sha256("sha256"), at_least("id", 1))

    id: int = Field(primary_key=True)
    window_start: str
    window_end: str
    catalog_revision: str
    sha256: str
    path: str
    summary: str
    written_at: datetime = Field(sa_type=Utc)


APPEND_ONLY = ("proposal_version", "digest")
