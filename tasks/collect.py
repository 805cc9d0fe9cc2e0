"""Bring in what trainings gave, whoever started them: this flow, or one that died long ago."""

import logging
from dataclasses import dataclass

from prefect import task
from pydantic import ValidationError
from sqlalchemy import Engine

from db.catalog import (
    Lease,
    OpenAttempt,
    add_log,
    end_attempt,
    leases,
    load_registration,
    open_attempts,
    record_result,
    registration_of_experiment,
    reservation_of,
    store_handle,
)
from proposals.workspace import Workspace
from tasks.accepting import accepted, in_plain_words
from tasks.dispatch import BEGINNING, looked_after, ticket_of
from tasks.executors import Fault, Finished, Handle, Machine, Running, State, executor_named
from tasks.leases import look, me
from tasks.ledger import bill
from tasks.notices import notify_fault
from tasks.place import OPTIONS, catalog_of, now, run_directory
from tasks.settings import settings_of

ON_THIS_MACHINE = ("local", "inprocess")
"""Executors whose work only a process of the same machine can be asked about."""
log = logging.getLogger("mve.collect")


@dataclass(frozen=True)
class Swept:
    """How many attempts were open, and what became of them: collected, ended by a fault, still running, or left to the
    living process that runs their experiment. `silent`: why some could not be asked after; they stay open."""

    collected: int = 0
    faults: int = 0
    running: int = 0
    others: int = 0
    silent: tuple[str, ...] = ()

    @property
    def open(self) -> int:
        return self.collected + self.faults + self.running + self.others + len(self.silent)


def record(place: Workspace, experiment: int, attempt: int, run: str, state: State) -> Finished | Fault:
    """Write down how an attempt ended: its result, or its fault. `run`: its name for people. Returns what was written:
    a result that the catalog refuses is a fault."""
    assert not isinstance(state, Running), "only what has ended can be recorded"
    with catalog_of(place) as engine:
        return _record(place, engine, experiment, attempt, run, state)


def sweep_open(place: Workspace) -> Swept:
    """Ask after every attempt that nobody has ended, and record what became of it.

    Attempts that this process waits for, and those of an experiment that another living process runs, are theirs.
    """
    counts = {"collected": 0, "faults": 0, "running": 0, "others": 0}
    silent = []
    with catalog_of(place) as engine:
        with BEGINNING:
            left = [(attempt, looked_after(place, attempt.attempt_id)) for attempt in open_attempts(engine)]
        held = {lease.experiment_id: lease for lease in leases(engine, look)}
        for attempt, ours in left:
            if ours or _elsewhere(held.get(attempt.experiment_id)):
                counts["others"] += 1
                continue
            try:
                state = state_of(place, engine, attempt)
            except Exception as error:  # of a service that cannot be reached: the other attempts are to be asked after
                silent.append(f"attempt {attempt.attempt_id} ({attempt.executor}): {error}")
                log.warning("nothing was heard of %s", silent[-1])
                continue
            if isinstance(state, Running):
                counts["running"] += 1
                continue
            name = f"run {attempt.key[:12]}"
            ended = _record(place, engine, attempt.experiment_id, attempt.attempt_id, name, state)
            counts["collected" if isinstance(ended, Finished) else "faults"] += 1
    return Swept(**counts, silent=tuple(silent))


def attempt_to_join(place: Workspace, key: str) -> OpenAttempt | None:
    """An attempt at the run that was started and is now nobody's, or ours: there is something to wait for."""
    with catalog_of(place) as engine:
        held = {lease.experiment_id: lease for lease in leases(engine, look)}
        for attempt in open_attempts(engine):
            started = attempt.handle is not None
            if attempt.key == key and started and not _elsewhere(held.get(attempt.experiment_id)):
                return attempt
    return None


def state_of(place: Workspace, engine: Engine, attempt: OpenAttempt) -> State:
    """What became of it, asked of its executor. Raises what that raises where it cannot be asked."""
    handle = attempt.handle or _recovered(place, engine, attempt)
    if handle is None:
        return Fault("lost", "its orchestrator died before it was started", seconds=0.0)
    if attempt.executor in ON_THIS_MACHINE and attempt.host != me().host:
        return Fault("lost", f"it ran on {attempt.host}, and whoever started it there is gone")
    try:
        return executor_named(attempt.executor).poll(handle)
    except ValidationError as error:
        return Fault("failed", f"what it left is no result: {error}")


def _recovered(place: Workspace, engine: Engine, attempt: OpenAttempt) -> Handle | None:
    """Its handle, where its orchestrator died after it was started and before that was written down."""
    reserved = reservation_of(engine, attempt.attempt_id)
    if reserved is None:
        return None
    setup = load_registration(engine, registration_of_experiment(engine, attempt.experiment_id)).setup
    handle = executor_named(attempt.executor).recover(
        str(run_directory(place, attempt.key)),
        attempt.seed,
        Machine(reserved.seconds, setup.compute.gpu),
        ticket_of(attempt.attempt_id, attempt.submitted_at),
    )
    if handle is not None:
        store_handle(engine, attempt.attempt_id, handle, now())
    return handle


def _elsewhere(lease: Lease | None) -> bool:
    return lease is not None and lease.alive and lease.owner != me()


def _record(
    place: Workspace, engine: Engine, experiment: int, attempt: int, run: str, state: Finished | Fault
) -> Finished | Fault:
    registration = load_registration(engine, registration_of_experiment(engine, experiment))
    settings = settings_of(place)
    state = accepted(state)
    if isinstance(state, Finished):
        result = state.result
        used = result.seconds if state.seconds is None else state.seconds
        seconds, dollars = bill(engine, attempt, used, result.device, settings)
        try:
            record_result(
                engine,
                attempt,
                result.seeds[0],
                device=result.device,
                versions=result.versions,
                seconds=result.seconds,
                used_seconds=seconds,
                dollars=dollars,
                vocabulary=registration.setup.vocabulary,
                now=now(),
            )
        except ValueError as error:  # left open, it would stop every later sweep
            fault = Fault("failed", f"its result cannot be recorded: {error}", seconds=used, device=result.device)
            state = in_plain_words(fault)
        else:
            return state
    seconds, dollars = bill(engine, attempt, state.seconds, state.device, settings)
    ended = end_attempt(
        engine,
        attempt,
        state.state,
        seconds=seconds,
        dollars=dollars,
        reason=state.reason,
        now=now(),
        device=state.device,
        log_tail=state.log_tail,
    )
    if ended:
        text = f"{run}: {state.state}: {state.reason}"
        add_log(engine, registration.stem, "fault", text, now(), {"attempt": attempt})
        if state.state != "cancelled":  # somebody is there and knows
            notify_fault(place, registration.stem, run, state.state, state.reason)
    return state


sweep = task(name="sweep", **OPTIONS)(sweep_open)
