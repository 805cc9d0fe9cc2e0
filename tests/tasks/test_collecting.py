"""Settings, rates, reservations at dispatch, and what becomes of attempts that nobody waits for."""

import asyncio
import json
import re
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from small_proposals import write_proposal

from db import catalog
from db.engine import writing
from db.money_tables import LeaseRow
from models.request import TrainRequest
from proposals.spec import AnySetup
from proposals.workspace import Workspace
from tasks import train
from tasks.collect import Swept, record, sweep_open
from tasks.dispatch import RunBusyError, dispatch_run, done_with
from tasks.executors import Fault, Finished, Handle, Machine, Request, Running, State, UnreachableError
from tasks.executors.boot import start_time
from tasks.executors.inprocess import InProcess
from tasks.executors.local import LocalProcess
from tasks.leases import leased, look, me
from tasks.ledger import ask_for, bill, caps_for
from tasks.lock import BusyError
from tasks.place import catalog_of, now
from tasks.plan import Planned, plan_look
from tasks.rates import RateError, rate_of, rate_of_device
from tasks.register import register_proposal
from tasks.settings import Settings, SettingsError, settings_of


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return write_proposal(tmp_path)


def planned(place: Workspace, compute: str = "{minutes: 1, dollars: 0}", executor: str = "local") -> Planned:
    document = place.proposals / "101-small-recall.md"
    document.write_text(document.read_text().replace("{minutes: 1, dollars: 0}", compute))
    return plan_look(place, register_proposal(place, "101-small-recall").id, 5, executor, quick=False)


def setup_of(place: Workspace) -> AnySetup:
    with catalog_of(place) as engine:
        return catalog.load_registration(engine, 1).setup


def dispatch(place: Workspace, what: Planned, machine: Any, index: int = 0) -> tuple[int, str]:
    key, name = list(what.missing.items())[index]
    variant, seed = name.rsplit("-seed-", 1)
    attempt = dispatch_run(place, what.experiment, key, variant, int(seed), machine).attempt
    done_with(place, attempt)  # as if the process that began it were gone
    return attempt, key


def ask(place: Workspace, query: str) -> list[tuple[Any, ...]]:
    with catalog_of(place) as engine, engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query).all()]


def ends(place: Workspace) -> list[tuple[Any, ...]]:
    return ask(place, "SELECT state, seconds, dollars, reason FROM attempt_end ORDER BY attempt_id")


class Paid:
    """A paid machine that does what the test says: it stands where no machine can be paid here."""

    name = "modal"
    width = 4
    remote = True

    def __init__(self, *answers: State) -> None:
        self.answers, self.requests = list(answers), list[Request]()

    def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
        self.requests.append(request)
        return {"call": len(self.requests)}

    def recover(self, directory: str, seed: int, machine: Machine, ticket: str) -> None:
        """It keeps nothing."""

    def poll(self, handle: Handle) -> State:
        return self.answers.pop(0) if self.answers else Running()

    def cancel(self, handle: Handle) -> None:
        self.answers.append(Fault("cancelled", "stopped", seconds=3.0))


# -- settings and rates --------------------------------------------------------------------------------------


def test_a_workspace_without_settings_has_the_defaults(place: Workspace) -> None:
    settings = settings_of(place)
    assert (settings.executor.default, settings.caps.day, settings.rates) == ("local", None, {})
    (place.root / "mve.toml").write_text('[caps]\nday = 2\n[rates]\nH100 = 4.5\n[notices]\nurl = "json://x"\n')
    settings = settings_of(place)
    assert (settings.caps.day, settings.caps.workspace, settings.rates) == (2.0, None, {"H100": 4.5})


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[caps]\nday = 3\nweek = 4\n", 3, "caps.week is not known; there are experiment, day, workspace"),
        ("# money\n\n[caps]\nday = -3\n", 4, "caps.day: input should be greater than or equal to 0, not -3"),
        ('[rates]\n"A100-80GB" = "2.50"\n', 2, "rates.A100-80GB: input should be a valid number, not '2.50'"),
        ("[executor]\ndefault = 3\n", 2, "executor.default"),
        ("[cap]\nday = 3\n", 1, "cap is not known; there are caps, rates, executor"),
        ("caps.day = nan\n", 1, "caps.day"),
    ],
)
def test_wrong_settings_are_named_with_their_line(place: Workspace, text: str, line: int, says: str) -> None:
    (place.root / "mve.toml").write_text(text)
    with pytest.raises(SettingsError, match=rf"mve\.toml:{line}: {re.escape(says)}"):
        settings_of(place)


