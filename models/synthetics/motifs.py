"""Dictionaries of motifs, and sequences that spell their pairs: what the three in-context recalls have in common."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from models.synthetics.base import IGNORED, Split


@dataclass(frozen=True)
class Motifs:
    """Of each sequence, `motifs` motifs: the first `lengths` of `longest` symbols."""

    symbols: Int[Tensor, "count motifs longest"]
    lengths: Int[Tensor, "count motifs"]

    @property
    def used(self) -> Bool[Tensor, "count motifs longest"]:
        return torch.arange(self.symbols.shape[2]) < self.lengths.unsqueeze(-1)


def draw_motifs(
    shape: tuple[int, int, int], alphabet: int, generator: torch.Generator, distinct: bool = False
) -> Motifs:
    """Motifs of 1 .. longest symbols below `alphabet`, lengths and symbols drawn evenly. shape: count, motifs, longest.
    distinct: none occurs twice in a sequence, repeats are drawn again; there must be as many symbols as motifs."""
    assert not distinct or shape[1] <= alphabet
    symbols, lengths = _drawn(shape, alphabet, generator)
    while distinct and (repeated := _repeats(Motifs(symbols, lengths), alphabet)).any():
        more, more_lengths = _drawn(shape, alphabet, generator)
        symbols = torch.where(repeated.unsqueeze(-1), more, symbols)
        lengths = torch.where(repeated, more_lengths, lengths)
    return Motifs(symbols, lengths)


def single_symbols(count: int, symbols: int) -> Motifs:
    """Each symbol is a motif."""
    every = torch.arange(symbols).expand(count, -1)
    return Motifs(every.unsqueeze(-1), torch.ones_like(every))


def spell(
    keys: Motifs,
    values: Motifs,
    chosen: Int[Tensor, "count units"],
    length: int,
    first_value: int,
    noise: tuple[Bool[Tensor, "count units"], Int[Tensor, "count units pair"]] | None = None,
) -> Split:
    """Key and value of the chosen pairs, one pair after another, the first `length` tokens of them. Asked for are the
    tokens of the value where the same key came before; the answer stands at the token before each, as a number from 0.

    first_value: token of the value symbol 0, key symbols being their own tokens. noise: where a pair is replaced, and
    what by. Sequences in which no key comes twice are left out, so that fewer may come back.
    """
    count, pairs = keys.lengths.shape
    units = chosen.shape[1]
    tokens = _of(chosen, torch.cat([keys.symbols, values.symbols + first_value], 2))
    used = _of(chosen, torch.cat([keys.used, values.used], 2))
    of_value = torch.arange(tokens.shape[2]) >= keys.symbols.shape[2]
    if noise is not None:
        replaced, by = noise
        tokens = torch.where(replaced.unsqueeze(-1), by, tokens)
        chosen = chosen.masked_fill(replaced, pairs)
    order = torch.arange(units).expand(count, -1)
    first = torch.full((count, pairs + 1), units).scatter_reduce(1, chosen, order, "amin")
    known = (first.gather(1, chosen) < order) & (chosen < pairs)
    asked = known.unsqueeze(-1) & of_value & used
    # used tokens move to the front, in their order; one more than wanted, because the last one asks for the next; what
    # is too much falls into a last column, which is cut off
    used = used.flatten(1)
    place = (used.cumsum(1) - 1).masked_fill(~used, length + 1).clamp(max=length + 1)
    tokens, asked = (
        torch.zeros(count, length + 2, dtype=part.dtype).scatter_(1, place, part.flatten(1))[:, : length + 1]
        for part in (tokens, asked)
    )
    targets = torch.where(asked, tokens - first_value, IGNORED)[:, 1:]
    kept = (targets != IGNORED).any(1)
    positions = torch.arange(length).expand(count, -1)
    return Split(tokens[kept, :length], positions[kept], targets[kept])


def _drawn(shape: tuple[int, int, int], alphabet: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    symbols = torch.randint(alphabet, shape, generator=generator)
    return symbols, torch.randint(1, shape[2] + 1, shape[:2], generator=generator)


def _repeats(motifs: Motifs, alphabet: int) -> Bool[Tensor, "count motifs"]:
    """Which motifs equal an earlier one of their sequence."""
    places = (alphabet + 1) ** torch.arange(motifs.symbols.shape[2])
    code = ((motifs.symbols + 1) * motifs.used * places).sum(-1)
    return (code.unsqueeze(-1) == code.unsqueeze(-2)).tril(-1).any(-1)


def _of(chosen: Int[Tensor, "count units"], table: Tensor) -> Tensor:
    """Rows of each sequence's own table."""
    return table.gather(1, chosen.unsqueeze(-1).expand(-1, -1, table.shape[2]))
