"""Training as a whole: resuming, divergence, several seeds at once, what is measured and what left alone."""

import json
import logging
import math

import pytest
import torch

from models import checkpoint, epochs, training
from models.epochs import learning_rate
from models.metrics import METRICS
from models.mixers import build_mixer
from models.options import Training
from models.training import dry_run, train


def values(seed):
    assert len({value.metric for value in seed.values}) == len(seed.values)
    return {value.metric: value.value for value in seed.values}


def curve(seed):
    return [(point.epoch, point.step, point.metric, point.value) for point in seed.curve]


@pytest.fixture
def every_epoch(monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)


class Stop(Exception):  # noqa: N818
    """Ends a training from outside, as a crash would."""


def stop_after(epoch, error=Stop):
    def on_epoch(line):
        if line["epoch"] == epoch:
            raise error

    return on_epoch


def test_a_training_and_all_its_numbers(make_request):
    result = train(make_request(training={"epochs": 6}))
    (seed,) = result.seeds
    found = values(seed)
    assert set(found) == {
        "diverged", "nan_count", "initial_train_loss", "test_loss", "test_accuracy", "perplexity",
        "validation_accuracy", "train_loss", "train_accuracy", "step_time", "throughput", "train_time",
        "peak_memory", "parameters", "state_memory", "flops", "forward_time",
    }  # fmt: skip
    assert set(found) <= set(METRICS)
    assert found["diverged"] == found["nan_count"] == 0
    assert found["train_loss"] < found["initial_train_loss"]
    assert found["perplexity"] == pytest.approx(math.exp(found["test_loss"]))
    assert found["state_memory"] == 4 * 2 * 5 * 2 * 2 * 4 * 5
    assert found["peak_memory"] > 1e7
    assert (seed.stopped, seed.epochs, seed.resumed) == ("epochs", 6, 0)
    best = max((p for p in seed.curve if p.metric == "validation_accuracy"), key=lambda p: p.value)
    assert best.value == found["validation_accuracy"]
    # 48 sequences in batches of 20: three steps an epoch
    assert {(p.epoch, p.step) for p in seed.curve} == {(epoch, 3 * epoch) for epoch in range(1, 7)}
    assert result.device.startswith("cpu: ")
    assert result.versions["torch"] == torch.__version__
    spread = next(value.spread for value in seed.values if value.metric == "step_time")
    assert spread is not None
    assert spread >= 0


def test_every_mixer_learns_something(options, make_request):
    request = make_request(mixer="softmax", training={"epochs": 8})
    (seed,) = train(request.model_copy(update={"mixer": options})).seeds
    assert values(seed)["train_loss"] < 0.95 * values(seed)["initial_train_loss"]


def test_the_same_request_gives_the_same_numbers_and_all_variants_the_same_data(make_request, tmp_path):
    one = train(make_request()).seeds[0]
    again = train(make_request(directory=str(tmp_path / "again"))).seeds[0]
    other = train(make_request(mixer="softmax", directory=str(tmp_path / "other"))).seeds[0]
    assert curve(one) == curve(again) != curve(other)
    assert one.data_sha256 == again.data_sha256 == other.data_sha256


@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_global_state_is_left_alone(make_request, dropout):
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    request = make_request(backbone={"dropout": dropout}, threads=2)
    assert train(request, lambda line: None).seeds[0].epochs == 4
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


# -- resuming ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
def test_a_resumed_run_is_the_uninterrupted_one(make_request, tmp_path, every_epoch, seeds, dropout, error):
    schedule = {"schedule": "cosine", "warmup": 1}
    parts = {"seeds": seeds, "backbone": {"dropout": dropout}, "training": schedule}
    whole = train(make_request(**parts, directory=str(tmp_path / "whole")))
    request = make_request(**parts)
    for epoch in (1, 3):
        with pytest.raises(error):
            train(request, stop_after(epoch, error))
    resumed = train(request)
    for straight, broken in zip(whole.seeds, resumed.seeds, strict=True):
        assert curve(straight) == curve(broken)
        for metric in ("test_loss", "test_accuracy", "validation_accuracy", "initial_train_loss"):
            assert values(straight)[metric] == values(broken)[metric]
        assert (straight.best_epoch, straight.data_sha256) == (broken.best_epoch, broken.data_sha256)
        assert (straight.resumed, broken.resumed) == (0, 2)


