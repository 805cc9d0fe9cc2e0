"""A proposal's way to its verdict on Modal, from the command line, against a server on this machine that speaks Modal's
protocol: in one sitting, and with a flow that dies in between."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from calling import start
from modal_server.serving import Running as Server
from modal_server.serving import started
from small_proposals import write_proposal

Mve = Callable[..., CompletedProcess[str]]
RUNS = 10
"""Two variants, five seeds; eight calls are under way at once."""
pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with started(tmp_path / "modal", width=2) as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with a proposal that may spend something."""
    root = tmp_path / "workspace"
    path = write_proposal(root).proposals / "101-small-recall.md"
    path.write_text(path.read_text().replace("minutes: 1, dollars: 0", "minutes: 20, dollars: 0.5"))
    return root


def asked(mve: Mve, place: Path, query: str) -> list[dict[str, Any]]:
    answer = mve("sql", query, "--json", workspace=place)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["rows"]


def test_it_reaches_its_verdict(server: Server, place: Path, mve: Mve, prefect_api: str) -> None:
    deployed = mve("deploy-gpu", workspace=place)
    assert deployed.returncode == 0, deployed.stderr
    assert "go up" in deployed.stdout
    ran = mve("run", "101", "--executor", "modal", workspace=place, api=prefect_api)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "PROCEED" in ran.stdout
    ends = asked(
        mve,
        place,
        "SELECT e.state, e.device, e.dollars, a.executor FROM attempt a JOIN attempt_end e ON e.attempt_id = a.id",
    )
    assert len(ends) == RUNS
    for end in ends:
        assert (end["state"], end["executor"]) == ("collected", "modal")
        assert end["device"].startswith("local modal: ")
        assert end["dollars"] > 0
    # what has a result is not trained, nor paid for, again
    again = mve("run", "101", "--executor", "modal", workspace=place, api=prefect_api)
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(server.journal("called")) == RUNS


@pytest.mark.parametrize("command", [("collect",), ("run", "101", "--executor", "modal")])
def test_a_flow_that_was_killed_loses_nothing(
    server: Server, place: Path, mve: Mve, prefect_api: str, command: tuple[str, ...]
) -> None:
    assert mve("deploy-gpu", workspace=place).returncode == 0
    server.fault("slow", seconds=5, count=2)  # so that no call ends before the flow dies
    flow = start("run", "101", "--executor", "modal", workspace=place, api=prefect_api)
    deadline = time.monotonic() + 120
    while len(server.journal("called")) < 8:
        assert flow.poll() is None, flow.communicate()[0]
        assert time.monotonic() < deadline, "the flow dispatched nothing"
        time.sleep(0.05)
    time.sleep(0.5)  # its handles are stored
    os.kill(flow.pid, signal.SIGKILL)
    flow.communicate()
    finished = mve(*command, workspace=place, api=prefect_api)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "PROCEED" in finished.stdout
    assert len(server.journal("called")) == RUNS, "a run was trained again"
    ends = asked(mve, place, "SELECT state FROM attempt_end")
    assert [end["state"] for end in ends] == ["collected"] * RUNS


def test_without_a_deployment_it_says_what_to_do(server: Server, place: Path, mve: Mve, prefect_api: str) -> None:
    ran = mve("run", "101", "--executor", "modal", workspace=place, api=prefect_api)
    assert ran.returncode != 0
    assert "mve deploy-gpu" in ran.stdout + ran.stderr
    assert not server.journal("called")


def test_without_a_token_nothing_is_reserved(
    place: Path, mve: Mve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MODAL_CONFIG_PATH", str(tmp_path / "none"))
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"):
        monkeypatch.delenv(name, raising=False)
    begun = time.monotonic()
    ran = mve("run", "101", "--executor", "modal", workspace=place)
    assert ran.returncode == 2
    assert "modal token new" in ran.stderr
    assert time.monotonic() - begun < 10
    assert not (place / "db" / "catalog.sqlite").exists()
