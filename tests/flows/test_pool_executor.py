"""The executor `pool` against a real Prefect server and a real worker: what a run gives, what each fault is called, and
that nothing is started twice."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED, temporary_settings
from prefect.states import Cancelling, Pending
from prefect.states import Running as RunningState
from small_proposals import write_proposal
from work_pool import children, is_alive, kill, worker

from flows.pool import deploy
from models.request import TrainRequest
from proposals.reading import read_proposal
from tasks.dispatch import request_for
from tasks.executors import (
    Fault,
    Finished,
    Handle,
    Machine,
    NotReadyError,
    Running,
    State,
    UnreachableError,
    check_ready,
    executor_named,
    pool_client,
)
from tasks.executors import pool as executor_module
from tasks.executors.pool import Pool
from tasks.executors.pool_folder import folder_of, read_outcome

pytestmark = [pytest.mark.server, pytest.mark.slow]
MACHINE = Machine(seconds=300.0)


@pytest.fixture(autouse=True)
def api(prefect_api: str) -> Iterator[str]:
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield prefect_api


@pytest.fixture(scope="module")
def at_work(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A worker of the pool "busy"."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        deploy("busy", print)
    with worker("busy", "busy-1", prefect_api, tmp_path_factory.mktemp("worker") / "log"):
        yield


@pytest.fixture
def busy(at_work: None, api: str) -> None:
    deploy("busy", print)


@pytest.fixture
def idle(api: str) -> None:
    """Nobody works in the pool "idle"."""
    deploy("idle", print)


@pytest.fixture
def request_(tmp_path: Path) -> TrainRequest:
    place = write_proposal(tmp_path)
    setup = read_proposal(place.proposals / "101-small-recall.md").setup
    assert setup is not None
    asked = request_for(setup, "linear", 0, tmp_path / "run", max_seconds=300.0)
    assert isinstance(asked, TrainRequest)
    return asked


@pytest.fixture
def ticket(tmp_path: Path) -> str:
    return f"1-{tmp_path.name}-{time.time_ns()}"


def longer(asked: TrainRequest) -> TrainRequest:
    return asked.model_copy(update={"training": asked.training.model_copy(update={"epochs": 1_000_000})})


def until(happens: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < deadline, f"{what} took more than {seconds:.0f} s"
        time.sleep(0.1)
    return found


def wait(handle: Handle, executor: Pool | None = None) -> State:
    executor = executor or Pool()

    def ended() -> State | None:
        state = executor.poll(handle)
        return None if isinstance(state, Running) else state

    return until(ended, "the run", 120)


def begun(asked: TrainRequest, handle: Handle) -> tuple[int, int]:
    """The process of the flow run, and that of its training, once that has trained an epoch."""
    until((Path(asked.directory) / "progress.jsonl").exists, "the first epoch", 120)
    pid = json.loads((Path(handle["directory"]) / "heartbeat.json").read_text())["pid"]
    (child,) = children(pid)
    return pid, child


def runs_under(ticket: str) -> int:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey

    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[ticket]))
    with pool_client.prefect_client() as client:
        return len(client.read_flow_runs(flow_run_filter=wanted))


def prefects(handle: Handle) -> str:
    """Prefect's name of the state."""
    run = pool_client.read(handle["flow_run"])
    assert run is not None
    assert run.state_name is not None
    return run.state_name


# -- with a worker -------------------------------------------------------------------------------------------


def test_a_training_gives_its_result(busy: None, request_: TrainRequest, ticket: str) -> None:
    executor = executor_named("pool")
    assert isinstance(executor, Pool)
    check_ready("pool")
    handle = executor.submit(request_, MACHINE, ticket)
    assert json.loads(json.dumps(handle)) == handle
    state = wait(handle, executor)
    assert isinstance(state, Finished), state
    assert state.result.seeds[0].epochs == 2
    assert state.seconds is not None
    assert state.seconds > 0
    # asked again, also by a process that never started it, the answer is the same
    assert Pool().poll(handle) == state
    assert Pool().recover(request_.directory, 0, MACHINE, ticket) == handle
    until(lambda: prefects(handle) == "Completed", "Prefect's state")
    Pool().cancel(handle)  # of what has ended: nothing happens
    assert Pool().poll(handle) == state