def test_an_interruption_within_an_epoch_goes_back_to_its_start(make_request, tmp_path, monkeypatch):
    whole = train(make_request(directory=str(tmp_path / "whole")))
    real = epochs.learning_rate

    def interrupted(settings, step, steps):
        if step == 7:  # the second step of the third epoch
            raise KeyboardInterrupt
        return real(settings, step, steps)

    with monkeypatch.context() as patch:
        patch.setattr(epochs, "learning_rate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(make_request())
    resumed = train(make_request())
    assert curve(whole.seeds[0]) == curve(resumed.seeds[0])
    assert resumed.seeds[0].resumed == 1


def test_seconds_add_up_over_sittings(make_request, every_epoch):
    with pytest.raises(Stop):
        train(make_request(), stop_after(3))
    path = training.Path(make_request().directory) / "checkpoint.pt"
    content = torch.load(path, weights_only=True)
    content["state"]["seconds"] += 1000
    torch.save(content, path)
    assert train(make_request()).seconds > 1000


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "foreign", "no dictionary"])
def test_a_checkpoint_that_does_not_fit_is_set_aside(make_request, tmp_path, every_epoch, damage, caplog):
    request = make_request()
    directory = tmp_path / "run"
    path = directory / "checkpoint.pt"
    with pytest.raises(Stop):
        train(request if damage != "foreign" else make_request(seeds=[9]), stop_after(2))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "garbage":
        path.write_bytes(b"\x80\x02garbage" * 100)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "no dictionary":
        torch.save([1, 2], path)
    with caplog.at_level(logging.WARNING, logger="models.checkpoint"):
        (seed,) = train(request).seeds
    assert seed.resumed == 0
    reason = "belongs to another request" if damage == "foreign" else "cannot be read"
    assert f"checkpoint.pt {reason}" in caplog.text
    assert "set aside as checkpoint.aside-1.pt, training starts anew" in caplog.text
    assert (directory / "checkpoint.aside-1.pt").exists()
    lines = [json.loads(line) for line in (directory / "progress.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]


def test_the_fingerprint_is_of_what_determines_the_numbers(make_request):
    one = checkpoint.fingerprint(make_request())
    assert one == checkpoint.fingerprint(make_request(directory="/elsewhere", threads=2, max_seconds=5.0))
    assert one != checkpoint.fingerprint(make_request(training={"lr": 0.02}))
    assert one != checkpoint.fingerprint(make_request(seeds=[1]))


def test_progress_has_one_line_an_epoch_even_after_a_kill(make_request, tmp_path, every_epoch, monkeypatch):
    request, path = make_request(), tmp_path / "run" / "progress.jsonl"
    with pytest.raises(Stop):
        train(request, stop_after(3))
    # as if the kill had come before epoch 3 reached the checkpoint, and in the middle of a line
    content = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert content["state"]["epoch"] == 3
    with path.open("a") as file:
        file.write('{"epoch": 4, "step": 12}\n{"epo')
    train(request)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4]
    assert set(lines[0]["seeds"][0]) == {
        "seed", "stopped", "nan_count", "train_loss", "train_accuracy", "validation_loss",
        "validation_accuracy", "lr",
    }  # fmt: skip


# -- how training ends -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_divergence_is_an_event_without_accuracies(make_request, seeds):
    result = train(make_request(seeds=seeds, training={"lr": 1e25, "epochs": 10}))
    for seed in result.seeds:
        found = values(seed)
        assert seed.stopped == "diverged"
        assert seed.epochs < 10
        assert found["diverged"] == 1.0
        assert found["nan_count"] >= 1
        learned = {"test_accuracy", "validation_accuracy", "train_accuracy", "test_loss", "train_loss"}
        assert not learned & set(found)
        assert found["initial_train_loss"] > 0
        assert "nan" not in result.model_dump_json().lower().replace("nan_count", "")


def test_training_stops_at_the_accuracy_asked_for(make_request):
    (seed,) = train(make_request(training={"stop_at": 0.01, "epochs": 50})).seeds
    assert seed.stopped == "stop_at"
    assert seed.epochs < 50
    assert values(seed)["steps_to_converge"] == 3 * seed.epochs
    assert seed.best_epoch == seed.epochs


def test_training_stops_at_its_time_and_is_tested(make_request):
    (seed,) = train(make_request(training={"epochs": 100_000}, max_seconds=0.3)).seeds
    assert seed.stopped == "time"
    assert 1 <= seed.epochs < 100_000
    assert "test_accuracy" in values(seed)


def test_the_test_set_is_read_once_and_with_the_best_weights(make_request, monkeypatch):
    real, read = training.Ensemble.evaluate, []

    def counted(self, split, chunk):
        read.append((split.tokens.shape[1], self.weights.detach().clone()))
        return real(self, split, chunk)

    monkeypatch.setattr(training.Ensemble, "evaluate", counted)
    request = make_request(synthetic={"test": 13}, training={"epochs": 5, "lr": 0.1})
    (seed,) = train(request).seeds
    sizes = [size for size, _ in read]
    assert sizes == [48, 16, 16, 16, 16, 16, 13]
    assert torch.equal(read[-1][1], read[seed.best_epoch][1])


# -- several seeds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["padded", "spread"])
def test_seeds_together_are_the_seeds_alone(options, make_request, tmp_path, layout):
    if build_mixer(options, 8, 2, 16).stochastic:
        pytest.skip("as with dropout, a vectorised batch draws other noise than its seeds alone")

    def go(seeds, name):
        request = make_request(layout=layout, seeds=seeds, directory=str(tmp_path / name))
        return train(request.model_copy(update={"mixer": options})).seeds

    together = go([3, 5, 4], "together")
    for seed in together:
        (alone,) = go([seed.seed], f"alone-{seed.seed}")
        assert alone.data_sha256 == seed.data_sha256
        assert [point[:3] for point in curve(alone)] == [point[:3] for point in curve(seed)]
        for mine, other in zip(curve(alone), curve(seed), strict=True):
            if mine[2].endswith("loss"):
                assert mine[3] == pytest.approx(other[3], rel=2e-4)
        assert values(alone)["parameters"] == values(seed)["parameters"]


def test_a_seed_that_is_done_does_not_move_while_others_go_on(make_request, tmp_path):
    # the accuracies of tiny models differ: a threshold that some seeds reach before others
    parts = {"training": {"epochs": 12, "stop_at": 0.3}}
    together = train(make_request(seeds=[0, 1, 2, 3], **parts)).seeds
    assert len({seed.epochs for seed in together}) > 1
    for seed in together:
        request = make_request(seeds=[seed.seed], directory=str(tmp_path / str(seed.seed)), **parts)
        (alone,) = train(request).seeds
        assert (alone.epochs, alone.best_epoch, alone.stopped) == (seed.epochs, seed.best_epoch, seed.stopped)
        assert values(alone)["test_loss"] == pytest.approx(values(seed)["test_loss"], rel=1e-3)


def test_a_diverging_seed_leaves_the_others_alone(make_request, tmp_path, monkeypatch):
    real = epochs.Ensemble.losses

    def poisoned(self, batch):
        loss, right = real(self, batch)
        if torch.is_grad_enabled():
            loss = loss * torch.tensor([1.0, math.nan, 1.0])
        return loss, right

    with monkeypatch.context() as patch:
        patch.setattr(epochs.Ensemble, "losses", poisoned)
        zero, one, two = train(make_request(seeds=[0, 1, 2])).seeds
    assert one.stopped == "diverged"
    assert values(one)["nan_count"] == 3
    for seed in (zero, two):
        (alone,) = train(make_request(seeds=[seed.seed], directory=str(tmp_path / str(seed.seed)))).seeds
        assert values(alone)["test_loss"] == pytest.approx(values(seed)["test_loss"], rel=1e-3)


# -- the rest ----------------------------------------------------------------------------------------------


def test_learning_rate():
    settings = Training(epochs=4, batch=1, lr=0.1, schedule="cosine", warmup=1)
    rates = [learning_rate(settings, step, 10) for step in range(41)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9] == rates[10] == pytest.approx(0.1)
    assert rates[25] == pytest.approx(0.05)
    assert rates[40] == pytest.approx(0.0)
    assert learning_rate(Training(epochs=4, batch=1, lr=0.1), 39, 10) == 0.1


def test_a_dry_run_writes_nothing(make_request, tmp_path):
    seconds, parameters = dry_run(make_request(seeds=[0, 1]), 2)
    assert 0 < seconds < 5
    assert parameters == values(train(make_request()).seeds[0])["parameters"]
    with pytest.raises(ValueError, match="a dry run needs at least one step, not 0"):
        dry_run(make_request(), 0)


def test_a_dry_run_leaves_no_folder(make_request, tmp_path):
    dry_run(make_request(), 1)
    assert not (tmp_path / "run").exists()


def test_requests_that_cannot_be_trained(make_request):
    with pytest.raises(ValueError, match=r"seeds \[1, 1\] name one seed twice"):
        train(make_request(seeds=[1, 1]))
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="torch finds none here: use device cpu"):
            train(make_request(device="cuda"))
