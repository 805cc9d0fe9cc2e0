"""One Prefect server for all tests of a session, and the command line as a user calls it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calling import environment
from prefect_server import prefect_server


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Prefect server that ends with the tests."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as api:
        yield api


Mve = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mve() -> Mve:
    """`mve` in a process of its own; `api` names its Prefect server, `workspace` its folder."""

    def call(
        *arguments: str, workspace: Path | None = None, api: str | None = None, seconds: float = 240
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments],
            env=environment(workspace, api), capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return call
