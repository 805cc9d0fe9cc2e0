"""Parity of random bits."""

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream


def parity(options: options.Parity, seed: int) -> Data:
    """The data of `seed`: bits, each 0 or 1 with probability 1/2; the answer at a position is the sum modulo 2 of the
    bits up to it, asked for at the last position or at every one. Chance level: 1/2, whatever one bit is missing.

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "parity"),
        vocabulary=2,
        possible=2**options.length,
    )


def _draw(options: options.Parity, count: int, generator: torch.Generator) -> Split:
    bits = torch.randint(2, (count, options.length), generator=generator)
    first = options.length - 1 if options.labels == "last" else 0
    positions = torch.arange(first, options.length).expand(count, -1).contiguous()
    return Split(bits, positions, bits.cumsum(1)[:, first:] % 2)
