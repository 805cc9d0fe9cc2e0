"""Training: a request in, a result out, the same function here, in a child process and on a GPU."""

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models import checkpoint
from models.ensemble import Batch, Ensemble, batches_of
from models.measuring import SeedRecord, Timings, device_name, peak_memory, values_of, versions
from models.options import Training
from models.request import SeedResult, TrainRequest, TrainResult
from models.synthetics import build_data
from models.synthetics.base import stream

CHECKPOINT_SECONDS = 2.0
"""At the end of an epoch, a checkpoint is written if the last one is older than this."""
CONVERGED = 0.9
"""Validation accuracy that counts as converged where the request sets no `stop_at`."""


@dataclass
class Run:
    """All that changes while a request trains: what a checkpoint holds, as it was at the end of an epoch."""

    optimiser: torch.optim.Optimizer
    weights: Tensor
    best: Tensor
    seeds: list[SeedRecord]
    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    resumed: int = 0
    step_seconds: list[float] = field(default_factory=list)

    def snapshot(self) -> dict[str, Any]:
        return {
            "optimiser": copy.deepcopy(self.optimiser.state_dict()),
            "weights": self.weights.detach().clone(),
            "best": self.best.clone(),
            "seeds": [copy.deepcopy(asdict(seed)) for seed in self.seeds],
            "step_seconds": list(self.step_seconds),
            **{name: getattr(self, name) for name in ("epoch", "step", "seconds", "resumed")},
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.optimiser.load_state_dict(state["optimiser"])
        with torch.no_grad():
            self.weights.copy_(state["weights"])
            self.best.copy_(state["best"])
        self.seeds = [SeedRecord(**seed) for seed in state["seeds"]]
        for name in ("epoch", "step", "seconds", "step_seconds"):
            setattr(self, name, state[name])
        self.resumed = state["resumed"] + 1


def train(request: TrainRequest, on_epoch: Callable[[dict[str, Any]], None] | None = None) -> TrainResult:
    """Train one variant with one or more seeds, choose the best epoch on validation, test once.

    on_epoch: called after each epoch with the line that went to progress.jsonl.

    A checkpoint in `request.directory` is gone on from; on the CPU with the same number of threads the losses are
    those of an uninterrupted run, bit for bit. Weights, order of the data and dropout each come from streams of the
    seed (dropout on a vectorised batch draws other numbers than on single seeds); the global generators are left as
    they were. Nothing protects a run from its own infinities: a loss that is not finite at the end of an epoch ends
    it with stopped="diverged", and it has no accuracies.

    Raises ValueError where the device is not there, a seed is named twice, or the synthetic cannot be drawn.
    KeyboardInterrupt writes a checkpoint of the last whole epoch and goes on its way.
    """
    if len(set(request.seeds)) < len(request.seeds):
        raise ValueError(f"seeds {list(request.seeds)} name one seed twice")
    if request.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda is asked for, and torch finds none here: use device cpu")
    device = torch.device(request.device)
    with _threads(request.threads):
        return _train(request, device, on_epoch)


def _train(
    request: TrainRequest, device: torch.device, on_epoch: Callable[[dict[str, Any]], None] | None
) -> TrainResult:
    started = time.perf_counter()
    directory = Path(request.directory)
    directory.mkdir(parents=True, exist_ok=True)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)

    data = [build_data(request.synthetic, seed) for seed in request.seeds]
    ensemble = Ensemble(
        request.mixer, request.backbone, data[0].vocabulary, data[0].length, request.seeds, device
    )
    training, validation, test = batches_of(data, ensemble.module.causal, device)
    chunk = max(request.training.batch, 256 if device.type == "cpu" else 1024)

    weights = torch.nn.Parameter(ensemble.weights)
    ensemble.attach(weights)
    optimiser = torch.optim.AdamW(
        [weights], lr=request.training.lr, weight_decay=request.training.weight_decay, fused=True
    )
    run = Run(optimiser, weights, weights.detach().clone(), [])
    path = directory / "checkpoint.pt"
    if (state := checkpoint.load(path, request)) is not None:
        run.restore(state)
    else:
        initial, _ = ensemble.evaluate(training, chunk)
        run.seeds = [SeedRecord(seed, float(loss)) for seed, loss in zip(request.seeds, initial, strict=True)]
    before = run.seconds
    _keep_progress(directory, run.epoch)

    state, written = run.snapshot(), time.perf_counter()
    try:
        while run.epoch < request.training.epochs and any(seed.stopped is None for seed in run.seeds):
            limit = None if request.max_seconds is None else started + request.max_seconds - before
            late = _epoch(request, ensemble, run, training, limit)
            _judge(request, run, *ensemble.evaluate(validation, chunk), late)
            run.seconds = before + time.perf_counter() - started
            if not late:
                state = run.snapshot()
                if time.perf_counter() - written > CHECKPOINT_SECONDS:
                    checkpoint.save(path, state, request)
                    written = time.perf_counter()
            line = _progress(directory, run)
            if on_epoch is not None:
                on_epoch(line)
    except KeyboardInterrupt:
        checkpoint.save(path, state, request)
        raise

    with torch.no_grad():
        weights.copy_(run.best)
    tested = list(zip(*(part.tolist() for part in ensemble.evaluate(test, chunk)), strict=True))
    run.seconds = before + time.perf_counter() - started
    share = len(run.seeds)
    timings = Timings(
        [seconds / share for seconds in run.step_seconds],
        run.seconds / share,
        min(request.training.batch, request.synthetic.train) * data[0].length,
    )
    state_bytes = ensemble.module.state_elements() * weights.element_size()
    results = []
    for seed, tested_on, of_seed in zip(run.seeds, tested, data, strict=True):
        values = values_of(
            seed,
            None if seed.stopped == "diverged" else tested_on,
            timings,
            weights.shape[1],
            state_bytes,
            peak_memory(device),
        )
        results.append(
            SeedResult(
                seed=seed.seed,
                values=values,
                curve=seed.points(),
                data_sha256=of_seed.sha256,
                epochs=seed.epochs,
                best_epoch=seed.best_epoch,
                stopped=seed.stopped or "epochs",  # type: ignore[arg-type]
                resumed=run.resumed,
            )
        )
    return TrainResult(
        seeds=tuple(results), device=device_name(device), versions=versions(), seconds=run.seconds
    )


