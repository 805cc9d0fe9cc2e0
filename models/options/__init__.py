"""What a setup block may say of mixers, synthetics, the backbone and training. No torch here.

Each class is one choice with its options; unknown names and options are refused. A new mixer or synthetic adds a
class in a file of this folder, its name in one of the two unions below, and an entry in the dictionary of
`models.mixers` or `models.synthetics`.
"""

from typing import Annotated

from pydantic import Field

from models.options.attention import Kernel, LinearAttention, LogLinear, SoftmaxAttention
from models.options.base import Options, added
from models.options.own import OwnMixer
from models.options.recall import Mqar
from models.options.training import Backbone, Training

MixerOptions = Annotated[
    SoftmaxAttention | LinearAttention | LogLinear | OwnMixer,
    Field(discriminator="mixer"),
]

SyntheticOptions = Mqar  # becomes a union discriminated by `name` when there is a second one

__all__ = [
    "Backbone",
    "Kernel",
    "LinearAttention",
    "LogLinear",
    "MixerOptions",
    "Mqar",
    "Options",
    "OwnMixer",
    "SoftmaxAttention",
    "SyntheticOptions",
    "Training",
    "added",
]
