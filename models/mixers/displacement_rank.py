"""State space with a Cauchy-like transition: a diagonal and a matrix of low displacement rank."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models import options
from models.mixers.diagonal_ssm import spread_decays
from models.mixers.scan import diagonal_scan
from models.mixers.state_space import MatrixStateSpace, at_least_float32, contraction


class DisplacementRank(MatrixStateSpace):
    """h_t = A_t h_{t-1} + B x_t, y_t = C h_t + D * x_t, A_t = A / max(1, |A|),

        A_ii = d_i, A_ij = sum_k G_ik H_jk / (s_i - s_j) for i != j,
        d = sigmoid(W_d x_t + b_d), G = W_G x_t + b_G, H = W_H x_t + b_H.

    s: Chebyshev nodes, see `chebyshev`; G, H: generators, n x alpha. Off the diagonal diag(s) A - A diag(s) = G H^T:
    the displacement of A has rank alpha, and so it has after the division, which scales d and G alike. |A|: see
    `norm_bound`; B, C, D: see `StateSpace`. b_d: as in `DiagonalSsm`; alpha = 0 is that mixer. State: n.

    A is written out: for n = 16 one dense step is cheaper than the alpha Cauchy products it stands for.

    Kailath, Kung and Morf, "Displacement ranks of matrices and linear equations", 1979.
    """

    def __init__(self, options: options.DisplacementRank, width: int, heads: int, length: int) -> None:
        super().__init__(width, options.state)
        self.alpha = options.alpha
        self.decay = nn.Linear(width, options.state)
        with torch.no_grad():
            self.decay.bias.copy_(spread_decays(options.state, self.decay.bias.device).logit())
        if options.alpha:
            self.generators = nn.Linear(width, 2 * options.state * options.alpha)
            # x is normed: entries of x have mean square 1
            spread = options.generators * (options.state * options.alpha) ** -0.25 / math.sqrt(width)
            nn.init.normal_(self.generators.weight, std=spread)
            nn.init.zeros_(self.generators.bias)
            self.kernel: Tensor
            self.register_buffer("kernel", cauchy(options.state), persistent=False)

    def states(
        self, x: Float[Tensor, "batch length width"], inputs: Float[Tensor, "batch length state"]
    ) -> Float[Tensor, "batch length state"]:
        return super().states(x, inputs) if self.alpha else diagonal_scan(self.decays(x), inputs)

    def decays(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length state"]:
        """d."""
        return at_least_float32(self.decay(x)).sigmoid()

    def pair(
        self, x: Float[Tensor, "batch length width"]
    ) -> tuple[Float[Tensor, "batch length state alpha"], Float[Tensor, "batch length state alpha"]]:
        """G and H."""
        g, h = at_least_float32(self.generators(x)).view(*x.shape[:2], 2, self.state, self.alpha).unbind(2)
        return g, h

    def transitions(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length state state"]:
        a = torch.diag_embed(self.decays(x))
        if not self.alpha:
            return a
        g, h = self.pair(x)
        return contraction(torch.addcmul(a, g @ h.mT, self.kernel.to(a.dtype)))


def chebyshev(n: int) -> Float[Tensor, " n"]:
    """s_i = cos(pi (2 i - 1) / (2 n)) for i = 1 .. n, in descending order; float64."""
    odd = 2 * torch.arange(1, n + 1, dtype=torch.float64) - 1
    return torch.cos(torch.pi * odd / (2 * n))


def cauchy(n: int) -> Float[Tensor, "n n"]:
    """1 / (s_i - s_j) for i != j, 0 on the diagonal; float64."""
    difference = chebyshev(n)[:, None] - chebyshev(n)
    return (1 / difference).fill_diagonal_(0)
