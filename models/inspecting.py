"""What is measured of a finished model: other test sets, probes, operations, the time of a forward pass."""

import math
import time

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from models.ensemble import Batch, Ensemble, batch_of
from models.epochs import Run, progress
from models.evaluations import options_under
from models.measuring import median_and_spread
from models.mixers.base import At
from models.probes import PROBES
from models.request import TrainRequest, Value
from models.synthetics import Data, build_data
from models.synthetics.base import IGNORED, Split

FORWARD_PASSES, WARM_UP = 20, 3
PROBED = 256
"""Sequences that a probe sees."""


def evaluate_best(
    request: TrainRequest, ensemble: Ensemble, run: Run, split: Batch, chunk: int
) -> tuple[list[float], list[float]]:
    """Loss and accuracy of each seed, its mixers annealed as they were in its best epoch."""
    losses, accuracies = [0.0] * len(run.seeds), [0.0] * len(run.seeds)
    for epoch in _annealings(ensemble, run):
        _anneal(request, ensemble, epoch)
        loss, accuracy = ensemble.evaluate(split, chunk)
        for index, seed in enumerate(run.seeds):
            if not ensemble.anneals or seed.best_epoch == epoch:
                losses[index], accuracies[index] = float(loss[index]), float(accuracy[index])
    return losses, accuracies


def conditions_of(
    request: TrainRequest, ensemble: Ensemble, run: Run, data: list[Data], chunk: int
) -> list[list[Value]]:
    """The test metrics of each seed under each evaluation of the request.

    Sequences that occurred in training are not asked about. Raises ValueError where those are most of them.
    """
    values: list[list[Value]] = [[] for _ in run.seeds]
    for condition in request.evaluations:
        options = options_under(request.synthetic, condition)
        if options.length != request.synthetic.length:
            # drawn alone: training has no sequence of that length, and there may be too few for splits of its size
            options = options.model_copy(update={"train": 1, "validation": 1})
        splits = [
            _unseen(build_data(options, seed).test, of_seed) for seed, of_seed in zip(request.seeds, data, strict=True)
        ]
        batch = batch_of(splits, ensemble.causal, run.weights.device)
        losses, accuracies = evaluate_best(request, ensemble, run, batch, chunk)
        for index, seed in enumerate(run.seeds):
            if seed.stopped == "diverged" or not math.isfinite(losses[index]):
                continue
            values[index].append(Value(metric="test_loss", value=losses[index], condition=condition))
            if not batch.numbers:
                values[index].append(Value(metric="test_accuracy", value=accuracies[index], condition=condition))
    return values


def _unseen(test: Split, data: Data) -> Split:
    """The split without questions about sequences that were trained or validated on."""
    if test.targets.is_floating_point() or test.tokens.shape[1:] != data.train.tokens.shape[1:]:
        return test
    seen = {row.tobytes() for split in (data.train, data.validation) for row in split.tokens.numpy()}
    known = torch.tensor([row.tobytes() in seen for row in test.tokens.numpy()])
    if int(known.sum()) * 2 > len(known):
        raise ValueError(
            f"{int(known.sum())} of {len(known)} test sequences of an evaluation occur in training or validation: "
            "ask for a condition with more different sequences"
        )
    return Split(test.tokens, test.positions, test.targets.masked_fill(known.unsqueeze(1), IGNORED))


@torch.no_grad()
def looks_inside(
    request: TrainRequest, ensemble: Ensemble, run: Run, data: list[Data], test: Batch
) -> list[list[Value]]:
    """Probes, operations and time of a forward pass, of each seed."""
    device = run.weights.device
    batch = test.rows(0, request.training.batch)
    values: list[list[Value]] = []
    ensemble.module.eval()
    for index, seed in enumerate(run.seeds):
        found: list[Value] = []
        model = ensemble.only(index)
        _anneal(request, ensemble, seed.best_epoch)
        sequences = data[index].test.tokens[:PROBED].to(device)
        for name in request.probes if seed.stopped != "diverged" else ():
            numbers = PROBES[name](model, sequences)
            found += [Value(metric=metric, value=value) for metric, value in numbers.items() if math.isfinite(value)]
        found.append(Value(metric="flops", value=float(_flops(model, sequences[:1]))))
        at = batch.at if isinstance(batch.at, slice) else batch.at[index]
        median, spread = median_and_spread(_times(model, (batch.tokens[index], at), device))
        found.append(Value(metric="forward_time", value=median, spread=spread))
        values.append(found)
    ensemble.module.train()
    return values


def _annealings(ensemble: Ensemble, run: Run) -> list[int | None]:
    """The epochs whose annealing is wanted; where nothing anneals, any will do."""
    return list({seed.best_epoch for seed in run.seeds}) if ensemble.anneals else [None]


def _anneal(request: TrainRequest, ensemble: Ensemble, epoch: int | None) -> None:
    ensemble.anneal(progress(request.training, epoch or 1))


def _flops(model: torch.nn.Module, sequence: Tensor) -> int:
    """Of one sequence of full length with an output at every position, as torch counts: the matrix products."""
    with FlopCounterMode(display=False) as counter:
        model(sequence)
    return int(counter.get_total_flops())


def _times(model: torch.nn.Module, given: tuple[Tensor, At], device: torch.device) -> list[float]:
    """Seconds of each forward pass."""
    seconds = []
    for number in range(WARM_UP + FORWARD_PASSES):
        begun = time.perf_counter()
        model(*given)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if number >= WARM_UP:
            seconds.append(time.perf_counter() - begun)
    return seconds
