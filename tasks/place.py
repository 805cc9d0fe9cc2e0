"""What every task starts from: the workspace's catalog, its log, and what time it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect.cache_policies import NO_CACHE
from sqlalchemy import Engine

from db.catalog import add_log, open_catalog
from proposals.workspace import Workspace

OPTIONS: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
"""Of every Prefect task here: the catalog remembers results; Prefect is only a view of them."""


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def catalog_of(place: Workspace) -> Iterator[Engine]:
    with open_catalog(place.catalog_url) as catalog:
        yield catalog.engine


def experiment_folder(place: Workspace, stem: str) -> Path:
    return place.experiments / stem


def run_directory(place: Workspace, key: str) -> Path:
    """Scratch of one run: request, checkpoint, progress. Its name is the run's key and says nothing else."""
    return place.runs / key[:24]


def note(engine: Engine, stem: str, kind: str, text: str, **refs: Any) -> None:
    add_log(engine, stem, kind, text, now(), refs)
