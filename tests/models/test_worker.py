"""The worker process as whoever starts it sees it: files, exit codes, kills."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.request import TrainResult
from models.training import train

ROOT = Path(__file__).parents[2]


def start(directory, *more, **options):
    command = [sys.executable, "-m", "models.worker", str(directory), *more]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, **options)


def finish(process):
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def ask(request, directory):
    directory.mkdir(exist_ok=True)
    (directory / "request.json").write_text(request.model_dump_json())
    return directory


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this took too long"
        time.sleep(0.01)


def losses(result):
    return [(p.epoch, p.metric, p.value) for p in result.seeds[0].curve]


def read_result(directory):
    return TrainResult.model_validate_json((directory / "result.json").read_text())


@pytest.fixture
def long_request(make_request):
    # some seconds of training: long enough to be killed after the first checkpoint
    return make_request(training={"epochs": 300}, synthetic={"train": 60})


def checkpointed(directory, epochs):
    progress = directory / "progress.jsonl"
    return (directory / "checkpoint.pt").exists() and progress.read_text().count("\n") >= epochs


def test_end_to_end(make_request, tmp_path):
    request = make_request()
    directory = ask(request, tmp_path / "work")
    code, errors = finish(start(directory))
    assert code == 0, errors
    assert errors == ""
    assert losses(read_result(directory)) == losses(train(request))
    assert sorted(os.listdir(directory)) == ["progress.jsonl", "request.json", "result.json"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_worker_goes_on_where_it_was(long_request, tmp_path, number):
    directory = ask(long_request, tmp_path / "work")
    process = start(directory)
    if number == signal.SIGKILL:
        until(lambda: checkpointed(directory, 10))
    else:
        until(lambda: (directory / "progress.jsonl").exists())
    process.send_signal(number)
    code, errors = finish(process)
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 130), errors
    assert not (directory / "result.json").exists()
    assert (directory / "checkpoint.pt").exists()
    code, errors = finish(start(directory))
    assert code == 0, errors
    resumed, whole = read_result(directory), train(long_request)
    assert resumed.seeds[0].resumed == 1
    assert losses(resumed) == losses(whole)
    numbers = [json.loads(line)["epoch"] for line in (directory / "progress.jsonl").read_text().splitlines()]
    missing = set(range(1, 301)) - set(numbers)  # the one for which it had a checkpoint, and then no time for its line
    assert (numbers, len(missing) <= 1) == (sorted(set(range(1, 301)) - missing), True)


def test_being_told_to_stop_twice_costs_no_checkpoint(make_request, tmp_path):
    """As by Ctrl-C, which its whole group hears, and then by whoever started it."""
    directory = ask(make_request(training={"epochs": 1_000_000}), tmp_path / "work")
    process = start(directory, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    until(lambda: (directory / "progress.jsonl").exists())
    process.send_signal(signal.SIGINT)
    while process.poll() is None:
        process.send_signal(signal.SIGTERM)
        time.sleep(0.0005)
    code, errors = finish(process)
    assert code == 130, errors
    assert (directory / "checkpoint.pt").exists()


def test_the_worker_dies_with_its_lifeline(make_request, tmp_path):
    directory = ask(make_request(training={"epochs": 1_000_000}), tmp_path / "work")
    process = start(directory, "--lifeline", stdin=subprocess.PIPE)
    until(lambda: (directory / "progress.jsonl").exists())
    closed = time.monotonic()
    process.stdin.close()
    process.wait(timeout=10)
    assert time.monotonic() - closed < 2
    assert process.returncode == 129
    process.stderr.close()


def test_without_the_flag_a_closed_input_means_nothing(make_request, tmp_path):
    directory = ask(make_request(), tmp_path / "work")
    code, errors = finish(start(directory, stdin=subprocess.DEVNULL))
    assert code == 0, errors


def test_our_own_fault_is_exit_1_with_its_reason(make_request, tmp_path):
    synthetic = {"pairs": 1, "length": 8, "vocabulary": 5}
    directory = ask(make_request(synthetic=synthetic), tmp_path / "work")
    code, errors = finish(start(directory))
    assert code == 1
    assert "Traceback" in errors
    report = json.loads((directory / "error.json").read_text())
    assert report["type"] == "ValueError"
    assert report["message"].startswith("80 different sequences are wanted and only 9 exist")
    assert "draw_disjoint" in report["traceback"]
    assert not (directory / "result.json").exists()


def test_an_unreadable_request_is_named(tmp_path):
    (tmp_path / "request.json").write_text('{"mixer": {"mixer": "magic"}}')
    code, _ = finish(start(tmp_path))
    assert code == 1
    assert "magic" in json.loads((tmp_path / "error.json").read_text())["message"]


def test_a_dry_run_writes_one_file(make_request, tmp_path):
    directory = ask(make_request(), tmp_path / "work")
    code, errors = finish(start(directory, "--dry-run-steps", "2"))
    assert code == 0, errors
    content = json.loads((directory / "dry_run.json").read_text())
    assert content["steps"] == 2
    assert content["seconds_per_step"] > 0
    assert content["parameters"] > 100
    assert sorted(os.listdir(directory)) == ["dry_run.json", "request.json"]


def test_a_dry_run_notices_an_evaluation_that_cannot_be_drawn(make_request, tmp_path):
    directory = ask(make_request(evaluations=[{"pairs": 1}]), tmp_path / "work")
    code, errors = finish(start(directory, "--dry-run-steps", "1"))
    assert code == 1
    assert "the evaluation {pairs: 1} cannot be drawn: 80 different sequences" in errors.splitlines()[-1]
    assert not (directory / "dry_run.json").exists()
