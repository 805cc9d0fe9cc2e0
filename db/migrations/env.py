"""Called by alembic with the connection, and within the transaction, that db/migrating.py holds."""

from alembic import context

from db.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    transactional_ddl=True,
    # SQLite alters a table by copying it
    render_as_batch=True,
)
context.run_migrations()
