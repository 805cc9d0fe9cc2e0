"""Money: reservations, caps, and sums that add up whatever fails. The model is a dictionary of attempts."""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from catalog_samples import HERE, LATER, NOW, collect, key, register, registration, start
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from db import catalog
from db.engine import open_catalog, reading, writing
from db.tables import ENDS

HOUR = catalog.Reserve(seconds=3600, least_seconds=3600, dollars_per_hour=1.0, basis="a machine")


def begin(engine: Engine, of: int, run: str, reserve: catalog.Reserve = HOUR, **caps: float) -> int:
    attempt = catalog.begin_attempt(engine, of, run, **HERE, now=NOW, reserve=reserve, caps=catalog.Caps(**caps))
    assert attempt is not None
    return attempt


def ask(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with reading(engine) as session:
        return [tuple(row) for row in session.connection().execute(text(query)).all()]


def test_what_an_attempt_may_take_is_reserved_until_it_ends(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    attempt = begin(engine, experiment, key("cosformer", 0))
    assert catalog.money_of(engine, experiment, NOW)["workspace"] == (0.0, 1.0)
    assert ask(engine, "SELECT actual_dollars, reserved_dollars, open_attempts FROM spend") == [(0, 1.0, 1)]
    catalog.end_attempt(engine, attempt, "failed", seconds=900, dollars=0.25, reason="ours", now=LATER)
    assert set(catalog.money_of(engine, experiment, NOW).values()) == {(0.25, 0.0)}
    assert ask(engine, "SELECT actual_dollars, reserved_dollars, failed_dollars FROM spend") == [(0.25, 0, 0.25)]
    reserved = catalog.reservation_of(engine, attempt)
    assert reserved is not None
    assert reserved.ended
    assert (reserved.executor, reserved.seconds, reserved.dollars) == ("local", 3600, 1.0)
    assert catalog.reservation_of(engine, 99) is None


@pytest.mark.parametrize("cap", ["experiment", "day", "workspace"])
def test_a_cap_refuses_before_anything_is_begun_and_names_the_sum(engine: Engine, cap: str) -> None:
    experiment = start(engine, register(engine))
    begin(engine, experiment, key("cosformer", 0), **{cap: 1.5})
    with pytest.raises(
        catalog.CapError,
        match=rf"cap per {cap} of \$1.50 would be exceeded: \$0.00 spent, \$1.00 reserved .* \$1.00 .* make \$2.00. "
        r"Nothing was started. ",
    ) as caught:
        begin(engine, experiment, key("cosformer", 1), **{cap: 1.5})
    assert caught.value.may_clear, "the other may turn out to be cheap"
    assert ask(engine, "SELECT count(*) FROM attempt") == [(1,)]
    catalog.end_attempt(engine, 1, "lost", seconds=3600, dollars=1.0, reason="gone", now=NOW)
    with pytest.raises(catalog.CapError) as caught:
        begin(engine, experiment, key("cosformer", 1), **{cap: 1.5})
    assert not caught.value.may_clear
    begin(engine, experiment, key("cosformer", 1), **{cap: 2.0})  # met exactly, not exceeded


def test_an_attempt_takes_what_room_there_is_but_not_less_than_it_needs(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    flexible = HOUR._replace(least_seconds=600)
    first = begin(engine, experiment, key("cosformer", 0), flexible, experiment=0.5)
    reserved = catalog.reservation_of(engine, first)
    assert reserved is not None
    assert (reserved.seconds, reserved.dollars) == (1800, 0.5)
    with pytest.raises(catalog.CapError):
        begin(engine, experiment, key("cosformer", 1), flexible, experiment=0.6)


def test_what_costs_nothing_is_never_refused(engine: Engine) -> None:
    experiment = start(engine, register(engine))
    free = HOUR._replace(dollars_per_hour=0.0)
    attempt = begin(engine, experiment, key("cosformer", 0), free, experiment=0.0, day=0.0, workspace=0.0)
    reserved = catalog.reservation_of(engine, attempt)
    assert reserved is not None
    assert (reserved.seconds, reserved.dollars) == (3600, 0.0)


def test_caps_count_what_they_say(engine: Engine) -> None:
    """A registration's cap counts its own attempts, also of other code; a day's those that ended in it, in UTC."""
    mine = start(engine, register(engine))
    theirs = start(engine, register(engine, registration("022-displacement-rank")), code="beef")
    again = start(engine, 1, code="f00d")
    for experiment, run in ((mine, key("cosformer", 0)), (again, key("cosformer", 0, "f00d"))):
        attempt = begin(engine, experiment, run)
        catalog.end_attempt(engine, attempt, "lost", seconds=1, dollars=0.1, reason="", now=NOW)
    attempt = begin(engine, theirs, key("cosformer", 0, "beef"))
    midnight = NOW.replace(hour=0, minute=0)
    catalog.end_attempt(engine, attempt, "lost", seconds=1, dollars=0.4, reason="", now=midnight - timedelta(seconds=1))
    found = {cap: money.spent for cap, money in catalog.money_of(engine, again, NOW).items()}
    assert found == pytest.approx({"experiment": 0.2, "day": 0.2, "workspace": 0.6})


def test_reservations_are_append_only_and_never_negative(engine: Engine) -> None:
    attempt = begin(engine, start(engine, register(engine)), key("cosformer", 0))
    with pytest.raises(DBAPIError, match="reservation is append-only"), writing(engine) as session:
        session.connection().execute(text(f"UPDATE reservation SET dollars = 0 WHERE attempt_id = {attempt}"))
    other = catalog.begin_attempt(engine, 1, key("cosformer", 1), **HERE, now=NOW)
    with pytest.raises(IntegrityError), writing(engine) as session:
        session.connection().execute(text(f"INSERT INTO reservation VALUES ({other}, 1, -1, 0, '')"))
    with pytest.raises(ValueError, match="catalog takes no NaN"):
        begin(engine, 1, key("cos_log_linear", 0), HOUR._replace(dollars_per_hour=float("nan")))


# -- whatever fails, the sums add up -------------------------------------------------------------------------

CAP = 3.0
DAY_CAP = 2.0
RUNS = [(variant, seed) for variant in ("cos_log_linear", "cosformer") for seed in range(3)]


@dataclass
class Tried:
    run: str
    seed: int
    reserved: float
    spent: float | None = None
    """None: open."""
    day: int = 0
    failed: bool = False


class LedgerMachine(RuleBasedStateMachine):
    """Attempts at six runs, begun, ended in every way, twice, late and on other days, in any order."""

    empty: Path

    @initialize()
    def make(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mve-ledger-"))
        shutil.copy(self.empty, self.folder / "catalog.sqlite")
        self.catalog = open_catalog(self.folder / "catalog.sqlite")
        self.engine = self.catalog.engine
        self.experiment = start(self.engine, register(self.engine), seeds=3)
        self.attempts: dict[int, Tried] = {}
        self.done: set[str] = set()
        self.day = 0

    def teardown(self) -> None:
        self.catalog.close()
        shutil.rmtree(self.folder)

    def _sums(self) -> tuple[float, float, float]:
        tried = self.attempts.values()
        spent = sum(one.spent for one in tried if one.spent is not None)
        today = sum(one.spent for one in tried if one.spent is not None and one.day == self.day)
        return spent, today, sum(one.reserved for one in tried if one.spent is None)

    @rule(
        run=st.sampled_from(RUNS),
        most=st.integers(0, 100),
        least=st.integers(0, 100),
        cents=st.sampled_from([0, 1, 40, 150]),
    )
    def dispatch(self, run: tuple[str, int], most: int, least: int, cents: int) -> None:
        name, (most, least) = key(*run), (max(most, least), min(most, least))
        spent, today, reserved = self._sums()
        room = min(CAP - spent - reserved, DAY_CAP - today - reserved)
        rate = cents / 100
        wanted, needed = most / 60 * rate, least / 60 * rate
        asked = catalog.Reserve(most * 60.0, least * 60.0, rate, "")
        caps = catalog.Caps(experiment=CAP, day=DAY_CAP)
        try:
            attempt = catalog.begin_attempt(
                self.engine, self.experiment, name, **HERE, now=self._now(), reserve=asked, caps=caps
            )
        except catalog.CapError:
            assert wanted > 0
            assert needed > room - 1e-6
            return
        busy = name in self.done or any(one.run == name and one.spent is None for one in self.attempts.values())
        assert (attempt is None) == busy
        if attempt is None:
            return
        expected = 0.0 if wanted == 0 else max(min(wanted, room), needed)
        self.attempts[attempt] = Tried(name, run[1], expected)
        _, today, reserved = self._sums()
        if wanted > 0:  # what costs nothing may begin beside a cap that is overdrawn
            assert spent + reserved <= CAP + 1e-6
            assert today + reserved <= DAY_CAP + 1e-6

    @precondition(lambda self: self.attempts)
    @rule(
        data=st.data(),
        state=st.sampled_from([state for state in ENDS if state != "collected"]),
        share=st.sampled_from([0.0, 0.3, 1.0, 1.4]),
    )
    def end(self, data: st.DataObject, state: str, share: float) -> None:
        """At times it takes more than was reserved: machines stop late. The second end of an attempt is none."""
        attempt = data.draw(st.sampled_from(sorted(self.attempts)))
        tried = self.attempts[attempt]
        dollars = share * tried.reserved
        first = catalog.end_attempt(
            self.engine, attempt, state, seconds=60 * share, dollars=dollars, reason="", now=self._now()
        )
        assert first == (tried.spent is None)
        if first:
            tried.spent, tried.day, tried.failed = dollars, self.day, True

    @precondition(lambda self: self.attempts)
    @rule(data=st.data(), share=st.sampled_from([0.0, 0.3, 1.0]))
    def bring_a_result(self, data: st.DataObject, share: float) -> None:
        """Also of an attempt that was given up, or a second time."""
        attempt = data.draw(st.sampled_from(sorted(self.attempts)))
        tried = self.attempts[attempt]
        collect(self.engine, attempt, tried.seed, dollars=share * tried.reserved)
        if tried.spent is None:
            tried.spent, tried.day = share * tried.reserved, 0  # catalog_samples.collect says LATER, on the first day
        self.done.add(tried.run)

    @rule()
    def tomorrow(self) -> None:
        self.day += 1

    @rule()
    def the_orchestrator_dies(self) -> None:
        """All that it knew is in the file."""
        self.catalog.close()
        self.catalog = open_catalog(self.folder / "catalog.sqlite")
        self.engine = self.catalog.engine

    @invariant()
    def sums_are_those_of_the_model(self) -> None:
        if not hasattr(self, "attempts"):
            return
        spent, today, reserved = self._sums()
        money = catalog.money_of(self.engine, self.experiment, self._now())
        assert money["experiment"] == pytest.approx((spent, reserved), abs=1e-9)
        assert money["workspace"] == money["experiment"]
        assert money["day"] == pytest.approx((today, reserved), abs=1e-9)
        ((actual, failed, kept, attempts, faults, still_open),) = ask(
            self.engine,
            "SELECT actual_dollars, failed_dollars, reserved_dollars, attempts, failed_attempts, open_attempts "
            "FROM spend",
        )
        tried = list(self.attempts.values())
        assert (actual, kept) == pytest.approx((spent, reserved), abs=1e-9)
        assert failed == pytest.approx(sum(one.spent or 0.0 for one in tried if one.failed), abs=1e-9)
        assert (attempts, faults) == (len(tried), sum(one.failed for one in tried))
        assert still_open == sum(one.spent is None for one in tried)

    @invariant()
    def each_attempt_is_counted_once(self) -> None:
        if not hasattr(self, "attempts"):
            return
        assert ask(
            self.engine,
            "SELECT count(*), count(reservation.attempt_id), count(DISTINCT attempt.id) FROM attempt "
            "LEFT JOIN reservation ON reservation.attempt_id = attempt.id "
            "LEFT JOIN attempt_end ON attempt_end.attempt_id = attempt.id",
        ) == [(len(self.attempts),) * 3]
        assert (
            ask(
                self.engine,
                "SELECT run_id FROM attempt LEFT JOIN attempt_end ON attempt_end.attempt_id = attempt.id "
                "WHERE attempt_end.attempt_id IS NULL GROUP BY run_id HAVING count(*) > 1",
            )
            == []
        ), "nobody trains a run that somebody trains"

    def _now(self) -> Any:
        return NOW + timedelta(days=self.day)


@pytest.mark.slow
def test_under_any_interleaving_of_failures_the_ledger_adds_up(empty_catalog: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("LedgerMachine", (LedgerMachine,), {"empty": empty_catalog})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
