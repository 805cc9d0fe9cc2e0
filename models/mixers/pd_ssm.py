"""A state space that moves and scales the numbers of its state."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models import options
from models.mixers.base import At, Mixer, select
from models.mixers.delta_net import EPS, scan_heads
from models.mixers.routing import ColumnRouting


class PdSsm(Mixer):
    """y_t = W_o norm(h_t), h_t = P_t D_t h_{t-1} + B x_t in each head; h_{-1} is zero, or learned.

    P_t: one 1 in each column, from the token, see `ColumnRouting`; D_t = diag(tanh(W_D x_t + b)), where b starts at
    3, so that a state lasts for some hundred steps before anything is learned; norm: RMSNorm with gains.

    After Terzic et al., "Structured Sparse Transition Matrices to Enable State Tracking in State-Space Models", 2025.
    Memory is linear in length. State: `state` for each head.
    """

    stochastic: ClassVar[bool] = True
    anneals: ClassVar[bool] = True

    def __init__(self, options: options.PdSsm, width: int, heads: int, length: int) -> None:
        super().__init__()
        self.heads, self.state = heads, options.state
        inner = heads * self.state
        self.routing = ColumnRouting(width, heads, self.state)
        self.scale = nn.Linear(width, inner)
        nn.init.constant_(self.scale.bias, 3.0)
        self.into = nn.Linear(width, inner, bias=False)
        self.initial = nn.Parameter(torch.randn(heads, self.state, 1)) if options.initial == "learned" else None
        self.gain = nn.Parameter(torch.ones(self.state))
        self.out = nn.Linear(inner, width, bias=False)

    def anneal(self, progress: float) -> None:
        self.routing.anneal(progress)

    def recurrence(
        self, x: Float[Tensor, "batch length width"]
    ) -> tuple[
        Float[Tensor, "batch length heads state state"],
        Float[Tensor, "batch length heads state 1"],
        Float[Tensor, "heads state 1"] | None,
    ]:
        """P_t D_t and B x_t of all t, and h_{-1}."""
        scale = torch.tanh(self.scale(x)).view(*x.shape[:2], self.heads, 1, self.state)
        return self.routing(x) * scale, self.into(x).view(*x.shape[:2], self.heads, self.state, 1), self.initial

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        states = select(scan_heads(*self.recurrence(x)).flatten(2), at)
        by_head = states.view(*states.shape[:2], self.heads, self.state)
        y: Tensor = self.out(functional.rms_norm(by_head, (self.state,), self.gain, EPS).flatten(2))
        return y

    def state_elements(self) -> int:
        return self.heads * self.state