def test_settings_that_are_no_toml(place: Workspace) -> None:
    (place.root / "mve.toml").write_text("[caps]\nday = \n")
    with pytest.raises(SettingsError, match=r"mve\.toml is not TOML: .*line 2"):
        settings_of(place)


def test_rates_are_those_of_what_is_asked_for_and_of_what_ran() -> None:
    assert rate_of("local", "H100", {}).dollars_per_hour == 0
    assert rate_of("local", "H100", {"local": 0.05}).dollars_per_hour == 0.05
    assert rate_of("modal", "T4", {}) == (0.59, "T4: third-party pages, May 2026, estimates")
    assert rate_of("modal", "T4", {"T4": 0.6}) == (0.6, "T4: mve.toml")
    assert rate_of("modal", None, {}).dollars_per_hour == 0.047
    with pytest.raises(RateError, match=r"what an hour of B300 costs is not known.*\[rates\] in mve.toml"):
        rate_of("modal", "B300", {})
    names = {"Tesla T4": 0.59, "NVIDIA L4": 0.80, "NVIDIA L40S": 1.95, "NVIDIA A100-SXM4-80GB": 2.50}
    names |= {"NVIDIA H100 80GB HBM3": 3.95, "local modal: cpu: Intel Xeon": 9.0, "NVIDIA H200": 9.0}
    assert {name: rate_of_device(name, 9.0, {}) for name in names} == names


# -- what a dispatch may take --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_training_that_its_minutes_cut_short_is_timed_out_and_no_result(place: Workspace) -> None:
    """On a faster machine it would be another, and its key says nothing of minutes."""
    what = planned(place, "{minutes: 0.001, dollars: 0}")
    document = place.proposals / "101-small-recall.md"
    document.write_text(document.read_text().replace("epochs: 2,", "epochs: 5000,"))
    what = plan_look(place, register_proposal(place, "101-small-recall").id, 5, "inprocess", quick=False)
    attempt, _ = dispatch(place, what, machine := InProcess())
    directory = next(path.parent for path in place.runs.glob("*/result.json"))
    state = machine.poll({"directory": str(directory)})
    assert isinstance(state, Finished)
    assert state.result.seeds[0].stopped == "time"
    ended = record(place, what.experiment, attempt, "it", state)
    assert isinstance(ended, Fault)
    assert (ended.state, ended.retry) == ("timed_out", False)
    assert re.match(
        r"its time was over after \d+ s, in epoch \d+; the checkpoint is kept. With more `minutes`", ended.reason
    )
    with catalog_of(place) as engine:
        assert catalog.results_of(engine, what.experiment) == []


def test_a_paid_run_has_a_share_of_the_budget_and_a_cap(place: Workspace) -> None:
    planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    setup = setup_of(place)
    asked = ask_for(setup, "modal", Settings())
    assert (asked.seconds, asked.least_seconds) == (4 * 360, 360), "ten runs in an hour"
    assert ask_for(setup, "local", Settings()).seconds == 3600
    assert caps_for(setup, Settings()) == (0.6, None, None)
    own = Settings.model_validate({"caps": {"experiment": 0.5, "day": 1.0}})
    assert caps_for(setup, own) == (0.5, 1.0, None)


