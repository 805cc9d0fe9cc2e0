"""Causal softmax attention."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from models import options
from models.mixers.base import At, HeadMixer, causal_mask, rows


class SoftmaxAttention(HeadMixer):
    """y_t = W_o sum_{s <= t} softmax_s(q_t . k_s / sqrt(n)) v_s in each head.

    q, k, v: projections of x; n: width of a head; W_o: output projection.

    Vaswani et al., "Attention is all you need", 2017. State: keys and values of the whole sequence.

    Raises ValueError where width is not a multiple of heads.
    """

    def __init__(self, options: options.SoftmaxAttention, width: int, heads: int, length: int) -> None:
        super().__init__(width, heads, length)
        mask = torch.zeros(length, length).masked_fill(causal_mask(length) == 0, float("-inf"))
        self.mask: Tensor
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        q, k, v = self.queries_keys_values(x, at)
        mask = rows(self.mask[: x.shape[1], : x.shape[1]], at).to(x.dtype)
        scores = (q * self.head_width**-0.5) @ k.mT + (mask if mask.dim() == 2 else mask.unsqueeze(1))
        return self.join_heads(functional.softmax(scores, dim=-1) @ v)

    def state_elements(self) -> int:
        return 2 * self.length * self.width
