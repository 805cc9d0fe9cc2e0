"""What state-space mixers of a vector state share: input, readout, skip, and a bound on dense transitions."""

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.mixers.base import At, Mixer, select
from models.mixers.scan import scan


class StateSpace(Mixer):
    """y_t = C h_t + D * x_t, h_t = A(x_t) h_{t-1} + B x_t, h_{-1} = 0.

    x: width d; h: state n, one whatever the number of heads; B: n x d; C: d x n; D: d, 1 at first; A: n x n, by the
    subclass. Parallel over time by a scan. States are at least float32, whatever x is.
    """

    def __init__(self, width: int, state: int) -> None:
        super().__init__()
        self.state = state
        self.into = nn.Linear(width, state, bias=False)
        self.out = nn.Linear(state, width, bias=False)
        self.skip = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "batch length width"], at: At = None) -> Float[Tensor, "batch queries width"]:
        h = self.states(x, at_least_float32(self.into(x))).to(x.dtype)
        y: Tensor = self.out(select(h, at)) + self.skip * select(x, at)
        return y

    @abstractmethod
    def states(
        self, x: Float[Tensor, "batch length width"], inputs: Float[Tensor, "batch length state"]
    ) -> Float[Tensor, "batch length state"]:
        """h from B x_t."""

    def state_elements(self) -> int:
        return self.state


class MatrixStateSpace(StateSpace):
    """A state space whose transitions are written out as matrices. Memory: n^2 for each position."""

    def states(
        self, x: Float[Tensor, "batch length width"], inputs: Float[Tensor, "batch length state"]
    ) -> Float[Tensor, "batch length state"]:
        return scan(self.transitions(x), inputs.unsqueeze(-1)).squeeze(-1)

    @abstractmethod
    def transitions(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length state state"]:
        """A(x_t), at least float32."""


def at_least_float32(x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """x as it is computed with: half precision loses too much over the steps of a recurrence."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def contraction(a: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch n n"]:
    """A / max(1, |A|): its spectral norm is at most 1, and nothing changes where |A| is. |A|: see `norm_bound`."""
    return a * norm_bound(a).clamp(min=1).reciprocal().unsqueeze(-1).unsqueeze(-1)


SQUARINGS = 4


def norm_bound(a: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch"]:
    """Schatten norm of order p = 34: (sum_i sigma_i^p)^(1/p) = tr((A^T A)^17)^(1/34).

    sigma_i: singular values of A. Between the spectral norm and n^(1/34) times it: for n = 16 at most 8.5 % above, so
    it is a bound where power iteration is an estimate from below. A few products of matrices, where a decomposition of
    many small matrices takes ten times as long.
    """
    tiny = torch.finfo(a.dtype).tiny
    with torch.no_grad():
        # scaled to the middle, on a logarithmic scale, of where the norm can be: no power of it over- or underflows
        size = torch.linalg.matrix_norm(a, keepdim=True) * a.shape[-1] ** -0.25
        unit = a / size.clamp(min=tiny)
        power = unit.mT @ unit
        for _ in range(SQUARINGS):
            power = power @ power
        slope = unit @ power
        trace = (slope * unit).sum((-2, -1), keepdim=True).clamp(min=tiny)
        slope *= trace ** (0.5 / (2**SQUARINGS + 1) - 1)
    # the norm is homogeneous, so its gradient times A is the norm itself: value and gradient at once
    norm: Tensor = (slope * a).sum((-2, -1))
    return norm
