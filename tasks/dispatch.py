"""Start the training of a run. The attempt is in the catalog before the process starts, its handle before anyone
waits: whatever dies in between, a later call of `collect` knows what to ask after."""

import platform
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from db.catalog import begin_attempt, end_attempt, load_registration, registration_of_experiment, store_handle
from models.request import StudyRequest, TrainRequest
from proposals.spec import AnySetup, StudySetup
from proposals.workspace import Workspace
from tasks.executors import Executor, Handle, Request
from tasks.place import catalog_of, now, run_directory


@dataclass(frozen=True)
class Dispatched:
    attempt: int
    handle: Handle


def dispatch_run(
    place: Workspace, experiment: int, key: str, variant: str, seed: int, executor: Executor
) -> Dispatched:
    """Start one more attempt at the run `key`, which goes on from its checkpoint if it has one.

    Raises RunBusyError where it has a result or an open attempt, and whatever the executor raises where it cannot
    start; the attempt is then ended as refused.
    """
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration_of_experiment(engine, experiment)).setup
        request = request_for(setup, variant, seed, run_directory(place, key))
        attempt = _begin(engine, experiment, key, executor)
        try:
            handle = executor.submit(request)
        except Exception as error:
            end_attempt(engine, attempt, "refused", seconds=0.0, dollars=0.0, reason=str(error), now=now())
            raise
        store_handle(engine, attempt, handle, now())
    return Dispatched(attempt, handle)


def request_for(setup: AnySetup, variant: str, seed: int, directory: Path) -> Request:
    directory.mkdir(parents=True, exist_ok=True)
    if isinstance(setup, StudySetup):
        form = setup.variants[variant].form
        return StudyRequest(study=setup.study, form=form, seed=seed, directory=str(directory))
    return TrainRequest(
        mixer=setup.variants[variant].mixer,
        synthetic=setup.synthetic,
        backbone=setup.backbone,
        training=setup.training,
        seeds=(seed,),
        evaluations=setup.evaluations,
        probes=setup.probes,
        directory=str(directory),
    )


class RunBusyError(RuntimeError):
    """The run has a result already, or someone else is training it."""


def _begin(engine: Engine, experiment: int, key: str, executor: Executor) -> int:
    attempt = begin_attempt(
        engine, experiment, key, executor=executor.name, host=platform.node(), boot_id=boot_id(), now=now()
    )
    if attempt is None:
        raise RunBusyError(f"run {key[:12]} has a result or is being trained by someone else")
    return attempt


def boot_id() -> str:
    """Changes whenever this machine starts anew: a process id of another boot says nothing."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"
