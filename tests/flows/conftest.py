"""One Prefect server for all tests of a session, and the command line as a user calls it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from calling import environment

from flows.server import answers


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Prefect server that ends with the tests."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    api = f"http://127.0.0.1:{port}/api"
    settings = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_UI_API_URL": api}
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=settings, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    deadline = time.monotonic() + 90
    while not answers(api):
        assert server.poll() is None, (home / "server.log").read_text()
        assert time.monotonic() < deadline, "the Prefect server did not come up"
        time.sleep(0.1)
    yield api
    server.terminate()
    server.wait(timeout=30)


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