def _epoch(request: TrainRequest, ensemble: Ensemble, run: Run, training: Batch, limit: float | None) -> bool:
    """One pass over the training data; the losses go to the records. True if the time limit cut it short."""
    settings, device = request.training, run.weights.device
    sequences = training.tokens.shape[1]
    steps = math.ceil(sequences / settings.batch)
    run.epoch += 1
    order = [torch.randperm(sequences, generator=stream(seed, f"order {run.epoch}")) for seed in request.seeds]
    shuffled = training.shuffled(torch.stack(order).to(device))
    answers = shuffled.counts()
    # results stay on the device until the epoch is over: asking for one of them would wait for the GPU
    losses = torch.zeros(steps, len(run.seeds), device=device)
    norms, right, counts = torch.zeros_like(losses), torch.zeros_like(losses), torch.zeros_like(losses)
    done, late, begun = 0, False, time.perf_counter()
    with _dropout_stream(request, run.epoch, device):
        for step in range(steps):
            at_start = time.perf_counter()
            if limit is not None and at_start > limit and (done or run.epoch > 1):
                late = True
                break
            rate = learning_rate(settings, run.step, steps)
            batch = shuffled.rows(step * settings.batch, (step + 1) * settings.batch)
            loss, right[step] = ensemble.losses(batch)
            gradient = ensemble.gradient(loss)
            norm = torch.linalg.vector_norm(gradient, dim=1)
            gradient.mul_((settings.clip / (norm + 1e-6)).clamp(max=1.0).unsqueeze(1))
            run.weights.grad = gradient
            run.optimiser.param_groups[0]["lr"] = rate
            run.optimiser.step()
            losses[step], norms[step] = loss.detach(), norm
            counts[step] = answers[:, step * settings.batch : (step + 1) * settings.batch].sum(1)
            run.step += 1
            done += 1
            if device.type == "cpu":
                run.step_seconds.append(time.perf_counter() - at_start)
    losses, norms, right, counts = (x[:done].double().cpu() for x in (losses, norms, right, counts))
    if device.type != "cpu" and done:
        run.step_seconds.append((time.perf_counter() - begun) / done)
    bad = ~(losses.isfinite() & norms.isfinite())
    for index, seed in enumerate(run.seeds):
        if seed.stopped is None and done:
            total = float(counts[:, index].sum())
            seed.epochs = run.epoch
            seed.nan_count += int(bad[:, index].sum())
            seed.train_loss = float((losses[:, index] * counts[:, index]).sum()) / total
            seed.train_accuracy = float(right[:, index].sum()) / total
            if not losses[-1, index].isfinite():
                seed.stopped = "diverged"
            seed.point(run.step, "train_loss", seed.train_loss)
            seed.point(run.step, "train_accuracy", seed.train_accuracy)
            seed.point(run.step, "lr", rate)
    return late


