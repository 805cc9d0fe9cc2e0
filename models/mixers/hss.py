"""Linear attention whose state is kept in hierarchical blocks of low rank."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from models import options
from models.mixers.base import At, HeadMixer, causal_mask, select
from models.mixers.features import EPS, feature_map


class Hss(HeadMixer):
    """y_t = W_o S_t^T phi(q_t) / (phi(q_t) . z_t + 1e-6), S_t = compress_t(S_{t-1} + phi(k_t) phi(v_t)^T),
    z_t = z_{t-1} + phi(k_t), phi(x) = elu(x) + 1, on the values too.

    compress_t: the identity, but where the blocks beside the diagonal may by then have a rank above 1.5 `rank`: there
    each of them is replaced by its best approximation of `rank`, see `compress`. Each step adds one to the rank, so
    these steps are known beforehand, and between two of them attention is linear and needs no loop. Its gradient is
    that of the identity (straight-through).

    State: of each head z, and what `stored_elements` counts; "dense": the matrix itself.

    Chandrasekaran, Gu and Pals, "A fast ULV decomposition solver for hierarchically semiseparable representations",
    2006, for the hierarchy; here without nested bases.

    Raises ValueError where width is not a multiple of heads, or the head's width is not `leaf` times a power of two.
    """

    def __init__(self, options: options.Hss, width: int, heads: int, length: int) -> None:
        super().__init__(width, heads, length)
        self.rank, self.leaf, self.dense = options.rank, options.leaf, options.form == "dense"
        blocks, rest = divmod(self.head_width, self.leaf)
        if not self.dense and (rest or blocks & (blocks - 1)):
            raise ValueError(
                f"heads of width {self.head_width} cannot be halved down to leaves of {self.leaf}: "
                "take a leaf that is the head's width over a power of two"
            )

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        q, k, v = (feature_map("elu", part) for part in self.queries_keys_values(x, None))
        weights = q @ k.mT * causal_mask(x.shape[1]).to(x)
        above, below = weights @ v, weights.sum(-1, keepdim=True)
        if not self.dense:
            above = above + self._lost(q, k.detach(), v.detach())
        return select(self.join_heads(above / (below + EPS)), at)

    def _lost(self, q: Tensor, k: Tensor, v: Tensor) -> Float[Tensor, "batch heads length head_width"]:
        """What compression changes: (S_t - sum_{s <= t} phi(k_s) phi(v_s)^T)^T phi(q_t)."""
        length = q.shape[2]
        steps = compressions(self.rank, length)
        changes = [torch.zeros_like(v[:, :, : steps[0] if steps else length])]
        exact = torch.promote_types(q.dtype, torch.float32)  # no decomposition in bfloat16
        state = torch.zeros((), dtype=exact, device=q.device)
        whole, begin = state, 0
        for step, following in pairwise([*steps, length]):
            added = (k[:, :, begin : step + 1].mT @ v[:, :, begin : step + 1]).to(exact)
            whole, begin = whole + added, step + 1
            state = compress(state + added, self.rank, self.leaf)
            changes.append(q[:, :, step:following] @ (state - whole).to(q.dtype))
        return torch.cat(changes, dim=2)

    def state_elements(self) -> int:
        d = self.head_width
        return self.heads * ((d * d if self.dense else stored_elements(d, self.rank, self.leaf)) + d)


def compressions(rank: int, length: int) -> list[int]:
    """Positions after whose update the rank could exceed 1.5 `rank`, and is cut back to `rank`."""
    largest = rank * 3 // 2
    return list(range(largest, length, largest + 1 - rank))


def compress(s: Float[Tensor, "*batch n n"], rank: int, leaf: int) -> Float[Tensor, "*batch n n"]:
    """Both blocks beside the diagonal at their best approximation of `rank`, and the two on it compressed in turn,
    down to blocks of size `leaf`."""
    size = s.shape[-1] // 2
    if s.shape[-1] == leaf:
        return s
    diagonal = torch.stack([s[..., :size, :size], s[..., size:, size:]])
    beside = torch.stack([s[..., :size, size:], s[..., size:, :size]])
    first, last = compress(diagonal, rank, leaf)
    if rank < size:
        u, sigma, v = torch.linalg.svd(beside)
        beside = (u[..., :rank] * sigma[..., None, :rank]) @ v[..., :rank, :]
    return torch.cat([torch.cat([first, beside[0]], dim=-1), torch.cat([beside[1], last], dim=-1)], dim=-2)


def stored_elements(size: int, rank: int, leaf: int) -> int:
    """Numbers that a compressed matrix needs: two factors of each block beside the diagonal, or the block itself where
    that is less, and the leaves.

    What blocks hold beyond `rank` between two compressions is not counted.
    """
    if size == leaf:
        return size * size
    half = size // 2
    return 2 * min(2 * half * rank, half * half) + 2 * stored_elements(half, rank, leaf)
