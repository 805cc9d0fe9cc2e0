"""Runs, attempts, results, money."""

import time
from datetime import timedelta
from typing import Any

import pytest
from catalog_samples import (
    HERE,
    LATER,
    NOW,
    SETUP,
    collect,
    key,
    register,
    registration,
    result,
    start,
    train_all,
)
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from db import catalog
from db.engine import reading, writing
from db.errors import CatalogError
from models.metrics import METRICS
from models.request import CurvePoint, Value

NAN = float("nan")
INF = float("inf")


def begin(engine: Engine, experiment: int, run_key: str) -> int:
    attempt = catalog.begin_attempt(engine, experiment, run_key, **HERE, now=NOW)
    assert attempt is not None
    return attempt


# -- experiments and runs ----------------------------------------------------------------------------------


def test_setting_out_twice_is_one_experiment_and_other_code_another(engine: Engine) -> None:
    frozen = register(engine)
    first = start(engine, frozen)
    assert start(engine, frozen, now=LATER) == first
    assert start(engine, frozen, code="beef", now=LATER) == first + 1
    with pytest.raises(CatalogError, match="no registration 9"):
        start(engine, 9)


def test_a_later_look_adds_its_runs(engine: Engine) -> None:
    experiment = start(engine, register(engine), seeds=1)
    train_all(engine, experiment)
    assert catalog.runs_without_result(engine, experiment) == []
    start(engine, 1, seeds=2)
    assert [(run.variant, run.seed, run.spec_json) for run in catalog.runs_without_result(engine, experiment)] == [
        ("cos_log_linear", 1, '{"mixer":"x"}'),
        ("cosformer", 1, '{"mixer":"x"}'),
    ]


def test_a_run_with_a_result_serves_another_registration(engine: Engine) -> None:
    train_all(engine, start(engine, register(engine)))
    edited = register(engine, registration(error=0.1), LATER)
    experiment = start(engine, edited)
    assert catalog.runs_without_result(engine, experiment) == []
    assert len(catalog.measurements_of(engine, edited)) == len(catalog.measurements_of(engine, 1)) > 0
    assert catalog.spend_of(engine, edited).actual_dollars == 0, "the money was the first one's"


