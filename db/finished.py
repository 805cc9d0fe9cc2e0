"""Which runs have their result already, from whatever experiment: they are not trained again."""

from collections.abc import Collection

from sqlalchemy import Engine
from sqlmodel import col, select

from db.engine import reading
from db.tables import RunResultRow, RunRow


def finished_runs(engine: Engine, keys: Collection[str]) -> set[str]:
    """Those of the keys that have a result. Keys of which the catalog has never heard have none."""
    query = select(RunRow.key).join(RunResultRow, col(RunResultRow.run_id) == col(RunRow.id))
    with reading(engine) as session:
        return set(session.exec(query.where(col(RunRow.key).in_(list(keys)))).all())
