"""One epoch of training and what its validation means for each seed."""

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from models.ensemble import Batch, Ensemble
from models.measuring import SeedRecord
from models.options import Training
from models.request import TrainRequest
from models.synthetics.base import stream

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


def train_epoch(request: TrainRequest, ensemble: Ensemble, run: Run, training: Batch, limit: float | None) -> bool:
    """One pass over the training data; the losses go to the records. True if the time limit cut it short."""
    settings, device = request.training, run.weights.device
    sequences = training.tokens.shape[1]
    steps = math.ceil(sequences / settings.batch)
    run.epoch += 1
    ensemble.anneal(progress(request.training, run.epoch))
    streams = [stream(seed, f"order {run.epoch}") for seed in request.seeds]
    order = [torch.randperm(sequences, generator=generator) for generator in streams]
    shuffled = training.shuffled(torch.stack(order).to(device))
    answers = shuffled.counts()
    # results stay on the device until the epoch is over: asking for one of them would wait for the GPU
    losses = torch.zeros(steps, len(run.seeds), device=device)
    norms, right, counts = torch.zeros_like(losses), torch.zeros_like(losses), torch.zeros_like(losses)
    done, late, begun = 0, False, time.perf_counter()
    with _noise(request, ensemble, run.epoch, device):
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
            if not training.numbers:
                seed.point(run.step, "train_accuracy", seed.train_accuracy)
            seed.point(run.step, "lr", rate)
    return late


def judge_epoch(
    request: TrainRequest, run: Run, losses: Tensor, accuracies: Tensor, late: bool, numbers: bool = False
) -> None:
    """Enter the validation of an epoch: is it the best so far, is a seed done? Where the answers are numbers the loss
    alone decides."""
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
        if not numbers:
            seed.point(run.step, "validation_accuracy", accuracy)
        if (accuracy, -loss) > (seed.best_accuracy, -seed.best_loss):
            seed.best_accuracy, seed.best_loss, seed.best_epoch = accuracy, loss, run.epoch
            improved[index] = True
        if not numbers and seed.steps_to_converge is None and accuracy >= (request.training.stop_at or CONVERGED):
            seed.steps_to_converge = run.step
        if request.training.stop_at is not None and accuracy >= request.training.stop_at:
            seed.stopped = "stop_at"
        elif late:
            seed.stopped = "time"
    run.best = torch.where(improved.to(run.best.device), run.weights.detach(), run.best)


def learning_rate(settings: Training, step: int, steps_per_epoch: int) -> float:
    """The rate of a step (from 0): linear over the warm-up epochs, then constant or half a cosine down to
    zero."""
    warm = settings.warmup * steps_per_epoch
    if step < warm:
        return settings.lr * (step + 1) / warm
    if settings.schedule == "constant":
        return settings.lr
    remaining = (step - warm) / max(1, settings.epochs * steps_per_epoch - warm)
    return settings.lr * 0.5 * (1 + math.cos(math.pi * remaining))


def progress(settings: Training, epoch: int) -> float:
    """The share of training that is done when an epoch (from 1) begins."""
    return (epoch - 1) / settings.epochs


@contextmanager
def _noise(request: TrainRequest, ensemble: Ensemble, epoch: int, device: torch.device) -> Iterator[None]:
    """Dropout and stochastic mixers draw from the global generators: give them a state of this seed and epoch, and put
    theirs back."""
    if not request.backbone.dropout and not ensemble.stochastic:
        yield
        return
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(stream(request.seeds[0], f"dropout {epoch}").initial_seed())
        yield
