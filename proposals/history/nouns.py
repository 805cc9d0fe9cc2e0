"""What a phrase measures: one of the common metrics, or a metric of the report's own with a descriptive name."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from models.metrics import METRICS, Direction, Metric
from models.metrics import Unit as MetricUnit
from proposals.history.quantities import Quantity, Unit, plain

_SPELLED = {
    "acc": "accuracy", "accuracies": "accuracy", "val": "validation", "valid": "validation", "dev": "validation",
    "training": "train", "trained": "train", "testing": "test", "params": "parameters", "param": "parameters",
    "mem": "memory", "fwd": "forward", "ppl": "perplexity", "losses": "loss", "nans": "nan", "errors": "error",
    "event": "events", "err": "error", "rel": "relative", "approx": "approximation", "recon": "reconstruction",
    "trunc": "truncation", "eig": "eigenvalue", "svd": "singular", "svs": "singular", "secs": "seconds",
}  # fmt: skip
_EMPTY = frozenset([
    "the", "a", "an", "of", "on", "in", "at", "is", "was", "be", "are", "for", "its", "their", "by",
    "to", "our", "we", "with", "drops", "drop", "falls", "stays", "stay", "remains", "reaches",
    "reach", "exceeds", "exceed", "achieves", "achieve", "should", "must", "will", "than", "and",
    "or", "task", "metric", "value", "criterion", "only"
])  # fmt: skip
_WHICH = frozenset({"best", "final", "mean", "average", "overall", "median", "last", "held", "out", "score", "top"})

_COMMON: dict[frozenset[str], str] = {
    frozenset({"test", "accuracy"}): "test_accuracy",
    frozenset({"accuracy"}): "test_accuracy",
    frozenset({"validation", "accuracy"}): "validation_accuracy",
    frozenset({"train", "accuracy"}): "train_accuracy",
    frozenset({"test", "loss"}): "test_loss",
    frozenset({"train", "loss"}): "train_loss",
    frozenset({"perplexity"}): "perplexity",
    frozenset({"test", "perplexity"}): "perplexity",
    frozenset({"parameters"}): "parameters",
    frozenset({"parameters", "count"}): "parameters",
    frozenset({"nan"}): "nan_count",
    frozenset({"nan", "inf"}): "nan_count",
    frozenset({"nan", "events"}): "nan_count",
    frozenset({"nan", "count"}): "nan_count",
    frozenset({"forward"}): "forward_time",
    frozenset({"forward", "time"}): "forward_time",
    frozenset({"forward", "pass"}): "forward_time",
    frozenset({"forward", "pass", "time"}): "forward_time",
    frozenset({"forward", "speed"}): "forward_time",
    frozenset({"train", "time"}): "train_time",
    frozenset({"step", "time"}): "step_time",
    frozenset({"throughput"}): "throughput",
    frozenset({"peak", "memory"}): "peak_memory",
    frozenset({"flops"}): "flops",
    frozenset({"cost"}): "cost",
}

LEARNED = frozenset([
    "accuracy", "loss", "mse", "mae", "rmse", "perplexity", "f1", "bleu", "bpc", "bpb", "recall",
    "precision", "auc", "reward"
])  # fmt: skip
"""Nouns of what a model learned. Only these can tell whether a test told anything."""
_HIGHER = frozenset([
    "accuracy", "throughput", "speed", "speedup", "f1", "bleu", "recall", "precision", "auc",
    "reward", "savings"
])  # fmt: skip
_LOWER = frozenset([
    "loss", "mse", "mae", "rmse", "perplexity", "error", "memory", "time", "latency", "gap",
    "parameters", "cost", "nan", "bpc", "bpb", "overhead", "slowdown", "flops", "degradation",
    "drop"
])  # fmt: skip
_INSIDE = frozenset([
    "approximation", "reconstruction", "truncation", "rank", "spectrum", "spectral", "singular",
    "eigenvalue", "eigenvalues", "entropy", "gate", "gates", "orthogonality", "conditioning",
    "residual", "sparsity", "utilization", "utilisation", "similarity", "norm", "curvature",
    "hessian", "energy"
])  # fmt: skip

_UNIT_OF: dict[Unit, MetricUnit] = {
    "fraction": "fraction", "points": "fraction", "ratio": "number", "number": "number", "seconds": "seconds",
    "bytes": "bytes", "per_second": "per_second", "dollars": "dollars",
}  # fmt: skip


def words_of(phrase: str) -> tuple[str, ...]:
    """The telling words of a phrase, without brackets, in the spelling that the tables here use."""
    text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", plain(phrase).lower())
    found = (_SPELLED.get(word, word) for word in re.findall(r"[^\W_]+", text))
    return tuple(word for word in found if word not in _EMPTY)


def is_learned(words: Iterable[str]) -> bool:
    return not LEARNED.isdisjoint(words)


def is_inside(words: Iterable[str]) -> bool:
    """How it works inside, not what it achieves."""
    own = set(words)
    return not _INSIDE.isdisjoint(own) and LEARNED.isdisjoint(own)


def qualified(words: Iterable[str]) -> tuple[str, ...]:
    """What remains of an accuracy's words beside the accuracy and its split: `copy accuracy`, `level 1 accuracy`."""
    return tuple(word for word in words if word not in _WHICH | {"accuracy", "test", "validation", "train"})


def direction_of(words: Iterable[str]) -> Direction:
    """The last telling noun decides: a `memory throughput` is a throughput."""
    for word in reversed(tuple(words)):
        if word in _LOWER:
            return "lower"
        if word in _HIGHER:
            return "higher"
    return "neither"


@dataclass
class Vocabulary:
    """The metrics that one report names, with what each means. Filled while its tables are read."""

    own: dict[str, Metric] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, Metric]:
        return {**METRICS, **self.own}

    def name(self, words: tuple[str, ...], unit: Unit, value: float | None = None) -> str | None:
        """The metric of these words in this unit; None where there are no words or the unit is missing."""
        if not words:
            return None
        bare = frozenset(word for word in words if word not in _WHICH)
        common = _COMMON.get(bare)
        if common and _fits(METRICS[common].unit, unit, value):
            return common
        if common and METRICS[common].unit in {"fraction", "bytes", "seconds"} and unit == "number":
            return None  # 95.8 of what? without a unit it could be a share or a percentage
        name = "_".join(words)[:80]
        name = f"n_{name}" if name[0].isdigit() else name
        if common or name in METRICS:
            name = f"{name}_{unit}"
        own = _UNIT_OF[unit]
        if name in self.own and self.own[name].unit != own:
            name = f"{name}_{unit}"
        if name not in self.own:
            self.own[name] = Metric(
                unit=own, direction=direction_of(words), from_learning=is_learned(words),
                describes="as reported: " + " ".join(words),
            )  # fmt: skip
        return name


def fitting(metric: Metric, quantity: Quantity) -> bool:
    return _fits(metric.unit, quantity.unit, quantity.value)


def _fits(wanted: MetricUnit, unit: Unit, value: float | None) -> bool:
    match wanted:
        case "fraction":
            return unit in {"fraction", "points"} or (unit == "number" and value is not None and 0 <= value <= 1)
        case "number":
            return unit in {"number", "ratio"}
        case "count" | "event":
            return unit == "number"
        case _:
            return unit == wanted
