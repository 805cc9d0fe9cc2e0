"""Two orchestrators that begin at the same moment, many proposals at once, and Ctrl-C in the middle of them: against a
server on this machine that speaks Modal's protocol, whose journal has every call."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess, Popen

import pytest
from calling import start
from modal_server.serving import Running as Server
from modal_server.serving import started
from small_proposals import write_proposal

Mve = Callable[..., CompletedProcess[str]]
pytestmark = [pytest.mark.slow, pytest.mark.server]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mve: Mve) -> Iterator[Server]:
    """With the app deployed to it."""
    with started(tmp_path / "modal", width=2) as running:
        for name, value in running.variables.items():
            monkeypatch.setenv(name, value)
        deployed = mve("deploy-gpu", workspace=write_proposal(tmp_path / "elsewhere").root)
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield running


def small(root: Path, count: int = 1) -> Path:
    """A workspace with so many proposals, each with two runs of its own when it is run with --quick."""
    for number in range(101, 101 + count):
        path = write_proposal(root, stem=f"{number}-small-recall").proposals / f"{number}-small-recall.md"
        text = path.read_text().replace("minutes: 1, dollars: 0", "minutes: 20, dollars: 0.5")
        path.write_text(text.replace("lr: 1e-2", f"lr: {number}e-4"))
    return root


def quick(*proposals: str, at: Path, api: str) -> Popen[str]:
    return start("run", *proposals, "--quick", "--executor", "modal", workspace=at, api=api)


def asked(mve: Mve, place: Path, query: str) -> list[dict[str, object]]:
    answer = mve("sql", query, "--json", workspace=place)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["rows"]


@pytest.mark.parametrize(("workspaces", "refusal"), [(1, "is being tested by process"), (2, "is being run by process")])
def test_one_of_two_dispatches(
    server: Server, mve: Mve, prefect_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspaces: int,
    refusal: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("MVE_CATALOG", str(tmp_path / "shared" / "catalog.sqlite"))
    places = [small(tmp_path / f"workspace{index % workspaces}") for index in range(2)]
    server.fault("slow", seconds=30, count=2)  # the first still waits for its calls when the second comes
    flows = [quick("101", at=place, api=prefect_api) for place in places]
    said = [flow.communicate(timeout=300)[0] for flow in flows]
    codes = sorted(flow.returncode for flow in flows)
    assert codes == [0, 2], said
    refused = said[0 if flows[0].returncode else 1]
    assert refusal in refused, refused
    assert "Wait for it to end, or stop it; what it has trained is kept" in refused
    calls = [call["call"] for call in server.journal("called")]
    assert len(calls) == 2, "each run was called for once"
    ends = asked(mve, places[0], "SELECT run_id, state FROM attempt a JOIN attempt_end e ON e.attempt_id = a.id")
    assert [end["state"] for end in ends] == ["collected"] * 2
    # who was refused comes again: everything is there
    again = quick("101", at=places[1], api=prefect_api)
    assert "Nothing was trained" in again.communicate(timeout=300)[0]
    assert len(server.journal("called")) == 2


def test_one_that_is_refused_stops_none(server: Server, mve: Mve, prefect_api: str, tmp_path: Path) -> None:
    place = small(tmp_path / "workspace", 4)
    write_proposal(place, stem="105-refused", seeds="[1]")
    flow = quick("--all", at=place, api=prefect_api)
    said = flow.communicate(timeout=500)[0]
    assert flow.returncode == 1, said
    assert "4 of 5 reached a verdict" in said
    assert "[5/5] 105-refused: refused" in said
    runs = asked(mve, place, "SELECT run_id, state FROM attempt a JOIN attempt_end e ON e.attempt_id = a.id")
    assert [run["state"] for run in runs] == ["collected"] * 8
    assert len(server.journal("called")) == 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_all_are_under_way_at_once_and_stopped_they_say_so(
    server: Server, mve: Mve, prefect_api: str, tmp_path: Path, number: int
) -> None:
    place = small(tmp_path / "workspace", 4)
    server.fault("slow", seconds=300, count=8)
    flow = quick("--all", at=place, api=prefect_api)
    deadline = time.monotonic() + 300
    while len(server.journal("called")) < 8:  # of all four, while none of them can end
        assert flow.poll() is None, flow.communicate()[0]
        assert time.monotonic() < deadline, "it does not dispatch all that it has"
        time.sleep(0.1)
    flow.send_signal(number)
    said = flow.communicate(timeout=200)[0]
    assert flow.returncode != 0
    states = asked(mve, place, "SELECT e.state FROM attempt a LEFT JOIN attempt_end e ON e.attempt_id = a.id")
    assert len(states) == 8
    assert {state["state"] for state in states} == {"cancelled"}, said
    assert not asked(mve, place, "SELECT * FROM lease"), "every experiment was given back"
