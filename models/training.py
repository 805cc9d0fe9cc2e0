"""Training: a request in, a result out, the same function here, in a child process and on a GPU."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from models import checkpoint
from models.ensemble import Batch, Ensemble, batch_of
from models.epochs import Run, judge_epoch, train_epoch
from models.evaluations import options_under
from models.inspecting import conditions_of, evaluate_best, looks_inside
from models.measuring import SeedRecord, Timings, device_name, peak_memory, values_of, versions
from models.request import SeedResult, TrainRequest, TrainResult, Value
from models.synthetics import Data, build_data
from models.synthetics.base import Sizes

CHECKPOINT_SECONDS = 2.0
"""At the end of an epoch, a checkpoint is written if the last one is older than this."""


def train(request: TrainRequest, on_epoch: Callable[[dict[str, Any]], None] | None = None) -> TrainResult:
    """Train one variant with one or more seeds, choose the best epoch on validation, test once.

    on_epoch: called after each epoch with the line that went to progress.jsonl.

    A checkpoint in `request.directory` is gone on from; on the CPU with the same number of threads the losses
    are those of an uninterrupted run, bit for bit. Weights, order of the data and dropout each come from
    streams of the seed (dropout on a vectorised batch draws other numbers than on single seeds); the global
    generators are left as they were. Nothing protects a run from its own infinities: a loss that is not
    finite at the end of an epoch ends it with stopped="diverged", and it has no accuracies.

    Raises ValueError where the device is not there, a seed is named twice, the synthetic cannot be drawn, or training
    is to stop at an accuracy where the answers are numbers.
    KeyboardInterrupt writes a checkpoint of the last whole epoch and goes on its way.
    """
    if len(set(request.seeds)) < len(request.seeds):
        raise ValueError(f"seeds {list(request.seeds)} name one seed twice")
    if request.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda is asked for, and torch finds none here: use device cpu")
    with _threads(request.threads):
        return _train(request, on_epoch)


def dry_run(request: TrainRequest, steps: int) -> tuple[float, int]:
    """Seconds of a training step and the number of parameters: `steps` steps of one seed on the CPU, on data
    drawn for it alone, and one evaluation. Writes nothing.

    Raises ValueError where steps < 1, and whatever training would raise.
    """
    if steps < 1:
        raise ValueError(f"a dry run needs at least one step, not {steps}")
    few = {"train": min(request.training.batch, request.synthetic.train), "validation": 1, "test": 1}
    request = request.model_copy(
        update={
            "synthetic": request.synthetic.model_copy(update=few),
            "seeds": request.seeds[:1],
            "device": "cpu",
        }
    )
    with _threads(request.threads):
        _, ensemble, run, (training, validation, _) = _prepare(request)
        run.seeds = [SeedRecord(seed, 0.0) for seed in request.seeds]
        for _ in range(steps):
            train_epoch(request, ensemble, run, training, limit=None)
        ensemble.evaluate(validation, 1)
    # the first steps fill caches: the fastest is nearest to what a long run will see
    return min(run.step_seconds), run.weights.shape[1]


def _prepare(request: TrainRequest) -> tuple[list[Data], Ensemble, Run, tuple[Batch, Batch, Batch]]:
    """Data, models and optimiser as they are before the first step."""
    device = torch.device(request.device)
    data = [build_data(request.synthetic, seed) for seed in request.seeds]
    if data[0].classes == 0 and request.training.stop_at is not None:
        raise ValueError(
            f"stop_at is an accuracy, and the answers of {request.synthetic.name} are numbers: leave it out"
        )
    ensemble = Ensemble(request.mixer, request.backbone, _sizes(request, data[0]), request.seeds, device)
    ensemble.anneal(0.0)
    optimiser = torch.optim.AdamW(
        [ensemble.weights], lr=request.training.lr, weight_decay=request.training.weight_decay, fused=True
    )
    run = Run(optimiser, ensemble.weights, ensemble.weights.detach().clone(), [])
    splits = ([getattr(of_seed, name) for of_seed in data] for name in ("train", "validation", "test"))
    training, validation, test = (batch_of(split, ensemble.causal, device) for split in splits)
    return data, ensemble, run, (training, validation, test)


def _sizes(request: TrainRequest, data: Data) -> Sizes:
    """The model is made for the longest sequence that it will see, in an evaluation too."""
    lengths = [options_under(request.synthetic, condition).length for condition in request.evaluations]
    # a synthetic's own length leaves out what stands around its sequences, such as a token at the beginning
    longer = max([0, *(length - request.synthetic.length for length in lengths)])
    return replace(data.sizes, length=data.length + longer)


def _train(request: TrainRequest, on_epoch: Callable[[dict[str, Any]], None] | None) -> TrainResult:
    started = time.perf_counter()
    device, directory = torch.device(request.device), Path(request.directory)
    directory.mkdir(parents=True, exist_ok=True)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    data, ensemble, run, (training, validation, test) = _prepare(request)
    chunk = max(request.training.batch, 256 if device.type == "cpu" else 1024)

    path = directory / "checkpoint.pt"
    if (state := checkpoint.load(path, request)) is not None:
        run.restore(state)
    else:
        initial, _ = ensemble.evaluate(training, chunk)
        run.seeds = [SeedRecord(seed, float(loss)) for seed, loss in zip(request.seeds, initial, strict=True)]
    before = run.seconds
    checkpoint.keep_progress(directory, run.epoch)

    state, written = run.snapshot(), time.perf_counter()
    try:
        while run.epoch < request.training.epochs and any(seed.stopped is None for seed in run.seeds):
            limit = None if request.max_seconds is None else started + request.max_seconds - before
            late = train_epoch(request, ensemble, run, training, limit)
            judge_epoch(request, run, *ensemble.evaluate(validation, chunk), late, validation.numbers)
            run.seconds = before + time.perf_counter() - started
            if not late:
                state = run.snapshot()
                if time.perf_counter() - written > CHECKPOINT_SECONDS:
                    checkpoint.save(path, state, request)
                    written = time.perf_counter()
            line = _progress(directory, run)
            if on_epoch is not None:
                on_epoch(line)
        with torch.no_grad():
            run.weights.copy_(run.best)
        tested = evaluate_best(request, ensemble, run, test, chunk)
        further = conditions_of(request, ensemble, run, data, chunk)
    except KeyboardInterrupt:
        checkpoint.save(path, state, request)
        raise
    run.seconds = before + time.perf_counter() - started
    inside = looks_inside(request, ensemble, run, data, test)
    state_bytes = ensemble.state_elements * run.weights.element_size()
    return TrainResult(
        seeds=_results(
            request, run, data, tested, [[*a, *b] for a, b in zip(further, inside, strict=True)], state_bytes
        ),
        device=device_name(device),
        versions=versions(),
        seconds=run.seconds,
    )


def _results(
    request: TrainRequest,
    run: Run,
    data: list[Data],
    tested: tuple[list[float], list[float]],
    more: list[list[Value]],
    state_bytes: int,
) -> tuple[SeedResult, ...]:
    share = len(run.seeds)
    timings = Timings(
        step=[seconds / share for seconds in run.step_seconds],
        total=run.seconds / share,
        tokens=min(request.training.batch, request.synthetic.train) * data[0].length,
    )
    memory, parameters = peak_memory(run.weights.device), run.weights.shape[1]
    numbers = data[0].classes == 0
    results = []
    for seed, of_seed, loss, accuracy, further in zip(run.seeds, data, *tested, more, strict=True):
        stopped = seed.stopped or "epochs"
        test = None if stopped == "diverged" else (loss, accuracy)
        results.append(
            SeedResult(
                seed=seed.seed,
                values=(*values_of(seed, test, timings, parameters, state_bytes, memory, numbers), *further),
                curve=seed.points(),
                data_sha256=of_seed.sha256,
                epochs=seed.epochs,
                best_epoch=seed.best_epoch,
                stopped=stopped,
                resumed=run.resumed,
            )
        )
    return tuple(results)


def _progress(directory: Path, run: Run) -> dict[str, Any]:
    """One line for people and monitors; the record that counts is the result."""
    seeds = []
    for seed in run.seeds:
        latest = {point["metric"]: point["value"] for point in seed.curve[-5:] if point["epoch"] == run.epoch}
        seeds.append({"seed": seed.seed, "stopped": seed.stopped, "nan_count": seed.nan_count, **latest})
    line = {"epoch": run.epoch, "step": run.step, "seconds": round(run.seconds, 3), "seeds": seeds}
    with (directory / "progress.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, allow_nan=False) + "\n")
    return line


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
