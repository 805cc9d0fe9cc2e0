"""Two steps of every variant before the first real one: what breaks, breaks here, in seconds and for nothing."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prefect import task

from db.catalog import load_registration, registration_of_experiment
from proposals.words import harmless
from proposals.workspace import Workspace
from tasks.dispatch import request_for
from tasks.executors import Executor
from tasks.executors.environment import for_training
from tasks.place import OPTIONS, catalog_of
from tasks.plan import Planned

STEPS = 2
SECONDS = 120


class DryRunError(ValueError):
    """A variant cannot be trained at all, so nothing was dispatched."""


def run_dry(place: Workspace, planned: Planned, executor: Executor) -> dict[str, float]:
    """Seconds per training step here, by variant. Only variants with something left to train are tried.

    Raises DryRunError with the last lines of what the first broken variant printed.
    """
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration_of_experiment(engine, planned.experiment)).setup
    variants = list(dict.fromkeys(name.rsplit("-seed-", 1)[0] for name in planned.missing.values()))
    folders = []
    for variant in variants:
        folder = place.runs / f"dry-run-{planned.experiment}" / variant
        request = request_for(setup, variant, 0, folder)
        (folder / "request.json").write_text(request.model_dump_json())
        folders.append(folder)
    with ThreadPoolExecutor(max_workers=executor.width) as threads:
        return dict(zip(variants, threads.map(_two_steps, variants, folders), strict=True))


def _two_steps(variant: str, folder: Path) -> float:
    command = [sys.executable, "-m", "models.worker", str(folder), "--dry-run-steps", str(STEPS)]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=SECONDS, stdin=subprocess.DEVNULL,
        env=for_training(),
    )  # fmt: skip
    if done.returncode:
        tail = harmless("\n".join(done.stderr[-20_000:].splitlines()[-12:]))
        raise DryRunError(f"the dry run of {variant} failed, so nothing was trained:\n{tail}")
    return float(json.loads((folder / "dry_run.json").read_text())["seconds_per_step"])


dry_run = task(name="dry run", **OPTIONS)(run_dry)
