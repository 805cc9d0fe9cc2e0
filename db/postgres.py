"""A catalog on a PostgreSQL server, shared by a team: the same tables, views and triggers as in a file.

Writers take turns by an advisory lock that each takes as its transaction begins: what BEGIN IMMEDIATE does in a file.
Then whoever reads and decides (is there an open attempt at this run?) decides on what the one before has committed.
Readers see one committed state (REPEATABLE READ), wait for nobody and keep nobody waiting.
"""

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from db import migrating
from db.errors import CatalogError
from db.opened import BUSY_SECONDS, Catalog, missing, newer, older

LOCK = 0x6D766543
"""The advisory lock of writers: "mveC"."""

MARK = "schema version of a catalog of mve"
"""The comment on alembic_version: other projects have a table of that name too."""


def open_url(url: URL, create: bool, read_only: bool) -> Catalog:
    """As db.engine.open_catalog. The catalog is made in an empty database (or an empty schema: the first of the
    connection's search_path). Migrations are one transaction; a backup before them is the server's affair."""
    try:
        engine = _connected(url, read_only)
    except ModuleNotFoundError as error:
        raise CatalogError(
            "a catalog on PostgreSQL needs psycopg, which is not installed: pip install 'mve[postgres]'"
        ) from error
    try:
        created = _made_ready(engine, _name(url), create, read_only)
    except OperationalError as error:
        engine.dispose()
        reason = " ".join(str(error.orig).split())
        raise CatalogError(f"the catalog {_name(url)} cannot be reached: {reason}. See to MVE_CATALOG") from error
    except BaseException:
        engine.dispose()
        raise
    return Catalog(engine, None, created=created)


def _name(url: URL) -> str:
    return url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)


def _connected(url: URL, read_only: bool) -> Engine:
    options = {"postgresql_readonly": True} if read_only else {}
    engine = create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, execution_options=options)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        # session settings, so that a URL keeps its own `options`
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        connection.execute("SET TIME ZONE 'UTC'")
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if not (read_only or connection.get_execution_options().get("reads_only", False)):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")

    return engine


# -- recognising, making, migrating ------------------------------------------------------------------------


def _made_ready(engine: Engine, name: str, create: bool, read_only: bool) -> bool:
    """True where the catalog was made just now."""
    with engine.execution_options(reads_only=True).connect() as connection:
        if _revision(connection, name) == migrating.REVISIONS[-1]:
            return False
    with engine.begin() as connection:  # nobody else writes from here on
        revision = _revision(connection, name)
        if revision == migrating.REVISIONS[-1]:
            return False  # another process was quicker
        if revision is None and (read_only or not create):
            raise CatalogError(missing(f"on {name}"))
        if revision is not None and revision not in migrating.REVISIONS:
            raise CatalogError(newer(name, revision, migrating.REVISIONS[-1]))
        if revision is not None and read_only:
            raise CatalogError(older(name, revision))
        migrating.migrate(connection, migrating.MIGRATIONS)
        connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{MARK}'")
        return revision is None


def _revision(connection: Connection, name: str) -> str | None:
    """None: nothing is there yet. Raises CatalogError where something else is."""
    ours = connection.exec_driver_sql(
        "SELECT obj_description(to_regclass(quote_ident(current_schema()) || '.alembic_version'), 'pg_class')"
    ).scalar()
    if ours == MARK:
        return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
    if schema is None:
        raise CatalogError(f"the catalog {name} has no schema to be in: create the one that its search_path names")
    relations = connection.exec_driver_sql(
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND NOT EXISTS "
        "(SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')"  # of extensions
    ).scalar_one()
    if relations:
        raise CatalogError(
            f"{name} has tables in its schema {schema}, but is no catalog of mve; nothing was touched. Name an empty "
            "database with --catalog or MVE_CATALOG, or an empty schema: ?options=-csearch_path%3Dname"
        )
    return None
