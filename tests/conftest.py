"""What every test stands on: no network, no writing into the user's home, a workspace of its own."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# before anything imports prefect: its settings are read then, and its home must not be the user's
_HOME = tempfile.mkdtemp(prefix="mve-prefect-")
os.environ.update(
    PREFECT_HOME=_HOME,
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    DO_NOT_TRACK="1",
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE="false",
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW="ignore",
)
os.environ.pop("PREFECT_API_URL", None)
os.environ.pop("MVE_WORKSPACE", None)
os.environ.pop("MVE_CATALOG", None)

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))  # helpers shared by several folders of tests


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: a worker takes whole files, and none should be left alone with such a one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _scratch_is_removed() -> Iterator[None]:
    yield
    import shutil

    shutil.rmtree(_HOME, ignore_errors=True)
