"""Linear attention behind a short causal convolution: the mixer of proposal 101."""

import functools

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models.mixers.base import At, HeadMixer, causal_mask, rows, select
from models.mixers.features import feature_map, weighted_mean
from models.options import Options as AnyOptions


class Options(AnyOptions):
    """kernel_size: tokens that the convolution sees, its own included; 1 is plain linear attention with a gain."""

    kernel_size: int = 4


class Mixer(HeadMixer):
    """y_t = W_o sum_{s <= t} w(t, s) v_s / (sum_{s <= t} w(t, s) + 1e-6), w(t, s) = phi(q_t) . phi(k_s),
    q_t = sum_j a_j * (W_q x_{t-j}), and likewise k and v, j = 0 .. kernel_size - 1.

    a_j: a learned weight of each channel, one set each for q, k and v, starting as the token itself; phi: elu + 1;
    W_o: output projection. As the short convolution of H3 (Fu et al., 2023) and its successors.
    """

    def __init__(self, options: Options, width: int, heads: int, length: int) -> None:
        super().__init__(width, heads, length)
        self.kernel_size = options.kernel_size
        start = torch.zeros(3 * width, options.kernel_size)
        start[..., -1] = 1.0
        self.taps = nn.Parameter(start + 0.1 * torch.randn_like(start))
        self.mask: Tensor
        self.register_buffer("mask", causal_mask(length), persistent=False)

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        # a sum over shifts: on a CPU, torch's convolution by channel takes five times as long
        late = functional.pad(self.into(x), (0, 0, self.kernel_size - 1, 0))
        shifted = (late[:, j : j + x.shape[1]] * self.taps[:, j] for j in range(self.kernel_size))
        q, k, v = self._heads(functools.reduce(torch.add, shifted), 3)
        if at is not None:
            (q,) = self._heads(select(q.transpose(1, 2).flatten(2), at), 1)
        weights = feature_map("elu", q) @ feature_map("elu", k).mT
        mask = rows(self.mask[: x.shape[1], : x.shape[1]], at).to(x.dtype)
        return self.join_heads(weighted_mean(weights * (mask if mask.dim() == 2 else mask.unsqueeze(1)), v))

    def state_elements(self) -> int:
        """One state a head, its sum of keys, and the tokens that the convolution still needs."""
        return self.heads * self.head_width * (self.head_width + 1) + 3 * self.width * (self.kernel_size - 1)
