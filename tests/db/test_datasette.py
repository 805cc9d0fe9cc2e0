"""What Datasette is given: queries that answer, from views and columns that exist."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from db.views import VIEWS

METADATA: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "db" / "datasette.yaml").read_text())
QUERIES: dict[str, dict[str, Any]] = METADATA["databases"]["catalog"]["queries"]
GIVEN = {"number": "008", "experiment_id": "1", "variant": "cosformer", "metric": "train_loss"}
"""A form's fields are text."""


@pytest.mark.parametrize("name", QUERIES)
def test_a_canned_query_answers(filled_catalog: Path, name: str) -> None:
    query = QUERIES[name]
    assert query["title"]
    given = {parameter: GIVEN[parameter] for parameter in query.get("params", ())}
    with closing(sqlite3.connect(f"file:{filled_catalog}?mode=ro", uri=True)) as connection:
        assert connection.execute(query["sql"], given).fetchall()


def test_every_view_is_in_a_query() -> None:
    asked = " ".join(query["sql"] for query in QUERIES.values())
    assert [view for view in VIEWS if view not in asked] == []