def test_a_crash_of_our_code_is_no_fault_of_the_machine(busy: None, request_: TrainRequest) -> None:
    smaller = request_.synthetic.model_copy(update={"vocabulary": 4})
    handle = Pool().submit(request_.model_copy(update={"synthetic": smaller}), MACHINE)
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("failed", False)
    assert "Error" in state.reason
    assert state.log_tail
    until(lambda: prefects(handle) == "Failed", "Prefect's state")


def test_other_code_on_a_worker_is_refused(busy: None, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "version_of", lambda request: "another")
    state = wait(Pool().submit(request_, MACHINE))
    assert isinstance(state, Fault)
    assert state.state == "refused"
    assert "has other code of models/" in state.reason
    assert not (Path(request_.directory) / "request.json").exists(), "it began nevertheless"


def test_its_time_is_limited(busy: None, request_: TrainRequest) -> None:
    state = wait(Pool().submit(longer(request_), Machine(seconds=1.0)))  # less than importing torch takes
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("timed_out", False)
    assert state.seconds is not None
    assert state.seconds >= 1.0


def test_a_folder_that_is_not_shared_is_named(busy: None, request_: TrainRequest, ticket: str) -> None:
    handle = Pool().submit(request_, MACHINE, ticket)
    shutil.rmtree(handle["directory"])
    folder = Path(handle["directory"])
    until(lambda: prefects(handle) == "Failed", "the flow run")
    folder.mkdir()  # here it was there all the time
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("crashed", False)
    assert "must lie on a file system that all machines share" in state.reason


@pytest.mark.parametrize("by", ["us", "prefect"])
def test_cancelling_stops_it_and_keeps_the_checkpoint(busy: None, request_: TrainRequest, by: str) -> None:
    asked = longer(request_)
    handle = Pool().submit(asked, MACHINE)
    _, child = begun(asked, handle)
    if by == "us":
        Pool().cancel(handle)
    else:
        pool_client.set_state(pool_client.read(handle["flow_run"]), Cancelling())
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("cancelled", False)
    assert (Path(asked.directory) / "checkpoint.pt").exists()
    until(lambda: not is_alive(child), "the training's end")
    until(lambda: prefects(handle) == "Cancelled", "Prefect's state")


def test_a_worker_that_is_told_to_stop_is_no_cancelling(busy: None, request_: TrainRequest) -> None:
    """A cluster ends a pod by SIGTERM; only where Prefect was asked to cancel did somebody want that."""
    asked = longer(request_)
    handle = Pool().submit(asked, MACHINE)
    pid, child = begun(asked, handle)
    os.kill(pid, signal.SIGTERM)
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("preempted", True)
    assert (Path(asked.directory) / "checkpoint.pt").exists()
    until(lambda: not is_alive(child), "the training's end")


def test_a_killed_training_is_lost_and_may_be_tried_again(busy: None, request_: TrainRequest) -> None:
    asked = longer(request_)
    handle = Pool().submit(asked, MACHINE)
    _, child = begun(asked, handle)
    os.kill(child, signal.SIGKILL)
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("lost", True)
    assert "SIGKILL" in state.reason


def test_a_killed_flow_run_takes_its_training_with_it(busy: None, request_: TrainRequest) -> None:
    asked = longer(request_)
    handle = Pool().submit(asked, MACHINE)
    pid, child = begun(asked, handle)
    os.kill(pid, signal.SIGKILL)
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("lost", True)
    until(lambda: not is_alive(child), "the training's end")


def test_a_machine_that_is_gone_is_known_by_its_silence(
    request_: TrainRequest, api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "SILENT_SECONDS", 15.0)
    deploy("doomed", print)
    asked = longer(request_)
    with worker("doomed", "doomed-1", api, tmp_path / "log") as doomed:
        handle = Pool().submit(asked, MACHINE)
        begun(asked, handle)
        kill(doomed)
        assert isinstance(Pool().poll(handle), Running)
        state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("lost", True)
    assert "nothing was heard" in state.reason
    assert state.seconds is not None
    assert prefects(handle) == "Crashed", "Prefect would show it as running for ever"


