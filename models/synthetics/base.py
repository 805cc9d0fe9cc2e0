"""What a synthetic gives: sequences, the positions whose answers are asked for, and the answers."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

SPLITS = ("train", "validation", "test")
IGNORED = -100
"""Target of a row that asks fewer questions than the widest row of its split."""


@dataclass(frozen=True)
class Split:
    """tokens: the sequences, of symbols or of samples of a signal; positions: where an answer is asked for, ascending
    in each row; targets: the answers, or IGNORED. Where the answers are numbers, all of them count."""

    tokens: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
    positions: Int[Tensor, "sequences queries"]
    targets: Int[Tensor, "sequences queries"] | Float[Tensor, "sequences queries"]


@dataclass(frozen=True)
class Sizes:
    """What a model must know of its data: as in `Data`, the length being that of the longest sequence."""

    vocabulary: int
    classes: int
    length: int
    channels: int = 0


@dataclass(frozen=True)
class Data:
    """The data of one seed, the same for every variant. `sha256` covers all three splits.

    vocabulary: how many symbols the sequences are of; 0 where they are signals, of `channels` samples at each
    position. classes: how many answers there are to choose from; 0 where the answer is a number.
    """

    train: Split
    validation: Split
    test: Split
    vocabulary: int
    classes: int
    length: int
    sha256: str
    channels: int = 0

    @property
    def sizes(self) -> Sizes:
        return Sizes(self.vocabulary, self.classes, self.length, self.channels)


def stream(seed: int, purpose: str) -> torch.Generator:
    """A generator of its own for each purpose of a seed, so that none depends on how much another draws."""
    digest = hashlib.sha256(f"{purpose}:{seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def draw_disjoint(
    draw: Callable[[int, torch.Generator], Split],
    sizes: tuple[int, int, int],
    generator: torch.Generator,
    vocabulary: int,
    possible: float,
    classes: int | None = None,
    channels: int = 0,
) -> Data:
    """Train, validation and test split in which no sequence occurs twice: repeats are drawn again.

    draw(n, generator): n sequences; sizes: of the three splits; possible: how many different sequences
    there are; vocabulary, classes, channels: as in `Data`, with as many classes as symbols unless said.

    Raises ValueError where there are too few different sequences.
    """
    wanted = sum(sizes)
    if 2 * wanted > possible:
        raise ValueError(
            f"{wanted} different sequences are wanted and only {possible} exist: "
            "ask for at most half of them, or for longer sequences of more symbols"
        )
    seen: set[bytes] = set()
    kept: list[Split] = []
    while len(seen) < wanted:
        drawn = draw(wanted - len(seen), generator)
        fresh = []
        for row, tokens in enumerate(drawn.tokens.numpy()):
            content = tokens.tobytes()
            if content not in seen:
                seen.add(content)
                fresh.append(row)
        kept.append(Split(drawn.tokens[fresh], drawn.positions[fresh], drawn.targets[fresh]))
    tokens, positions, targets = (
        torch.cat([getattr(part, name) for part in kept]) for name in ("tokens", "positions", "targets")
    )
    ends = list(accumulate(sizes, initial=0))
    train, validation, test = (
        Split(tokens[start:end], positions[start:end], targets[start:end]) for start, end in pairwise(ends)
    )
    sha256 = _sha256([train, validation, test])
    classes = vocabulary if classes is None else classes
    return Data(train, validation, test, vocabulary, classes, tokens.shape[1], sha256, channels)


def _sha256(splits: list[Split]) -> str:
    digest = hashlib.sha256()
    for name, split in zip(SPLITS, splits, strict=True):
        for part in (split.tokens, split.positions, split.targets):
            digest.update(f"{name} {tuple(part.shape)} ".encode())
            digest.update(part.numpy().astype("<f8" if part.is_floating_point() else "<i8").tobytes())
    return digest.hexdigest()
