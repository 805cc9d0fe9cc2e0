"""Opening a catalog, by a path or a URL, and its two kinds of transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlmodel import Session

from db import postgres, sqlite
from db.errors import CatalogError
from db.opened import Catalog as Catalog
from proposals.words import without_password


def open_catalog(url: str | Path, create: bool = True, read_only: bool = False) -> Catalog:
    """Open the catalog at a path, or at an SQLAlchemy URL (`sqlite:////folder/catalog.sqlite`,
    `postgresql://user@host/database`).

    One that does not exist is created (a file with its folder; tables in an empty database), unless `create` is False
    or `read_only` is True. One of an older version is migrated, a file after a backup. Raises CatalogError, and leaves
    things as they are, where this is no catalog, or one of a newer version than this code.
    """
    if isinstance(url, Path) or "://" not in url:
        return sqlite.open_path(Path(url).expanduser().absolute(), create, read_only)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise CatalogError(
            f"{without_password(url)!r} is no catalog URL; one looks like sqlite:////folder/catalog.sqlite"
        ) from None
    # what other tools write for the same server; the driver is ours to choose
    if parsed.drivername.split("+")[0] in ("postgresql", "postgres"):
        return postgres.open_url(parsed, create, read_only)
    if parsed.drivername.split("+")[0] != "sqlite":
        raise CatalogError(
            f"a catalog on {parsed.drivername} is not supported; use a path, sqlite:////folder/catalog.sqlite or "
            "postgresql://user@host/database"
        )
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise CatalogError(
            f"{without_password(url)!r} must name a file and nothing else: sqlite:////folder/catalog.sqlite"
        )
    return sqlite.open_path(Path(parsed.database).expanduser().absolute(), create, read_only)


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """One transaction that may write; all of it or nothing. It waits for other writers at its start, not
    midway."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One consistent state of the catalog. Does not wait for writers and does not keep them waiting."""
    reads = engine.execution_options(reads_only=True)
    if engine.dialect.name == "postgresql":
        reads = reads.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with Session(reads, expire_on_commit=False) as session, session.begin():
        yield session


def schema_version(engine: Engine) -> str:
    """The migration that the catalog is at."""
    with reading(engine) as session:
        return str(session.connection().execute(text("SELECT version_num FROM alembic_version")).scalar_one())
