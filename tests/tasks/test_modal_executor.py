"""The Modal executor against the unmodified client and a server on this machine that speaks Modal's protocol: what a
call gives, what each fault is called, and what is left to go on from."""

import json
import socket
import time
import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from modal_server.serving import Running as Server
from modal_server.serving import started
from small_proposals import write_proposal

from models.request import TrainRequest
from proposals.reading import read_proposal
from tasks import dispatch
from tasks.collect import sweep_open
from tasks.dispatch import request_for
from tasks.executors import (
    Fault,
    Finished,
    Machine,
    Running,
    State,
    UnreachableError,
    check_ready,
    executor_named,
    modal_client,
)
from tasks.executors import modal as executor_module
from tasks.executors.local import LocalProcess
from tasks.executors.modal import Modal, read_outcome
from tasks.executors.modal_client import NotReadyError, check_seconds, check_uploads, uploads
from tasks.plan import plan_look
from tasks.register import register_proposal

MACHINE = Machine(seconds=120.0, gpu="T4")
VOLUME = "volumes/vo-mve-runs/runs"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests here, with the app deployed: the client keeps to the first server that it has met."""
    with started(tmp_path_factory.mktemp("modal"), width=2, grace=10) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.variables.items():
            patch.setenv(name, value)
        modal_client.deploy(lambda line: None)
        yield running


@pytest.fixture
def request_(tmp_path: Path) -> TrainRequest:
    place = write_proposal(tmp_path)
    setup = read_proposal(place.proposals / "101-small-recall.md").setup
    assert setup is not None
    # the folder's name is that of the run on the volume, which all tests share
    asked = request_for(setup, "linear", 0, tmp_path / f"run-{tmp_path.name}", max_seconds=120.0)
    assert isinstance(asked, TrainRequest)
    return asked


def new_ticket() -> str:
    """As an attempt has one, in letters that a volume takes."""
    return uuid.uuid4().hex


def longer(asked: TrainRequest, epochs: int = 1_000_000) -> TrainRequest:
    return asked.model_copy(update={"training": asked.training.model_copy(update={"epochs": epochs})})


def wait(handle: dict[str, Any], executor: Any = None, seconds: float = 180) -> State:
    executor, deadline = executor or Modal(), time.monotonic() + seconds
    while isinstance(state := executor.poll(handle), Running):
        assert time.monotonic() < deadline, "the call did not end"
        time.sleep(0.05)
    return state


def submitted(asked: TrainRequest) -> dict[str, Any]:
    handle = Modal().submit(asked, MACHINE, new_ticket())
    assert json.loads(json.dumps(handle)) == handle
    return handle


def progressing(server: Server, handle: dict[str, Any], committed: bool = False) -> None:
    """Until the call has trained some epochs; with `committed`, until others can see that."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        place = VOLUME if committed else "containers/*/volumes/vo-mve-runs/runs"
        if any(path.stat().st_size > 500 for path in server.root.glob(f"{place}/{handle['run']}/progress.jsonl")):
            return
        time.sleep(0.05)
    raise AssertionError("the call made no progress")


def measured(state: State) -> dict[str, float | None]:
    assert isinstance(state, Finished), state
    timed = ("step_time", "forward_time", "throughput", "train_time", "peak_memory")
    return {one.metric: one.value for one in state.result.seeds[0].values if one.metric not in timed}


def fault_of(state: State) -> Fault:
    assert isinstance(state, Fault), state
    return state


# -- results -------------------------------------------------------------------------------------------------


def test_a_call_gives_the_result_that_a_process_here_gives(server: Server, request_: TrainRequest) -> None:
    state = wait(submitted(request_))
    here = LocalProcess(width=1)
    assert measured(state) == measured(wait(here.submit(request_), here))
    assert isinstance(state, Finished)
    assert state.result.device.startswith("local modal: cpu")
    assert {"modal", "torch"} <= state.result.versions.keys()
    assert state.seconds is not None
    assert 0 < state.seconds < 60


def test_the_call_has_the_time_and_the_gpu_of_the_reservation(server: Server, request_: TrainRequest) -> None:
    handle = Modal().submit(request_, Machine(seconds=77.9, gpu="L4"), new_ticket())
    assert handle["seconds"] == 77
    assert isinstance(wait(handle), Finished)
    options = server.journal("options")[-1]
    assert (options["timeout"], options["gpu"]) == (77, "L4")


def test_a_clock_that_is_set_back_while_we_ask_holds_up_nothing(
    server: Server, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fault("lose_output")  # else it comes in the end, and the client waits no longer
    handle = submitted(request_)
    clock, asked = time.time, count()
    monkeypatch.setattr(time, "time", lambda: clock() - 60 * next(asked))
    monkeypatch.setattr("tasks.executors.modal.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr("tasks.executors.modal.LOOK_SECONDS", 1.0)
    assert isinstance(wait(handle, seconds=40), Finished)


def test_another_process_that_has_the_handle_alone_can_ask(server: Server, request_: TrainRequest) -> None:
    handle = submitted(request_)
    first = wait(handle)
    assert wait(json.loads(json.dumps(handle))) == first


@pytest.mark.parametrize("fault", ["lose_output", "expire"])
def test_an_output_that_is_lost_is_found_on_the_volume(server: Server, request_: TrainRequest, fault: str) -> None:
    if fault == "lose_output":
        server.fault(fault)
    handle = submitted(request_)
    if fault == "expire":
        wait(handle)
        server.fault(fault, call=handle["call"])
    assert isinstance(wait(handle), Finished)
    # a second call of the same run does not train again
    before = (server.root / VOLUME / handle["run"] / "progress.jsonl").stat().st_mtime_ns
    assert isinstance(wait(submitted(request_)), Finished)
    assert (server.root / VOLUME / handle["run"] / "progress.jsonl").stat().st_mtime_ns == before


def test_a_call_whose_id_was_never_stored_is_found_by_its_ticket(server: Server, request_: TrainRequest) -> None:
    ticket = new_ticket()
    handle = Modal().submit(request_, MACHINE, ticket)
    assert isinstance(wait(handle), Finished)
    found = Modal().recover(request_.directory, 0, MACHINE, ticket)  # as a later process, which knows no more than this
    assert found is not None
    assert found["call"] == handle["call"]
    assert isinstance(wait(found), Finished)


def test_a_flow_that_dies_before_it_stores_the_id_of_its_call_loses_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_proposal(tmp_path)
    document = place.proposals / "101-small-recall.md"
    document.write_text(document.read_text().replace("minutes: 1, dollars: 0", "minutes: 20, dollars: 0.5"))
    what = plan_look(place, register_proposal(place, "101-small-recall").id, 5, "modal", quick=False)
    key = next(key for key, name in what.missing.items() if name == "linear-seed-3")

    def die(*given: object) -> None:
        raise KeyboardInterrupt

    before = len(server.journal("called"))
    with monkeypatch.context() as dying:
        dying.setattr(dispatch, "store_handle", die)
        with pytest.raises(KeyboardInterrupt):
            dispatch.dispatch_run(place, what.experiment, key, "linear", 3, Modal())
    assert sweep_open(place).others == 1, "while its process lives it is waited for"
    deadline = time.monotonic() + 60
    while not any((server.root / VOLUME).glob(f"{key[:24]}/claim-*")):
        assert time.monotonic() < deadline, "the call did not begin"
        time.sleep(0.1)
    monkeypatch.setattr(dispatch, "_looked_after", set())  # another process knows of none
    while not (swept := sweep_open(place)).collected:
        assert swept.faults == 0, "it was taken for lost"
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(server.journal("called")) == before + 1


def test_a_call_that_was_given_up_before_it_began_does_nothing(server: Server, request_: TrainRequest) -> None:
    server.fault("slow", seconds=3)
    ticket = new_ticket()
    handle = Modal().submit(request_, MACHINE, ticket)
    assert Modal().recover(request_.directory, 0, MACHINE, ticket) is None
    fault = fault_of(wait(handle))
    assert (fault.state, fault.retry, fault.seconds) == ("lost", True, 0.0)
    assert not (server.root / VOLUME / handle["run"] / "progress.jsonl").exists()
    # which keeps nobody from another attempt, and says now that there was a call
    assert isinstance(wait(submitted(request_)), Finished)
    found = Modal().recover(request_.directory, 0, MACHINE, ticket)
    assert found is not None
    assert fault_of(wait(found)).state == "lost"


def test_what_its_time_limit_cut_short_does_not_stand_in_the_way(server: Server, request_: TrainRequest) -> None:
    many = longer(request_, 3000)
    short = Modal().submit(many, Machine(seconds=2.0, gpu="T4"), new_ticket())
    state = wait(short)
    if isinstance(state, Finished):  # else it started too slowly, and the service stopped it
        assert state.result.seeds[0].stopped == "time"
    assert not (server.root / VOLUME / short["run"] / "result.json").exists()
    state = wait(submitted(longer(request_, 2)))
    assert isinstance(state, Finished)
    assert state.result.seeds[0].stopped == "epochs"


def test_a_pickle_is_not_loaded(server: Server, request_: TrainRequest, tmp_path: Path) -> None:
    trap = tmp_path / "it was loaded"
    server.fault("pickle", path=str(trap))
    assert isinstance(wait(submitted(request_)), Finished), "the volume has the outcome"
    assert not trap.exists()


# -- faults --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_preempted_call_is_gone_on_with_by_the_service(server: Server, request_: TrainRequest) -> None:
    asked = longer(request_, 500)
    handle = submitted(asked)
    progressing(server, handle)
    server.fault("preempt", call=handle["call"])
    state = wait(handle)
    here = LocalProcess(width=1)
    assert measured(state) == measured(wait(here.submit(asked), here))
    assert isinstance(state, Finished)
    assert state.result.seeds[0].resumed == 1
    assert [one["retry"] for one in server.journal("given") if one["call"] == handle["call"]] == [0, 1]


@pytest.mark.slow
def test_a_call_that_the_service_gives_up_is_preempted_and_resumed_by_the_next(
    server: Server, request_: TrainRequest
) -> None:
    handle = submitted(longer(request_))
    progressing(server, handle)
    server.fault("preempt", call=handle["call"], again=False)
    fault = fault_of(wait(handle))
    assert (fault.state, fault.retry) == ("preempted", True)
    assert "it had come to epoch" in fault.reason
    assert fault.seconds is not None
    assert fault.device is not None
    assert fault.device.startswith("local modal: ")
    assert (server.root / VOLUME / handle["run"] / "checkpoint.pt").exists()
    # what the checkpoint belongs to is the same request
    again = submitted(longer(request_))
    progressing(server, again)
    Modal().cancel(again)
    assert fault_of(wait(again)).state == "cancelled"


@pytest.mark.slow
@pytest.mark.parametrize("hours", [0, 18, -18])
def test_out_of_memory_is_not_tried_again_and_counted_as_it_was_whatever_the_clock_says(
    server: Server, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    began = time.monotonic()
    handle = submitted(longer(request_))
    progressing(server, handle)
    server.fault("kill", call=handle["call"])
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + hours * 3600)
    fault = fault_of(wait(handle))
    assert (fault.state, fault.retry) == ("out_of_memory", False)
    assert "137" in fault.reason
    assert fault.seconds is not None
    assert 0 < fault.seconds < time.monotonic() - began < handle["seconds"]


@pytest.mark.slow
def test_a_timeout_says_how_far_it_came(server: Server, request_: TrainRequest) -> None:
    handle = submitted(longer(request_))
    progressing(server, handle, committed=True)
    server.fault("timeout", call=handle["call"])
    fault = fault_of(wait(handle))
    assert (fault.state, fault.retry) == ("timed_out", False)
    assert "stopped after 120 s: it had come to epoch" in fault.reason


@pytest.mark.slow
def test_the_service_ends_what_takes_longer_than_its_timeout(server: Server, request_: TrainRequest) -> None:
    request = longer(request_)
    handle = Modal().submit(request, Machine(seconds=1.0), new_ticket())
    state = wait(handle)
    # it stops itself a little before; where it starts too slowly for that, the service stops it
    if isinstance(state, Finished):
        assert state.result.seeds[0].stopped == "time"
    else:
        assert fault_of(state).state == "timed_out"


@pytest.mark.slow
def test_cancelling_keeps_the_checkpoint(server: Server, request_: TrainRequest) -> None:
    handle = submitted(longer(request_))
    progressing(server, handle)
    Modal().cancel(handle)
    fault = fault_of(wait(handle))
    assert (fault.state, fault.retry) == ("cancelled", False)
    assert (server.root / VOLUME / handle["run"] / "checkpoint.pt").exists()
    Modal().cancel(handle)  # of a call that has ended: nothing happens


def test_a_crash_of_our_code_is_no_fault_of_the_machine(server: Server, request_: TrainRequest) -> None:
    smaller = request_.synthetic.model_copy(update={"train": 100_000_000, "vocabulary": 4})
    fault = fault_of(wait(submitted(request_.model_copy(update={"synthetic": smaller}))))
    assert (fault.state, fault.retry) == ("failed", False)
    assert "Error" in fault.reason
    assert "Traceback" in fault.log_tail
    assert len(fault.log_tail.splitlines()) <= 50


@pytest.mark.slow
def test_code_that_does_not_arrive_is_a_crash_of_the_harness(server: Server, request_: TrainRequest) -> None:
    server.fault("break")
    handle = Modal().submit(request_, Machine(seconds=99.0), new_ticket())  # other options: other containers
    fault = fault_of(wait(handle))
    assert (fault.state, fault.retry) == ("crashed", False)
    assert fault.reason.startswith("the harness crashed in its container")


def test_a_deployment_of_other_code_refuses(
    server: Server, request_: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "version_of", lambda request: "0" * 64)
    fault = fault_of(wait(submitted(request_)))
    assert fault.state == "refused"
    assert "mve deploy-gpu" in fault.reason


def test_a_call_that_is_not_taken_is_refused_with_the_reason(server: Server, request_: TrainRequest) -> None:
    server.fault("refuse")
    with pytest.raises(NotReadyError, match="reached its limit"):
        submitted(request_)


def test_a_call_that_nobody_knows_is_lost(server: Server) -> None:
    handle = {"call": "fc-of-another-year", "run": "nothing", "seeds": [0], "seconds": 60}
    assert fault_of(wait(handle)).state == "lost"


@pytest.mark.parametrize(
    "text",
    [
        b"no text", "no JSON", "[]", "{}", '{"seconds": 1}', '{"seconds": NaN, "result": {}}', "[" * 100_000,
        '{"seconds": 1, "result": {"seeds": [], "device": "x", "versions": {}, "seconds": 1}}',
        '{"seconds": 1, "result": {"seeds": [], "device": "x", "versions": {}, "seconds": 1, "more": 1}}',
        '{"seconds": 1, "failed": 7}', "x" * (executor_module.MOST_BYTES + 1),
    ],
)  # fmt: skip
def test_what_is_no_result_is_told_so(server: Server, text: object) -> None:
    handle = {"call": "fc-none", "run": "nothing", "seeds": [0], "seconds": 60}
    fault = fault_of(read_outcome(text, handle))
    assert fault.state == "refused"
    assert "is no result" in fault.reason


# -- before anything is started ------------------------------------------------------------------------------


def test_without_a_token_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MODAL_TOKEN_ID", raising=False)
    monkeypatch.delenv("MODAL_TOKEN_SECRET", raising=False)
    monkeypatch.setenv("MODAL_CONFIG_PATH", str(tmp_path / "none"))
    with pytest.raises(NotReadyError, match="modal token new"):
        check_ready("modal")


def too_late(*given: object) -> socket.socket:
    time.sleep(4)
    raise OSError("too late")


@pytest.mark.parametrize("silent", [False, True])
def test_without_a_network_it_says_so_within_seconds(
    request_: TrainRequest, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    monkeypatch.setenv("MODAL_TOKEN_ID", "ak-x")
    monkeypatch.setenv("MODAL_TOKEN_SECRET", "as-x")
    monkeypatch.setenv("MODAL_SERVER_URL", "http://127.0.0.1:9")
    if silent:  # as a name server that does not answer
        monkeypatch.setattr(socket, "create_connection", too_late)
    begun = time.monotonic()
    with pytest.raises(NotReadyError, match="cannot be reached"):
        Modal().submit(request_, MACHINE, new_ticket())
    assert time.monotonic() - begun < 5
    if not silent:  # and what was started before is not given up for it
        handle = {"call": "fc-x", "run": "x", "seeds": [0], "seconds": 60}
        with pytest.raises(UnreachableError, match="cannot be reached"):
            Modal().poll(handle)


def test_more_time_than_a_call_may_take_is_refused() -> None:
    assert check_seconds(86_400) == 86_400
    with pytest.raises(ValueError, match="1440 minutes"):
        check_seconds(86_401)


def test_only_code_goes_up() -> None:
    sizes = uploads()
    check_uploads(sizes)
    assert {"models/training.py", "tasks/executors/modal_app.py", "tasks/__init__.py"} <= sizes.keys()
    assert all(name.endswith(".py") for name in sizes)
    with pytest.raises(ValueError, match=r"environment\.bin \(30\.0 MiB\)"):
        check_uploads({**sizes, "models/environment.bin": 30 * 2**20})


def test_it_is_an_executor_by_name() -> None:
    assert (executor_named("modal").name, executor_named("modal").width) == ("modal", 8)
