"""The model around a mixer, and how it is trained."""

from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options, added


class Backbone(Options):
    """Pre-norm residual blocks (norm, mixer, residual, norm, SwiGLU, residual) between learned embeddings and a
    linear head.

    positions: learned embeddings of the position are added to the tokens', or nothing is: then a model can be tested
    on longer sequences than it saw. expand: the SwiGLU's inner width in multiples of `width`; 0 leaves the MLP out.
    """

    layers: int = Field(gt=0)
    width: int = Field(gt=0)
    heads: int = Field(gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    positions: Literal["learned", "none"] = added("learned")
    expand: int = added(4, ge=0)

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
