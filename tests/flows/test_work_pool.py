"""As a team would have it: Prefect's server and the catalog on PostgreSQL, two workers in a work pool, and a proposal
on its way to its verdict while one of the two machines goes away."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import psycopg
import pytest
from calling import start
from prefect_server import prefect_server
from small_proposals import write_proposal
from work_pool import children, kill, worker

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

from postgres_server import UnavailableError, create_database, running_server

Mve = Callable[..., CompletedProcess[str]]
RUNS = 10
"""Two variants, five seeds."""
pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.timeout(900)]


@pytest.fixture
def postgres() -> Iterator[str]:
    try:
        with running_server() as url:
            yield url
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def prefects(postgres: str) -> str:
    """URL of the database of Prefect's server."""
    return create_database(postgres, "prefect")


@pytest.fixture
def api(postgres: str, prefects: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Prefect's server; MVE_CATALOG names the catalog."""
    monkeypatch.setenv("MVE_CATALOG", create_database(postgres, "catalog"))
    home = tmp_path / "prefect"
    home.mkdir()
    theirs = prefects.replace("postgresql://", "postgresql+asyncpg://")
    with prefect_server(home, PREFECT_SERVER_DATABASE_CONNECTION_URL=theirs) as url:
        yield url


def asked(mve: Mve, place: Path, query: str) -> list[dict[str, Any]]:
    answer = mve("sql", query, "--json", workspace=place)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["rows"]


def begun(place: Path) -> tuple[set[int], set[int]]:
    """Process ids of the flow runs that have begun, and of those among them that have not come to an end."""
    every, open_ = set(), set()
    for path in place.glob("runs/*/pool-*/heartbeat.json"):
        ended = path.with_name("outcome.json").exists()
        if text := path.read_text():  # else it is being written
            pid = json.loads(text)["pid"]
            every.add(pid)
            if not ended:
                open_.add(pid)
    return every, open_


def test_a_verdict_is_reached_though_a_machine_goes_away(api: str, prefects: str, mve: Mve, tmp_path: Path) -> None:
    place = tmp_path / "workspace"
    path = write_proposal(place).proposals / "101-small-recall.md"
    path.write_text(path.read_text().replace("minutes: 1,", "minutes: 30,"))
    before = mve("run", "101", "--executor", "pool", workspace=place, api=api)
    assert before.returncode == 2
    assert "mve deploy-pool" in before.stderr
    deployed = mve("deploy-pool", "shared", workspace=place, api=api)
    assert deployed.returncode == 0, deployed.stderr
    before = mve("run", "101", "--executor", "pool", workspace=place, api=api)
    assert before.returncode == 2
    assert "prefect worker start --pool shared" in before.stderr
    assert not (place / "runs").exists(), "something was begun"

    with (
        worker("shared", "east", api, tmp_path / "east") as east,
        worker("shared", "west", api, tmp_path / "west") as west,
    ):
        flow = start("run", "101", "--executor", "pool", workspace=place, api=api)
        took: dict[int, set[int]] = {east.pid: set(), west.pid: set()}
        deadline = time.monotonic() + 300
        while True:
            assert flow.poll() is None, flow.communicate()[0]
            assert time.monotonic() < deadline, "the workers did not share the work"
            every, under_way = begun(place)
            for pid in took:
                took[pid] |= every & set(children(pid))
            if took[west.pid] and under_way & set(children(east.pid)):
                break
            time.sleep(0.05)
        kill(east)
        output, _ = flow.communicate(timeout=600)
    assert flow.returncode == 0, output
    assert "PROCEED" in output

    ends = asked(
        mve,
        place,
        "SELECT run_id, executor, state, dollars, reason FROM attempt JOIN attempt_end ON attempt_id = attempt.id",
    )
    collected = [end["run_id"] for end in ends if end["state"] == "collected"]
    assert len(collected) == len(set(collected)) == RUNS
    lost = [end for end in ends if end["state"] != "collected"]
    assert lost, "nothing was under way on the machine that went away"
    for end in lost:
        assert end["state"] == "lost", end
        assert "nothing was heard" in end["reason"] or "never began it" in end["reason"]
    assert any("nothing was heard" in end["reason"] for end in lost)
    assert {(end["executor"], end["dollars"]) for end in ends} == {("pool", 0.0)}
    assert not (place / "db" / "catalog.sqlite").exists()
    with psycopg.connect(prefects) as connection:
        query = "SELECT count(*) FROM flow_run JOIN flow ON flow.id = flow_id WHERE flow.name = 'carry-out'"
        assert connection.execute(query).fetchone() == (len(ends),), "each attempt is one flow run"
    verified = mve("verify", "101", workspace=place)
    assert verified.returncode == 0, verified.stdout + verified.stderr