def test_a_run_outlives_its_worker_and_can_still_be_stopped(request_: TrainRequest, api: str, tmp_path: Path) -> None:
    """The worker alone is killed: what it had started goes on, and hears us though Prefect can tell it nothing."""
    deploy("doomed", print)
    asked = longer(request_)
    with worker("doomed", "doomed-2", api, tmp_path / "log") as doomed:
        handle = Pool().submit(asked, MACHINE)
        _, child = begun(asked, handle)
        doomed.kill()
        doomed.wait()
    assert is_alive(child)
    Pool().cancel(handle)
    state = wait(handle)
    assert isinstance(state, Fault)
    assert state.state == "cancelled"
    until(lambda: not is_alive(child), "the training's end")


# -- without one ---------------------------------------------------------------------------------------------


def test_a_ticket_starts_one_run_whoever_asks(idle: None, request_: TrainRequest, ticket: str) -> None:
    handle = Pool().submit(request_, MACHINE, ticket)
    # its starter died before it had written down the handle
    assert Pool().recover(request_.directory, 0, MACHINE, ticket) == handle
    assert Pool().submit(request_, MACHINE, ticket) == handle
    assert runs_under(ticket) == 1


def test_a_ticket_that_was_given_up_starts_nothing(idle: None, request_: TrainRequest, ticket: str) -> None:
    assert Pool().recover(request_.directory, 0, MACHINE, ticket) is None
    assert Pool().recover(request_.directory, 0, MACHINE, ticket) is None
    late = Pool().submit(request_, MACHINE, ticket)  # it was on its way all the time
    assert runs_under(ticket) == 1
    assert prefects(late) == "Unused"
    state = wait(late)
    assert isinstance(state, Fault)
    assert state.state == "cancelled"


def test_what_waits_for_a_worker_runs_and_can_be_cancelled(
    idle: None, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "SILENT_SECONDS", 0.0)
    handle = Pool().submit(request_, MACHINE)
    assert isinstance(Pool().poll(handle), Running)
    Pool().cancel(handle)
    assert prefects(handle) == "Cancelled"
    state = wait(handle)
    assert isinstance(state, Fault)
    assert state.state == "cancelled"


@pytest.mark.parametrize("kind", ["process", "kubernetes"])
def test_what_was_taken_and_never_begun_is_lost(
    idle: None, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    handle = Pool().submit(request_, MACHINE)
    with pool_client.prefect_client() as client:  # as a worker does
        client.update_flow_run_labels(UUID(handle["flow_run"]), {"prefect.worker.type": kind})
    pool_client.set_state(pool_client.read(handle["flow_run"]), Pending())
    assert isinstance(Pool().poll(handle), Running)
    name, other = (
        ("PROCESS_SECONDS", "PENDING_SECONDS") if kind == "process" else ("PENDING_SECONDS", "PROCESS_SECONDS")
    )
    monkeypatch.setattr(executor_module, other, -5.0)
    assert isinstance(Pool().poll(handle), Running)
    monkeypatch.setattr(executor_module, name, -5.0)
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.seconds) == ("lost", 0.0)
    assert prefects(handle) == "Crashed"


@pytest.mark.parametrize(("then", "end"), [(None, "lost"), (Cancelling(), "cancelled")])
def test_silence_after_cancelling_is_no_reason_to_try_again(
    idle: None, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch, then: Any, end: str
) -> None:
    handle = Pool().submit(request_, MACHINE)
    for state in (Pending(), RunningState(), then):
        if state is not None:
            pool_client.set_state(pool_client.read(handle["flow_run"]), state, force=True)
    assert isinstance(Pool().poll(handle), Running)
    monkeypatch.setattr(executor_module, "SILENT_SECONDS", -5.0)
    fault = wait(handle)
    assert isinstance(fault, Fault)
    assert fault.state == end


