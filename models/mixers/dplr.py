"""A diagonal plus low-rank state space whose coordinates are permuted."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from models import options
from models.mixers.base import At, Mixer, select
from models.mixers.lti import bilinear, respond

SINKHORN_ITERATIONS, SINKHORN_TEMPERATURE = 20, 0.2
INITIAL_STEP = 0.1
"""Of continuous time; with Lambda near -0.5, a state is then remembered for about 20 positions."""


class Dplr(Mixer):
    """h_t = Abar h_{t-1} + Bbar u_t, y_t = C h_t + d * u_t,
    (Abar, Bbar) = bilinear(A, B, dt), A = P (Lambda + p q^T) P^T.

    Lambda: real diagonal; p, q: of `rank` columns; P: the permutation, the same for all heads unless it is learned;
    B, C: full matrices between the head's channels and its state; d: a gain for each channel; dt: one learned step
    for each head. A linear map of the past: what is not linear in it must come from the MLP of the block.

    A learned P is doubly stochastic while training, by Sinkhorn's iterations on exp(scores / 0.2) (Mena et al., 2018),
    and A then no similarity transform; in evaluation it is the nearest permutation, with the gradient of the soft one.

    Gu et al., "Efficiently Modeling Long Sequences with Structured State Spaces", 2022, for the form of A.

    Raises ValueError where width is not a multiple of heads.
    """

    def __init__(self, options: options.Dplr, width: int, heads: int, length: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        state, rank, head_width = options.state, options.rank, width // heads
        self.elements = heads * state
        self.eigenvalues = nn.Parameter(-0.5 + 0.1 * torch.randn(heads, state))
        self.p = nn.Parameter(0.01 * torch.randn(heads, state, rank))
        self.q = nn.Parameter(0.01 * torch.randn(heads, state, rank))
        self.b = nn.Parameter(torch.randn(heads, state, head_width) / head_width**0.5)
        self.c = nn.Parameter(torch.randn(heads, head_width, state) / state**0.5)
        self.d = nn.Parameter(torch.ones(width))
        self.log_dt = nn.Parameter(torch.full((heads,), INITIAL_STEP).log())
        self.scores = nn.Parameter(torch.randn(heads, state, state)) if options.permutation == "learned" else None
        self.fixed: Tensor | None
        fixed = None
        if options.permutation not in ("identity", "learned"):
            fixed = torch.eye(state)[permutation_of(options.permutation, state, options.draw)]
        self.register_buffer("fixed", fixed, persistent=False)

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        a, b = self.discrete()
        y = respond(a, b, self.c.to(a), x.to(a)).to(x.dtype)
        return select(y + self.d * x, at)

    def state_elements(self) -> int:
        return self.elements

    def discrete(self) -> tuple[Float[Tensor, "heads state state"], Float[Tensor, "heads state head_width"]]:
        """Abar and Bbar."""
        exact = torch.promote_types(self.b.dtype, torch.float32)  # no solver in bfloat16
        return bilinear(self.transition().to(exact), self.b.to(exact), self.log_dt.to(exact).exp())

    def transition(self) -> Float[Tensor, "heads state state"]:
        """A, of continuous time."""
        core = torch.diag_embed(self.eigenvalues) + self.p @ self.q.mT
        p = self.permutation()
        return core if p is None else p @ core @ p.mT

    def permutation(self) -> Float[Tensor, "*heads state state"] | None:
        """P, None for the identity."""
        if self.scores is None:
            return None if self.fixed is None else self.fixed.to(self.p.dtype)
        soft = sinkhorn(self.scores.to(torch.promote_types(self.scores.dtype, torch.float32)) / SINKHORN_TEMPERATURE)
        if self.training:
            return soft.to(self.scores.dtype)
        hard: Tensor = nearest_permutation(soft.detach())
        return (hard + (soft - soft.detach())).to(self.scores.dtype)


def permutation_of(kind: str, size: int, draw: int = 0) -> Int[Tensor, " size"]:
    """The coordinate that each row of P picks: P = eye[order]."""
    if kind == "cyclic":
        return torch.arange(size).roll(1)
    if kind == "bit_reversal":
        digits = size.bit_length() - 1
        return torch.tensor([int(f"{i:0{digits}b}"[::-1], 2) if digits else i for i in range(size)])
    assert kind == "random"
    return torch.randperm(size, generator=torch.Generator().manual_seed(draw), device="cpu")


def sinkhorn(logits: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch n n"]:
    """exp(logits) with rows and columns divided by their sums in turn, 20 times: nearly doubly stochastic, its columns
    exactly so (Sinkhorn and Knopp, 1967)."""
    for _ in range(SINKHORN_ITERATIONS):
        logits = logits - logits.logsumexp(-1, keepdim=True)
        logits = logits - logits.logsumexp(-2, keepdim=True)
    return logits.exp()


@torch.library.custom_op("mve::nearest_permutation", mutates_args=())
def nearest_permutation(weights: Tensor) -> Tensor:
    """The permutation matrix P of the largest sum_ij P_ij weights_ij, of each matrix of a batch: the nearest to a
    doubly stochastic matrix in the Frobenius norm."""
    n = weights.shape[-1]
    found = [assignment((-matrix).tolist()) for matrix in weights.double().cpu().reshape(-1, n, n)]
    identity = torch.eye(n, dtype=weights.dtype, device=weights.device)
    return identity[torch.tensor(found, device=weights.device)].view(weights.shape)


@nearest_permutation.register_fake
def _(weights: Tensor) -> Tensor:
    return torch.empty_like(weights)


@nearest_permutation.register_vmap
def _(info: object, in_dims: tuple[int], weights: Tensor) -> tuple[Tensor, int]:
    return nearest_permutation(weights.movedim(in_dims[0], 0).contiguous()), 0


def assignment(cost: list[list[float]]) -> list[int]:
    """The column of each row, all different, of the smallest total cost: the Hungarian method with shortest augmenting
    paths, O(n^3) (Kuhn, 1955; Jonker and Volgenant, 1987)."""
    n = len(cost)
    # u, v: prices of rows and columns, by which every cost is at least u + v; row n and column n stand for "none"
    u, v, row_of = [0.0] * (n + 1), [0.0] * (n + 1), [n] * (n + 1)
    for row in range(n):
        row_of[n], column = row, n
        shortest, came_from, reached = [float("inf")] * n, [n] * n, [False] * (n + 1)
        while row_of[column] != n:
            reached[column] = True
            of_row = row_of[column]
            for j in range(n):
                if not reached[j] and (length := cost[of_row][j] - u[of_row] - v[j]) < shortest[j]:
                    shortest[j], came_from[j] = length, column
            nearest = min((j for j in range(n) if not reached[j]), key=shortest.__getitem__)
            step = shortest[nearest]
            for j in range(n + 1):
                if reached[j]:
                    u[row_of[j]] += step
                    v[j] -= step
                elif j < n:
                    shortest[j] -= step
            column = nearest
        while column != n:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    columns = [0] * n
    for column in range(n):
        columns[row_of[column]] = column
    return columns
