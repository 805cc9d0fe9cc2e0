"""A catalog in a file: created, refused, migrated or simply opened, and connected the way SQLite wants it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from sqlalchemy import Connection, Engine, ExceptionContext, QueuePool, create_engine, event

from db import migrating
from db.errors import CatalogError, CatalogUnavailableError
from db.opened import BUSY_SECONDS, Catalog, missing, newer, older

APPLICATION_ID = 0x6D766543
"""Bytes 68 to 71 of the file: "mveC"."""


def open_path(path: Path, create: bool, read_only: bool) -> Catalog:
    """As db.engine.open_catalog. A file of an older version is copied to a backup beside it and migrated."""
    if not path.exists():
        if read_only or not create:
            raise CatalogError(missing(f"at {path}"))
        created = _create(path)
        with _reading:
            _known.add(_identity(path))
        return Catalog(_connected(path), path, created=created)

    revision = _recognise(path)
    backup = None
    if revision != migrating.REVISIONS[-1]:
        if revision not in migrating.REVISIONS:
            raise CatalogError(newer(str(path), revision, migrating.REVISIONS[-1]))
        if read_only:
            raise CatalogError(older(str(path), revision) + " (a backup is kept)")
        backup = _migrate(path, since=revision)
    return Catalog(_connected(path, read_only), path, backup=backup)


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """`mode=rw` never creates: a catalog that vanished is an error, not an empty one."""
    query = "mode=ro" if read_only else "mode=rw"
    if read_only and not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists():
        # WAL needs a file beside the catalog; where none can be made, nobody else writes either
        query += "&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?{query}", uri=True, timeout=BUSY_SECONDS, check_same_thread=False)


# -- recognising a file ------------------------------------------------------------------------------------


_known: set[tuple[int, int]] = set()
"""Files that this process has recognised as catalogs."""
_reading = Lock()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _recognise(path: Path) -> str:
    """The catalog's schema version."""
    with _reading:
        if not path.is_file() or _identity(path) not in _known:
            _look_at_header(path)
            _known.add(_identity(path))
    try:
        with closing(connect(path, read_only=True)) as file_connection:
            return _revision(file_connection)
    except sqlite3.Error as error:
        raise CatalogError(
            f"the catalog {path} is damaged or cannot be read ({error}). Restore it from a backup, or "
            "move it away to start a new one"
        ) from error


def _look_at_header(path: Path) -> None:
    """Raises CatalogError where it is no catalog. The header is read as bytes: SQLite itself is not let near a
    stranger's file, because opening one can already change it (a journal rolled back, a -wal file made).

    Once per file, before this process has a connection to it: a file that is closed takes all locks along that the
    process has on it, SQLite's too (sqlite.org/howtocorrupt.html, 2.2), and what it then commits can be lost.
    """
    remedy = "Name another path with --catalog or MVE_CATALOG, or move this file away; it was not touched"
    if not path.is_file():
        raise CatalogError(f"{path} is not a file, so it is no catalog. {remedy}")
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise CatalogError(f"the catalog {path} cannot be read: {error.strerror}") from error
    if not header.startswith(b"SQLite format 3\0"):
        what = "is empty" if not header else "is not an SQLite database"
        raise CatalogError(f"{path} {what}, so it is no catalog. {remedy}")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise CatalogError(f"{path} is an SQLite database, but not a catalog of mve. {remedy}")


def _revision(connection: sqlite3.Connection) -> str:
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    if len(rows) != 1:
        raise sqlite3.DatabaseError("its schema version is missing")
    return str(rows[0][0])


# -- connections -------------------------------------------------------------------------------------------


def _connected(path: Path, read_only: bool = False, foreign_keys: bool = True) -> Engine:
    engine = create_engine("sqlite://", creator=lambda: connect(path, read_only), poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _: Any) -> None:
        # sqlite3 would begin transactions by its own rules; we say BEGIN ourselves, below
        connection.isolation_level = None
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once where another wrote in between,
        # whatever the busy timeout. IMMEDIATE takes its turn at the start.
        reads = read_only or connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    @event.listens_for(engine, "handle_error")
    def _say(context: ExceptionContext) -> CatalogUnavailableError | None:
        return _in_words(path, context.original_exception)

    return engine


def _in_words(path: Path, error: BaseException) -> CatalogUnavailableError | None:
    """What somebody at a terminal can do about it; None where that is nothing."""
    if not isinstance(error, sqlite3.OperationalError):
        return None
    kept = "What was recorded is kept; run it again then"
    if "locked" in str(error):
        return CatalogUnavailableError(
            f"another process has held the catalog {path} locked for {BUSY_SECONDS} seconds. Let it end. {kept}"
        )
    if "disk is full" in str(error):
        return CatalogUnavailableError(f"the disk that the catalog {path} is on is full. Make room. {kept}")
    return None


# -- making and migrating ----------------------------------------------------------------------------------


def _create(path: Path) -> bool:
    """Made under another name and then linked: nobody ever sees half a catalog, and of two that create at
    once one wins and the other finds it there (False)."""
    made = path.with_name(f".{path.name}.{uuid4().hex}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(made)) as connection:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute("PRAGMA journal_mode = WAL")
            _migrate(made)
            return _put_in_place(made, path)
        finally:
            made.unlink(missing_ok=True)
    except (OSError, sqlite3.OperationalError) as error:
        raise CatalogError(
            f"the catalog {path} cannot be created: {error}. Name another path with --catalog or MVE_CATALOG"
        ) from error


def _put_in_place(made: Path, path: Path) -> bool:
    try:
        os.link(made, path)
    except FileExistsError:
        _recognise(path)
        return False
    except OSError:  # a file system without links
        os.rename(made, path)
    return True


def _migrate(path: Path, since: str | None = None) -> Path | None:
    """Bring the file to the newest version; from `since`, after a backup, whose path is returned."""
    backup = None
    engine = _connected(path, foreign_keys=False)
    try:
        with engine.begin() as connection:  # nobody else writes from here on
            if since is not None:
                if connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() != since:
                    return None  # another process was quicker
                backup = _back_up(path, since)
            migrating.migrate(connection, migrating.MIGRATIONS)
    finally:
        engine.dispose()
    return backup


def _back_up(path: Path, revision: str) -> Path:
    name = path.with_name(f"{path.name}.{revision}.backup")
    count = 1
    while name.exists():  # an earlier backup is not ours to overwrite
        count += 1
        name = path.with_name(f"{path.name}.{revision}.backup{count}")
    with closing(connect(path, read_only=True)) as old, closing(sqlite3.connect(name)) as copy:
        old.backup(copy)
    return name
