"""What a training leaves is data: looked at, and never unpickled."""

import ast
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_proposals import write_proposal

from db.catalog import (
    begin_attempt,
    end_attempt,
    load_registration,
    registration_of_experiment,
    reservation_of,
    store_handle,
)
from models.request import TrainResult
from proposals.workspace import REPOSITORY, Workspace
from tasks.accepting import LONGEST_LOG, MOST_VALUES, accepted
from tasks.collect import record
from tasks.executors import Fault, Finished, local
from tasks.ledger import CLOCKS_DIFFER, ask_for, bill
from tasks.place import catalog_of, now
from tasks.plan import plan_look
from tasks.register import register_proposal
from tasks.settings import Settings

GOOD: dict[str, Any] = {
    "seeds": [
        {
            "seed": 0,
            "values": [{"metric": "test_accuracy", "value": 0.5}],
            "curve": [{"epoch": 1, "step": 4, "metric": "train_loss", "value": 2.0}],
            "data_sha256": "0" * 64,
            "epochs": 1,
            "best_epoch": 1,
            "stopped": "epochs",
        }
    ],
    "device": "cpu: a machine",
    "versions": {"torch": "2.13.0"},
    "seconds": 1.5,
}


def changed(**changes: Any) -> dict[str, Any]:
    """`seed_` before a name: of the seed."""
    result = json.loads(json.dumps(GOOD))
    for name, value in changes.items():
        (result["seeds"][0] if name.startswith("seed_") else result)[name.removeprefix("seed_")] = value
    return result


VALUE, POINT = GOOD["seeds"][0]["values"][0], GOOD["seeds"][0]["curve"][0]
WRONG_SHAPE = {
    "another field": changed(command="rm"),
    "not a number": changed(seconds=math.nan),
    "infinity in a curve": changed(seed_curve=[{**POINT, "value": math.inf}]),
    "text for a number": changed(seed_values=[{**VALUE, "value": "0.5; drop table run"}]),
    "no seeds": {**GOOD, "seeds": None},
    "an end that is none": changed(seed_stopped="bribed"),
    "half a pair": changed(device="\ud800"),
    "a curve of something else": changed(seed_curve=[{**POINT, "metric": "../x"}]),
}
WRONG_CONTENT = {
    "nothing in it": {**GOOD, "seeds": []},
    "two seeds": {**GOOD, "seeds": GOOD["seeds"] * 2},
    "another seed": changed(seed_seed=1),
    "negative seconds": changed(seconds=-1.0),
    "absurd seconds": changed(seconds=1e300),
    "negative epochs": changed(seed_epochs=-1),
    "more epochs than numbers": changed(seed_epochs=10**30),
    "resumed backwards": changed(seed_resumed=-3),
    "a step before the first": changed(seed_curve=[{**POINT, "step": -1}]),
    "two values at one step": changed(seed_curve=[POINT, POINT]),
    "a metric nobody knows": changed(seed_values=[{**VALUE, "metric": "profit"}]),
    "a metric that is a command": changed(seed_values=[{**VALUE, "metric": "x'; DROP TABLE run; --"}]),
    "a metric twice": changed(seed_values=[VALUE, VALUE]),
    "a negative spread": changed(seed_values=[{**VALUE, "spread": -1.0}]),
    "too many values": changed(seed_values=[{**VALUE, "condition": {"n": n}} for n in range(MOST_VALUES + 1)]),
    "a long device": changed(device="x" * 100_000),
    "a device that a terminal obeys": changed(device="\x1b]0;owned\x07"),
    "a version that is a page": changed(versions={"torch": "x" * 10_000}),
    "a hash that is a page": changed(seed_data_sha256="0" * 10_000),
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Any]:
    place = write_proposal(tmp_path_factory.mktemp("results"), seeds="[1]\nerror: 0.49")
    return place, plan_look(place, register_proposal(place, "101-small-recall").id, 1, "local", False)


def begin(place: Workspace, planned: Any) -> int:
    """An attempt at the run of attention, seed 0."""
    key = next(key for key, name in planned.missing.items() if name == "attention-seed-0")
    with catalog_of(place) as engine:
        attempt = begin_attempt(engine, planned.experiment, key, executor="local", host="here", boot_id="b", now=now())
        assert attempt is not None
        store_handle(engine, attempt, {"pid": 1}, now())
    return attempt


@pytest.mark.parametrize("content", WRONG_SHAPE.values(), ids=WRONG_SHAPE)
def test_a_file_that_is_no_result_is_a_fault(tmp_path: Path, content: Any) -> None:
    (tmp_path / "result.json").write_text(json.dumps(content))
    state = local.LocalProcess().poll({"pid": 2**22 + 1, "started": "never:1", "directory": str(tmp_path)})
    assert isinstance(state, Fault)
    assert state.state == "failed"
    assert "no result" in state.reason


