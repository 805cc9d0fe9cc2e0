"""Start the training of a run. The attempt is in the catalog before the process starts, its handle before anyone
waits: whatever dies in between, a later call of `collect` knows what to ask after."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from db.catalog import (
    begin_attempt,
    end_attempt,
    load_registration,
    registration_of_experiment,
    reservation_of,
    store_handle,
)
from models.request import StudyRequest, TrainRequest
from proposals.spec import AnySetup, StudySetup
from proposals.workspace import Workspace
from tasks.executors import Executor, Handle, Machine, Request
from tasks.leases import me
from tasks.ledger import ask_for, caps_for
from tasks.place import catalog_of, now, run_directory
from tasks.settings import settings_of


@dataclass(frozen=True)
class Dispatched:
    attempt: int
    handle: Handle


def dispatch_run(
    place: Workspace, experiment: int, key: str, variant: str, seed: int, executor: Executor
) -> Dispatched:
    """Start one more attempt at the run `key`, which goes on from its checkpoint if it has one.

    What it may take at most is reserved with it, and the request has that as its time limit. Raises RunBusyError where
    the run has a result or an open attempt, CapError where a cap has too little room, LeaseError where the experiment
    is another process's (then nothing was begun), and whatever the executor raises where it cannot start; the attempt
    is then ended as refused.
    """
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration_of_experiment(engine, experiment)).setup
        attempt = _begin(place, engine, experiment, key, executor.name, setup)
        reserved = reservation_of(engine, attempt)
        assert reserved is not None
        try:
            request = request_for(setup, variant, seed, run_directory(place, key), reserved.seconds)
            handle = executor.submit(request, Machine(reserved.seconds, setup.compute.gpu))
        except Exception as error:
            end_attempt(engine, attempt, "refused", seconds=0.0, dollars=0.0, reason=str(error), now=now())
            raise
        store_handle(engine, attempt, handle, now())
    return Dispatched(attempt, handle)


def request_for(setup: AnySetup, variant: str, seed: int, directory: Path, max_seconds: float | None = None) -> Request:
    """max_seconds: after which training stops itself; a study has no such limit of its own."""
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
        max_seconds=max_seconds,
    )


class RunBusyError(RuntimeError):
    """The run has a result already, or someone else is training it."""


def _begin(place: Workspace, engine: Engine, experiment: int, key: str, executor: str, setup: AnySetup) -> int:
    settings, owner = settings_of(place), me()
    attempt = begin_attempt(
        engine,
        experiment,
        key,
        executor=executor,
        host=owner.host,
        boot_id=owner.boot_id,
        now=now(),
        reserve=ask_for(setup, executor, settings),
        caps=caps_for(setup, settings),
        owner=owner,
    )
    if attempt is None:
        raise RunBusyError(f"run {key[:12]} has a result or is being trained by someone else")
    return attempt
