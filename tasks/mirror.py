"""Mirror a verdict and its runs to Weights & Biases, for those who look there. Off unless asked for.

The catalog is the source and W&B a copy: nothing is ever read back. All of it happens in a process of its own
(tasks/mirror_child.py) that is ended at a deadline, after the verdict and the page are written; whatever fails is a
warning and a line in the log.
"""

import asyncio
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect import task
from sqlalchemy import Engine

from db.catalog import (
    LogEntry,
    StoredJudgement,
    StoredRun,
    facts_of,
    latest_judgement,
    load_registration,
    log_of,
    results_of,
)
from models.request import SeedResult
from proposals.spec import Registration
from proposals.workspace import Workspace
from tasks.place import OPTIONS, catalog_of, note
from tasks.tables import label

SECONDS = 60.0
"""For all of it, unless MVE_WANDB_SECONDS says otherwise; then the process is ended."""
KIND = "mirrored"
"""Of the entry in the log that says where the runs are."""
log = logging.getLogger("mve.mirror")


class MirrorError(RuntimeError):
    """The mirror was not written, or not brought online."""


def wanted(asked: bool) -> bool:
    """Asked for by whoever runs the flow, or for all runs by MVE_WANDB=1."""
    return asked or os.environ.get("MVE_WANDB", "0") not in ("", "0")


def online() -> bool:
    return bool(os.environ.get("WANDB_API_KEY")) and os.environ.get("WANDB_MODE", "online") == "online"


async def mirror_verdict(place: Workspace, registration: int) -> bool:
    """Mirror the registration's latest verdict, once. True where there is something new to link to. Raises nothing."""
    try:
        return await _mirror(place, registration)
    except Exception as error:  # a copy for convenience must never cost the verdict
        log.warning("not mirrored to W&B: %s", without_secrets(str(error) or type(error).__name__))
        return False


async def _mirror(place: Workspace, registration: int) -> bool:
    with catalog_of(place) as engine:
        stored = latest_judgement(engine, registration)
        assert stored is not None, "a mirror follows a verdict"
        frozen = load_registration(engine, registration)
        if mirrored(log_of(engine, frozen.stem), stored.verdict_id) is not None:
            return False
        job = job_of(engine, stored, frozen)
    if not job["runs"]:
        return False  # decided on paper
    folder = place.root / "wandb" / frozen.stem / f"verdict-{stored.verdict_id}"
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted mirror left
    folder.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps(job, allow_nan=False))
    trouble = None
    try:
        if not _installed():
            raise MirrorError("wandb is not installed; `pip install 'mve[wandb]'` adds it")
        await run_child(folder, command_of(folder), job["seconds"])
    except (MirrorError, OSError) as error:
        trouble = without_secrets(str(error))
    finally:
        (folder / "job.json").unlink()
    return _note(place, frozen.stem, stored.verdict_id, folder, job, trouble)


def _note(place: Workspace, stem: str, verdict: int, folder: Path, job: dict[str, Any], trouble: str | None) -> bool:
    """Say in the log what there is now, and what went wrong. True where every run was written."""
    where = str(folder.relative_to(place.root))
    if trouble is not None:
        log.warning("W&B: %s", trouble)
    with catalog_of(place) as engine:
        if not (folder / "written.json").exists():
            note(engine, stem, "not mirrored", f"W&B: {trouble}", verdict=verdict)
            return False
        written = json.loads((folder / "written.json").read_text())
        runs = [
            {"variant": one["variant"], "seed": one["seed"], "address": written["addresses"].get(one["id"])}
            for one in job["runs"]
        ]
        text = f"{len(runs)} runs to W&B, " + ("online" if written["online"] else f"offline in {where}")
        text += "" if trouble is None else f"; not brought online: {trouble}"
        note(engine, stem, KIND, text, verdict=verdict, online=written["online"], folder=where, runs=runs)
    return True


def mirrored(entries: Sequence[LogEntry], verdict: int) -> dict[str, Any] | None:
    """Where the runs of this verdict are mirrored: online, folder (in the workspace), runs (variant, seed, address)."""
    found = [entry.refs for entry in entries if entry.kind == KIND and entry.refs.get("verdict") == verdict]
    return found[-1] if found else None


# -- what is written -----------------------------------------------------------------------------------------


