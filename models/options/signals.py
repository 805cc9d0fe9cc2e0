"""Signals: sequences of samples, answers that are numbers."""

import math
from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options

Range = tuple[float, float]
"""Lowest and highest; drawn evenly between them, or fixed where they are the same."""


class DampedOscillation(Options):
    """y_t = A exp(-zeta omega t) sin(omega sqrt(1 - zeta^2) t + phi), t in steps; omega, zeta, A and phi drawn evenly
    from their ranges, for each sequence. Asked for: y_t at t = scored_from .. length - 1.

    prefix 0: the input is an impulse at t = 0, the same for all sequences, so that nothing tells them apart.
    prefix p: the input is y_0 .. y_(p-1), then zeros, and a second channel is 1 on the prefix.
    scored_from: None is `prefix`; it is never less, because what is given need not be predicted.
    """

    name: Literal["damped_oscillation"]
    length: int = Field(default=128, gt=0)
    prefix: int = Field(default=0, ge=0)
    scored_from: int | None = Field(default=None, ge=0)
    omega: Range = (0.01, 0.1)
    zeta: Range = (0.2, 0.8)
    amplitude: Range = (1.0, 1.0)
    phase: Range = (0.0, 0.0)
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "DampedOscillation":
        limits = {"omega": (0.0, math.pi), "zeta": (0.0, 1.0)}
        for name in ("omega", "zeta", "amplitude", "phase"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} [{low}, {high}]: the lowest comes first")
            least, most = limits.get(name, (-math.inf, math.inf))
            if not (least <= low and high < most):
                raise ValueError(f"{name} [{low}, {high}] must be within {least:g} and below {most:g}")
        if self.first_scored < self.prefix:
            raise ValueError(f"scored_from {self.scored_from} is within the prefix of {self.prefix}, which is given")
        if self.first_scored >= self.length:
            raise ValueError(f"nothing is asked for: scored_from or prefix {self.first_scored}, length {self.length}")
        if all(low == high for low, high in (self.omega, self.zeta, self.amplitude, self.phase)):
            raise ValueError("all sequences are the same: give omega, zeta, amplitude or phase a range")
        return self

    @property
    def first_scored(self) -> int:
        return self.prefix if self.scored_from is None else self.scored_from

    @property
    def chance(self) -> None:
        """The answer is a number."""
        return
