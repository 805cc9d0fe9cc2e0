"""State space with a gated Monarch transition."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from models import options
from models.mixers.base import vectorising
from models.mixers.orthogonal import cayley
from models.mixers.state_space import StateSpace, at_least_float32

OPEN = 4.0
"""Bias of the gates: sigmoid(4) = 0.982. At 0.5 a state would be gone after a few steps."""


class Monarch(StateSpace):
    """h_t = M(x_t) h_{t-1} + B x_t, y_t = C h_t + D * x_t, M(x) = P L(x) P R(x),

        R(x) = blockdiag(beta_1 R_1, ..., beta_b R_b), L(x) = blockdiag(alpha_1 L_1, ..., alpha_b L_b),
        [alpha, beta](x) = sigmoid(W_g x + b_g).

    h: state n = b * b, read row by row as a matrix of b x b; P: its transpose, which is its own inverse; R_i, L_i:
    b x b, orthogonal (Cayley), learned and the same for every input; B, C, D: see `StateSpace`. The norm of M(x) is
    max(alpha) max(beta) < 1. Without gates alpha = beta = 1. With blocks "input" R_i is R_i (I - 2 v_i v_i^T), v_i(x)
    the i-th part of W_v x at length 1. One state, whatever the number of heads.

    Without gates all steps are taken together in log2(length) rounds. With them a loop goes over time: a scan would
    multiply transitions of n x n where the loop multiplies two of them with a vector, n times the arithmetic. Its
    gradient is written by hand. State: h.

    After Dao et al., "Monarch", 2022.
    """

    def __init__(self, options: options.Monarch, width: int, heads: int, length: int) -> None:
        super().__init__(width, options.state)
        self.options = options
        side, state = options.side, options.state
        self.first, self.second = (nn.Parameter(0.1 * torch.randn(side, side, side)) for _ in range(2))
        if options.gates:
            self.gate = nn.Linear(width, 2 * side)
            nn.init.constant_(self.gate.bias, OPEN)
        if options.blocks == "input":
            self.directions = nn.Linear(width, state, bias=False)

    def states(
        self, x: Float[Tensor, "batch length width"], inputs: Float[Tensor, "batch length state"]
    ) -> Float[Tensor, "batch length state"]:
        # time first, so that each step reads and writes one piece of memory
        x, u = x.transpose(0, 1), inputs.transpose(0, 1).contiguous()
        right, left = self.products()
        alpha, beta = self.gates(x, u)
        directions = self.reflections(x, u) if self.options.blocks == "input" else None
        if directions is None and not self.options.gates:
            h = constant_steps(u, right @ left)
        elif vectorising():
            h = gated_steps(u, right, left, alpha, beta, directions)
        else:
            h = GatedSteps.apply(u, right, left, alpha, beta, directions)  # type: ignore[no-untyped-call]
        return h.transpose(0, 1)

    def products(self) -> tuple[Float[Tensor, "state state"], Float[Tensor, "state state"]]:
        """R and P L P without gates, transposed, so that a row of states is multiplied from the right. Dense: one
        large product is quicker than b small ones and two transposes."""
        first, second = cayley(self.first), cayley(self.second)
        side = self.options.side
        same = torch.eye(side, dtype=first.dtype, device=first.device)
        # (i, k) -> (i, c) by R_i[c, k], then (i, c) -> (r, c) by L_c[r, i]
        right = first.mT.unsqueeze(2) * same[:, None, :, None]
        left = second.permute(2, 0, 1).unsqueeze(3) * same[None, :, None, :]
        return right.flatten(2).flatten(0, 1), left.flatten(2).flatten(0, 1)

    def transitions(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length state state"]:
        """M(x_t), written out: what a step makes of each unit vector."""
        right, left = self.products()
        units = torch.eye(self.state, dtype=right.dtype, device=right.device)
        like = units[0].expand(*x.shape[:2], self.state)
        alpha, beta = (gate.unsqueeze(-2) for gate in self.gates(x, like))
        if self.options.blocks == "input":
            units = reflected(units, self.reflections(x, like).unsqueeze(-2), same_block(units))
        moved: Tensor = (units @ right * beta) @ left * alpha
        return moved.mT

    def gates(
        self, x: Float[Tensor, "length batch width"], u: Float[Tensor, "length batch state"]
    ) -> tuple[Float[Tensor, "length batch state"], Float[Tensor, "length batch state"]]:
        """alpha and beta for each dimension of the state: alpha_c where its column is c, beta_i where its row is i."""
        if not self.options.gates:
            return torch.ones_like(u), torch.ones_like(u)
        side = self.options.side
        gates = at_least_float32(self.gate(x).sigmoid())
        # spread by a product with ones: its gradient, a sum over each block, is a product too
        same = torch.eye(side, dtype=gates.dtype, device=gates.device)
        return gates[..., :side] @ same.repeat(1, side), gates[..., side:] @ same.repeat_interleave(side, 1)

    def reflections(
        self, x: Float[Tensor, "length batch width"], u: Float[Tensor, "length batch state"]
    ) -> Float[Tensor, "length batch state"]:
        """Each block's v_i, side by side."""
        blocks = at_least_float32(self.directions(x)).reshape(*u.shape[:-1], self.options.side, self.options.side)
        return functional.normalize(blocks, dim=-1).flatten(-2)