def job_of(engine: Engine, stored: StoredJudgement, frozen: Registration) -> dict[str, Any]:
    """All that the child writes, as plain JSON: a W&B run for each variant and seed, grouped by registration."""
    facts = facts_of(engine, stored.experiment_id)
    folder = f"experiments/{frozen.stem}" + ("" if frozen.fidelity == "specified" else f"/{frozen.fidelity}")
    page = f"{folder}/results.md"
    setup = frozen.setup.model_dump(mode="json", exclude={"variants"})
    judgement = stored.judgement
    shared = {
        "proposal": frozen.stem, "title": facts.title, "registration": frozen.sha256, "fidelity": frozen.fidelity,
        "commit": facts.commit, "executor": facts.executor, "results_page": page, **setup,
    }  # fmt: skip
    verdict = {
        "verdict": judgement.verdict, "rule": judgement.rule, "reasons": "; ".join(judgement.reasons),
        "results_page": page, **{f"criteria/{one.id}": one.decision for one in judgement.outcomes},
    }  # fmt: skip
    runs = []
    for run in results_of(engine, stored.experiment_id):
        seed = run.result.seed
        own = frozen.setup.variants[run.variant].model_dump(mode="json")
        runs.append(
            {
                "id": _id(frozen.sha256, stored.verdict_id, run),
                "name": f"{run.variant}, seed {seed}",
                "variant": run.variant,
                "seed": seed,
                "config": {
                    **shared, "variant": run.variant, "seed": seed, **own, "device": run.device, "run_key": run.key,
                    "data_sha256": run.result.data_sha256, "versions": run.versions,
                },
                "history": history_of(run.result),
                "summary": {**finals_of(run.result), **verdict, "stopped": run.result.stopped},
            }
        )  # fmt: skip
    return {
        "project": os.environ.get("WANDB_PROJECT", "mve"),
        "group": f"{frozen.stem} {frozen.sha256[:8]}",
        "tags": [facts.number, judgement.verdict, frozen.fidelity],
        "notes": f"{judgement.verdict}: {'; '.join(judgement.reasons)}\n\nResults page: {page}",
        "online": online(),
        "seconds": float(os.environ.get("MVE_WANDB_SECONDS", SECONDS)),
        "runs": runs,
    }


def history_of(result: SeedResult) -> list[dict[str, float]]:
    """The curves, a row for each step at which anything was measured."""
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for point in result.curve:
        row = rows.setdefault((point.step, point.epoch), {"step": point.step, "epoch": point.epoch})
        row[f"curves/{point.metric}"] = point.value
    return [rows[place] for place in sorted(rows)]


def finals_of(result: SeedResult) -> dict[str, float]:
    """The final numbers by name, with their condition as on the results page."""
    return {
        label((one.metric, tuple(sorted(one.condition.items())))): one.value
        for one in result.values
        if one.value is not None
    }


def _id(registration: str, verdict: int, run: StoredRun) -> str:
    """The same for the same run under the same verdict, so that syncing twice makes no second one."""
    return hashlib.sha256(f"{registration} {verdict} {run.variant} {run.result.seed} {run.key}".encode()).hexdigest()[
        :16
    ]


# -- the process ---------------------------------------------------------------------------------------------


def _installed() -> bool:
    """A folder `wandb` in the current one would be found too; it has no origin."""
    found = importlib.util.find_spec("wandb")
    return found is not None and found.origin is not None


def command_of(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tasks.mirror_child", str(folder)]


async def run_child(folder: Path, command: Sequence[str], seconds: float) -> None:
    """Run `command` and all that it starts for so many seconds at most; its lines go to `mirror.log` in the folder.

    Raises MirrorError where it fails or has not ended by then. Nothing of it is left running, also where this
    coroutine is cancelled.
    """
    output = folder / "mirror.log"
    with output.open("wb") as lines:
        child = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=lines, stderr=lines, start_new_session=True,
            env=_environment(folder),
        )  # fmt: skip
    try:
        code = await asyncio.wait_for(child.wait(), seconds)
    except TimeoutError:
        raise MirrorError(f"it was ended, since it took more than {seconds:g} s") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    if code:
        last = output.read_text(errors="replace").strip().splitlines()[-1:]
        raise MirrorError(f"it ended with code {code}: {''.join(last)} ({output.name} beside the runs says more)")


def _environment(folder: Path) -> dict[str, str]:
    """Whatever wandb keeps beyond the runs goes into the workspace too, not into the home."""
    own = folder.parent.parent / "own"
    places = {f"WANDB_{name}_DIR": str(own / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "ARTIFACT")}
    return {**os.environ, **places, "WANDB_ERROR_REPORTING": "false", "DO_NOT_TRACK": "1"}


def without_secrets(text: str) -> str:
    key = os.environ.get("WANDB_API_KEY")
    return text.replace(key, "***") if key else text


mirror = task(name="mirror", **OPTIONS)(mirror_verdict)
