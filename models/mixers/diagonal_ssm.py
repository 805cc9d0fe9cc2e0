"""State space with a diagonal transition that depends on the input."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models import options
from models.mixers.scan import diagonal_scan
from models.mixers.state_space import StateSpace, at_least_float32


class DiagonalSsm(StateSpace):
    """h_t = a_t * h_{t-1} + B x_t, y_t = C h_t + D * x_t, a_t = sigmoid(W_a x_t + b_a), or tanh of it.

    B, C, D: see `StateSpace`; b_a: so that time constants at x = 0 are spread from 1 to n steps, see
    `spread_decays`. State: n.

    After Gu and Dao, "Mamba", 2023, without its step size, local convolution and gate of the output.
    """

    def __init__(self, options: options.DiagonalSsm, width: int, heads: int, length: int) -> None:
        super().__init__(width, options.state)
        self.activation = torch.sigmoid if options.gate == "sigmoid" else torch.tanh
        self.decay = nn.Linear(width, options.state)
        with torch.no_grad():
            decays = spread_decays(options.state, self.decay.bias.device)
            self.decay.bias.copy_(decays.logit() if options.gate == "sigmoid" else decays.atanh())

    def states(
        self, x: Float[Tensor, "batch length width"], inputs: Float[Tensor, "batch length state"]
    ) -> Float[Tensor, "batch length state"]:
        return diagonal_scan(self.activation(at_least_float32(self.decay(x))), inputs)


def spread_decays(state: int, device: torch.device) -> Float[Tensor, " state"]:
    """exp(-1 / tau_i) with time constants tau_i from 1 to n steps, evenly spread on a logarithmic scale."""
    exponent = torch.linspace(0, 1, state, device=device)
    return torch.exp(-(float(state) ** -exponent))
