"""From a document to a verdict, through a real server, real children and a real catalog."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from calling import asked, prefect_says, run_deployment, start, until
from small_proposals import TWO, write_proposal

pytestmark = [pytest.mark.server, pytest.mark.slow]


def test_a_proposal_reaches_its_verdict_and_a_second_call_trains_nothing(
    mve: Any, prefect_api: str, tmp_path: Path
) -> None:
    place = write_proposal(tmp_path)
    first = mve("run", "101", workspace=tmp_path, api=prefect_api)
    assert first.returncode == 0, first.stderr + first.stdout
    assert "PROCEED" in first.stdout
    assert "10/10" in first.stdout

    folder = place.experiments / "101-small-recall"
    assert sorted(path.name for path in folder.iterdir()) == ["curves.svg", "log.md", "margins.svg", "results.md"]
    page = (folder / "results.md").read_text()
    assert "**PROCEED**" in page
    assert re.search(r"\| S1 \| target \| `attention.test_loss < 20` \|.*\*\*holds\*\*", page)
    assert "<svg" in (folder / "curves.svg").read_text()

    catalog = tmp_path / "db" / "catalog.sqlite"
    assert asked(tmp_path, "select verdict from verdicts where stands") == [("PROCEED",)]
    assert asked(tmp_path, "select count(*), min(margin) > 0 from criteria where criterion = 'S1'") == [(1, 1)]
    assert asked(tmp_path, "select variant, count(seed) from runs group by variant") == [
        ("attention", 5),
        ("linear", 5),
    ]
    data = asked(
        tmp_path, "select run.seed, count(distinct data_sha256) from run_result join run on run.id = run_id group by 1"
    )
    assert data == [(seed, 1) for seed in range(5)], "the variants of a seed share its data"

    second = mve("run", "101", workspace=tmp_path, api=prefect_api)
    assert second.returncode == 0, second.stderr
    assert "Nothing was trained: all 10 runs of registration" in second.stdout
    assert asked(tmp_path, "select count(*) from attempt") == [(10,)]
    assert asked(tmp_path, "select count(*) from verdict") == [(1,)]
    log = (folder / "log.md").read_text()
    assert log.count(" registered\n") == 1
    assert log.count(" judged\n") == 1

    keys = {artifact["key"] for artifact in prefect_says(prefect_api, "artifacts/filter", {})}
    assert {"mve-101-results", "mve-101-criteria", "mve-101-page"} <= keys

    assert mve("verify", "101", workspace=tmp_path).returncode == 0
    altered = tmp_path / "copy.sqlite"
    with contextlib.closing(sqlite3.connect(catalog)) as source, contextlib.closing(sqlite3.connect(altered)) as copy:
        source.backup(copy)
        copy.execute("update metric set value = value + 0.01 where name = 'train_time' and run_id = 3")
        copy.commit()
    done = mve("verify", "101", "--catalog", str(altered), workspace=tmp_path)
    assert done.returncode == 1
    assert "are not those that were recorded" in done.stdout


def test_what_arithmetic_decides_is_not_trained(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    write_proposal(tmp_path, target="`attention.state_memory < 0.2 * linear.state_memory`")
    done = mve("run", "101", workspace=tmp_path, api=prefect_api)
    assert done.returncode == 0, done.stderr
    assert "ABANDON" in done.stdout
    assert "Nothing was trained: arithmetic decides it" in done.stdout
    assert asked(tmp_path, "select verdict, cost from verdicts") == [("ABANDON", 0.0)]
    assert asked(tmp_path, "select count(*) from run") == [(0,)]
    page = (tmp_path / "experiments" / "101-small-recall" / "results.md").read_text()
    assert "Arithmetic decides it: nothing was trained." in page
    assert mve("verify", "101", workspace=tmp_path).returncode == 0


def test_an_edited_proposal_is_a_deviation_that_says_results_had_been_seen(
    mve: Any, prefect_api: str, tmp_path: Path
) -> None:
    write_proposal(tmp_path, seeds=TWO)
    assert mve("run", "101", workspace=tmp_path, api=prefect_api).returncode == 0
    write_proposal(tmp_path, seeds=TWO, target="`attention.test_loss < 30`")
    again = mve("run", "101", workspace=tmp_path, api=prefect_api)
    assert again.returncode == 0, again.stderr
    rows = asked(tmp_path, "select field, results_seen from deviations order by field")
    assert ("criteria.S1.canonical", 1) in rows
    assert asked(tmp_path, "select count(*) from attempt") == [(4,)], (
        "the runs are the same, so nothing is trained again"
    )
    page = (tmp_path / "experiments" / "101-small-recall" / "results.md").read_text()
    assert "| `criteria.S1.canonical` |" in page
    assert "**yes**" in page


def test_what_nothing_decides_goes_on_to_the_next_look(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    # true of one seed in two or so, as far as anyone can know beforehand: five of five is not to be expected
    write_proposal(tmp_path, seeds="[5, 6]", target="`attention.test_accuracy > 20%`")
    done = mve("run", "101", workspace=tmp_path, api=prefect_api)
    assert done.returncode == 0, done.stderr
    verdicts = asked(tmp_path, "select verdict, next_look from verdict order by id")
    seeds = asked(tmp_path, "select count(distinct seed) from runs")
    assert seeds == [(5,)] if verdicts[0][1] is None else seeds == [(6,)]


def test_a_killed_training_goes_on_from_its_checkpoint(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    place = write_proposal(tmp_path, seeds=TWO)
    document = place.proposals / "101-small-recall.md"
    document.write_text(document.read_text().replace("epochs: 2, batch: 32", "epochs: 200, batch: 8"))
    flow = start("run", "101", workspace=tmp_path, api=prefect_api)
    killed = None
    deadline = time.monotonic() + 120
    while killed is None and time.monotonic() < deadline:
        time.sleep(0.05)
        for checkpoint in place.runs.glob("*/checkpoint.pt"):
            for (text,) in asked(tmp_path, "select handle from attempt_handle order by attempt_id"):
                handle = json.loads(text)
                if handle["directory"] == str(checkpoint.parent):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(handle["pid"], signal.SIGKILL)
                        killed = checkpoint.parent
            if killed:
                break
    assert killed is not None, "no training was caught alive"
    output, _ = flow.communicate(timeout=240)
    assert flow.returncode == 0, output
    faults = asked(tmp_path, "select state, dollars from attempt_end where state <> 'collected'")
    assert faults == [("lost", 0.0)]
    resumed = asked(tmp_path, "select run_id, resumed from run_result where resumed > 0")
    assert len(resumed) == 1
    page = (place.experiments / "101-small-recall" / "results.md").read_text()
    assert "Faults, which count neither for nor against the idea" in page

    # the same losses as a run that nobody disturbed
    request = json.loads((killed / "request.json").read_text())
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "request.json").write_text(json.dumps({**request, "directory": str(tmp_path / "alone")}))
    subprocess.run([sys.executable, "-m", "models.worker", str(tmp_path / "alone")], check=True, timeout=240)
    alone = json.loads((tmp_path / "alone" / "result.json").read_text())["seeds"][0]["curve"]
    expected = [(p["step"], p["value"]) for p in alone if p["metric"] == "train_loss"]
    query = (
        f"select step, value from curve_point where run_id = {resumed[0][0]} and metric = 'train_loss' order by step"
    )
    assert asked(tmp_path, query) == expected


def test_an_interrupted_run_stops_its_trainings_and_says_so(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    place = write_proposal(tmp_path, seeds=TWO)
    document = place.proposals / "101-small-recall.md"
    document.write_text(document.read_text().replace("epochs: 2, batch: 32", "epochs: 20000, batch: 8"))
    flow = start("run", "101", workspace=tmp_path, api=prefect_api)
    until(lambda: list(place.runs.glob("*/checkpoint.pt")), 120, "the first checkpoint")
    flow.send_signal(signal.SIGINT)
    output, _ = flow.communicate(timeout=90)
    assert flow.returncode != 0, output
    assert {state for (state,) in asked(tmp_path, "select state from attempt_end")} == {"cancelled"}, output
    assert asked(tmp_path, "select count(*) from uncollected") == [(0,)]
    handles = [json.loads(text) for (text,) in asked(tmp_path, "select handle from attempt_handle")]
    assert handles
    assert not any(Path(f"/proc/{handle['pid']}").exists() for handle in handles)


def test_two_at_once_on_one_proposal(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    place = write_proposal(tmp_path, seeds=TWO)
    document = place.proposals / "101-small-recall.md"
    document.write_text(document.read_text().replace("epochs: 2, batch: 32", "epochs: 40, batch: 8"))
    first = start("run", "101", workspace=tmp_path, api=prefect_api)
    until(lambda: list(place.runs.glob("*/request.json")), 60, "the first start")
    second = mve("run", "101", workspace=tmp_path, api=prefect_api)
    assert second.returncode == 2
    assert f"is being tested by process {first.pid}" in second.stderr
    output, _ = first.communicate(timeout=240)
    assert first.returncode == 0, output
    assert asked(tmp_path, "select count(*) from attempt") == [(4,)]


def test_a_deployment_is_served_under_the_number_as_text(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    write_proposal(tmp_path, stem="010-small-recall", seeds=TWO)
    (tmp_path / "proposals" / "011-broken.md").write_text("# nothing\n")
    served = start("serve", workspace=tmp_path, api=prefect_api)
    try:
        assert served.stdout is not None
        lines = []
        for line in served.stdout:
            lines.append(line)
            if "prefect deployment run mve/010" in line:
                break
        assert any("left out 011-broken.md" in line for line in lines), lines
        run_deployment("mve/010", prefect_api, tmp_path)
        until(lambda: served.poll() is not None or asked(tmp_path, "select verdict from verdicts"), 150, "the verdict")
        assert served.poll() is None
        assert asked(tmp_path, "select stem, verdict from verdicts") == [("010-small-recall", "PROCEED")]
        runs = prefect_says(prefect_api, "flow_runs/filter", {"flows": {"name": {"any_": ["mve"]}}})
        assert any(run["parameters"].get("proposal") == "010-small-recall" for run in runs)
    finally:
        served.send_signal(signal.SIGINT)
        served.communicate(timeout=60)