def test_a_flow_run_that_prefect_forgot_is_lost_once_it_is_silent(
    idle: None, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = Pool().submit(request_, MACHINE)
    with pool_client.prefect_client() as client:
        client.delete_flow_run(handle["flow_run"])
    folder = Path(handle["directory"])
    (folder / "heartbeat.json").write_text('{"host": "a", "pid": 1, "seconds": 2.5}')
    assert isinstance(Pool().poll(handle), Running)
    monkeypatch.setattr(executor_module, "SILENT_SECONDS", -5.0)
    state = wait(handle)
    assert isinstance(state, Fault)
    assert (state.state, state.seconds) == ("lost", 2.5)


def test_a_server_that_is_away_hides_no_result(idle: None, request_: TrainRequest, ticket: str) -> None:
    handle = Pool().submit(request_, MACHINE, ticket)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        for ask in (
            lambda: Pool().poll(handle),
            lambda: Pool().cancel(handle),
            lambda: Pool().recover(request_.directory, 0, MACHINE, ticket),
        ):
            with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9/api cannot be asked"):
                ask()
        (Path(handle["directory"]) / "outcome.json").write_text('{"state": "failed", "reason": "ours"}')
        assert Pool().poll(handle) == Fault("failed", "ours")


def test_what_prefect_refuses_was_surely_not_begun(idle: None, ticket: str) -> None:
    with pytest.raises(NotReadyError, match=r"(?s)refuses it.*409") as caught:
        pool_client.create({"request": "no object"}, ticket, "wrong")
    assert not isinstance(caught.value, UnreachableError)
    assert runs_under(ticket) == 0


def test_whoever_does_not_see_the_folder_gives_nothing_up(idle: None, request_: TrainRequest) -> None:
    """As on a machine that shares the catalog, but not the folder."""
    handle = Pool().submit(request_, MACHINE)
    pool_client.set_state(pool_client.read(handle["flow_run"]), RunningState(), force=True)
    shutil.rmtree(handle["directory"])
    with pytest.raises(UnreachableError, match=r"pool-\w+ is not here. Ask on a machine that shares the folder `runs`"):
        Pool().poll(handle)
    assert prefects(handle) == "Running"


def test_without_a_server_none_is_started(request_: TrainRequest) -> None:
    with (
        temporary_settings(updates={PREFECT_SERVER_EPHEMERAL_ENABLED: True}, restore_defaults={PREFECT_API_URL}),
        pytest.raises(UnreachableError, match="no Prefect server is named"),
    ):
        Pool().submit(request_, MACHINE)


def test_what_is_no_outcome_is_said_to_be_none(tmp_path: Path) -> None:
    assert read_outcome(tmp_path) is None
    path = tmp_path / "outcome.json"
    for text in ("", "[", "{}", '{"result": {}}', '{"state": "won", "reason": "x"}', "[" * 10_000, "\udcff"):
        path.write_bytes(text.encode(errors="surrogateescape"))
        found = read_outcome(tmp_path)
        assert isinstance(found, Fault)
        assert (found.state, found.retry) == ("refused", False)
        assert "is no outcome" in found.reason
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    found = read_outcome(tmp_path)
    assert isinstance(found, Fault)
    assert "more than 64 MiB" in found.reason


def test_what_is_missing_is_said_before_anything_is_reserved(idle: None, api: str) -> None:
    with pytest.raises(NotReadyError, match=r"no worker of the work pool 'idle' is online.*worker start --pool idle"):
        check_ready("pool")
    with pool_client.prefect_client() as client:
        client.delete_deployment(client.read_deployment_by_name(pool_client.DEPLOYMENT).id)
    with pytest.raises(NotReadyError, match=r"no deployment 'carry-out/pool'.*mve deploy-pool NAME"):
        check_ready("pool")
    began = time.monotonic()
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(NotReadyError, match=r"cannot be asked.*prefect server start.*--executor local"),
    ):
        check_ready("pool")
    assert time.monotonic() - began < 30


def test_a_paused_pool_is_said_to_be_paused(idle: None, api: str) -> None:
    from prefect.client.schemas.actions import WorkPoolUpdate

    with pool_client.prefect_client() as client:
        client.update_work_pool("idle", WorkPoolUpdate(is_paused=True))
        try:
            with pytest.raises(NotReadyError, match="'idle' is paused: `prefect work-pool resume idle`"):
                check_ready("pool")
        finally:
            client.update_work_pool("idle", WorkPoolUpdate(is_paused=False))


def test_a_training_without_a_time_limit_is_not_begun(request_: TrainRequest) -> None:
    with pytest.raises(ValueError, match="needs its time limit"):
        Pool().submit(request_)
    assert not folder_of(request_.directory, "").exists()
