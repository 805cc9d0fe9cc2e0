"""Damped oscillators coupled by a low-rank term."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from models import options
from models.mixers.base import At, Mixer, select
from models.mixers.lti import bilinear, respond

SLOWEST, FASTEST = 0.001, 0.1
"""Initial omega, in radians per unit of time, log-uniform between these."""
LOW_RANK_SCALE = 0.01
"""Standard deviation of P and Q at the start. With entries of Glorot's size the term would be larger than every
eigenvalue, and the system unstable from the first step."""


class OscillatoryDplr(Mixer):
    """h_t = Abar h_{t-1} + Bbar u_t, y_t = 2 Re(C h_t) + d * u_t, (Abar, Bbar) = bilinear(A, B, dt),
    A = Lambda + P Q^T, lambda_i = -zeta_i omega_i + i omega_i sqrt(1 - zeta_i^2).

    h: complex; omega_i = softplus(.) > 0: frequencies, radians per unit of time, and |lambda_i| = omega_i;
    zeta_i = sigmoid(.) in (0, 1): damping; P, Q: complex, `rank` columns; B, C: complex, between the head's channels
    and its modes; d: a gain for each channel; dt: fixed, 1 where a step of the data is the unit of time. Without the
    low-rank term every mode decays; with it nothing guarantees that.

    Complex numbers are kept as their two parts, and the system is run as a real one of twice the size.

    Initial values: omega log-uniform in [0.001, 0.1], zeta uniform in (0, 1), B and C Glorot.

    Raises ValueError where width is not a multiple of heads.
    """

    def __init__(self, options: options.OscillatoryDplr, width: int, heads: int, length: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of heads {heads}")
        modes, rank, head_width = options.state, options.rank, width // heads
        self.dt, self.free, self.elements = options.dt, options.eigenvalues == "free", 2 * heads * modes
        omega = SLOWEST * (FASTEST / SLOWEST) ** torch.rand(heads, modes)
        zeta = torch.rand(heads, modes).clamp(0.01, 0.99)
        if self.free:
            self.real = nn.Parameter(-zeta * omega)
            self.imaginary = nn.Parameter(omega * (1 - zeta.square()).sqrt())
        else:
            # numbers without a bound: the inverses of softplus and sigmoid
            self.omega, self.zeta = nn.Parameter(omega.expm1().log()), nn.Parameter(zeta.logit())
        self.p = nn.Parameter(LOW_RANK_SCALE * _complex_normal(heads, modes, rank))
        self.q = nn.Parameter(LOW_RANK_SCALE * _complex_normal(heads, modes, rank))
        glorot = math.sqrt(2 / (modes + head_width))
        self.b = nn.Parameter(glorot * _complex_normal(heads, modes, head_width))
        self.c = nn.Parameter(glorot * _complex_normal(heads, head_width, modes))
        self.d = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        a, b = self.discrete()
        c = 2 * torch.cat([self.c[0], -self.c[1]], -1)
        y = respond(a, b, c.to(a), x.to(a)).to(x.dtype)
        return select(y + self.d * x, at)

    def state_elements(self) -> int:
        return self.elements

    def discrete(self) -> tuple[Float[Tensor, "heads 2*modes 2*modes"], Float[Tensor, "heads 2*modes head_width"]]:
        """Abar and Bbar, for (Re h, Im h) as one real state."""
        real, imaginary = self.transition()
        a = torch.cat([torch.cat([real, -imaginary], -1), torch.cat([imaginary, real], -1)], -2)
        b = torch.cat([self.b[0], self.b[1]], -2)
        exact = torch.promote_types(b.dtype, torch.float32)  # no solver in bfloat16
        return bilinear(a.to(exact), b.to(exact), self.dt)

    def transition(self) -> tuple[Float[Tensor, "heads modes modes"], Float[Tensor, "heads modes modes"]]:
        """Real and imaginary part of A, of continuous time."""
        real, imaginary = self.diagonal()
        return (
            torch.diag_embed(real) + self.p[0] @ self.q[0].mT - self.p[1] @ self.q[1].mT,
            torch.diag_embed(imaginary) + self.p[0] @ self.q[1].mT + self.p[1] @ self.q[0].mT,
        )

    def diagonal(self) -> tuple[Float[Tensor, "heads modes"], Float[Tensor, "heads modes"]]:
        """Real and imaginary part of Lambda."""
        if self.free:
            return self.real, self.imaginary
        omega, zeta = functional.softplus(self.omega), self.zeta.sigmoid()
        # 1 - zeta is sigmoid(-z): exact near 1, where the difference would be 0 and its root have no gradient
        return -zeta * omega, omega * ((1 + zeta) * (-self.zeta).sigmoid()).sqrt()


def _complex_normal(*shape: int) -> Float[Tensor, "2 ..."]:
    """Two parts, the variance of each 1/2."""
    return torch.randn(2, *shape) / math.sqrt(2)