def test_a_cap_refuses_before_anything_is_started(place: Workspace) -> None:
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    (place.root / "mve.toml").write_text("[caps]\nworkspace = 0.25\n")
    machine = Paid()
    dispatch(place, what, machine)
    with pytest.raises(catalog.CapError, match=r"per workspace of \$0.25 .* \$0.24 reserved .* \$0.06 .* make \$0.29"):
        dispatch(place, what, machine, 1)
    assert len(machine.requests) == 1
    request = machine.requests[0]
    assert isinstance(request, TrainRequest)
    assert request.max_seconds == 1440
    with catalog_of(place) as engine:
        assert len(catalog.open_attempts(engine)) == 1


def test_an_attempt_is_billed_by_what_ran_and_for_as_long_as_it_did(place: Workspace) -> None:
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    attempt, _ = dispatch(place, what, Paid())
    with catalog_of(place) as engine:
        assert bill(engine, attempt, 360.0, "Tesla T4", Settings()) == pytest.approx((360.0, 0.059))
        assert bill(engine, attempt, 360.0, "NVIDIA L4", Settings()) == pytest.approx((360.0, 0.08))
        assert bill(engine, attempt, 360.0, None, Settings()) == pytest.approx((360.0, 0.059))
        seconds, dollars = bill(engine, attempt, None, None, Settings())
    assert 0 <= seconds < 60, "nobody measured: since it was submitted"
    assert dollars == pytest.approx(seconds / 3600 * 0.59)


def test_faults_are_billed_too(place: Workspace) -> None:
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    attempt, _ = dispatch(place, what, Paid())
    record(place, what.experiment, attempt, "it", Fault("preempted", "taken", seconds=72.0, device="Tesla T4"))
    assert ends(place) == [("preempted", 72.0, pytest.approx(0.0118), "taken")]


def test_who_has_to_wait_for_money_gets_it_when_it_is_released(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "WAIT_SECONDS", 0.02)
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    (place.root / "mve.toml").write_text("[caps]\nworkspace = 0.25\n")
    (first, one), (second, other) = list(what.missing.items())[:2]
    lost = Fault("refused", "no such GPU today", seconds=0.0)

    async def both() -> list[BaseException | None]:
        slow, quick = Paid(*[Running()] * 10, lost), Paid(lost)
        return await asyncio.gather(
            train.train_run(place, what.experiment, first, one, slow),
            train.train_run(place, what.experiment, second, other, quick),
            return_exceptions=True,
        )

    assert [type(error) for error in asyncio.run(both())] == [train.InfrastructureError] * 2
    assert [state for state, *_ in ends(place)] == ["refused", "refused"]


# -- what nobody waits for -----------------------------------------------------------------------------------