def test_a_key_that_does_not_tell_runs_apart_is_refused(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    with pytest.raises(ValueError, match="does not hash all that determines it"):
        catalog.plan_runs(engine, experiment, [(key("cosformer", 0), "cosformer", 0, '{"mixer":"y"}')], NOW)
    with pytest.raises(ValueError, match="code that changed needs a new experiment"):
        catalog.plan_runs(engine, experiment, [(key("new", 0), "cosformer", 0, '{"mixer":"x"}')], NOW)


# -- attempts ----------------------------------------------------------------------------------------------


def test_a_run_is_claimed_once_until_its_attempt_ends(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    run = key("cosformer", 0)
    first = begin(engine, experiment, run)
    assert catalog.begin_attempt(engine, experiment, run, **HERE, now=NOW) is None
    assert catalog.end_attempt(engine, first, "preempted", seconds=5, dollars=0.01, reason="taken", now=LATER)
    second = begin(engine, experiment, run)
    assert [attempt.number for attempt in catalog.open_attempts(engine)] == [2]
    assert collect(engine, second, 0)
    assert catalog.begin_attempt(engine, experiment, run, **HERE, now=NOW) is None
    assert catalog.begin_attempt(engine, experiment, key("cosformer", 1), **HERE, now=NOW) is not None
    with pytest.raises(ValueError, match="was never planned"):
        begin(engine, experiment, "nonsense")


def test_an_open_attempt_is_found_with_its_handle_and_without(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    attempt = begin(engine, experiment, key("cosformer", 1))
    (found,) = catalog.open_attempts(engine)
    assert found == (attempt, key("cosformer", 1), 1, 1, experiment, "local", None, "here", "b-1", NOW)
    catalog.store_handle(engine, attempt, {"pid": 4711, "start": 1.5}, NOW)
    catalog.store_handle(engine, attempt, {"start": 1.5, "pid": 4711}, LATER)
    assert catalog.open_attempts(engine)[0].handle == {"pid": 4711, "start": 1.5}
    with pytest.raises(ValueError, match="has another handle already"):
        catalog.store_handle(engine, attempt, {"pid": 1}, LATER)


def test_open_attempts_of_shared_runs_are_seen_from_every_experiment(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    begin(engine, experiment, key("cosformer", 0))
    other = start(engine, register(engine, registration(error=0.1), LATER), now=LATER)
    apart = start(engine, register(engine, registration("022-displacement-rank")), code="beef")
    assert len(catalog.open_attempts(engine, other)) == 1
    assert catalog.open_attempts(engine, apart) == []


def test_the_first_end_of_an_attempt_stands(engine: Engine) -> None:
    attempt = begin(engine, start(engine, register(engine)), key("cosformer", 0))
    assert catalog.end_attempt(engine, attempt, "lost", seconds=5, dollars=0.01, reason="no sign", now=LATER)
    assert not catalog.end_attempt(engine, attempt, "failed", seconds=5, dollars=9.0, reason="?", now=LATER)
    assert catalog.spend_of(engine, 1).actual_dollars == 0.01
    assert collect(engine, attempt, 0), "what was lost may turn up"
    assert catalog.spend_of(engine, 1).actual_dollars == 0.01


def test_a_log_with_a_nul_in_it_does_not_keep_an_attempt_from_ending(engine: Engine) -> None:
    attempt = begin(engine, start(engine, register(engine)), key("cosformer", 0))
    assert catalog.end_attempt(
        engine, attempt, "failed", seconds=1, dollars=0, reason="a\0b", now=LATER, log_tail="\0\x01 died"
    )
    with reading(engine) as session:
        rows = session.connection().execute(text("SELECT reason, log_tail FROM attempt_end")).all()
    assert [tuple(row) for row in rows] == [("a�b", "�\x01 died")]


def test_an_end_must_be_one_of_those_known(engine: Engine) -> None:
    attempt = begin(engine, start(engine, register(engine)), key("cosformer", 0))
    with pytest.raises(ValueError, match=r"cannot end as 'done'; it is one of collected, failed"):
        catalog.end_attempt(engine, attempt, "done", seconds=1, dollars=0, reason="", now=LATER)
    with pytest.raises(ValueError, match=f"dollars of attempt {attempt} is inf"):
        catalog.end_attempt(engine, attempt, "failed", seconds=1, dollars=INF, reason="", now=LATER)
    with pytest.raises(IntegrityError, match="dollars_least"):
        catalog.end_attempt(engine, attempt, "failed", seconds=1, dollars=-1, reason="", now=LATER)


def test_money_counts_failures_and_each_attempt_once(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    start(engine, register(engine, registration(error=0.1), LATER), now=LATER)
    run = key("cosformer", 0)
    failed = begin(engine, experiment, run)
    catalog.end_attempt(engine, failed, "timed_out", seconds=60, dollars=0.10, reason="limit", now=LATER)
    collect(engine, begin(engine, experiment, run), 0, dollars=0.02)
    begin(engine, experiment, key("cosformer", 1))
    approx: Any = pytest.approx(0.12)
    assert catalog.spend_of(engine, 1) == catalog.Spend(0.5, approx, 0.10, 15.0, 2.0, 3, 1, 1)
    assert catalog.spend_of(engine, 2).actual_dollars == 0
    cost = [m.value for m in catalog.measurements_of(engine, 1) if m.metric == "cost"]
    assert cost == [pytest.approx(0.12)]


# -- results -----------------------------------------------------------------------------------------------


def test_a_result_comes_back_as_it_was(engine: Engine) -> None:
    experiment = start(engine, register(engine), seeds=1)
    attempt = begin(engine, experiment, key("cosformer", 0))
    given = result(0, accuracy=0.1 + 0.2, epochs=7)
    assert catalog.record_result(
        engine,
        attempt,
        given,
        device="cpu: EPYC",
        versions={"torch": "2", "python": "3"},
        seconds=12.5,
        dollars=0.5,
        vocabulary=METRICS,
        now=LATER,
        log_tail="epoch 7",
    )
    (stored,) = catalog.results_of(engine, experiment)
    cost = Value(metric="cost", value=0.5, source="derived")
    expected = [value for value in given.values if value.value is not None] + [cost]
    assert sorted(stored.result.values, key=repr) == sorted(expected, key=repr)
    assert sorted(stored.result.curve, key=repr) == sorted(given.curve, key=repr)
    assert stored.result.model_copy(update={"values": (), "curve": ()}) == given.model_copy(
        update={"values": (), "curve": ()}
    )
    assert (stored.variant, stored.device, stored.versions, stored.seconds, stored.recorded_at) == (
        "cosformer",
        "cpu: EPYC",
        {"torch": "2", "python": "3"},
        12.5,
        LATER,
    )


def test_a_second_result_of_a_run_is_not_counted_but_its_money_is(engine: Engine) -> None:
    experiment = start(engine, register(engine), seeds=1)
    run = key("cosformer", 0)
    lost = begin(engine, experiment, run)
    catalog.end_attempt(engine, lost, "lost", seconds=0, dollars=0, reason="no sign", now=LATER)
    again = begin(engine, experiment, run)
    assert collect(engine, lost, 0, accuracy=0.5)
    assert not collect(engine, again, 0, accuracy=0.9)
    assert not collect(engine, again, 0, accuracy=0.9)
    accuracies = [
        m.value for m in catalog.measurements_of(engine, 1) if m.metric == "test_accuracy" and not m.condition
    ]
    assert accuracies == [0.5]
    assert catalog.spend_of(engine, 1).actual_dollars == 0.02
    assert catalog.open_attempts(engine) == []


def test_measurements_are_those_of_the_newest_experiment_one_for_each_seed(engine: Engine) -> None:
    frozen = register(engine)
    old = start(engine, frozen)
    train_all(engine, old)
    assert {(m.variant, m.seed, m.device) for m in catalog.measurements_of(engine, frozen)} == {
        (variant, seed, "cpu: EPYC") for variant in SETUP["variants"] for seed in (0, 1)
    }
    new = start(engine, frozen, code="beef", now=LATER)
    assert catalog.measurements_of(engine, frozen) == []
    train_all(engine, new)
    assert len(catalog.measurements_of(engine, frozen)) == len(catalog.measurements_of(engine, frozen, old))
    longest = [m for m in catalog.measurements_of(engine, frozen) if m.condition]
    assert longest[0].condition == {"length": 512, "gap": "wide"}
    assert isinstance(longest[0].condition["length"], int)


@pytest.mark.parametrize(
    ("values", "curve", "says"),
    [
        ([{"metric": "test_loss", "value": NAN}], [], r"test_loss of run 0+c0ffee-cosformer-0 is nan"),
        ([{"metric": "test_loss", "value": -INF}], [], r"test_loss of run .* is -inf"),
        (
            [{"metric": "test_loss", "value": 1.0, "spread": INF}],
            [],
            r"the spread of test_loss of run .* is inf",
        ),
        (
            [],
            [{"metric": "train_loss", "epoch": 1, "step": 9, "value": NAN}],
            "train_loss at step 9 of run .* is nan",
        ),
        ([{"metric": "loveliness", "value": 1.0}], [], "no metric 'loveliness'; declare it under `metrics:`"),
        (
            [{"metric": "test_accuracy", "value": 1.0}],
            [],
            "gives test_accuracy twice under the same condition",
        ),
    ],
)
def test_numbers_that_are_none_are_refused_whole(
    engine: Engine, values: list[dict[str, Any]], curve: list[dict[str, Any]], says: str
) -> None:
    experiment = start(engine, register(engine))
    attempt = begin(engine, experiment, key("cosformer", 0))
    # what training gives is checked already; this is what gets past it
    extra = tuple(
        Value.model_construct(**{"source": "measured", "condition": {}, "spread": None, **value}) for value in values
    )
    given = result(0, values=extra).model_copy(
        update={"curve": tuple(CurvePoint.model_construct(**point) for point in curve)}
    )
    with pytest.raises(ValueError, match=says):
        catalog.record_result(
            engine,
            attempt,
            given,
            device="cpu",
            versions={},
            seconds=1,
            dollars=0,
            vocabulary=METRICS,
            now=LATER,
        )
    assert catalog.measurements_of(engine, 1) == []
    assert len(catalog.open_attempts(engine)) == 1


def test_a_result_for_another_seed_or_attempt_is_refused(engine: Engine) -> None:
    attempt = begin(engine, start(engine, register(engine)), key("cosformer", 0))
    with pytest.raises(ValueError, match="is at seed 0; its result says seed 1"):
        collect(engine, attempt, 1)
    with pytest.raises(ValueError, match="no attempt 99"):
        collect(engine, 99, 0)


@pytest.mark.parametrize(
    "alteration",
    [
        "UPDATE metric SET value = value + 1e-12 WHERE run_id = 2 AND name = 'step_time'",
        "UPDATE metric SET unit = 'count' WHERE run_id = 2 AND name = 'test_accuracy'",
        "DELETE FROM metric WHERE run_id = 2 AND name = 'parameters'",
        "INSERT INTO metric SELECT run_id, 'test_loss', '', 1.0, unit, direction, source, NULL, device "
        "FROM metric WHERE run_id = 2 AND name = 'parameters'",
        "UPDATE run_result SET best_epoch = 1 WHERE run_id = 2",
        "UPDATE run SET seed = 9 WHERE id = 2",
    ],
)
def test_an_altered_number_is_noticed(engine: Engine, alteration: str) -> None:
    frozen = register(engine)
    train_all(engine, start(engine, frozen))
    assert catalog.altered_runs(engine, frozen) == []
    with writing(engine) as session:
        session.connection().execute(text(alteration))
    (altered,) = catalog.altered_runs(engine, frozen)
    assert (altered.variant, altered.key) == ("cos_log_linear", key("cos_log_linear", 1))
    assert altered.recorded_sha256 != altered.present_sha256


def test_a_negative_zero_is_no_alteration(engine: Engine) -> None:
    attempt = begin(engine, start(engine, register(engine)), key("cosformer", 0))
    zero = result(0, values=(Value(metric="test_loss", value=-0.0), Value(metric="flops", value=1e300)))
    catalog.record_result(
        engine, attempt, zero, device="cpu", versions={}, seconds=1, dollars=0, vocabulary=METRICS, now=LATER
    )
    assert catalog.altered_runs(engine, 1) == []


def test_recording_a_curve_of_200_epochs(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    experiment = start(engine, register(engine), seeds=10)
    took = []
    for seed in range(10):
        attempt = begin(engine, experiment, key("cosformer", seed))
        given = result(seed, epochs=200)
        before = time.perf_counter()
        catalog.record_result(
            engine,
            attempt,
            given,
            device="cpu",
            versions={},
            seconds=1,
            dollars=0,
            vocabulary=METRICS,
            now=LATER + timedelta(seconds=seed),
        )
        took.append(time.perf_counter() - before)
    with capsys.disabled():
        print(f"\n    200 epochs, 1000 points: {1000 * sorted(took)[5]:.1f} ms a result (median of 10)")
    assert len(catalog.results_of(engine, experiment)[0].result.curve) == 1000
