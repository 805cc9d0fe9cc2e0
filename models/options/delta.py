"""The delta rule and its relatives that route their state: DeltaNet, and the state space with column one-hot maps."""

from typing import Literal

from pydantic import Field

from models.options.base import Options

Routing = Literal["none", "state", "before"]
Initial = Literal["zero", "learned"]


class DeltaNet(Options):
    """Linear attention that writes by the delta rule: what a key recalls is replaced by its new value, in part beta
    (Schlag et al., 2021; parallel over time by Yang et al., 2024). In each head S_t = A_t S_{t-1} + beta_t k_t v_t^T,
    o_t = S_t^T q_t, and |k_t| = 1.

    beta: the range that it may take: "unit" is (0, 1); "double" is (0, 2), where the eigenvalue 1 - beta of a
    transition may be negative (Grazzi et al., 2024).

    routing: "none" is the delta rule, A = I - beta k k^T. The others move the rows of the state by a map P(x_t) with
    one 1 in each column, see `ColumnRouting`; training then draws noise, and beta "double" starts at (0, 1) and widens
    over the first half of training. "state" is A = P - beta k k^T: what is written is corrected by what the state
    recalled before it was moved, and the norm of A may be above 1. "before" is A = (I - beta k k^T) P, the delta rule
    on the moved state.

    initial: the state before the first token: zero, or a matrix for each head that is learned, from the identity on.

    state: numbers in a key, and in a value, of each head; width / heads where nothing is said. short_convolution: taps
    of a causal depthwise convolution, with SiLU, of queries, keys and values; 0 leaves it out. gate: the normed output
    is multiplied by SiLU of a projection of the input.
    """

    mixer: Literal["delta_net"]
    beta: Literal["unit", "double"] = "unit"
    routing: Routing = "none"
    initial: Initial = "zero"
    state: int | None = Field(default=None, gt=0)
    short_convolution: int = Field(default=0, ge=0)
    gate: bool = False


class PdSsm(Options):
    """State space whose transition is a map of the states with one 1 in each column, times a diagonal: in each head
    h_t = P(x_t) D(x_t) h_{t-1} + B x_t with |D_ii| < 1, after PD-SSM (Terzic et al., 2025). Real, where theirs is
    complex, and P from the input alone, where theirs mixes a dictionary of learned maps.

    state: numbers in the state of each head. initial: the state before the first token: zero, or a vector for each head
    that is learned, from normal numbers on.
    """

    mixer: Literal["pd_ssm"]
    state: int = Field(default=16, gt=0)
    initial: Initial = "zero"
