"""The digest's deployment, on a real server: it is on a schedule, and it can be asked for."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calling import asked, deployment_of, prefect_says, run_deployment, start, until
from small_proposals import write_proposal

from db.catalog import begin_attempt
from proposals.workspace import find_workspace
from tasks.leases import me
from tasks.place import catalog_of, now
from tasks.plan import plan_look
from tasks.register import register_proposal

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def served(prefect_api: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`mve serve` in a workspace with one proposal, once it has named the digest's deployment."""
    write_proposal(tmp_path)
    process = start("serve", workspace=tmp_path, api=prefect_api)
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "prefect deployment run digest/scheduled" in line:
                break
        else:
            raise AssertionError("".join(lines))
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def left_by_a_dead_flow(root: Path) -> None:
    """An attempt that was begun, and never started."""
    place = find_workspace(root, str(root / "db" / "catalog.sqlite"))
    what = plan_look(place, register_proposal(place, "101-small-recall").id, 5, "local", quick=False)
    with catalog_of(place) as engine:
        here = {"executor": "local", "host": me().host, "boot_id": me().boot_id}
        assert begin_attempt(engine, what.experiment, next(iter(what.missing)), **here, now=now())


def runs_of_digest(api: str, *states: str) -> list[dict[str, Any]]:
    of_these = {"state": {"type": {"any_": list(states)}}}
    found: list[dict[str, Any]] = prefect_says(
        api, "flow_runs/filter", {"flows": {"name": {"any_": ["digest"]}}, "flow_runs": of_these}
    )
    return found


def test_the_digest_is_scheduled_and_written_when_it_is_asked_for(
    served: subprocess.Popen[str], prefect_api: str, tmp_path: Path
) -> None:
    deployment = until(lambda: deployment_of("digest/scheduled", prefect_api, tmp_path), 90, "the deployment")
    (schedule,) = deployment["schedules"]
    assert (schedule["active"], schedule["schedule"]["cron"]) == (True, "0 */12 * * *")
    coming = until(lambda: runs_of_digest(prefect_api, "SCHEDULED"), 90, "the schedule")
    assert {run["expected_start_time"][11:16] for run in coming} == {"00:00", "12:00"}

    left_by_a_dead_flow(tmp_path)
    run_deployment("digest/scheduled", prefect_api, tmp_path)
    until(lambda: len(runs_of_digest(prefect_api, "COMPLETED")) == 1, 90, "the run")
    assert asked(tmp_path, "SELECT state FROM attempt_end") == [("lost",)], "it asks after what nobody waits for"
    (written,) = tmp_path.joinpath("research-log").glob("*digest-0001.md")
    assert "101-small-recall" in written.read_text()
    artifacts = prefect_says(prefect_api, "artifacts/filter", {"artifacts": {"key": {"any_": ["digest"]}}})
    assert [artifact["data"] for artifact in artifacts] == [written.read_text()]

    run_deployment("digest/scheduled", prefect_api, tmp_path)  # nothing has changed since
    until(lambda: len(runs_of_digest(prefect_api, "COMPLETED")) == 2, 90, "the second run")
    assert sorted(path.name for path in tmp_path.joinpath("research-log").iterdir()) == [written.name, "index.md"]
    assert runs_of_digest(prefect_api, "FAILED", "CRASHED") == []
