"""Linear attention over a Fenwick hierarchy of states."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from models import options
from models.mixers.base import At, HeadMixer, rows, select
from models.mixers.features import feature_map, position_weights, weighted_mean


def level_count(length: int) -> int:
    """Levels that positions 0 .. length - 1 need: {t} itself and one for each binary digit."""
    return (length - 1).bit_length() + 1


def fenwick_levels(length: int) -> Int[Tensor, "length length"]:
    """level(t, s) for s <= t: the bucket of position t that holds s; -1 for s > t.

    Level 0 is {t}. The t earlier tokens are split by the binary digits of t, the highest digit being the
    oldest and largest bucket; the bucket of digit b has 2^b tokens and level b + 1. For t = 6 = 110b:
    positions 0..3 are level 3, 4..5 level 2, and 6 level 0.
    """
    # s lies in the bucket of the highest digit in which t and s differ: t has it, s has not
    position = torch.arange(length)
    differing = position[:, None] ^ position[None, :]
    level = torch.zeros(length, length, dtype=torch.long)
    for digit in range(level_count(length) - 1):
        level[differing >> digit > 0] = digit + 1
    return level.masked_fill(position[:, None] < position[None, :], -1)


class LogLinear(HeadMixer):
    """y_t = W_o sum_{s <= t} w(t, s) v_s / (sum_{s <= t} w(t, s) + 1e-6),
    w(t, s) = phi(q_t) . phi(k_s) c(t, s) lambda_t^level(t, s), lambda_t = softplus(W_lambda x_t).

    q, k, v, phi, c, W_o: as in `LinearAttention`; level(t, s): see `fenwick_levels`; lambda_t: weights >= 0
    of the levels, for each token and head.

    Guo et al., "Log-Linear Attention", 2025. State: that of linear attention once for each level.

    Raises ValueError where width is not a multiple of heads.
    """

    def __init__(self, options: options.LogLinear, width: int, heads: int, length: int) -> None:
        super().__init__(width, heads, length)
        self.kernel, self.levels = options.kernel, level_count(length)
        self.level_weights = nn.Linear(width, heads * self.levels, bias=False)
        one_hot = functional.one_hot(fenwick_levels(length).clamp(min=0), self.levels).mT
        # c(t, s) where s is in level l of t, else 0: mask, position weights and choice of level in one table
        self.table: Tensor
        table = one_hot * position_weights(options.kernel, length).unsqueeze(1)
        self.register_buffer("table", table, persistent=False)

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        q, k, v = self.queries_keys_values(x, at)
        lambdas = functional.softplus(self.level_weights(select(x, at)))
        lambdas = lambdas.view(*lambdas.shape[:2], self.heads, self.levels)
        table = rows(self.table[: x.shape[1], :, : x.shape[1]], at).to(x.dtype)
        # a product with the one-hot table: its gradient is a product too, that of a gather is a slow scatter
        if table.dim() == 3:
            by_level = torch.einsum("bthl,tls->bhts", lambdas, table)
        else:
            by_level = (lambdas @ table).transpose(1, 2)
        weights = feature_map(self.kernel, q) @ feature_map(self.kernel, k).mT
        return self.join_heads(weighted_mean(weights * by_level, v))

    def state_elements(self) -> int:
        streams = 2 if self.kernel == "cosine" else 1
        return self.levels * streams * self.heads * self.head_width * (self.head_width + 1)
