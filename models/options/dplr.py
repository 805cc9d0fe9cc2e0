"""Linear time-invariant state spaces whose transition is diagonal plus low rank."""

from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options


class Dplr(Options):
    """A real state of `state` numbers for each head, with the continuous transition A = P (Lambda + p q^T) P^T: a
    diagonal and a learned term of `rank` (S4's form; Gu et al., 2022), in an order given by a permutation P.

    permutation: identity; cyclic (each coordinate moves on by one); bit_reversal (of the coordinates' binary digits);
    random (the `draw`-th of a list that no seed changes); learned (doubly stochastic while training, by 20 Sinkhorn
    iterations; the nearest permutation when it is tested).
    """

    mixer: Literal["dplr"]
    state: int = Field(default=16, gt=0)
    rank: int = Field(default=1, ge=0)
    permutation: Literal["identity", "cyclic", "bit_reversal", "random", "learned"] = "identity"
    draw: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _exists(self) -> "Dplr":
        if self.permutation == "bit_reversal" and self.state & (self.state - 1):
            raise ValueError(f"bit reversal needs a state that is a power of two, not {self.state}")
        if self.draw and self.permutation != "random":
            raise ValueError(f"draw is the number of a random permutation, and this one is {self.permutation}")
        return self


class OscillatoryDplr(Options):
    """A complex state of `state` modes for each head, A = Lambda + P Q^T with P, Q of `rank` columns, in steps of `dt`.

    eigenvalues "oscillatory": lambda = -zeta omega + i omega sqrt(1 - zeta^2) with omega > 0 and 0 < zeta < 1, so that
    each mode is a damped oscillator by construction; "free": real and imaginary part are learned directly, from the
    same initial law, as a control.
    """

    mixer: Literal["oscillatory_dplr"]
    state: int = Field(default=16, gt=0)
    rank: int = Field(default=2, ge=0)
    dt: float = Field(default=1.0, gt=0)
    eigenvalues: Literal["oscillatory", "free"] = "oscillatory"
