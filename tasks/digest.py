"""Write the digest of what has happened since the last one, and the index of the research log.

The catalog's row comes first, then the file; a file that is missing, because somebody died in between, is made again by
whoever comes next. Two that write at once render the same window, and the catalog takes one of them.
"""

import hashlib
import logging
import os
from pathlib import Path
from typing import NamedTuple

from prefect import task
from sqlalchemy import Engine

from db.catalog import (
    StoredDigest,
    digest_with,
    digests,
    known_sources,
    next_window,
    record_proposal,
    store_digest,
    take_stock,
)
from proposals.errors import ProposalError
from proposals.reading import list_proposals, read_proposal, stem_of
from proposals.workspace import Workspace
from tasks.digest_page import digest_context
from tasks.digest_parts import escaped
from tasks.place import OPTIONS, catalog_of, now
from templates.render import render

OPENING, CLOSING = b"<!-- notes -->", b"<!-- /notes -->"
"""Between the first of one and the last of the other in a file are a person's or an agent's words. No text from the
catalog can hold them: its `<` is escaped."""
INDEX = "index.md"
log = logging.getLogger("mve.digest")


class DigestError(ValueError):
    """A digest that cannot be rendered as it was."""


class Written(NamedTuple):
    """`id`, `path`, `summary` of the digest; None and "" where nothing has changed. `restored`: files of earlier
    digests that were missing."""

    id: int | None
    path: Path | None
    summary: str
    restored: tuple[Path, ...]


def write_digest(place: Workspace) -> Written:
    """One digest of all that has happened since the last one, or none where nothing has."""
    with catalog_of(place) as engine:
        restored = _restore(engine, place)
        _take_stock(engine, place)
        written = Written(None, None, "", restored)
        while (window := next_window(engine)) is not None:
            at = now()
            context = digest_context(engine, window, at)
            text, path = render("digest.md.j2", **context), _free_path(place, f"{at:%Y-%m-%d}-digest-{window.id:04d}")
            name = path.relative_to(place.root).as_posix()
            if store_digest(engine, window, sha256=_hash(text), path=name, summary=context["summary"], now=at):
                _replace(path, text.encode())
                written = Written(window.id, path, context["summary"], restored)
                break
        _write_index(place, digests(engine))
        return written


def write_again(place: Workspace, digest: int) -> Path:
    """Make the file of a digest again: the same bytes, but for its notes, which stay as they are.

    Raises DigestError, and leaves the file alone, where it would not come out as it was or its notes cannot be found.
    """
    with catalog_of(place) as engine:
        stored = digest_with(engine, digest)
        text = _rendered(engine, stored)
        if _hash(text) != stored.sha256:
            raise DigestError(
                f"digest {digest} would not read as it did on {stored.written_at:%Y-%m-%d}: mve renders digests in "
                f"another way now, or the catalog was altered. {stored.path} was left as it is"
            )
        path = place.root / stored.path
        _replace(path, _with_notes_of(path, text.encode()))
        _write_index(place, digests(engine))
        return path


def _rendered(engine: Engine, stored: StoredDigest) -> str:
    return render("digest.md.j2", **digest_context(engine, stored.window, stored.written_at))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# -- what the catalog does not know yet ----------------------------------------------------------------------


def _take_stock(engine: Engine, place: Workspace) -> None:
    """Look at the proposals of the workspace, so that those nobody has run are known too. Documents that are known by
    their bytes are not read again; those that cannot be read are for `mve check` to explain."""
    known = known_sources(engine)
    estimates = {}
    for path in list_proposals(place.proposals):
        stem = stem_of(path)
        if known.get(stem) == hashlib.sha256(path.read_bytes()).hexdigest():
            continue
        try:
            proposal = read_proposal(path)
        except ProposalError:
            continue
        record_proposal(engine, proposal, now())
        if proposal.setup is not None:
            estimates[stem] = (proposal.setup.compute.dollars, proposal.setup.compute.minutes)
    take_stock(engine, estimates, now())


# -- files ---------------------------------------------------------------------------------------------------


def _restore(engine: Engine, place: Workspace) -> tuple[Path, ...]:
    restored = []
    for stored in digests(engine):
        path = place.root / stored.path
        if path.exists():
            continue
        text = _rendered(engine, stored)
        if _hash(text) != stored.sha256:
            log.warning("digest %d was missing, and does not read as it did when it was written", stored.window.id)
        _replace(path, text.encode())
        restored.append(path)
    return tuple(restored)


def _free_path(place: Workspace, name: str) -> Path:
    """Another catalog may have had a digest of this number on this day; its file is not ours."""
    path, count = place.research_log / f"{name}.md", 1
    while path.exists():
        count += 1
        path = place.research_log / f"{name}-{count}.md"
    return path


def _with_notes_of(path: Path, document: bytes) -> bytes:
    """`document` with the notes of the file at `path`, byte for byte."""
    if not path.exists():
        return document
    present = path.read_bytes()
    first, last = present.find(OPENING), present.rfind(CLOSING)
    if first < 0 or last < first:
        raise DigestError(
            f"{path} has no notes between {OPENING.decode()} and {CLOSING.decode()}, so what a person wrote in it "
            "cannot be told from the rest. Put the two marks around it, or move the file away"
        )
    before, after = document.split(OPENING)[0], document.split(CLOSING)[-1]
    return before + present[first : last + len(CLOSING)] + after


def _write_index(place: Workspace, stored: list[StoredDigest]) -> None:
    """Newest first; below, what else lies in the folder."""
    path = place.research_log / INDEX
    ours = {Path(one.path).name for one in stored} | {INDEX}
    others = sorted((file.name for file in place.research_log.glob("*.md") if file.name not in ours), reverse=True)
    text = render(
        "digest_index.md.j2",
        digests=[
            {
                "id": one.window.id,
                "date": f"{one.written_at:%Y-%m-%d %H:%M} UTC",
                "file": os.path.relpath(place.root / one.path, place.research_log),
                "summary": one.summary,
            }
            for one in reversed(stored)
        ],
        others=[{"name": escaped(name), "file": name} for name in others],
    ).encode()
    if not path.exists() or path.read_bytes() != text:
        _replace(path, text)


def _replace(path: Path, content: bytes) -> None:
    """All of the file or none of it, whoever else is writing it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    beside.write_bytes(content)
    beside.replace(path)


write = task(name="digest", **OPTIONS)(write_digest)
