"""Attention and its linear relatives."""

from typing import Literal

from models.options.base import Options

Kernel = Literal["elu", "relu", "cosine"]


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
