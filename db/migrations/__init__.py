"""Migrations of the catalog (alembic), run by db/migrating.py; nobody needs an alembic.ini.

A new one: copy `script.py.mako`'s shape into `versions/v0002_what.py`, and add its number to `REVISIONS` in
db/migrating.py. Views and triggers are dropped before and made again after, so a migration does not mention
them; a change to them alone is a migration that does nothing.
"""
