"""The common metrics by name: unit, direction and how each comes about. No torch here.

A setup block declares further ones of its own under `metrics:`, in the same terms.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Unit = Literal["fraction", "number", "count", "seconds", "bytes", "per_second", "dollars", "event"]
Direction = Literal["higher", "lower", "neither"]
Source = Literal["measured", "derived", "analytic"]


class Metric(BaseModel):
    """`direction`: which way is better. `of_hardware`: a measurement on other hardware than the proposal
    names is a proxy. `from_learning`: means nothing where nothing was learned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: Unit
    direction: Direction
    source: Source = "measured"
    of_hardware: bool = False
    from_learning: bool = False
    describes: str = ""


def _accuracy(split: str) -> Metric:
    return Metric(
        unit="fraction",
        direction="higher",
        from_learning=True,
        describes=f"share of supervised positions of the {split} split predicted right",
    )


def _time(what: str) -> Metric:
    return Metric(unit="seconds", direction="lower", of_hardware=True, describes=what)


METRICS: dict[str, Metric] = {
    "test_accuracy": _accuracy("test"),
    "train_accuracy": _accuracy("training"),
    "validation_accuracy": _accuracy("validation"),
    "test_loss": Metric(
        unit="number",
        direction="lower",
        from_learning=True,
        describes="nats per supervised position, test split",
    ),
    "train_loss": Metric(
        unit="number",
        direction="lower",
        from_learning=True,
        describes="nats per supervised position, last epoch",
    ),
    "initial_train_loss": Metric(
        unit="number",
        direction="neither",
        describes="nats per supervised position, before the first step",
    ),
    "perplexity": Metric(
        unit="number",
        direction="lower",
        from_learning=True,
        describes="exp of the test loss",
    ),
    "forward_time": _time("median of one forward pass of a batch"),
    "step_time": _time("median of one training step"),
    "train_time": _time("all of the training, evaluation included"),
    "throughput": Metric(
        unit="per_second",
        direction="higher",
        of_hardware=True,
        describes="training tokens per second",
    ),
    "peak_memory": Metric(
        unit="bytes",
        direction="lower",
        of_hardware=True,
        describes="highest memory during training",
    ),
    "state_memory": Metric(
        unit="bytes",
        direction="lower",
        source="analytic",
        describes="recurrent state of one sequence",
    ),
    "parameters": Metric(unit="count", direction="lower", source="analytic", describes="trained numbers"),
    "flops": Metric(
        unit="count",
        direction="lower",
        source="analytic",
        describes="floating-point operations of one forward pass",
    ),
    "nan_count": Metric(
        unit="count",
        direction="lower",
        describes="steps whose loss or gradient was not finite",
    ),
    "diverged": Metric(
        unit="event",
        direction="lower",
        describes="training ended on a loss that was not finite",
    ),
    "relative_error": Metric(
        unit="number",
        direction="lower",
        describes="norm of the difference over norm of the reference",
    ),
    "max_error": Metric(
        unit="number",
        direction="lower",
        describes="largest absolute difference to the reference",
    ),
    "steps_to_converge": Metric(
        unit="count",
        direction="lower",
        from_learning=True,
        describes="optimiser steps until the validation accuracy first reached `stop_at`, or 0.9",
    ),
    "cost": Metric(
        unit="dollars",
        direction="lower",
        describes="seconds x rate of the device, failed attempts included",
    ),
}

EVENT_METRICS = frozenset({"nan_count", "diverged"})
"""Counted on the runs at hand, not estimated: one occurrence in one seed is an occurrence."""
