"""Chunkwise state space with a compressed transfer of the state between chunks."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models import options
from models.mixers.base import At, Mixer, select
from models.mixers.orthogonal import cayley
from models.mixers.scan import diagonal_scan
from models.mixers.state_space import at_least_float32

RIDGE = 1e-2
"""Singular values of W below this share of its norm count little in its inverse."""
SHARPNESS = 4.0
"""Logits of a landmark on its own segment at the start, where the others are 0."""


class Nystrom(Mixer):
    """y_t = W_o (c_t * h_t), c_t = W_c x_t, with steps inside a chunk and a mixing at its end:

        h_t = a_t * h_{t-1} + u_t,  a_t = sigmoid(W_a x_t + b_a),  u_t = sigmoid(W_i x_t + b_i) * (W_u x_t + b_u)
        after the last step of a chunk: h <- G h.

    With p_k the product of the gates of chunk k, and s_k what its steps make of a zero state, the state h_k that
    enters chunk k follows h_{k+1} = T_k h_k + G s_k, T_k = G diag(p_k). Inside a chunk the entering state is used
    exactly; only T_k is replaced, by

        full      T_k
        nystrom   R_k W_k^+ C_k with C_k = P T_k, R_k = T_k P^T, W_k = P T_k P^T, P = softmax by rows of learned logits
        random    the same, P Gaussian and fixed
        svd       the best matrix of rank m: its m largest singular values, those of p_k
        diagonal  diag(T_k)
        cut       0

    x: width d; h, a, u, c: state n; G: n x n, orthogonal (Cayley), so that no transfer grows; P: m landmarks x n, one
    for each layer, at first means over segments of n / m dimensions; W^+ = (W^T W + r^2 |W|_F^2 I)^-1 W^T, r = 1e-2, a
    pseudo-inverse whose ridge is relative to W. One state, whatever the number of heads.

    Parallel inside chunks; a loop goes over chunks. State: h.

    After Xiong et al., "Nystromformer", 2021 (the factors) and Dao and Gu, "Mamba-2", 2024 (the chunks).
    """

    def __init__(self, options: options.Nystrom, width: int, heads: int, length: int) -> None:
        super().__init__()
        self.options = options
        state, landmarks = options.state, options.landmarks
        self.into = nn.Linear(width, 3 * state)
        self.read = nn.Linear(width, state, bias=False)
        self.out = nn.Linear(state, width, bias=False)
        self.mixing = nn.Parameter(0.1 * torch.randn(state, state))
        with torch.no_grad():
            # gates forget after 8 to 400 steps at first: short memories learn to write, long ones to keep
            self.into.bias[:state] = torch.linspace(2, 6, state)
        if options.transfer == "nystrom":
            segment = torch.arange(state) * landmarks // state
            self.logits = nn.Parameter(SHARPNESS * functional.one_hot(segment, landmarks).T.float())
        elif options.transfer == "random":
            # the same for every seed and layer: landmarks that nobody chose
            drawn = torch.randn(landmarks, state, generator=torch.Generator("cpu").manual_seed(0), device="cpu")
            self.fixed: Tensor
            self.register_buffer("fixed", drawn.to(self.mixing.device) * state**-0.5, persistent=False)

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        carry, inside = self.chunks(x)
        entering = self.entering(carry[:, :, -1], inside[:, :, -1])
        h = (inside + carry * entering.unsqueeze(2)).flatten(1, 2)[:, : x.shape[1]].to(x.dtype)
        y: Tensor = self.out(self.read(select(x, at)) * select(h, at))
        return y

    def chunks(
        self, x: Float[Tensor, "batch length width"]
    ) -> tuple[Float[Tensor, "batch chunks chunk state"], Float[Tensor, "batch chunks chunk state"]]:
        """For each position the product of its chunk's gates so far, and the state that its chunk makes from zero."""
        gate, write, value = at_least_float32(self.into(x)).chunk(3, dim=-1)
        log_a, u = functional.logsigmoid(gate), write.sigmoid() * value
        chunk, state = self.options.chunk, self.options.state
        missing = -x.shape[1] % chunk
        # what is missing of the last chunk forgets nothing and adds nothing
        log_a, u = (functional.pad(part, (0, 0, 0, missing)).reshape(-1, chunk, state) for part in (log_a, u))
        # a product of gates may vanish, and a sum of their logarithms only grows more negative: neither overflows
        carry, inside = log_a.cumsum(1).exp(), diagonal_scan(log_a.exp(), u)
        return carry.view(len(x), -1, chunk, state), inside.view(len(x), -1, chunk, state)

    def entering(
        self, carry: Float[Tensor, "batch chunks state"], inside: Float[Tensor, "batch chunks state"]
    ) -> Float[Tensor, "batch chunks state"]:
        """The state that enters each chunk, from every chunk's p_k and s_k."""
        mixing = cayley(self.mixing)
        factors, own = self.factors(mixing, carry[:, :-1]), inside[:, :-1] @ mixing.mT
        states = [torch.zeros_like(carry[:, 0])]
        # taken apart at once: the gradient of a slice is as large as what it was cut from
        for added, *of_chunk in zip(own.unbind(1), *(factor.unbind(1) for factor in factors), strict=True):
            states.append(transferred(of_chunk, states[-1]) + added)
        return torch.stack(states, dim=1)

    def factors(
        self, mixing: Float[Tensor, "state state"], carry: Float[Tensor, "batch chunks state"]
    ) -> list[Float[Tensor, "batch chunks ..."]]:
        """What is kept of each T_k = G diag(p_k): matrices whose product stands for it, from left to right; a vector
        is a diagonal, and no factor at all is 0."""
        transfer, rank = self.options.transfer, self.options.landmarks
        if transfer == "cut":
            return []
        if transfer == "diagonal":
            return [mixing.diagonal() * carry]
        exact = mixing * carry.unsqueeze(-2)
        if transfer == "full":
            return [exact]
        if transfer == "svd":
            # G is orthogonal: the singular values of T_k are p_k, and its right singular vectors the axes
            axes = functional.one_hot(carry.topk(rank).indices, carry.shape[-1]).to(carry.dtype)
            return [exact @ axes.mT, axes]
        p = self.landmarks()
        assert p is not None
        above, left = p @ exact, exact @ p.mT
        return [left, inverse(above @ p.mT) @ above]

    def landmarks(self) -> Float[Tensor, "landmarks state"] | None:
        """P, where the transfer goes through one."""
        if self.options.transfer == "nystrom":
            return at_least_float32(self.logits).softmax(-1)
        return at_least_float32(self.fixed) if self.options.transfer == "random" else None

    def state_elements(self) -> int:
        return self.options.state


def transferred(factors: list[Tensor], h: Float[Tensor, "batch state"]) -> Float[Tensor, "batch state"]:
    """The product of the factors times h."""
    if not factors:
        return torch.zeros_like(h)
    for factor in reversed(factors):
        h = factor * h if factor.dim() == h.dim() else (factor @ h.unsqueeze(-1)).squeeze(-1)
    return h


def inverse(w: Float[Tensor, "*batch m m"]) -> Float[Tensor, "*batch m m"]:
    """(W^T W + r^2 |W|_F^2 I)^-1 W^T: W^-1 where W is well conditioned, never above |W|_F^-1 / (2 r)."""
    square = w.mT @ w
    identity = torch.eye(w.shape[-1], dtype=w.dtype, device=w.device)
    # the smallest normal number keeps W = 0 solvable
    ridge = RIDGE**2 * square.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None] + torch.finfo(w.dtype).tiny
    found: Tensor = torch.linalg.solve(square + ridge * identity, w.mT)
    return found