def test_preemptions_do_not_use_up_the_attempts(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    key, name = next(iter(what.missing.items()))
    taken = Fault("preempted", "taken", seconds=1.0)
    answers = [taken] * 5 + [Fault("lost", "gone", seconds=1.0)] * 3
    with pytest.raises(train.InfrastructureError, match="was lost in attempt 8: gone"):
        asyncio.run(train.train_run(place, what.experiment, key, name, Paid(*answers)))
    assert [state for state, *_ in ends(place)] == ["preempted"] * 5 + ["lost"] * 3


def test_a_cancelled_training_says_so_with_its_seconds(place: Workspace) -> None:
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    key, name = next(iter(what.missing.items()))

    async def cancelled() -> None:
        task = asyncio.create_task(train.train_run(place, what.experiment, key, name, Paid()))
        await asyncio.sleep(0.2)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    ((state, seconds, _, reason),) = ends(place)
    assert (state, seconds, reason) == ("cancelled", 3.0, "the flow was cancelled; the checkpoint is kept")


class Slow(Paid):
    """It takes a while until it says what it has started."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()

    def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
        self.asked.set()
        time.sleep(0.5)
        return super().submit(request, machine, ticket)


@pytest.mark.parametrize("everything", [False, True])
def test_what_is_just_being_started_is_stopped_too(place: Workspace, everything: bool) -> None:
    """everything: every task of the loop is cancelled, as where a signal ends the loop itself."""
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    key, name = next(iter(what.missing.items()))
    slow = Slow()

    async def cancelled() -> None:
        task = asyncio.create_task(train.train_run(place, what.experiment, key, name, slow))
        await asyncio.to_thread(slow.asked.wait, 60)
        for one in asyncio.all_tasks() - {asyncio.current_task()} if everything else {task}:
            one.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    ((state, *_),) = ends(place)
    assert state == "cancelled"


class Gone(Paid):
    """Its service is out of reach as soon as something has been started there."""

    def poll(self, handle: Handle) -> State:
        raise UnreachableError("no network")

    def cancel(self, handle: Handle) -> None:
        raise UnreachableError("no network")


def test_what_cannot_be_cancelled_stays_open(place: Workspace, caplog: pytest.LogCaptureFixture) -> None:
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    key, name = next(iter(what.missing.items()))

    async def cancelled() -> None:
        task = asyncio.create_task(train.train_run(place, what.experiment, key, name, Gone()))
        while not ask(place, "SELECT 1 FROM attempt_handle"):
            await asyncio.sleep(0.02)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert ends(place) == []
    with catalog_of(place) as engine:
        assert len(catalog.open_attempts(engine)) == 1
    assert f"{name} may still run, since it could not be cancelled: no network. `mve collect` asks" in caplog.text


@pytest.mark.parametrize("unsure", [False, True])
def test_what_cannot_be_started_now_is_tried_again_and_then_a_fault(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, unsure: bool
) -> None:
    """Where it is not sure that nothing was started, the attempt stays open until its ticket tells."""
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(train, "AGAIN_SECONDS", 0.02)
    monkeypatch.setattr(train, "WAIT_SECONDS", 0.02)
    monkeypatch.setattr(train, "PATIENCE_SECONDS", 1.0)
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    key, name = next(iter(what.missing.items()))

    class Away(Paid):
        def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
            self.requests.append(request)
            raise UnreachableError("no answer", unsure)

    away = Away()
    says = "waits for one before it: attempt 1" if unsure else "could not be started: no answer"
    with pytest.raises(train.InfrastructureError, match=says):
        asyncio.run(train.train_run(place, what.experiment, key, name, away))
    with catalog_of(place) as engine:
        assert len(catalog.open_attempts(engine)) == unsure
    assert {state for state, *_ in ends(place)} == (set() if unsure else {"refused"})
    assert len(away.requests) == 1 if unsure else len(away.requests) > 1


@pytest.mark.parametrize("hours", [-19, 30])
def test_a_clock_that_jumps_costs_nothing_more(place: Workspace, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    what = planned(place, "{gpu: T4, minutes: 60, dollars: 0.6}")
    attempt, _ = dispatch(place, what, Paid())
    later = now() + timedelta(hours=hours)
    monkeypatch.setattr("tasks.ledger.now", lambda: later)
    with catalog_of(place) as engine:
        assert bill(engine, attempt, 360.0, "Tesla T4", Settings()) == pytest.approx((360.0, 0.059))
        seconds, _ = bill(engine, attempt, None, None, Settings())
    assert seconds == 4 * 360, "its time limit is the most that nobody measured"


@pytest.mark.slow
def test_a_sweep_records_what_ended_and_leaves_what_others_do(place: Workspace) -> None:
    what = planned(place)
    local = LocalProcess(width=1)
    dispatch(place, what, local)
    assert sweep_open(place).running == 1
    with pytest.raises(RunBusyError):
        dispatch(place, what, local)
    stranger = catalog.Owner("elsewhere", "boot", 1, "1")
    with catalog_of(place) as engine:
        assert catalog.take_lease(engine, what.experiment, stranger, look) is None
    assert sweep_open(place) == Swept(others=1)
    with pytest.raises(catalog.LeaseError):
        dispatch(place, what, local, 1)
    with catalog_of(place) as engine:
        assert catalog.release_lease(engine, what.experiment, stranger)
        handle = catalog.open_attempts(engine)[0].handle
    assert handle is not None
    while isinstance(local.poll(handle), Running):
        time.sleep(0.1)
    assert sweep_open(place) == Swept(collected=1)
    assert sweep_open(place) == Swept()
    ((state, seconds, dollars, _),) = ends(place)
    assert (state, dollars) == ("collected", 0.0)
    assert 0 < seconds < 120


def test_what_cannot_be_asked_after_stays_open_and_what_is_no_result_ends(place: Workspace) -> None:
    what = planned(place)
    with catalog_of(place) as engine:
        for (key, _), executor, handle in zip(
            what.missing.items(),
            ("nonsense", "inprocess", "local", "local"),
            ({"x": 1}, {"directory": str(place.root)}, {"pid": 1, "started": "", "directory": "/"}, None),
            strict=False,
        ):
            here = {"host": "elsewhere" if executor == "local" else me().host, "boot_id": "b"}
            attempt = catalog.begin_attempt(engine, what.experiment, key, executor=executor, **here, now=now())
            assert attempt is not None
            if handle:
                catalog.store_handle(engine, attempt, handle, now())
    (place.root / "result.json").write_text('{"seeds": "many"}')
    swept = sweep_open(place)
    assert (swept.collected, swept.faults, len(swept.silent)) == (0, 3, 1)
    assert "there is no executor 'nonsense'" in swept.silent[0]
    said = [(state, reason) for state, _, _, reason in ends(place)]
    assert said[0][0] == "failed"
    assert "is no result" in said[0][1]
    assert said[1:] == [
        ("lost", "it ran on elsewhere, and whoever started it there is gone"),
        ("lost", "its orchestrator died before it was started"),
    ]


@pytest.mark.slow
def test_an_attempt_of_a_dead_flow_is_waited_for_and_not_begun_again(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "WAIT_SECONDS", 0.02)
    what = planned(place)
    _, key = dispatch(place, what, LocalProcess(width=1))
    asyncio.run(train.train_run(place, what.experiment, key, what.missing[key], InProcess()))
    assert [state for state, *_ in ends(place)] == ["collected"]
    asyncio.run(train.train_run(place, what.experiment, key, what.missing[key], InProcess()))
    assert len(ends(place)) == 1, "a result is not trained for again"


# -- leases --------------------------------------------------------------------------------------------------


def test_a_lease_is_held_renewed_and_given_back(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import leases

    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.05)
    experiment = planned(place).experiment
    with leased(place, experiment):
        with catalog_of(place) as engine, writing(engine) as session:
            row = session.get(LeaseRow, experiment)
            assert row is not None
            row.heartbeat_at -= timedelta(hours=1)
            session.add(row)
        deadline = now() + timedelta(seconds=20)
        while now() < deadline:
            with catalog_of(place) as engine:
                (lease,) = catalog.leases(engine, lambda owner: None)
            if lease.age < 60:
                break
        assert (lease.owner, lease.alive) == (me(), True)
    with catalog_of(place) as engine:
        assert catalog.leases(engine, look) == []


def test_a_dead_owner_here_is_recognised_at_once_and_a_living_one_kept(place: Workspace) -> None:
    experiment = planned(place).experiment
    dead = me()._replace(process_started="another boot:1")
    parent = me()._replace(pid=1, process_started=start_time(1) or "")
    with catalog_of(place) as engine:
        assert catalog.take_lease(engine, experiment, dead, look) is None
    with leased(place, experiment):
        pass
    with catalog_of(place) as engine:  # of an experiment of the same registration, with other code
        other = catalog.start_experiment(
            engine, 1, executor="local", profile="full", git_commit="0" * 40, git_dirty=False, now=now()
        )
        assert catalog.take_lease(engine, other, dead, look) is None
    with leased(place, experiment), catalog_of(place) as engine:
        assert [lease.experiment_id for lease in catalog.leases(engine, look)] == [experiment]
    with catalog_of(place) as engine:
        assert catalog.take_lease(engine, experiment, parent, look) is None
    with (
        pytest.raises(BusyError, match=r"run by process 1 on .*, last heard of .* s ago. Wait for it to end, or stop"),
        leased(place, experiment),
    ):
        pass
    assert json.dumps(me())
