"""Memorization: a dictionary that is never shown, to be learned into the weights."""

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream

BLANK, FIRST_KEY = 0, 1


def memorization(options: options.Memorization, seed: int) -> Data:
    """The data of `seed`: k _ k _ ..., keys drawn evenly; the answer at the blank after a key is its value, as a number
    from 0. Each value belongs to one key, by one dictionary for each seed.

    All splits, and test sets of other lengths, share the dictionary: that is what is asked. Their sequences of keys
    differ. Who knows only the token at hand is at chance, 1 / values; who knows the one before it can learn all.

    Poli et al., 2024 (MAD).

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    values = torch.randperm(options.keys, generator=stream(seed, "memorization dictionary"))

    def draw(count: int, generator: torch.Generator) -> Split:
        keys = torch.randint(options.keys, (count, options.length // 2), generator=generator)
        tokens = torch.full((count, options.length), BLANK)
        tokens[:, 0::2] = keys + FIRST_KEY
        positions = torch.arange(1, options.length, 2).expand(count, -1).contiguous()
        return Split(tokens, positions, values[keys])

    return draw_disjoint(
        draw,
        (options.train, options.validation, options.test),
        stream(seed, "memorization"),
        FIRST_KEY + options.keys,
        options.keys ** (options.length // 2),
        classes=options.keys,
    )
