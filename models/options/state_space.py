"""State-space models whose transition is diagonal, dense, or of low displacement rank."""

from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options


class DiagonalSsm(Options):
    """State space with a diagonal transition that depends on the input, the core of selective models (Gu and Dao,
    "Mamba", 2023). One state, whatever the number of heads.

    state: n. gate: the diagonal is in (0, 1) with "sigmoid"; in (-1, 1) with "tanh", as negative values are needed to
    count modulo two (Grazzi et al., 2024).
    """

    mixer: Literal["diagonal_ssm"]
    state: int = Field(default=16, gt=0)
    gate: Literal["sigmoid", "tanh"] = "sigmoid"


class DenseSsm(Options):
    """State space with a dense transition that is linear in the input and is scaled down where its norm exceeds 1
    (after Terzic et al., 2025). One state, whatever the number of heads. state: n."""

    mixer: Literal["dense_ssm"]
    state: int = Field(default=16, gt=0)


class DisplacementRank(Options):
    """State space with a Cauchy-like transition from the input: a diagonal, and a matrix whose displacement by
    Chebyshev nodes has rank `alpha` (Kailath, Kung and Morf, 1979), scaled down where its norm exceeds 1. One state,
    whatever the number of heads.

    state: n; alpha: 0 leaves the diagonal alone. generators: standard deviation at which the two generators start, in
    multiples of (n alpha)^(-1/4), at which the entries of the rank-alpha matrix of their products have variance 1 / n.
    """

    mixer: Literal["displacement_rank"]
    state: int = Field(default=16, gt=0)
    alpha: int = Field(default=4, ge=0)
    generators: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "DisplacementRank":
        if self.alpha > self.state:
            raise ValueError(f"alpha {self.alpha} is more than the {self.state} dimensions of the state")
        return self
