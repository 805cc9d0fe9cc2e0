"""How fast training is, against a straightforward implementation: `python -m benchmarks.training`.

The straightforward model has the same weights, sees the same batch and must give the same loss; it computes
the whole sequence and logits everywhere, masks the labels, holds the state of every position (linear
attention, cosFormer) or makes one masked product for each level (log-linear). Both take turns in one process
on one thread, a few steps at a time, so that each finds its own data in the cache as it would in training.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.backbone import Backbone
from models.ensemble import Ensemble, batch_of
from models.mixers.features import EPS
from models.mixers.log_linear import fenwick_levels
from models.options import Backbone as BackboneOptions
from models.options import LinearAttention, LogLinear, Mqar, SoftmaxAttention
from models.synthetics import build_data
from models.synthetics.base import IGNORED

VARIANTS: dict[str, Any] = {
    "softmax": SoftmaxAttention(mixer="softmax_attention"),
    "linear elu": LinearAttention(mixer="linear_attention", kernel="elu"),
    "cosformer": LinearAttention(mixer="linear_attention", kernel="cosine"),
    "log-linear elu": LogLinear(mixer="log_linear", kernel="elu"),
    "log-linear cosine": LogLinear(mixer="log_linear", kernel="cosine"),
}
BACKBONE = BackboneOptions(layers=2, width=32, heads=2)
LENGTH, BATCH = 128, 64
TURN = 3
GOALS = {"padded": 10.0, "spread": 2.0}
GOAL_SEEDS = 3.5


class StraightMixer(nn.Module):
    """The mixer of `ours` as its formula reads, with the same parameters, for the whole sequence."""

    def __init__(self, ours: Any, options: Any) -> None:
        super().__init__()
        self.into, self.out, self.options, self.heads = ours.into, ours.out, options, ours.heads
        if options.mixer == "log_linear":
            self.level_weights, self.levels = ours.level_weights, ours.levels

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in self.into(x).chunk(3, dim=-1))
        causal = torch.ones(length, length).tril().bool()
        if self.options.mixer == "softmax_attention":
            scores = (q @ k.mT / math.sqrt(q.shape[-1])).masked_fill(~causal, float("-inf"))
            y = scores.softmax(-1) @ v
        else:
            elu = self.options.kernel == "elu"
            q, k = (functional.elu(part) + 1 if elu else part.relu() for part in (q, k))
            y = self.by_levels(x, q, k, v) if self.options.mixer == "log_linear" else self.by_states(q, k, v)
        joined: Tensor = self.out(y.transpose(1, 2).reshape(batch, length, width))
        return joined

    def by_states(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        above: Any = 0.0
        below: Any = 0.0
        for factor in self.streams(q.shape[2]):
            keys, queries = k * factor, q * factor
            states = torch.cumsum(keys.unsqueeze(-1) * v.unsqueeze(-2), dim=2)
            above = above + (queries.unsqueeze(-2) @ states).squeeze(-2)
            below = below + (queries * keys.cumsum(2)).sum(-1, keepdim=True)
        y: Tensor = above / (below + EPS)
        return y

    def by_levels(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        lambdas = functional.softplus(self.level_weights(x)).unflatten(-1, (self.heads, self.levels))
        lambdas = lambdas.transpose(1, 2)
        levels = fenwick_levels(q.shape[2])
        above: Any = 0.0
        below: Any = 0.0
        for level in range(self.levels):
            weights = sum((q * factor) @ (k * factor).mT for factor in self.streams(q.shape[2]))
            weights = weights * (levels == level) * lambdas[..., level, None]
            above = above + weights @ v
            below = below + weights.sum(-1, keepdim=True)
        y: Tensor = above / (below + EPS)
        return y

    def streams(self, length: int) -> list[Tensor]:
        """What queries and keys are multiplied with: cos(a - b) = cos a cos b + sin a sin b."""
        if self.options.kernel != "cosine":
            return [torch.ones(length, 1)]
        angle = (math.pi / 2 * torch.arange(length) / LENGTH).unsqueeze(-1)
        return [angle.cos(), angle.sin()]


class StraightModel(nn.Module):
    """The backbone of `ours`, everywhere."""

    def __init__(self, ours: Backbone, options: Any) -> None:
        super().__init__()
        self.ours = ours
        self.mixers = nn.ModuleList(StraightMixer(block.mixer, options) for block in ours.blocks)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.ours.tokens(tokens) + self.ours.positions(torch.arange(tokens.shape[1]))
        for block, mixer in zip(self.ours.blocks, self.mixers, strict=True):
            x = x + mixer(self.norm(block.mixer_norm, x))
            x = x + block.mlp(self.norm(block.mlp_norm, x))
        logits: Tensor = self.ours.head(self.norm(self.ours.norm, x))
        return logits

    @staticmethod
    def norm(norm: Any, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), norm.gain, norm.EPS)


def our_step(ensemble: Ensemble, batch: Any, lr: float = 1e-3) -> Callable[[], float]:
    """The step of models.epochs, without the book-keeping."""
    optimiser = torch.optim.AdamW([ensemble.weights], lr=lr, fused=True)

    def step() -> float:
        loss, _ = ensemble.losses(batch)
        gradient = ensemble.gradient(loss)
        norm = torch.linalg.vector_norm(gradient, dim=1)
        gradient.mul_((1.0 / (norm + 1e-6)).clamp(max=1.0).unsqueeze(1))
        ensemble.weights.grad = gradient
        optimiser.step()
        return float(loss.detach())

    return step


def straight_step(model: nn.Module, tokens: Tensor, labels: Tensor) -> Callable[[], float]:
    parameters = list(model.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=1e-3)

    def step() -> float:
        optimiser.zero_grad()
        logits = model(tokens)
        loss = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        return float(loss.detach())

    return step


def compare(options: Any, layout: str, repeats: int) -> tuple[float, float]:
    """Median seconds of our step and of the straightforward one."""
    synthetic = mqar(layout, train=BATCH, validation=1, test=1)
    data = build_data(synthetic, 0)
    ensembles = [Ensemble(options, BACKBONE, data.sizes, (0,), torch.device("cpu")) for _ in range(2)]
    train = batch_of([data.train], ensembles[0].causal, torch.device("cpu"))
    labels = torch.full(data.train.tokens.shape, IGNORED).scatter(1, data.train.positions, data.train.targets)
    ours = our_step(ensembles[0], train)
    other = straight_step(StraightModel(ensembles[1].module, options), data.train.tokens, labels)
    for _ in range(3):
        one, two = ours(), other()
        if abs(one - two) > 1e-3 * abs(two):
            raise SystemExit(f"{options} {layout}: losses {one} and {two} differ, so nothing is compared")
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(repeats):
        for step, found in zip((ours, other), times, strict=True):
            for _ in range(TURN):
                start = time.perf_counter()
                step()
                found.append(time.perf_counter() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def mqar(layout: str, train: int = 4000, validation: int = 500, test: int = 1000) -> Mqar:
    return Mqar.model_validate(
        {
            "name": "mqar", "layout": layout, "pairs": 8, "length": LENGTH, "vocabulary": 64,
            "train": train, "validation": validation, "test": test,
        }
    )  # fmt: skip


def worker_seconds(seeds: list[int], epochs: int, at_once: int = 2) -> float:
    """Seconds until one-thread workers, so many at once, have trained one seed each."""
    with tempfile.TemporaryDirectory() as folder:
        waiting, running = [], []
        for seed in seeds:
            directory = Path(folder) / str(seed)
            directory.mkdir()
            request = {
                "mixer": VARIANTS["log-linear cosine"].model_dump(),
                "synthetic": mqar("padded").model_dump(),
                "backbone": BACKBONE.model_dump(),
                "training": {"epochs": epochs, "batch": BATCH, "lr": 1e-3},
                "seeds": [seed],
                "directory": str(directory),
            }
            (directory / "request.json").write_text(json.dumps(request))
            waiting.append(directory)
        start = time.perf_counter()
        while waiting or running:
            while waiting and len(running) < at_once:
                command = [sys.executable, "-m", "models.worker", str(waiting.pop(0))]
                running.append(subprocess.Popen(command))
            for process in list(running):
                if process.poll() is not None:
                    if process.returncode:
                        raise SystemExit(f"a worker ended with {process.returncode}")
                    running.remove(process)
            time.sleep(0.01)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training")
    parser.add_argument("--repeats", type=int, default=15, help=f"turns of {TURN} steps each")
    parser.add_argument("--epochs", type=int, default=20, help="of the comparison of seeds, 0: leave it out")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"one training step, median of {TURN * arguments.repeats}, one thread, torch {torch.__version__}\n")
    print(f"{'variant':<18} {'layout':<8} {'ours':>9} {'straight':>10} {'faster':>8} {'goal':>7}")
    for layout, goal in GOALS.items():
        for name, options in VARIANTS.items():
            ours, other = compare(options, layout, arguments.repeats)
            ratio = other / ours
            mark = "" if ratio >= goal else "  missed"
            print(
                f"{name:<18} {layout:<8} {ours * 1e3:6.2f} ms {other * 1e3:7.1f} ms {ratio:7.1f}x {goal:6.1f}x{mark}",
                flush=True,
            )
    if arguments.epochs:
        one = worker_seconds([0], arguments.epochs)
        six = worker_seconds(list(range(6)), arguments.epochs)
        mark = "" if six / one <= GOAL_SEEDS else "  missed"
        print(f"\n{arguments.epochs} epochs of log-linear cosine, padded, one thread each, two at a time")
        print(f"one seed {one:.1f} s, six seeds {six:.1f} s: {six / one:.2f}x, goal {GOAL_SEEDS}x{mark}")


if __name__ == "__main__":
    main()
