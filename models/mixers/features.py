"""Feature maps and weights of linear attention, shared by the mixers with one state and with many."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from models.mixers.base import causal_mask, dense_gradient
from models.options import Kernel

EPS = 1e-6
"""Added to the sum of weights: with relu a whole row of them can be zero."""


def feature_map(kernel: Kernel, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """phi(x): elu(x) + 1 for "elu", max(x, 0) for "relu" and "cosine"."""
    phi = functional.elu(x) + 1 if kernel == "elu" else functional.relu(x)
    return dense_gradient(phi)


def position_weights(kernel: Kernel, length: int) -> Float[Tensor, "length length"]:
    """c(t, s) for s <= t, else 0: cos(pi/2 (t - s) / M) with M = length for "cosine", 1 for the others.

    M is the length of the synthetic, also where a sequence is trimmed.
    """
    if kernel != "cosine":
        return causal_mask(length)
    position = torch.arange(length, dtype=torch.float64)
    distance = position[:, None] - position[None, :]
    return (torch.cos(math.pi / 2 * distance / length).tril()).to(torch.float32)


def weighted_mean(
    weights: Float[Tensor, "*batch queries length"], values: Float[Tensor, "*batch length head_width"]
) -> Float[Tensor, "*batch queries head_width"]:
    """sum_s w(t, s) v_s / (sum_s w(t, s) + eps)."""
    # a column of ones gives the sum of weights in the same product: nothing more of size length x length
    sums = weights @ functional.pad(values, (0, 1), value=1.0)
    return sums[..., :-1] / (sums[..., -1:] + EPS)
