"""Training in a child process: what it gives, what its death means, and whom it dies with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from calling import until
from small_proposals import write_proposal

from models.request import TrainRequest
from proposals.reading import read_proposal
from tasks.dispatch import request_for
from tasks.executors import Fault, Finished, Running, executor_named
from tasks.executors.base import fault_told
from tasks.executors.local import LocalProcess


@pytest.fixture
def request_(tmp_path: Path) -> TrainRequest:
    place = write_proposal(tmp_path)
    setup = read_proposal(place.proposals / "101-small-recall.md").setup
    assert setup is not None
    return request_for(setup, "linear", 0, tmp_path / "run")


def wait(executor: LocalProcess, handle: dict, seconds: float = 180):
    deadline = time.monotonic() + seconds
    while isinstance(state := executor.poll(handle), Running):
        assert time.monotonic() < deadline, "the training did not end"
        time.sleep(0.02)
    return state


def test_a_training_gives_its_result(request_: TrainRequest) -> None:
    executor = LocalProcess(width=1)
    handle = executor.submit(request_)
    assert json.loads(json.dumps(handle)) == handle
    state = wait(executor, handle)
    assert isinstance(state, Finished)
    assert state.result.seeds[0].epochs == 2
    # asked again, by a process that did not see its end, the answer is the same, but for how long it took to end
    again = LocalProcess().poll(handle)
    assert isinstance(again, Finished)
    assert again.result == state.result
    assert again.seconds is not None
    assert state.seconds is not None
    assert 0 < again.seconds <= state.seconds


def test_a_killed_training_is_lost_and_may_be_tried_again(request_: TrainRequest) -> None:
    executor = LocalProcess(width=1)
    long = request_.model_copy(update={"training": request_.training.model_copy(update={"epochs": 100_000})})
    handle = executor.submit(long)
    os.kill(handle["pid"], signal.SIGKILL)
    state = wait(executor, handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("lost", True)
    assert "SIGKILL" in state.reason


def test_its_seconds_end_when_it_ends_not_when_somebody_asks(request_: TrainRequest) -> None:
    executor = LocalProcess(width=1)
    handle = executor.submit(request_)
    os.kill(handle["pid"], signal.SIGKILL)  # before it has written anything that would tell
    time.sleep(2)
    state = executor.poll(handle)
    assert isinstance(state, Fault)
    assert state.seconds is not None
    assert 0 <= state.seconds < 1


def test_a_cancelled_one_says_how_it_ended(request_: TrainRequest) -> None:
    executor = LocalProcess(width=1)
    long = request_.model_copy(update={"training": request_.training.model_copy(update={"epochs": 100_000})})
    handle = executor.submit(long)
    began = time.monotonic()
    until((Path(request_.directory) / "progress.jsonl").exists, 60, "the first epoch")
    executor.cancel(handle)
    took = time.monotonic() - began
    state = executor.poll(handle)
    assert isinstance(state, Fault)
    assert state.state == "cancelled"
    assert state.seconds == pytest.approx(took, abs=0.5)
    assert not Path(f"/proc/{handle['pid']}").exists()


def test_a_crash_of_our_code_is_no_fault_of_the_machine(request_: TrainRequest) -> None:
    executor = LocalProcess(width=1)
    smaller = request_.synthetic.model_copy(update={"train": 100_000_000, "vocabulary": 4})
    handle = executor.submit(request_.model_copy(update={"synthetic": smaller}))
    state = wait(executor, handle)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("failed", False)
    assert "Error" in state.reason
    assert state.log_tail


def test_a_full_disk_is_no_fault_of_our_code(request_: TrainRequest, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)]
    if subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("only root can mount a disk that is small enough to be full")
    try:
        run = small / "run"
        run.mkdir()
        asked = request_.training.model_copy(update={"epochs": 5000})
        executor = LocalProcess(width=1)
        handle = executor.submit(request_.model_copy(update={"training": asked, "directory": str(run)}))
        state = wait(executor, handle)
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=True)
    assert isinstance(state, Fault)
    assert (state.state, state.retry) == ("crashed", False), state
    assert state.reason.startswith("the machine's disk failed")


@pytest.mark.parametrize(
    ("kind", "message", "state"),
    [
        ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB", "out_of_memory"),
        ("MemoryError", "", "out_of_memory"),
        ("RuntimeError", "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried", "out_of_memory"),
        ("OSError", "[Errno 28] No space left on device: 'progress.jsonl'", "crashed"),
        ("OSError", "[Errno 9] Bad file descriptor", "failed"),
        ("RuntimeError", "shapes do not fit", "failed"),
    ],
)
def test_faults_of_the_machine_are_told_from_those_of_our_code(kind: str, message: str, state: str) -> None:
    assert fault_told(kind, message).state == state


def test_cancelling_stops_it_and_keeps_the_checkpoint(request_: TrainRequest) -> None:
    executor = LocalProcess(width=1)
    long = request_.model_copy(update={"training": request_.training.model_copy(update={"epochs": 100_000})})
    handle = executor.submit(long)
    progress = Path(request_.directory) / "progress.jsonl"
    deadline = time.monotonic() + 60
    while not progress.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    executor.cancel(handle)
    assert (Path(request_.directory) / "checkpoint.pt").exists()
    assert not isinstance(executor.poll(handle), Running)
    executor.cancel(handle)  # of something that is gone: nothing happens


def test_a_handle_of_another_boot_is_not_taken_for_a_living_process(request_: TrainRequest, tmp_path: Path) -> None:
    handle = {"pid": os.getpid(), "started": "another-boot:1", "directory": str(tmp_path / "nothing")}
    state = LocalProcess().poll(handle)
    assert isinstance(state, Fault)
    assert state.state == "lost"


PARENT = """
import sys, time
from models.request import TrainRequest
from tasks.executors.base import fault_told
from tasks.executors.local import LocalProcess
request = TrainRequest.model_validate_json(open(sys.argv[1]).read())
print(LocalProcess(width=1).submit(request)["pid"], flush=True)
time.sleep(600)
"""


def test_a_training_dies_with_whoever_started_it(request_: TrainRequest, tmp_path: Path) -> None:
    long = request_.model_copy(update={"training": request_.training.model_copy(update={"epochs": 100_000})})
    asked = tmp_path / "asked.json"
    asked.write_text(long.model_dump_json())
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(asked)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{child}").exists(), "the training outlived its orchestrator"


def test_an_unknown_executor_is_named() -> None:
    with pytest.raises(ValueError, match="there is no executor 'cloud'; there are local"):
        executor_named("cloud")
