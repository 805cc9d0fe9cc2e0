"""What a training or a study takes and gives: plain data, the same in this process, in a child and on a GPU. No torch
here."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.metrics import Source
from models.options import Backbone, MixerOptions, SyntheticOptions, Training
from models.options.studies import Condition, FormOptions, StudyOptions


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TrainRequest(Plain):
    """One variant, one or more seeds. With several seeds they train as one vectorised batch.

    directory: where checkpoint.pt, progress.jsonl and result.json of this request live; a request found
    there with a checkpoint goes on from it. max_seconds: of all sittings together; training stops itself
    there, with `stopped="time"`.

    evaluations: other test sets, each as the options of the synthetic that differ, such as {"length": 512}; test
    metrics are reported for each, under that condition. A length that is named is that of every sequence.
    probes: names of functions in `models.probes` that look into the trained model.
    """

    mixer: MixerOptions
    synthetic: SyntheticOptions
    backbone: Backbone
    training: Training
    seeds: tuple[int, ...] = Field(min_length=1)
    evaluations: tuple[dict[str, str | int | float], ...] = ()
    probes: tuple[str, ...] = ()
    directory: str
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(default=1, gt=0)
    max_seconds: float | None = Field(default=None, gt=0)


class StudyRequest(Plain):
    """One form of a study, one seed; nothing is trained. directory, device, threads: as for training."""

    kind: Literal["study"] = "study"
    study: StudyOptions
    form: FormOptions
    seed: int
    directory: str
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int = Field(default=1, gt=0)


class Value(Plain):
    """One number of one run. `value` None: it was not measured (never NaN)."""

    metric: str
    value: float | None
    source: Source = "measured"
    condition: Condition = {}
    spread: float | None = None
    """Interquartile range, where the value is a median of repeats."""


class CurvePoint(Plain):
    epoch: int
    step: int
    metric: Literal["train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "lr"]
    value: float


class SeedResult(Plain):
    seed: int
    values: tuple[Value, ...]
    curve: tuple[CurvePoint, ...]
    data_sha256: str
    epochs: int
    """Epochs trained."""
    best_epoch: int | None
    """Epoch with the best validation accuracy, the one that was tested; None where training diverged at
    once."""
    stopped: Literal["epochs", "stop_at", "diverged", "time"]
    resumed: int = 0
    """How often training went on from a checkpoint."""


class TrainResult(Plain):
    seeds: tuple[SeedResult, ...]
    device: str
    """Name of the device that ran, such as "cpu: AMD EPYC" or "NVIDIA H100"."""
    versions: dict[str, str]
    seconds: float
    """Wall clock of the whole request over all its sittings, start of the process excluded."""
