"""A catalog that is only looked at: it is neither created nor changed, and there may be none yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from proposals.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy import Engine

SQLITE = "sqlite:///"


@contextmanager
def catalog_if_any(place: Workspace) -> "Iterator[Engine | None]":
    """The engine of the workspace's catalog, or None where its file does not exist: nothing was run yet."""
    from db.catalog import open_catalog

    if place.catalog_url.startswith(SQLITE) and not Path(place.catalog_url.removeprefix(SQLITE)).exists():
        yield None
        return
    with open_catalog(place.catalog_url, read_only=True) as catalog:
        yield catalog.engine
