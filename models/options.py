"""What a setup block may say of mixers, synthetics, the backbone and training. No torch here.

Each class is one choice with its options; unknown names and options are refused. A new mixer or synthetic
adds a class here and an entry in the dictionary of `models.mixers` or `models.synthetics`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kernel = Literal["elu", "relu", "cosine"]


class Options(BaseModel):
    """Immutable; an option that does not exist is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# -- mixers ------------------------------------------------------------------------------------------------


class SoftmaxAttention(Options):
    """Causal softmax attention, the reference that is expected to solve recall (Vaswani et al., 2017)."""

    mixer: Literal["softmax_attention"]


class LinearAttention(Options):
    """Causal linear attention with one state. `kernel`: the feature map of queries and keys.

    elu: elu(x) + 1 (Katharopoulos et al., 2020); relu: max(x, 0);
    cosine: relu with the cosine reweighting of cosFormer (Qin et al., 2022).
    """

    mixer: Literal["linear_attention"]
    kernel: Kernel = "elu"


class LogLinear(Options):
    """Linear attention over a Fenwick hierarchy of O(log T) states, each with a learned weight per token
    (Guo et al., 2025). `kernel` as in `LinearAttention`."""

    mixer: Literal["log_linear"]
    kernel: Kernel = "elu"


MixerOptions = Annotated[SoftmaxAttention | LinearAttention | LogLinear, Field(discriminator="mixer")]


# -- synthetics --------------------------------------------------------------------------------------------


class Mqar(Options):
    """Multi-query associative recall (Arora et al., 2023).

    layout "padded": `pairs` key-value pairs, a separator, the keys again in random order as queries,
    padding up to `length`. layout "spread": the pairs, then the queries spread through the rest of the
    sequence at gaps drawn from a power law, as in the field's benchmark. Token 0 is the separator, 1 the
    padding, the rest are shared by keys and values.
    """

    name: Literal["mqar"]
    layout: Literal["padded", "spread"] = "padded"
    pairs: int = Field(gt=0)
    length: int = Field(gt=0)
    vocabulary: int = Field(gt=3)
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "Mqar":
        needed = 3 * self.pairs + 1 if self.layout == "padded" else 4 * self.pairs
        if self.length < needed:
            raise ValueError(
                f"{self.pairs} pairs in the {self.layout} layout need a length of at least {needed}, not {self.length}"
            )
        if self.vocabulary - 2 < self.pairs:
            raise ValueError(f"{self.pairs} distinct keys need a vocabulary of at least {self.pairs + 2}")
        return self

    @property
    def chance(self) -> float:
        """Accuracy of guessing among the values that the sequence showed."""
        return 1 / self.pairs


SyntheticOptions = Mqar  # becomes a union discriminated by `name` when there is a second one


# -- the rest of a setup -----------------------------------------------------------------------------------


class Backbone(Options):
    """Pre-norm residual blocks (norm, mixer, residual, norm, SwiGLU of width 4 x `width`, residual) between
    learned embeddings with learned positions and a linear head."""

    layers: int = Field(gt=0)
    width: int = Field(gt=0)
    heads: int = Field(gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _divides(self) -> "Backbone":
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class Training(Options):
    """AdamW. `stop_at`: training ends at the first epoch whose validation accuracy reaches it (a fraction).
    `schedule` acts on the learning rate after `warmup` epochs of linear increase."""

    epochs: int = Field(gt=0)
    batch: int = Field(gt=0)
    lr: float = Field(gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = Field(default=0, ge=0)
    stop_at: float | None = Field(default=None, gt=0, le=1)
