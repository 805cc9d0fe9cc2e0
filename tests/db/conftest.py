"""Every catalog test runs on both: a file, and a database of a PostgreSQL server that the session starts for itself.

A test that takes `path` is about files, and runs once.
"""

import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from catalog_samples import fill
from postgres_server import UnavailableError, create_database, drop_database, running_server
from sqlalchemy import Engine

from db.engine import open_catalog

BOTH = ("sqlite", "postgresql")
_NUMBERS = count()

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks/ is not installed


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """URL of the server, with two databases to copy: `empty` is a catalog, `filled` one that `fill` has filled."""
    try:
        with running_server() as url:
            open_catalog(create_database(url, "empty")).close()
            with open_catalog(create_database(url, "filled", "empty")) as catalog:
                fill(catalog.engine)
            yield url
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """URL of a database in which there is nothing yet."""
    yield from _copied(server, "template0")


def _copied(server: str, template: str) -> Iterator[str]:
    name = f"test_{next(_NUMBERS)}"
    yield create_database(server, name, template)
    drop_database(server, name)


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a migration costs a tenth of a second."""
    path = tmp_path_factory.mktemp("empty") / "catalog.sqlite"
    open_catalog(path).close()
    return path


@pytest.fixture(scope="session")
def filled_catalog(empty_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "catalog.sqlite"
    path.write_bytes(empty_catalog.read_bytes())
    with open_catalog(path) as catalog:
        fill(catalog.engine)
    return path


@pytest.fixture
def path(empty_catalog: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "catalog.sqlite"
    copy.write_bytes(empty_catalog.read_bytes())
    return copy


@pytest.fixture(params=BOTH)
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a catalog can be, and none is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/none.sqlite"
    database: str = request.getfixturevalue("database")
    return database


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty catalog."""
    if request.param == "sqlite":
        yield f"sqlite:///{request.getfixturevalue('path')}"
    else:
        yield from _copied(request.getfixturevalue("server"), "empty")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    with open_catalog(url) as catalog:
        yield catalog.engine


@pytest.fixture(params=BOTH)
def filled_url(request: pytest.FixtureRequest, filled_catalog: Path, tmp_path: Path) -> Iterator[str]:
    """What `fill` leaves behind: registration 1 of 008 judged on experiment 1, and 022 under way."""
    if request.param == "sqlite":
        copy = tmp_path / "filled.sqlite"
        copy.write_bytes(filled_catalog.read_bytes())
        yield f"sqlite:///{copy}"
    else:
        yield from _copied(request.getfixturevalue("server"), "filled")


@pytest.fixture
def filled_on_server(server: str) -> Iterator[str]:
    yield from _copied(server, "filled")


@pytest.fixture
def filled(filled_url: str) -> Iterator[Engine]:
    with open_catalog(filled_url) as catalog:
        yield catalog.engine
