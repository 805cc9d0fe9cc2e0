"""State space with a dense transition that depends on the input."""

from jaxtyping import Float
from torch import Tensor, nn

from models import options
from models.mixers.state_space import MatrixStateSpace, at_least_float32, contraction


class DenseSsm(MatrixStateSpace):
    """h_t = A_t h_{t-1} + B x_t, y_t = C h_t + D * x_t, A_t = A / max(1, |A|), A = W_A x_t + b_A as an n x n matrix.

    |A|: an upper bound on the spectral norm, see `norm_bound`, so that no state grows by the transition; B, C, D: see
    `StateSpace`. State: n. Work of n^3 for each step.

    After Terzic et al., "On the Expressiveness and Length Generalization of Selective State-Space Models on Regular
    Languages", 2025, where columns are normalised instead.
    """

    def __init__(self, options: options.DenseSsm, width: int, heads: int, length: int) -> None:
        super().__init__(width, options.state)
        self.transition = nn.Linear(width, options.state**2)

    def transitions(self, x: Float[Tensor, "batch length width"]) -> Float[Tensor, "batch length state state"]:
        a = at_least_float32(self.transition(x)).view(*x.shape[:2], self.state, self.state)
        return contraction(a)
