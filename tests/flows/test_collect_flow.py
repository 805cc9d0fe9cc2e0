"""A flow that dies, and one that is cancelled: what `mve collect` and the catalog make of it."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from calling import asked, prefect_says, run_deployment, start, until
from small_proposals import write_proposal

pytestmark = [pytest.mark.server, pytest.mark.slow]


def write(root: Path, training: str) -> None:
    place = write_proposal(root)
    document = place.proposals / "101-small-recall.md"
    text = document.read_text().replace("epochs: 2, batch: 32", training).replace("minutes: 1,", "minutes: 30,")
    document.write_text(text)


def test_what_a_killed_flow_left_is_finished_by_collect(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    write(tmp_path, "epochs: 4, batch: 8")
    flow = start("run", "101", workspace=tmp_path, api=prefect_api)
    until(lambda: asked(tmp_path, "SELECT 1 FROM attempt_end"), 120, "the first result")
    flow.kill()
    flow.communicate()
    ((pid,),) = asked(tmp_path, "SELECT pid FROM lease")
    assert pid == flow.pid
    before = asked(tmp_path, "SELECT count(*) FROM run_result")[0][0]
    assert before < 10

    done = mve("collect", "--json", workspace=tmp_path, api=prefect_api)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found["taken_up"]) == ["101-small-recall"]
    assert asked(tmp_path, "SELECT verdict FROM verdicts") == [(found["taken_up"]["101-small-recall"],)]
    assert (tmp_path / "experiments" / "101-small-recall" / "results.md").exists()
    assert asked(tmp_path, "SELECT count(*) FROM run_result") == [(10,)]
    ends = asked(tmp_path, "SELECT run_id, state FROM attempt LEFT JOIN attempt_end ON attempt_id = attempt.id")
    collected = [run for run, state in ends if state == "collected"]
    assert sorted(collected) == sorted(set(collected)), "no run was trained to its end twice"
    assert {state for _, state in ends} <= {"collected", "lost"}
    assert asked(tmp_path, "SELECT count(*) FROM lease") == [(0,)]
    assert asked(tmp_path, "SELECT count(*) FROM log_entry WHERE kind = 'collect'") == [(1,)]

    again = mve("collect", workspace=tmp_path, api=prefect_api)
    assert again.returncode == 0, again.stderr
    assert "0 open attempts" in again.stdout
    assert "taken up" not in again.stdout


def test_a_living_flow_is_left_alone(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    write(tmp_path, "epochs: 20000, batch: 8")
    flow = start("run", "101", workspace=tmp_path, api=prefect_api)
    until(lambda: asked(tmp_path, "SELECT 1 FROM attempt_handle"), 120, "the first start")
    found = json.loads(mve("collect", "--json", workspace=tmp_path, api=prefect_api).stdout)
    assert found["swept"]["others"] > 0
    assert (found["taken_up"], found["failed"], found["swept"]["faults"]) == ({}, {}, 0)
    assert asked(tmp_path, "SELECT count(*) FROM attempt_end") == [(0,)]
    flow.send_signal(signal.SIGTERM)
    output, _ = flow.communicate(timeout=90)
    assert flow.returncode != 0, output
    assert {state for (state,) in asked(tmp_path, "SELECT state FROM attempt_end")} == {"cancelled"}, output
    assert asked(tmp_path, "SELECT count(*) FROM uncollected") == [(0,)]
    assert asked(tmp_path, "SELECT count(*) FROM lease") == [(0,)], "it ended in good order, so nobody takes it up"


def test_cancelling_the_flow_run_stops_its_trainings_and_says_so(prefect_api: str, tmp_path: Path) -> None:
    write(tmp_path, "epochs: 20000, batch: 8")
    served = start("serve", workspace=tmp_path, api=prefect_api)
    try:
        run_deployment("mve/101", prefect_api, tmp_path)
        handles = until(lambda: asked(tmp_path, "SELECT handle FROM attempt_handle"), 120, "the first start")
        runs = prefect_says(prefect_api, "flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}})
        (run,) = [run for run in runs if run["parameters"].get("workspace") == str(tmp_path)]
        prefect_says(prefect_api, f"flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}})
        until(lambda: not asked(tmp_path, "SELECT 1 FROM uncollected"), 60, "cancelling")
        assert {state for (state,) in asked(tmp_path, "SELECT state FROM attempt_end")} == {"cancelled"}
        handles = [json.loads(text) for (text,) in asked(tmp_path, "SELECT handle FROM attempt_handle")]
        assert not any(Path(f"/proc/{handle['pid']}").exists() for handle in handles)
        until(lambda: not asked(tmp_path, "SELECT 1 FROM lease"), 30, "giving the lease back")

        def cancelled() -> bool:
            return bool(prefect_says(prefect_api, f"flow_runs/{run['id']}")["state"]["type"] == "CANCELLED")

        until(cancelled, 60, "Prefect's state")
    finally:
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=60)
