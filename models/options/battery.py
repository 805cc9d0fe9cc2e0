"""The standard battery of Poli et al., "Mechanistic Design and Scaling of Hybrid Architectures", 2024 (MAD), at its
default sizes; its sixth task is `SelectiveCopying`."""

from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options


class _Recall(Options):
    """Keys and values one after another, a dictionary of its own in each sequence; the answer at a key that came before
    is the value that followed it. vocabulary: half keys, half values; length: of the whole sequence."""

    vocabulary: int = Field(default=16, ge=4, multiple_of=2)
    length: int = Field(default=128, gt=0)
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @property
    def keys(self) -> int:
        """How many keys, and how many values."""
        return self.vocabulary // 2

    @property
    def longest_pair(self) -> int:
        """Tokens of a key and its value."""
        return 2

    @property
    def chance(self) -> float:
        """Accuracy of the value of any key, whichever is asked: right where it is that key's, or the same value."""
        return 1 / self.keys + (1 - 1 / self.keys) / self.keys

    @model_validator(mode="after")
    def _fits(self) -> "_Recall":
        if self.length < 2 * self.longest_pair:
            raise ValueError(
                f"no key can come twice in a length of {self.length}: at least {2 * self.longest_pair} is needed"
            )
        return self


class InContextRecall(_Recall):
    """Recall of single tokens: `_Recall` as it is."""

    name: Literal["in_context_recall"]


class NoisyInContextRecall(_Recall):
    """Recall with noise: in the place of a pair stand two of `noise_symbols` further tokens, with probability
    `noise`."""

    name: Literal["noisy_in_context_recall"]
    noise: float = Field(default=0.2, ge=0, lt=1)
    noise_symbols: int = Field(default=16, gt=0)


class FuzzyInContextRecall(_Recall):
    """Recall of motifs: keys are of 1 .. key_motif tokens, values of 1 .. value_motif, lengths drawn evenly; each token
    of a value is asked for."""

    name: Literal["fuzzy_in_context_recall"]
    key_motif: int = Field(default=3, ge=2)
    value_motif: int = Field(default=3, gt=0)

    @property
    def longest_pair(self) -> int:
        return self.key_motif + self.value_motif


class Memorization(Options):
    """Keys, each followed by a token in whose place its value is asked for, by a dictionary that no sequence shows and
    all sequences of a seed share. vocabulary: half keys, half values."""

    name: Literal["memorization"]
    vocabulary: int = Field(default=256, ge=4, multiple_of=2)
    length: int = Field(default=32, gt=0, multiple_of=2)
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @property
    def keys(self) -> int:
        """How many keys, and how many values."""
        return self.vocabulary // 2

    @property
    def chance(self) -> float:
        return 1 / self.keys


class Compression(Options):
    """`length` random symbols of `symbols`, a mark, then every place of them, in random order: the answer at a place is
    the symbol that stood there."""

    name: Literal["compression"]
    symbols: int = Field(default=16, ge=2)
    length: int = Field(default=32, gt=0)
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @property
    def chance(self) -> float:
        return 1 / self.symbols
