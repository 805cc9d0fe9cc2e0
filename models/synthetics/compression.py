"""Compression: random symbols, all of which must be told from what is left after the last of them."""

import math

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream

MARK, FIRST_SYMBOL = 0, 1


def compression(options: options.Compression, seed: int) -> Data:
    """The data of `seed`: n symbols drawn evenly from K, a mark, then the places 1 .. n in random order, each a token
    of its own; the answer at a place is the symbol that stood there, as a number from 0. Chance level: 1 / K.

    In the source a decoder sees the model's output at the mark, and a place. Here the model itself is asked: one with
    a state must have the symbols in it at the mark, but one that looks back, such as attention, need not compress. The
    token of a place is the same whatever n, so that a test set may be shorter than the training set, not longer.

    Poli et al., 2024 (MAD).

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "compression"),
        FIRST_SYMBOL + options.symbols + options.length,
        options.symbols**options.length * math.factorial(options.length),
        classes=options.symbols,
    )


def _draw(options: options.Compression, count: int, generator: torch.Generator) -> Split:
    symbols = torch.randint(options.symbols, (count, options.length), generator=generator)
    order = torch.rand(count, options.length, generator=generator).argsort(1)
    places = order + FIRST_SYMBOL + options.symbols
    tokens = torch.cat([symbols + FIRST_SYMBOL, torch.full((count, 1), MARK), places], 1)
    positions = torch.arange(options.length + 1, 2 * options.length + 1).expand(count, -1).contiguous()
    return Split(tokens, positions, symbols.gather(1, order))
