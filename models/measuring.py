"""From a finished training to its metrics, and what is known of the device."""

import math
import platform
import resource
import statistics
import sys
from dataclasses import dataclass, field
from typing import Any

import torch

from models.request import CurvePoint, Value


@dataclass
class SeedRecord:
    """What is known of one seed while it trains: plain data, so that a checkpoint can hold it."""

    seed: int
    initial_train_loss: float
    epochs: int = 0
    nan_count: int = 0
    stopped: str | None = None
    best_epoch: int | None = None
    best_accuracy: float = -1.0
    best_loss: float = math.inf
    steps_to_converge: int | None = None
    train_loss: float = math.nan
    train_accuracy: float = math.nan
    curve: list[dict[str, Any]] = field(default_factory=list)

    def point(self, step: int, metric: str, value: float) -> None:
        """Add to the curve; what is not finite is an event, and counted elsewhere."""
        if math.isfinite(value):
            self.curve.append({"epoch": self.epochs, "step": step, "metric": metric, "value": value})

    def points(self) -> tuple[CurvePoint, ...]:
        return tuple(CurvePoint(**point) for point in self.curve)


@dataclass(frozen=True)
class Timings:
    """step: seconds of each training step; total: seconds of the whole training; tokens: of one step, with
    padding. All three for one seed: of seeds that train as one batch, each bears an equal share."""

    step: list[float]
    total: float
    tokens: int


def values_of(
    record: SeedRecord,
    test: tuple[float, float] | None,
    timings: Timings,
    parameters: int,
    state_bytes: int,
    memory: int,
    numbers: bool = False,
) -> tuple[Value, ...]:
    """The metrics of one seed. test: loss and accuracy, None where training diverged, and then nothing that
    was to be learned has a value. numbers: the answers are numbers, so there are no accuracies, and the loss is a mean
    squared error."""
    found: list[Value] = []

    def add(metric: str, value: float | None, **more: Any) -> None:
        if value is not None and math.isfinite(value):
            found.append(Value(metric=metric, value=value, **more))

    diverged = record.stopped == "diverged"
    add("diverged", float(diverged))
    add("nan_count", float(record.nan_count))
    add("initial_train_loss", record.initial_train_loss)
    if not diverged:
        assert test is not None
        add("test_loss", test[0])
        add("train_loss", record.train_loss)
        if not numbers:
            add("test_accuracy", test[1])
            add("perplexity", math.exp(min(test[0], 700.0)), source="derived")
            add("validation_accuracy", record.best_accuracy)
            add("train_accuracy", record.train_accuracy)
            add("steps_to_converge", record.steps_to_converge)
    if timings.step:
        median, spread = median_and_spread(timings.step)
        add("step_time", median, spread=spread)
        add("throughput", timings.tokens / median, source="derived")
    add("train_time", timings.total)
    add("peak_memory", float(memory))
    add("parameters", float(parameters), source="analytic")
    add("state_memory", float(state_bytes), source="analytic")
    return tuple(found)


def median_and_spread(seconds: list[float]) -> tuple[float, float]:
    """Median and interquartile range."""
    if len(seconds) < 2:
        return seconds[0], 0.0
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return median, high - low


def peak_memory(device: torch.device) -> int:
    """Bytes: the most that was allocated on a GPU; on the CPU the most that this process ever held."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held if sys.platform == "darwin" else held * 1024


def device_name(device: torch.device) -> str:
    """The hardware that ran, as far as it says."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            named = (line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
            model = next(named, model)
    except OSError:
        pass
    return f"cpu: {model}"


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), "torch": torch.__version__}
