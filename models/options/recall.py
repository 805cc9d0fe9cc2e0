"""Associative recall."""

from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options


class Mqar(Options):
    """Multi-query associative recall (Arora et al., 2023).

    layout "padded": `pairs` key-value pairs, a separator, the keys again in random order as queries,
    padding up to `length`. layout "spread": the pairs, then the queries spread through the rest of the
    sequence at gaps drawn from a power law, as in the field's benchmark. Token 0 is the separator, 1 the
    padding, the rest are shared by keys and values.
    """

    name: Literal["mqar"]
    layout: Literal["padded", "spread"] = "padded"
    pairs: int = Field(gt=0)
    length: int = Field(gt=0)
    vocabulary: int = Field(gt=3)
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "Mqar":
        needed = 3 * self.pairs + 1 if self.layout == "padded" else 4 * self.pairs
        if self.length < needed:
            raise ValueError(
                f"{self.pairs} pairs in the {self.layout} layout need a length of at least {needed}, not {self.length}"
            )
        if self.vocabulary - 2 < self.pairs:
            raise ValueError(f"{self.pairs} distinct keys need a vocabulary of at least {self.pairs + 2}")
        return self

    @property
    def chance(self) -> float:
        """Accuracy of guessing among the values that the sequence showed."""
        return 1 / self.pairs
