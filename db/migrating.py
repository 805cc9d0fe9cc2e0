"""Bringing a catalog's schema to the newest version."""

from pathlib import Path

from sqlalchemy import Connection, text

from db.triggers import drop_triggers, make_triggers
from db.views import VIEWS

MIGRATIONS = Path(__file__).parent / "migrations"

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Oldest first. Known here so that opening a catalog need not import alembic."""


def migrate(connection: Connection, scripts: Path = MIGRATIONS) -> None:
    """Run what is missing, within the transaction of this connection, and make views and triggers anew.

    On SQLite, foreign keys must be off on the connection: it alters a table by copying and dropping it.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection

    for view in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {view}"))
    drop_triggers(connection)
    command.upgrade(config, "head")
    for statement in VIEWS.values():
        connection.execute(text(statement))
    make_triggers(connection)
    if connection.dialect.name == "sqlite":
        dangling = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
        assert not dangling, f"the migration left rows that refer to nothing: {dangling[:3]}"
