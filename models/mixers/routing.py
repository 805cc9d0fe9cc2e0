"""Maps of a state that depend on the token and send each of its numbers to one place."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ColumnRouting(nn.Module):
    """P(x_t), in each head a matrix of zeros with one 1 in each column: P_ij = 1 sends number j of the state to
    place i.

    Two columns may have their 1 in the same row, so P need not be a permutation. The places are the largest logits
    of a column of W x_t. Gradients go straight through to a softmax of the logits at `temperature`, and Gumbel noise is
    added while training (Jang et al., "Categorical Reparameterization with Gumbel-Softmax", 2017).
    """

    FIRST, LAST = 1.0, 0.1

    def __init__(self, width: int, heads: int, state: int) -> None:
        super().__init__()
        self.heads, self.state = heads, state
        self.temperature = self.LAST
        self.into = nn.Linear(width, heads * state * state, bias=False)

    def anneal(self, progress: float) -> None:
        """From FIRST to LAST, geometrically, over the first half of training."""
        self.temperature = self.FIRST * (self.LAST / self.FIRST) ** min(1.0, 2 * progress)

    def logits(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length heads column row"]:
        """A column's logits side by side: reductions over what lies apart are slow."""
        logits: Tensor = self.into(x)
        return logits.view(*x.shape[:2], self.heads, self.state, self.state)

    def forward(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length heads row column"]:
        logits = self.logits(x)
        if self.training:
            logits = logits - torch.rand_like(logits).log_().neg_().log_()
        hard: Tensor = _Hardened.apply((logits / self.temperature).softmax(-1))  # type: ignore[no-untyped-call]
        return hard.mT


class _Hardened(torch.autograd.Function):
    """1 at the largest entry of the last dimension and 0 elsewhere; gradients go straight through."""

    generate_vmap_rule = True

    @staticmethod
    def forward(soft: Tensor) -> Tensor:
        return torch.zeros_like(soft).scatter(-1, soft.max(-1, keepdim=True).indices, 1.0)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient
