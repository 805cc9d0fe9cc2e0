"""What is asked before anything is registered or reserved on Modal: the unmodified client against a server on this
machine. Each question in a process of its own, since the client keeps to the first server and token that it has met."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from modal_server.serving import Running as Server
from modal_server.serving import started

from proposals.workspace import REPOSITORY

READY = "from tasks.executors import check_ready; check_ready('modal')"
DEPLOY = "from tasks.executors import modal_client; modal_client.deploy(print)"
OLDER = "import modal; modal.App.lookup('mve').set_tags({'code': 'an-older-version'})"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with started(tmp_path / "modal") as running:
        yield running


def run(program: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Standard error without the way that the error took."""
    return subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **variables}, capture_output=True, text=True, timeout=120
    )


def refusal(variables: dict[str, str]) -> str:
    done = run(READY, variables)
    assert done.returncode == 1, done.stdout
    _, named, told = done.stderr.rpartition("Error: ")
    assert named, done.stderr
    return told.strip()


def test_it_is_ready_once_this_code_is_deployed(server: Server) -> None:
    assert "run `mve deploy-gpu` once" in refusal(server.variables)
    deployed = run(DEPLOY, server.variables)
    assert deployed.returncode == 0, deployed.stderr
    ready = run(READY, server.variables)
    assert ready.returncode == 0, ready.stderr
    assert run(OLDER, server.variables).returncode == 0
    assert "other code than this (an-older-ver, here" in refusal(server.variables)
    assert run(DEPLOY, server.variables).returncode == 0
    assert run(READY, server.variables).returncode == 0
    assert not server.journal("unimplemented")
    assert not server.journal("called")


def test_a_token_that_is_not_accepted_is_named_as_such(server: Server) -> None:
    told = refusal({**server.variables, "MODAL_TOKEN_ID": "ak-of-somebody-else"})
    assert "does not accept the token" in told
    assert "modal token new" in told
    without = {**server.variables, "MODAL_TOKEN_ID": "", "MODAL_TOKEN_SECRET": ""}
    assert "Modal has no token here" in refusal(without)


def test_a_service_that_takes_the_connection_and_is_silent_is_not_waited_for(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        port = silent.getsockname()[1]
        program = f"from tasks.executors import modal_client; modal_client.ASK_SECONDS = 1; {READY}"
        done = run(program, {**server.variables, "MODAL_SERVER_URL": f"http://127.0.0.1:{port}"})
    assert "Modal does not say what is deployed: TimeoutError: no answer within 1 s" in done.stderr
    assert time.monotonic() - began < 40, "without a limit of ours the client asks for a minute"


def test_without_a_network_it_is_told_within_seconds(server: Server) -> None:
    began = time.monotonic()
    assert "cannot be reached at 127.0.0.1:9" in refusal({**server.variables, "MODAL_SERVER_URL": "http://127.0.0.1:9"})
    assert time.monotonic() - began < 30, "the client itself waits for 57 s, after Python has started"


def test_the_image_has_all_that_is_needed_in_the_versions_of_the_constraints(server: Server) -> None:
    """What pip would choose on the day of the deployment would be in no file of ours."""
    assert run(DEPLOY, server.variables).returncode == 0
    commands = [command for image in server.journal("image") for command in image["commands"]]
    (install,) = [command for command in commands if "torch==" in command]
    pinned = {_plain(name): found for name, found in re.findall(r"([\w.-]+)==([\w.]+)", install)}
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    constrained = {_plain(name): found for line in lines if "==" in line for name, found in [line.strip().split("==")]}
    assert {"torch", "numpy", "pydantic", "jaxtyping", "pydantic-core", "sympy", "mpmath"} <= pinned.keys()
    known = pinned.keys() & constrained.keys()
    assert {name: pinned[name] for name in known} == {name: constrained[name] for name in known}
    assert pinned.keys() - known <= {"setuptools"}, "pip keeps no record of its own tools"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
