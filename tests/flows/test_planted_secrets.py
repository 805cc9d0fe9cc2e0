"""Secrets are planted in the environment, proposals are run to their end and to their failure, and then everything that
was written or said is searched for them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from calling import environment, prefect_says
from small_proposals import DOCUMENT, TWO, write_proposal
from test_own_mixer import MIXER

pytestmark = [pytest.mark.server, pytest.mark.slow]

SECRET = "planted-51c8"
PLANTED = {
    "MODAL_TOKEN_ID": f"ak-{SECRET}",
    "MODAL_TOKEN_SECRET": f"as-{SECRET}",
    "WANDB_API_KEY": f"key-{SECRET}",
    "PREFECT_API_KEY": f"pnu_{SECRET}",
    "MVE_NOTIFY": f"json://127.0.0.1:9/{SECRET}",
    "PGPASSWORD": f"pg-{SECRET}",
}
TELLS = "raise RuntimeError(' '.join(f'{name}={value}' for name, value in __import__('os').environ.items()))\n"


def call(root: Path, api: str, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments], env={**environment(root, api), **PLANTED, **extra},
        capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def told_to_prefect(api: str) -> str:
    asked = ("flow_runs/filter", "task_runs/filter", "deployments/filter", "artifacts/filter", "logs/filter")
    return json.dumps([prefect_says(api, path, {}) for path in asked])


def test_they_are_nowhere(prefect_api: str, tmp_path: Path) -> None:
    write_proposal(tmp_path)
    folder = tmp_path / "proposals" / "102-tells"
    folder.mkdir()
    text = DOCUMENT.replace("SEEDS", TWO).replace("TARGET", "`attention.test_loss < 20`")
    own = "{mixer: own, file: tells.py, options: {gain: 2.0}, proposed: true}"
    text = text.replace("{mixer: softmax_attention, proposed: true}", own).replace('"101"', '"102"')
    (folder / "proposal.md").write_text(text)
    (folder / "tells.py").write_text(MIXER.replace("        return self.width\n", f"        {TELLS}"))
    said = []
    for arguments in (["run", "101", "--quick"], ["run", "102"], ["run", "102", "--quick"]):
        done = call(tmp_path, prefect_api, *arguments)
        said.append(done.stdout + done.stderr)
        assert ("PROCEED" in done.stdout) == ("101" in arguments), done.stdout + done.stderr
    assert "OMP_NUM_THREADS" in "".join(said), "the mixer told all that it knew"
    for arguments in (["check", "102"], ["list"], ["show", "101"], ["status"], ["sql", "select * from attempt_end"]):
        done = call(tmp_path, prefect_api, *arguments)
        said.append(done.stdout + done.stderr)
    assert SECRET not in "".join(said)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "catalog.sqlite" for path in files)
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in told_to_prefect(prefect_api)


def test_the_password_of_a_catalog_is_no_parameter(prefect_api: str, tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    write_proposal(tmp_path, stem="109-small-recall")
    url = f"postgresql://mve:{SECRET}@127.0.0.1:1/catalog"
    ran = call(tmp_path, prefect_api, "run", "109", "--quick", MVE_CATALOG=url)
    assert ran.returncode == 2
    served = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "serve"],
        env={**environment(tmp_path, prefect_api), **PLANTED, "MVE_CATALOG": url},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        found: list[Any] = []
        deadline = time.monotonic() + 60
        while len(found) < 3 and time.monotonic() < deadline:
            time.sleep(0.5)
            every = prefect_says(prefect_api, "deployments/filter", {})
            found = [one for one in every if one["parameters"].get("workspace") == str(tmp_path)]
        assert len(found) == 3
        assert {one["parameters"]["catalog"] for one in found} == {None}
    finally:
        os.kill(served.pid, signal.SIGINT)
        output, _ = served.communicate(timeout=60)
    assert SECRET not in ran.stdout + ran.stderr + output
    assert SECRET not in told_to_prefect(prefect_api)
