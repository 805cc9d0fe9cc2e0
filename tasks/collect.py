"""Bring in what trainings gave, whoever started them: this flow, or one that died long ago."""

from prefect import task
from sqlalchemy import Engine

from db.catalog import (
    OpenAttempt,
    add_log,
    end_attempt,
    load_registration,
    open_attempts,
    record_result,
    registration_of_experiment,
)
from models.metrics import Metric
from models.request import TrainResult
from proposals.workspace import Workspace
from tasks.executors import Fault, Finished, Running, State, executor_named
from tasks.notices import notify_fault
from tasks.place import OPTIONS, catalog_of, now

DOLLARS_PER_HOUR_HERE = 0.0
"""This machine's hours are its owner's."""


def record(place: Workspace, experiment: int, attempt: int, run: str, state: State) -> None:
    """Write down how an attempt ended: its result, or its fault. `run`: its name for people."""
    assert not isinstance(state, Running), "only what has ended can be recorded"
    with catalog_of(place) as engine:
        _record(place, engine, experiment, attempt, run, state)


def sweep_open(place: Workspace) -> int:
    """Ask after every attempt that nobody has ended, and record what became of it. Returns how many had ended.

    An attempt without a handle is one whose orchestrator died before it had started anything. One that is still
    running belongs to someone who is alive, and is left alone.
    """
    ended = 0
    with catalog_of(place) as engine:
        for attempt in open_attempts(engine):
            state = _state_of(attempt)
            if isinstance(state, Running):
                continue
            _record(place, engine, attempt.experiment_id, attempt.attempt_id, f"run {attempt.key[:12]}", state)
            ended += 1
    return ended


def _state_of(attempt: OpenAttempt) -> State:
    if attempt.handle is None:
        return Fault("lost", "its orchestrator died before it was started")
    return executor_named(attempt.executor).poll(attempt.handle)


def _record(place: Workspace, engine: Engine, experiment: int, attempt: int, run: str, state: State) -> None:
    registration = load_registration(engine, registration_of_experiment(engine, experiment))
    if isinstance(state, Finished):
        _record_result(engine, attempt, state.result, registration.setup.vocabulary)
        return
    assert isinstance(state, Fault)
    ended = end_attempt(
        engine, attempt, state.state, seconds=0.0, dollars=0.0, reason=state.reason, now=now(), log_tail=state.log_tail
    )
    if ended:
        text = f"{run}: {state.state}: {state.reason}"
        add_log(engine, registration.stem, "fault", text, now(), {"attempt": attempt})
        if state.state != "cancelled":  # somebody is there and knows
            notify_fault(place, registration.stem, run, state.state, state.reason)


def _record_result(engine: Engine, attempt: int, result: TrainResult, vocabulary: dict[str, Metric]) -> None:
    assert len(result.seeds) == 1, "one run, one seed; batches of seeds are split by their executor"
    record_result(
        engine,
        attempt,
        result.seeds[0],
        device=result.device,
        versions=result.versions,
        seconds=result.seconds,
        dollars=result.seconds / 3600 * DOLLARS_PER_HOUR_HERE,
        vocabulary=vocabulary,
        now=now(),
    )


sweep = task(name="sweep", **OPTIONS)(sweep_open)