def _judge(request: TrainRequest, run: Run, losses: Tensor, accuracies: Tensor, late: bool) -> None:
    """Enter the validation of an epoch: is it the best so far, is a seed done?"""
    improved = torch.zeros(len(run.seeds), 1, dtype=torch.bool)
    for index, seed in enumerate(run.seeds):
        if seed.stopped not in (None, "diverged") or seed.epochs < run.epoch:
            if late and seed.stopped is None:
                seed.stopped = "time"
            continue
        loss, accuracy = float(losses[index]), float(accuracies[index])
        if seed.stopped == "diverged" or not math.isfinite(loss):
            seed.stopped = "diverged"
            continue
        seed.point(run.step, "validation_loss", loss)
        seed.point(run.step, "validation_accuracy", accuracy)
        if (accuracy, -loss) > (seed.best_accuracy, -seed.best_loss):
            seed.best_accuracy, seed.best_loss, seed.best_epoch = accuracy, loss, run.epoch
            improved[index] = True
        if seed.steps_to_converge is None and accuracy >= (request.training.stop_at or CONVERGED):
            seed.steps_to_converge = run.step
        if request.training.stop_at is not None and accuracy >= request.training.stop_at:
            seed.stopped = "stop_at"
        elif late:
            seed.stopped = "time"
    run.best = torch.where(improved.to(run.best.device), run.weights.detach(), run.best)


def learning_rate(settings: Training, step: int, steps_per_epoch: int) -> float:
    """The rate of a step (from 0): linear over the warm-up epochs, then constant or half a cosine down to zero."""
    warm = settings.warmup * steps_per_epoch
    if step < warm:
        return settings.lr * (step + 1) / warm
    if settings.schedule == "constant":
        return settings.lr
    remaining = (step - warm) / max(1, settings.epochs * steps_per_epoch - warm)
    return settings.lr * 0.5 * (1 + math.cos(math.pi * remaining))


def _progress(directory: Path, run: Run) -> dict[str, Any]:
    """One line for people and monitors; the record that counts is the result."""
    seeds = []
    for seed in run.seeds:
        latest = {point["metric"]: point["value"] for point in seed.curve[-5:] if point["epoch"] == seed.epochs}
        seeds.append({"seed": seed.seed, "stopped": seed.stopped, "nan_count": seed.nan_count, **latest})
    line = {"epoch": run.epoch, "step": run.step, "seconds": round(run.seconds, 3), "seeds": seeds}
    with (directory / "progress.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, allow_nan=False) + "\n")
    return line


def _keep_progress(directory: Path, epoch: int) -> None:
    """Drop the lines of epochs that will be trained again, and a line that was cut by a kill."""
    path = directory / "progress.jsonl"
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["epoch"] <= epoch:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    checkpoint.write_atomically(path, "".join(kept).encode())


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _dropout_stream(request: TrainRequest, epoch: int, device: torch.device) -> Iterator[None]:
    """Dropout draws from the global generators: give them a state of this seed and epoch, and put theirs back."""
    if not request.backbone.dropout:
        yield
        return
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(stream(request.seeds[0], f"dropout {epoch}").initial_seed())
        yield