def constant_steps(
    u: Float[Tensor, "length batch state"], transition: Float[Tensor, "state state"]
) -> Float[Tensor, "length batch state"]:
    """h_t = h_{t-1} M + u_t by doubling: after a round with M^s, h_t holds the last 2 s inputs."""
    h, span = u, 1
    while span < len(u):
        h = h + functional.pad(h[:-span] @ transition, (0, 0, 0, 0, span, 0))
        transition, span = transition @ transition, 2 * span
    return h


def gated_steps(
    u: Float[Tensor, "length batch state"],
    right: Float[Tensor, "state state"],
    left: Float[Tensor, "state state"],
    alpha: Float[Tensor, "length batch state"],
    beta: Float[Tensor, "length batch state"],
    directions: Float[Tensor, "length batch state"] | None = None,
) -> Float[Tensor, "length batch state"]:
    """h_t = alpha_t * ((beta_t * (h_{t-1} R)) L) + u_t, with h_{t-1} reflected first where there are directions; for
    vmap and torch's own gradient."""
    h, states, blocks = u[0], [u[0]], same_block(right)
    for t in range(1, len(u)):
        h = h if directions is None else reflected(h, directions[t], blocks)
        h = torch.addcmul(u[t], (h @ right * beta[t]) @ left, alpha[t])
        states.append(h)
    return torch.stack(states)


def same_block(like: Float[Tensor, "state state"]) -> Float[Tensor, "state state"]:
    """1 where two dimensions are in one block: a product with it sums over each block and spreads the sum over it."""
    side = int(len(like) ** 0.5 + 1e-9)
    same = torch.eye(side, dtype=like.dtype, device=like.device)
    return same.repeat_interleave(side, 0).repeat_interleave(side, 1)


def reflected(
    h: Float[Tensor, "*batch state"], directions: Float[Tensor, "*batch state"], blocks: Float[Tensor, "state state"]
) -> Float[Tensor, "*batch state"]:
    """h - 2 v (v . h) in each block."""
    return torch.addcmul(h, directions, (directions * h) @ blocks, value=-2)


class GatedSteps(torch.autograd.Function):
    """`gated_steps` by hand: nothing is allocated in the loops, and what does not depend on the next step is done for
    all of them together: less than half of the time of a pass of the mixer, forward and back."""

    @staticmethod
    def forward(
        ctx: Any, u: Tensor, right: Tensor, left: Tensor, alpha: Tensor, beta: Tensor, directions: Tensor | None
    ) -> Tensor:
        # g = h reflected, y = g R, z = beta y, v = z L, h = alpha v + u; the first step starts from zero
        h, y, z, v = (torch.empty_like(u) for _ in range(4))
        g = None if directions is None else torch.zeros_like(u)
        for x in (y, z, v):
            x[0].zero_()
        h[0].copy_(u[0])
        blocks = same_block(right)
        steps = zip(*(x.unbind(0) for x in (h, y, z, v, u, alpha, beta)), strict=True)
        before, *_ = next(steps)
        for t, (h_t, y_t, z_t, v_t, u_t, alpha_t, beta_t) in enumerate(steps, 1):
            if directions is not None and g is not None:
                before = g[t].copy_(reflected(before, directions[t], blocks))
            torch.mm(before, right, out=y_t)
            torch.mul(y_t, beta_t, out=z_t)
            torch.mm(z_t, left, out=v_t)
            torch.addcmul(u_t, v_t, alpha_t, out=h_t)
            before = h_t
        ctx.save_for_backward(right, left, alpha, beta, h, y, z, v, directions, g)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        right, left, alpha, beta, h, y, z, v, directions, g = ctx.saved_tensors
        to_h = gradient.clone(memory_format=torch.contiguous_format)
        to_y, to_z, to_v = (torch.empty_like(to_h) for _ in range(3))
        to_g = None if directions is None else torch.zeros_like(to_h)
        for x in (to_y, to_z, to_v):
            x[0].zero_()
        right_t, left_t, blocks = right.T.contiguous(), left.T.contiguous(), same_block(right)
        steps = [x.unbind(0) for x in (to_h, to_y, to_z, to_v, alpha, beta)]
        befores = to_h.unbind(0)
        for t in range(len(to_h) - 1, 0, -1):
            to_h_t, to_y_t, to_z_t, to_v_t, alpha_t, beta_t = (x[t] for x in steps)
            torch.mul(to_h_t, alpha_t, out=to_v_t)
            torch.mm(to_v_t, left_t, out=to_z_t)
            torch.mul(to_z_t, beta_t, out=to_y_t)
            if to_g is None:
                befores[t - 1].addmm_(to_y_t, right_t)
            else:
                # a reflection is its own transpose
                torch.mm(to_y_t, right_t, out=to_g[t])
                befores[t - 1].add_(reflected(to_g[t], directions[t], blocks))
        to_directions = None
        if to_g is None:
            g = h[:-1]
        else:
            before, to_g, along = h[:-1], to_g[1:], directions[1:]
            g = g[1:]
            turned = to_g * ((along * before) @ blocks) + before * ((along * to_g) @ blocks)
            to_directions = functional.pad(-2 * turned, (0, 0, 0, 0, 1, 0))
        to_right = g.flatten(0, 1).T @ to_y[1:].flatten(0, 1)
        to_left = z.flatten(0, 1).T @ to_v.flatten(0, 1)
        return to_h, to_right, to_left, to_h * v, to_z * y, to_directions
