"""Start the training of a run. The attempt is in the catalog before the process starts, its handle before anyone
waits; between the two its ticket finds what was started. Whatever dies, a later `collect` knows what to ask after."""

import threading
from dataclasses import dataclass
from datetime import datetime
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
from tasks.executors import Executor, Handle, Machine, Request, UnreachableError
from tasks.leases import me
from tasks.ledger import ask_for, caps_for
from tasks.place import catalog_of, now, run_directory
from tasks.settings import settings_of


@dataclass(frozen=True)
class Dispatched:
    attempt: int
    handle: Handle


_looked_after: set[tuple[str, int]] = set()
"""(catalog, attempt) of those that this very process has begun and waits for: they are nobody else's to sweep."""
BEGINNING = threading.Lock()
"""Held while an attempt is begun, so that whoever lists the open ones knows which of them are looked after."""


def dispatch_run(
    place: Workspace, experiment: int, key: str, variant: str, seed: int, executor: Executor
) -> Dispatched:
    """Start one more attempt at the run `key`, which goes on from its checkpoint if it has one.

    What it may take at most is reserved with it, and the request has that as its time limit. Raises RunBusyError where
    the run has a result or an open attempt, CapError where a cap has too little room, LeaseError where the experiment
    is another process's (then nothing was begun), and whatever the executor raises where it cannot start; the attempt
    is then ended as refused, but stays open where its executor is not sure.
    """
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration_of_experiment(engine, experiment)).setup
        with BEGINNING:
            attempt = _begin(place, engine, experiment, key, executor.name, setup)
            _looked_after.add((place.catalog_url, attempt))
        reserved = reservation_of(engine, attempt)
        assert reserved is not None
        try:
            request = request_for(setup, variant, seed, run_directory(place, key), reserved.seconds)
            machine = Machine(reserved.seconds, setup.compute.gpu)
            handle = executor.submit(request, machine, ticket_of(attempt, reserved.submitted_at))
        except Exception as error:
            if not (isinstance(error, UnreachableError) and error.unsure):  # that stays open, for its ticket to tell
                end_attempt(engine, attempt, "refused", seconds=0.0, dollars=0.0, reason=str(error), now=now())
            done_with(place, attempt)
            raise
        store_handle(engine, attempt, handle, now())
    return Dispatched(attempt, handle)


def ticket_of(attempt: int, submitted_at: datetime) -> str:
    """What an attempt is known by before it has a handle: also where several catalogs use one service, only its own."""
    return f"{attempt}-{round(submitted_at.timestamp() * 1e6)}"


def looked_after(place: Workspace, attempt: int) -> bool:
    """Does somebody in this process wait for it?"""
    return (place.catalog_url, attempt) in _looked_after


def done_with(place: Workspace, attempt: int) -> None:
    """It has ended, or nobody here waits for it any more."""
    _looked_after.discard((place.catalog_url, attempt))


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
