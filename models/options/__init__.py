"""What a setup block may say of mixers, synthetics, the backbone and training. No torch here.

Each class is one choice with its options; unknown names and options are refused. A new mixer or synthetic adds a
class in a file of this folder, its name in one of the two unions below, and an entry in the dictionary of
`models.mixers` or `models.synthetics`.
"""

from typing import Annotated

from pydantic import Field

from models.options.attention import Kernel, LinearAttention, LogLinear, SoftmaxAttention
from models.options.base import Options, added
from models.options.battery import (
    Compression,
    FuzzyInContextRecall,
    InContextRecall,
    Memorization,
    NoisyInContextRecall,
)
from models.options.copying import DelayedCopy, HierarchicalCopy, SelectiveCopying
from models.options.delta import DeltaNet, PdSsm
from models.options.dplr import Dplr, OscillatoryDplr
from models.options.groups import Composition, Parity
from models.options.hss import Hss
from models.options.own import OwnMixer
from models.options.recall import Mqar
from models.options.signals import DampedOscillation
from models.options.state_space import DenseSsm, DiagonalSsm, DisplacementRank
from models.options.structured import Monarch, Nystrom
from models.options.training import Backbone, Training

MixerOptions = Annotated[
    SoftmaxAttention
    | LinearAttention
    | LogLinear
    | Monarch
    | Nystrom
    | DeltaNet
    | PdSsm
    | Dplr
    | OscillatoryDplr
    | Hss
    | DiagonalSsm
    | DenseSsm
    | DisplacementRank
    | OwnMixer,
    Field(discriminator="mixer"),
]

SyntheticOptions = Annotated[
    Mqar
    | Composition
    | Parity
    | DelayedCopy
    | HierarchicalCopy
    | SelectiveCopying
    | DampedOscillation
    | InContextRecall
    | NoisyInContextRecall
    | FuzzyInContextRecall
    | Memorization
    | Compression,
    Field(discriminator="name"),
]

__all__ = [
    "Backbone",
    "Composition",
    "Compression",
    "DampedOscillation",
    "DelayedCopy",
    "DeltaNet",
    "DenseSsm",
    "DiagonalSsm",
    "DisplacementRank",
    "Dplr",
    "FuzzyInContextRecall",
    "HierarchicalCopy",
    "Hss",
    "InContextRecall",
    "Kernel",
    "LinearAttention",
    "LogLinear",
    "Memorization",
    "MixerOptions",
    "Monarch",
    "Mqar",
    "NoisyInContextRecall",
    "Nystrom",
    "Options",
    "OscillatoryDplr",
    "OwnMixer",
    "Parity",
    "PdSsm",
    "SelectiveCopying",
    "SoftmaxAttention",
    "SyntheticOptions",
    "Training",
    "added",
]
