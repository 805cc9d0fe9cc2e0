"""Bringing a catalog's schema to the newest version."""

from pathlib import Path

from sqlalchemy import Connection, text

from db.triggers import triggers
from db.views import VIEWS

MIGRATIONS = Path(__file__).parent / "migrations"

REVISIONS = ("0001", "0002")
"""Oldest first. Known here so that opening a catalog need not import alembic."""


def migrate(connection: Connection, scripts: Path = MIGRATIONS) -> None:
    """Run what is missing, within the transaction of this connection, and make views and triggers anew.

    Foreign keys must be off on the connection: SQLite alters a table by copying and dropping it.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection

    for view in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {view}"))
    if connection.dialect.name == "sqlite":
        for trigger in triggers():
            connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))
    command.upgrade(config, "head")
    for statement in VIEWS.values():
        connection.execute(text(statement))
    if connection.dialect.name == "sqlite":
        for statement in triggers().values():
            connection.execute(text(statement))
        dangling = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
        assert not dangling, f"the migration left rows that refer to nothing: {dangling[:3]}"
