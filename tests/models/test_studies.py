"""Studies: what they promise to report, how it is measured, and the worker that runs them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from models.metrics import METRICS
from models.options.studies import FORMS, STUDY_METRICS, FormOptions, StudyOptions, check_forms
from models.request import StudyRequest, TrainRequest, TrainResult
from models.studies import STUDIES
from models.studies.measure import (
    forward_time,
    inputs_sha256,
    largest_difference,
    operations,
    peak_bytes,
    relative_difference,
)
from models.studying import dry_run, study

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
SMALL = {
    "delta_forward": {"length": 24, "width": 8, "repeats": 3},
    "resolvent": {"length": 16, "state": 8, "states": [8, 12], "repeats": 3},
}
BLOCKS = {"chunkwise": {"chunk": 16}, "block": {"chunk": 16, "block": 4}}
ALL = [(name, form) for name, forms in FORMS.items() for form in forms]


def ask(name, form, seed=0, directory="/nowhere", **more):
    return StudyRequest.model_validate(
        {
            "study": {"name": name, **SMALL[name], **more},
            "form": {"form": form, **BLOCKS.get(form, {})},
            "seed": seed,
            "directory": str(directory),
        }
    )


def found(result):
    return {(value.metric, tuple(value.condition.items())): value.value for value in result.seeds[0].values}


def test_every_study_has_its_function_its_forms_and_its_metrics():
    assert STUDIES.keys() == FORMS.keys() == STUDY_METRICS.keys() == SMALL.keys()
    for name in STUDIES:
        reported = ask(name, FORMS[name][0]).study.reports().keys()
        assert STUDY_METRICS[name].keys() < reported <= METRICS.keys() | STUDY_METRICS[name].keys()
        assert not METRICS.keys() & STUDY_METRICS[name].keys()


@pytest.mark.parametrize(("name", "form"), ALL)
def test_values_come_under_the_conditions_that_were_promised(name, form):
    request = ask(name, form)
    values = study(request).seeds[0].values
    promised = request.study.reports()
    assert values
    for value in values:
        assert value.condition in promised[value.metric]
        assert value.condition in request.study.conditions()
    assert len({(value.metric, *value.condition.items()) for value in values}) == len(values)


@pytest.mark.parametrize("name", FORMS)
def test_the_forms_together_report_all_that_was_promised(name):
    promised = {(metric, *c.items()) for metric, cs in ask(name, FORMS[name][0]).study.reports().items() for c in cs}
    reported = {
        (value.metric, *value.condition.items())
        for form in FORMS[name]
        for value in study(ask(name, form)).seeds[0].values
    }
    assert reported == promised


@pytest.mark.parametrize("name", FORMS)
def test_all_forms_of_a_seed_see_the_same_inputs_and_other_seeds_others(name):
    hashes = {study(ask(name, form)).seeds[0].data_sha256 for form in FORMS[name]}
    assert len(hashes) == 1
    assert study(ask(name, FORMS[name][0], seed=1)).seeds[0].data_sha256 not in hashes


@pytest.mark.parametrize(("name", "form"), ALL)
def test_what_is_no_time_comes_out_the_same_again(name, form):
    once, again = (found(study(ask(name, form))) for _ in range(2))
    assert {k: v for k, v in once.items() if k[0] != "forward_time"} == {
        k: v for k, v in again.items() if k[0] != "forward_time"
    }


def test_a_result_says_that_nothing_was_trained():
    result = study(ask("resolvent", "exact_resolvent"))
    (seed,) = result.seeds
    assert (seed.epochs, seed.best_epoch, seed.stopped, seed.curve, seed.resumed) == (0, None, "epochs", (), 0)
    assert TrainResult.model_validate_json(result.model_dump_json()) == result
    assert result.device.startswith("cpu: ")


def test_the_number_of_threads_is_left_as_it_was():
    study(ask("resolvent", "exact_resolvent").model_copy(update={"threads": 2}))
    assert torch.get_num_threads() == 1


def test_a_form_of_another_study_is_refused():
    request = ask("resolvent", "naive_wy")
    message = "study resolvent has no form naive_wy: its forms are exact_resolvent, neumann_resolvent"
    with pytest.raises(ValueError, match=message):
        check_forms(request.study, [request.form])
    with pytest.raises(ValueError, match=message):
        study(request)


@pytest.mark.parametrize("content", [{"name": "magic"}, {"name": "resolvent", "epochs": 3}])
def test_unknown_studies_and_options_are_refused(content):
    with pytest.raises(ValidationError):
        TypeAdapter(StudyOptions).validate_python(content)


def test_a_block_must_divide_its_chunk():
    with pytest.raises(ValidationError, match="chunk 64 is not a multiple of block 24"):
        TypeAdapter(FormOptions).validate_python({"form": "block", "block": 24})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_said_so():
    request = ask("resolvent", "exact_resolvent").model_copy(update={"device": "cuda"})
    with pytest.raises(ValueError, match="use device cpu"):
        study(request)


def test_a_dry_run_needs_a_repeat():
    assert dry_run(ask("resolvent", "exact_resolvent"), 1) > 0
    with pytest.raises(ValueError, match="at least one repeat, not 0"):
        dry_run(ask("resolvent", "exact_resolvent"), 0)


# measuring


def test_time_is_the_median_of_the_repeats_that_count(monkeypatch):
    clock = iter([0.0, 1.0, 10.0, 12.0, 20.0, 23.0, 30.0, 130.0])
    monkeypatch.setattr("models.studies.measure.time.perf_counter", lambda: next(clock))
    calls = []
    value = forward_time(lambda: calls.append(1), repeats=4, warmup=3, device=CPU, condition={"state": 8})
    assert len(calls) == 7
    assert (value.value, value.condition) == (2.5, {"state": 8})
    assert value.spread == pytest.approx(27.25 - 1.75)


def test_differences_are_taken_in_float64():
    reference = torch.tensor([1.0, 2.0], dtype=torch.float64)
    off = reference + torch.tensor([0.0, 1e-12], dtype=torch.float64)
    assert largest_difference(off, reference) == pytest.approx(1e-12, rel=1e-3)
    assert relative_difference(off, reference) == pytest.approx(1e-12 / 5**0.5, rel=1e-3)
    assert relative_difference(torch.complex(reference, reference), reference) == pytest.approx(1.0)


def test_what_is_not_finite_has_no_difference():
    assert largest_difference(torch.tensor([float("nan")]), torch.zeros(1)) is None
    assert relative_difference(torch.tensor([float("inf")]), torch.ones(1)) is None


@pytest.mark.parametrize(
    ("run", "matmul", "other"),
    [
        (lambda: torch.ones(3, 4) @ torch.ones(4, 5), 2 * 3 * 4 * 5, 0),
        (lambda: torch.ones(7, 3, 4) @ torch.ones(7, 4, 5), 7 * 2 * 3 * 4 * 5, 0),
        (lambda: torch.ones(3, 4) @ torch.ones(4), 0, 2 * 3 * 4),
        (lambda: torch.ones(3, 4) * 2 + 1, 0, 24),
        (lambda: torch.ones(3, 4).sum(), 0, 12),
        (lambda: torch.ones(3, 4).add_(1), 0, 12),
        (lambda: torch.ones(3, 4).T.clone().tril(), 0, 0),
        (lambda: torch.linalg.solve_triangular(torch.eye(4).expand(2, 4, 4), torch.ones(2, 4, 3), upper=False), 0, 96),
        (lambda: torch.arange(5) + 1, 0, 0),
    ],
)
def test_operations_are_counted_by_the_rule(run, matmul, other):
    counted = operations(run)
    assert (counted.matmul, counted.other) == (matmul, other)


def test_memory_is_what_is_alive_at_a_time():
    given = torch.ones(1000)

    def run():
        first = given.view(10, 100) * 2  # 4000 bytes
        second = first + 1  # 8000
        del first
        third = second.view(-1) * 2  # 8000: the first is gone, the view costs nothing
        return third

    assert peak_bytes(run, CPU) == 8000


def test_memory_that_a_gradient_needs_is_seen():
    def run():
        x = torch.ones(1000, requires_grad=True)
        y = x
        for _ in range(8):
            y = y.exp()  # its result is kept for the gradient
        y.sum().backward()

    assert peak_bytes(run, CPU) >= 9 * 4000


def test_the_hash_of_inputs_covers_names_shapes_and_numbers():
    x = torch.arange(6.0)
    hashes = {
        inputs_sha256({"x": x}),
        inputs_sha256({"y": x}),
        inputs_sha256({"x": x.view(2, 3)}),
        inputs_sha256({"x": x + 1e-6}),
    }
    assert len(hashes) == 4
    assert inputs_sha256({"x": x}) == inputs_sha256({"x": x.double()})


# the worker


def work(directory, *more):
    command = [sys.executable, "-m", "models.worker", str(directory), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_the_worker_studies(tmp_path):
    request = ask("delta_forward", "block", seed=3)
    (tmp_path / "request.json").write_text(request.model_dump_json())
    done = work(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = TrainResult.model_validate_json((tmp_path / "result.json").read_text())
    assert result.seeds[0].data_sha256 == study(request).seeds[0].data_sha256
    assert sorted(os.listdir(tmp_path)) == ["request.json", "result.json"]


def test_a_dry_run_of_a_study_writes_one_file(tmp_path):
    (tmp_path / "request.json").write_text(ask("delta_forward", "block").model_dump_json())
    done = work(tmp_path, "--dry-run-steps", "2")
    assert (done.returncode, done.stderr) == (0, "")
    content = json.loads((tmp_path / "dry_run.json").read_text())
    assert content["steps"] == 2
    assert content["seconds_per_step"] > 0
    assert sorted(os.listdir(tmp_path)) == ["dry_run.json", "request.json"]


def test_a_study_that_cannot_be_made_is_exit_1_with_its_reason(tmp_path):
    (tmp_path / "request.json").write_text(ask("resolvent", "block").model_dump_json())
    assert work(tmp_path).returncode == 1
    assert json.loads((tmp_path / "error.json").read_text())["message"].startswith("study resolvent has no form block")


def test_a_training_needs_no_kind(make_request):
    content = json.loads(make_request().model_dump_json())
    assert "kind" not in content
    assert TrainRequest.model_validate(content) == make_request()


@pytest.fixture
def busy_worker(tmp_path):
    """A worker in a study that would take hours, once torch is loaded: signals are handled before that."""
    request = ask("resolvent", "exact_resolvent", repeats=10_000_000)
    (tmp_path / "request.json").write_text(request.model_dump_json())
    command = [sys.executable, "-m", "models.worker", str(tmp_path), "--lifeline"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + 30
        while "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text():
            assert time.monotonic() < end, "this took too long"
            time.sleep(0.02)
        yield process
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_interrupted_study_leaves_nothing_and_says_so(busy_worker, tmp_path):
    busy_worker.terminate()
    assert busy_worker.wait(timeout=30) == 130
    assert os.listdir(tmp_path) == ["request.json"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_study_dies_with_its_lifeline(busy_worker):
    busy_worker.stdin.close()
    assert busy_worker.wait(timeout=30) == 129
