from collections.abc import Iterator
from pathlib import Path

import pytest
from catalog_samples import fill
from sqlalchemy import Engine

from db.engine import open_catalog


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a migration costs a tenth of a second."""
    path = tmp_path_factory.mktemp("empty") / "catalog.sqlite"
    open_catalog(path).close()
    return path


@pytest.fixture
def path(empty_catalog: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "catalog.sqlite"
    copy.write_bytes(empty_catalog.read_bytes())
    return copy


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    with open_catalog(path) as catalog:
        yield catalog.engine


@pytest.fixture(scope="session")
def filled_catalog(empty_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "catalog.sqlite"
    path.write_bytes(empty_catalog.read_bytes())
    with open_catalog(path) as catalog:
        fill(catalog.engine)
    return path


@pytest.fixture
def filled(filled_catalog: Path, tmp_path: Path) -> Iterator[Engine]:
    """What `fill` leaves behind: registration 1 of 008 judged on experiment 1, and 022 under way."""
    copy = tmp_path / "filled.sqlite"
    copy.write_bytes(filled_catalog.read_bytes())
    with open_catalog(copy) as catalog:
        yield catalog.engine
