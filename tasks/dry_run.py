"""Two steps of every variant before the first real one: what breaks, breaks here, in seconds and for nothing."""

import json
import logging
import os
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
from tasks.rates import PAID

STEPS = 2
SECONDS = 120
log = logging.getLogger("mve.dry_run")


class DryRunError(ValueError):
    """A variant cannot be trained at all, so nothing was dispatched."""


def run_dry(place: Workspace, planned: Planned, executor: Executor) -> dict[str, float | None]:
    """Seconds per training step here, by variant; None where two steps take longer than is waited for them, as those of
    a model for a GPU may. Only variants with something left to train are tried, wherever they will be trained.

    Raises DryRunError with the last lines of what the first broken variant printed, or what is wrong with the app that
    is to train them elsewhere.
    """
    if executor.name in PAID:
        _try_app()
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration_of_experiment(engine, planned.experiment)).setup
    variants = list(dict.fromkeys(name.rsplit("-seed-", 1)[0] for name in planned.missing.values()))
    folders = []
    for variant in variants:
        folder = place.runs / f"dry-run-{planned.experiment}" / variant
        request = request_for(setup, variant, 0, folder)
        (folder / "request.json").write_text(request.model_dump_json())
        folders.append(folder)
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as threads:
        return dict(zip(variants, threads.map(_two_steps, variants, folders), strict=True))


def _try_app() -> None:
    """It imports, and what would go up with it is within the limit."""
    from tasks.executors import modal_client

    modal_client.library()
    try:
        modal_client.check_uploads(modal_client.uploads())
        from tasks.executors import modal_app  # noqa: F401
    except Exception as error:
        raise DryRunError(f"what trains on Modal is broken, so nothing was trained: {error}") from error


def _two_steps(variant: str, folder: Path) -> float | None:
    command = [sys.executable, "-m", "models.worker", str(folder), "--dry-run-steps", str(STEPS)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS, stdin=subprocess.DEVNULL,
            env=for_training(),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        log.warning("%s did not get through %d steps in %d s here, and did not fail either", variant, STEPS, SECONDS)
        return None
    if done.returncode:
        tail = harmless("\n".join(done.stderr[-20_000:].splitlines()[-12:]))
        raise DryRunError(f"the dry run of {variant} failed, so nothing was trained:\n{tail}")
    return float(json.loads((folder / "dry_run.json").read_text())["seconds_per_step"])


dry_run = task(name="dry run", **OPTIONS)(run_dry)