@pytest.mark.parametrize("content", WRONG_CONTENT.values(), ids=WRONG_CONTENT)
def test_a_result_that_cannot_be_one_ends_its_attempt_as_a_fault(planned: tuple[Workspace, Any], content: Any) -> None:
    place, plan = planned
    attempt = begin(place, plan)
    state = Finished(TrainResult.model_validate(content), 1.0)
    ended = record(place, plan.experiment, attempt, "attention-seed-0", state)
    assert isinstance(ended, Fault)
    assert "\x1b" not in ended.reason
    with catalog_of(place) as engine, engine.connect() as connection:
        row = connection.exec_driver_sql(
            f"select state, seconds, dollars from attempt_end where attempt_id = {attempt}"
        ).one()
        assert tuple(row) == ("failed", 1.0, 0.0)
        assert connection.exec_driver_sql("select count(*) from run_result").scalar() == 0


@pytest.mark.parametrize(
    "content", ["", "null", "[]", "[" * 100_000, '{"type": "x"}', '{"type": "\\ud800", "message": 1}']
)
def test_an_error_that_cannot_be_read_is_a_fault_all_the_same(
    tmp_path: Path, planned: tuple[Workspace, Any], content: str
) -> None:
    (tmp_path / "error.json").write_text(content)
    state = local.LocalProcess().poll({"pid": 2**22 + 1, "started": "never:1", "directory": str(tmp_path)})
    assert isinstance(state, Fault)
    place, plan = planned
    ended = record(place, plan.experiment, begin(place, plan), "attention-seed-0", state)
    assert isinstance(ended, Fault)
    assert ended.state == "failed"


@pytest.mark.parametrize("seconds", [1e300, math.inf, math.nan, -5.0, 10**9])
def test_what_a_machine_says_it_took_is_believed_as_far_as_its_limit(
    planned: tuple[Workspace, Any], seconds: float
) -> None:
    place, plan = planned
    settings = Settings()
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration_of_experiment(engine, plan.experiment)).setup
        key = next(key for key, name in plan.missing.items() if name == "linear-seed-0")
        attempt = begin_attempt(
            engine, plan.experiment, key, executor="modal", host="here", boot_id="b", now=now(),
            reserve=ask_for(setup, "modal", settings),
        )  # fmt: skip
        assert attempt is not None
        counted, dollars = bill(engine, attempt, seconds, None, settings)
        reserved = reservation_of(engine, attempt)
        assert reserved is not None
        assert 0 <= counted <= reserved.seconds + CLOCKS_DIFFER
        assert dollars == pytest.approx(counted / 3600 * reserved.dollars_per_hour)
        end_attempt(engine, attempt, "lost", seconds=counted, dollars=dollars, reason="", now=now())


@given(st.text(st.characters(), max_size=60), st.text(st.characters(), max_size=60), st.floats())
@settings(max_examples=100, deadline=None)
def test_what_a_machine_says_of_a_fault_can_be_stored_and_shown(reason: str, log: str, seconds: float) -> None:
    fault = accepted(Fault("lost", reason, log + "x" * LONGEST_LOG, seconds, device=reason))
    assert isinstance(fault, Fault)
    for text in (fault.reason, fault.log_tail, fault.device or ""):
        text.encode()
        assert not any(letter < " " and letter not in "\t\n" for letter in text)
        assert not set(text) & set("\x7f\x9b\u202e\u2066")
    assert len(fault.log_tail) <= LONGEST_LOG


def _calls(path: Path) -> list[tuple[str, set[str]]]:
    """Dotted name of each call, with its keywords."""
    tree = ast.parse(path.read_text())
    return [
        (ast.unparse(node.func), {f"{word.arg}={ast.unparse(word.value)}" for word in node.keywords})
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


ROOMS = ("flows", "tasks", "db", "templates", "proposals", "models")
OURS = [path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py")]


def test_nothing_is_unpickled_and_no_yaml_makes_objects() -> None:
    assert len(OURS) > 200
    for path in OURS:
        for name, keywords in _calls(path):
            assert not name.startswith(("pickle.", "cloudpickle.", "dill.", "joblib.", "marshal.", "shelve.")), path
            assert name != "torch.load" or "weights_only=True" in keywords, path
            assert name not in {"yaml.unsafe_load", "yaml.full_load"}, path
            assert name != "yaml.load" or keywords == {"Loader=yaml.BaseLoader"}, path
            assert not any(word == "shell=True" for word in keywords), path
            assert name not in {"eval", "os.system", "np.load", "numpy.load"}, path
            assert name != "exec" or path.name == "own.py", path


def test_a_checkpoint_that_is_a_program_is_set_aside(tmp_path: Path) -> None:
    import torch

    from models.checkpoint import load
    from models.request import TrainRequest
    from proposals.reading import read_proposal
    from tasks.dispatch import request_for

    class Program:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
            return open, (str(tmp_path / "ran"), "w")

    place = write_proposal(tmp_path)
    setup = read_proposal(place.proposals / "101-small-recall.md").setup
    assert setup is not None
    request = request_for(setup, "attention", 0, tmp_path / "run")
    assert isinstance(request, TrainRequest)
    torch.save({"fingerprint": "x", "state": Program()}, tmp_path / "run" / "checkpoint.pt")
    assert load(tmp_path / "run" / "checkpoint.pt", request) is None
    assert not (tmp_path / "ran").exists()
