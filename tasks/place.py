"""What every task starts from: the workspace's catalog, its log, and what time it is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect.cache_policies import NO_CACHE
from sqlalchemy import Engine

from db.catalog import Catalog, add_log, open_catalog
from proposals.workspace import Workspace

OPTIONS: dict[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
"""Of every Prefect task here: the catalog remembers results; Prefect is only a view of them."""


def now() -> datetime:
    return datetime.now(UTC)


_open: dict[str, tuple[Catalog, int]] = {}
"""By URL: the catalog that is open in this process, and how many have it open."""
_opening = threading.Lock()


@contextmanager
def catalog_of(place: Workspace) -> Iterator[Engine]:
    """The workspace's catalog, open for writing: one for all, in whatever thread, who have it open at the same time. A
    flow has it open for its whole story, since each opening costs more than most questions."""
    url = place.catalog_url
    with _opening:
        catalog, users = _open.get(url) or (open_catalog(url), 0)
        _open[url] = catalog, users + 1
    try:
        yield catalog.engine
    finally:
        with _opening:
            catalog, users = _open.pop(url)
            if users > 1:
                _open[url] = catalog, users - 1
            else:
                catalog.close()


def experiment_folder(place: Workspace, stem: str) -> Path:
    return place.experiments / stem


def run_directory(place: Workspace, key: str) -> Path:
    """Scratch of one run: request, checkpoint, progress. Its name is the run's key and says nothing else."""
    return place.runs / key[:24]


def note(engine: Engine, stem: str, kind: str, text: str, **refs: Any) -> None:
    add_log(engine, stem, kind, text, now(), refs)
