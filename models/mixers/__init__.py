"""Mixers by their name in a setup block. A new one is a file of that name here and an entry below."""

from collections.abc import Callable

from models.mixers.base import Mixer
from models.mixers.linear_attention import LinearAttention
from models.mixers.log_linear import LogLinear
from models.mixers.monarch import Monarch
from models.mixers.nystrom import Nystrom
from models.mixers.own import own_mixer
from models.mixers.softmax_attention import SoftmaxAttention
from models.options import MixerOptions

MIXERS: dict[str, Callable[..., Mixer]] = {
    "softmax_attention": SoftmaxAttention,
    "linear_attention": LinearAttention,
    "log_linear": LogLinear,
    "monarch": Monarch,
    "nystrom": Nystrom,
    "own": own_mixer,
}


def build_mixer(options: MixerOptions, width: int, heads: int, length: int) -> Mixer:
    """The mixer that `options` asks for; `length`: that of the synthetic, untrimmed."""
    return MIXERS[options.mixer](options, width, heads, length)


__all__ = ["MIXERS", "Mixer", "build_mixer"]
