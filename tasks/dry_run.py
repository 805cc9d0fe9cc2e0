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
from tasks.plan import Planned, runs_of
from tasks.rates import PAID

STEPS = 2
DONE = "dry_run.json"
SECONDS = 120
log = logging.getLogger("mve.dry_run")


class DryRunError(ValueError):
    """A variant cannot be trained at all, so nothing was dispatched."""


def run_dry(place: Workspace, planned: Planned, executor: Executor) -> dict[str, float | None]:
    """Seconds per training step here, by variant; None where two steps take longer than is waited for them, as those of
    a model for a GPU may. Only variants with something left to train are tried, wherever they will be trained, and what
    has been tried with the same settings and code is not tried again.

    Raises DryRunError with the last lines of what the first broken variant printed, or what is wrong with the app that
    is to train them elsewhere.
    """
    if executor.name in PAID:
        _try_app()
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration_of_experiment(engine, planned.experiment)).setup
    wanted = {name.rsplit("-seed-", 1)[0] for name in planned.missing.values()}
    folders = {}
    for key, variant, seed, _ in runs_of(setup, 1):
        if variant in wanted:
            folders[variant] = folder = place.runs / "dry-runs" / key[:24]
            request = request_for(setup, variant, seed, folder)
            (folder / "request.json").write_text(request.model_dump_json())
    left = [variant for variant, folder in folders.items() if not (folder / DONE).exists()]
    # elsewhere, other experiments are likely to wait for the cores; torch is then loaded once
    processes = 1 if executor.remote else len(os.sched_getaffinity(0))
    groups = [group for start in range(processes) if (group := left[start::processes])]
    with ThreadPoolExecutor(max_workers=processes) as threads:
        list(threads.map(lambda group: _steps_of([(variant, folders[variant]) for variant in group]), groups))
    return {variant: _seconds(folder) for variant, folder in folders.items()}


def _try_app() -> None:
    """It imports, and what would go up with it is within the limit."""
    from tasks.executors import modal_client

    modal_client.library()
    try:
        modal_client.check_uploads(modal_client.uploads())
        from tasks.executors import modal_app  # noqa: F401
    except Exception as error:
        raise DryRunError(f"what trains on Modal is broken, so nothing was trained: {error}") from error


def _steps_of(group: list[tuple[str, Path]]) -> None:
    """Of several variants in one process."""
    command = [sys.executable, "-m", "models.worker", *(str(folder) for _, folder in group)]
    try:
        done = subprocess.run(
            [*command, "--dry-run-steps", str(STEPS)], capture_output=True, text=True, errors="replace",
            timeout=SECONDS * len(group), stdin=subprocess.DEVNULL, env=for_training(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        slow = ", ".join(variant for variant, folder in group if not (folder / DONE).exists())
        log.warning("%s did not get through %d steps in %d s here, and did not fail", slow, STEPS, late.timeout)
        return
    if done.returncode:
        broken = next((variant for variant, folder in group if not (folder / DONE).exists()), group[0][0])
        tail = harmless("\n".join(done.stderr[-20_000:].splitlines()[-12:]))
        raise DryRunError(f"the dry run of {broken} failed, so nothing was trained:\n{tail}")


def _seconds(folder: Path) -> float | None:
    path = folder / DONE
    return float(json.loads(path.read_text())["seconds_per_step"]) if path.exists() else None


dry_run = task(name="dry run", **OPTIONS)(run_dry)
