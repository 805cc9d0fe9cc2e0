"""Mixers by their name in a setup block. A new one is a file of that name here and an entry below."""

from collections.abc import Callable

from models.mixers.base import Mixer
from models.mixers.delta_net import delta_net
from models.mixers.dense_ssm import DenseSsm
from models.mixers.diagonal_ssm import DiagonalSsm
from models.mixers.displacement_rank import DisplacementRank
from models.mixers.dplr import Dplr
from models.mixers.hss import Hss
from models.mixers.linear_attention import LinearAttention
from models.mixers.log_linear import LogLinear
from models.mixers.monarch import Monarch
from models.mixers.nystrom import Nystrom
from models.mixers.oscillatory_dplr import OscillatoryDplr
from models.mixers.own import own_mixer
from models.mixers.pd_ssm import PdSsm
from models.mixers.softmax_attention import SoftmaxAttention
from models.options import MixerOptions

MIXERS: dict[str, Callable[..., Mixer]] = {
    "softmax_attention": SoftmaxAttention,
    "linear_attention": LinearAttention,
    "log_linear": LogLinear,
    "monarch": Monarch,
    "nystrom": Nystrom,
    "delta_net": delta_net,
    "pd_ssm": PdSsm,
    "dplr": Dplr,
    "oscillatory_dplr": OscillatoryDplr,
    "hss": Hss,
    "diagonal_ssm": DiagonalSsm,
    "dense_ssm": DenseSsm,
    "displacement_rank": DisplacementRank,
    "own": own_mixer,
}


def build_mixer(options: MixerOptions, width: int, heads: int, length: int) -> Mixer:
    """The mixer that `options` asks for; `length`: that of the synthetic, untrimmed."""
    return MIXERS[options.mixer](options, width, heads, length)


__all__ = ["MIXERS", "Mixer", "build_mixer"]
