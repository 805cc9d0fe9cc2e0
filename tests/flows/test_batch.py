"""Several proposals in one command: refused ones are listed, and what was killed goes on where it stood."""

import contextlib
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from calling import asked, start
from small_proposals import TWO, write_proposal
from small_study import write_study

pytestmark = [pytest.mark.server, pytest.mark.slow]


def test_all_reach_their_verdicts_and_a_refused_one_is_listed(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    write_proposal(tmp_path, seeds=TWO)
    study = write_study(tmp_path).proposals / "102-small-study.md"
    study.write_text(study.read_text().replace("[5]", TWO))
    write_proposal(tmp_path, stem="103-refused", seeds="[1]")
    write_proposal(tmp_path, stem="104-abandoned", target="`attention.state_memory < 0.2 * linear.state_memory`")
    done = mve("run", "--all", workspace=tmp_path, api=prefect_api)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 of 4 reached a verdict" in done.stdout
    for number, verdict in (("101", "PROCEED"), ("102", "PROCEED"), ("103", "refused"), ("104", "ABANDON")):
        assert re.search(rf"^ *{number} .* {verdict} ", done.stdout, re.MULTILINE), done.stdout
    assert "[2/4] 102-small-study" in done.stdout
    assert asked(tmp_path, "select count(*), count(distinct run_id) from attempt") == [(8, 8)]

    # several by name: only these, and what has a result is not measured again
    done = mve("run", "102", "104", workspace=tmp_path, api=prefect_api)
    assert done.returncode == 0, "ABANDON is a verdict: " + done.stdout + done.stderr
    assert "2 of 2 reached a verdict" in done.stdout
    assert asked(tmp_path, "select count(*) from attempt") == [(8,)]


def test_killed_and_started_again_it_ends_as_if_nothing_had_been(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    longer = ("epochs: 2, batch: 32", "epochs: 60, batch: 8")
    there, alone = tmp_path / "killed", tmp_path / "undisturbed"
    for root in (there, alone):
        for stem in ("101-small-recall", "102-small-recall"):
            place = write_proposal(
                root, stem=stem, seeds=TWO, target=f"`attention.test_loss < {19 + int(stem[:3]) % 2}`"
            )
            document = place.proposals / f"{stem}.md"
            text = document.read_text().replace(*longer)
            document.write_text(text.replace("lr: 1e-2", "lr: 2e-2") if stem.startswith("102") else text)
    for results in (1, 5):  # in the first proposal, then in the second
        flow = start("run", "--all", workspace=there, api=prefect_api)
        deadline = time.monotonic() + 200
        while flow.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(Exception):  # the tables may not be there yet
                if asked(there, "select count(*) from run_result")[0][0] >= results:
                    break
            time.sleep(0.02)
        os.kill(flow.pid, signal.SIGKILL)
        flow.communicate(timeout=30)
        time.sleep(0.5)
    done = mve("run", "--all", workspace=there, api=prefect_api)
    assert done.returncode == 0, done.stdout + done.stderr
    assert mve("run", "--all", workspace=alone, api=prefect_api).returncode == 0

    verdicts = "select stem, verdict from verdicts where stands order by stem"
    assert asked(there, verdicts) == asked(alone, verdicts)
    losses = "select key, value from metric join run on run.id = run_id where name = 'test_loss' order by key"
    assert len(asked(there, losses)) == 8
    assert asked(there, losses) == asked(alone, losses)
    ended = "select count(*), count(distinct run_id) from attempt join attempt_end on id = attempt_id"
    assert asked(there, f"{ended} where state = 'collected'") == [(8, 8)], "each run was trained to its end once"


def test_nothing_is_named(mve: Any, tmp_path: Path) -> None:
    write_proposal(tmp_path)
    done = mve("run", workspace=tmp_path)
    assert done.returncode == 2
    assert "ask for all of them with --all" in done.stderr
    assert mve("run", "101", "--all", workspace=tmp_path).returncode == 2


def refused(status: int) -> Exception:
    import httpx

    asked = httpx.Request("POST", "http://127.0.0.1:4200/api/flow_runs/")
    return httpx.HTTPStatusError("no", request=asked, response=httpx.Response(status, request=asked))


def test_what_prefects_server_refuses_is_told_from_what_a_flow_raises() -> None:
    import httpx

    from flows.batch import _of_the_server

    assert _of_the_server(refused(503))
    assert _of_the_server(ExceptionGroup("tasks", [httpx.ReadError("gone"), refused(500)]))
    assert not _of_the_server(refused(422))
    assert not _of_the_server(ExceptionGroup("tasks", [httpx.ReadError("gone"), ValueError("ours")]))
