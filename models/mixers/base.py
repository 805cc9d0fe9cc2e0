"""What every mixer has in common: how it is called, and the projections that attention-like mixers share."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

At = slice | Int[Tensor, "batch queries"] | None
"""Positions whose outputs are asked for: one range for the whole batch, a row of positions for each
sequence, or all."""


def select(x: Float[Tensor, "batch length width"], at: At) -> Float[Tensor, "batch queries width"]:
    """x at the positions `at`."""
    if at is None:
        return x
    if isinstance(at, slice):
        return x[:, at]
    return x.gather(1, at.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def rows(table: Float[Tensor, "length ..."], at: At) -> Float[Tensor, "..."]:
    """Rows `at` of a table over positions, such as a mask."""
    return table if at is None else table[at]


class Mixer(nn.Module, ABC):
    """Mixes information along the sequence: forward(x, at) -> y.

    x: Float[Tensor, "batch length width"], the normed input of all positions; at: the positions whose
    outputs are needed, see `At`; a mixer that gains nothing by knowing them computes all and ends with
    `return select(y, at)`.

    `causal`: y at t depends on x up to t alone, so that what follows the last supervised position is never
    computed. Say False where it does not hold. `stochastic`: draws random numbers while it trains. `anneals`: what it
    computes depends on how far training has come, see `anneal`.

    Written with the length of x, and not with the length that it was made for, where mathematics allows, so that a
    model can be tested on longer sequences than it saw. Works inside `torch.func.vmap`.
    """

    causal: ClassVar[bool] = True
    stochastic: ClassVar[bool] = False
    anneals: ClassVar[bool] = False

    def anneal(self, progress: float) -> None:
        """Called with the share of training that is done, 0 before the first step and in the first epoch, then before
        each epoch. The best epoch is tested with the progress that it had."""

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "batch length width"], at: At = None
    ) -> Float[Tensor, "batch queries width"]: ...

    @abstractmethod
    def state_elements(self) -> int:
        """Numbers in the recurrent state of one sequence, in this layer, after a sequence of full length."""


class HeadMixer(Mixer):
    """Queries, keys, values and an output projection, without biases, in `heads` heads of width / heads."""

    def __init__(self, width: int, heads: int, length: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        self.width, self.heads, self.length = width, heads, length
        self.head_width = width // heads
        self.into = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def queries_keys_values(
        self, x: Float[Tensor, "batch length width"], at: At
    ) -> tuple[
        Float[Tensor, "batch heads queries head_width"],
        Float[Tensor, "batch heads length head_width"],
        Float[Tensor, "batch heads length head_width"],
    ]:
        """Queries at `at`, keys and values everywhere."""
        assert x.shape[1] <= self.length
        if at is None:
            q, k, v = self._heads(self.into(x), 3)
            return q, k, v
        for_queries, for_both = self.into.weight[: self.width], self.into.weight[self.width :]
        (q,) = self._heads(functional.linear(select(x, at), for_queries), 1)
        k, v = self._heads(functional.linear(x, for_both), 2)
        return q, k, v

    def _heads(self, x: Float[Tensor, "batch length parts*width"], parts: int) -> tuple[Tensor, ...]:
        # one copy to where each part is contiguous: element-wise kernels on strided parts are slow
        apart = x.view(*x.shape[:2], parts, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        return tuple(apart.contiguous().unbind(0))

    def join_heads(self, x: Float[Tensor, "batch heads length head_width"]) -> Float[Tensor, "batch length width"]:
        """The output projection of all heads side by side."""
        joined: Tensor = self.out(x.transpose(1, 2).flatten(2))
        return joined


def vectorising() -> bool:
    """Whether this runs inside `torch.func.vmap`, where hooks and hand-written gradients do not apply."""
    return bool(torch._C._are_functorch_transforms_active())


def dense_gradient(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """x itself. Its gradient is copied where a product left it transposed: the element-wise kernel that
    comes next takes thirty times as long on that."""
    if x.requires_grad and not vectorising():
        x.register_hook(torch.Tensor.contiguous)  # type: ignore[no-untyped-call]
    return x


def causal_mask(length: int) -> Float[Tensor, "length length"]:
    """1 where s <= t, else 0."""
    return torch.ones(length, length).tril()
