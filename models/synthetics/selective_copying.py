"""Selective copying: symbols scattered among blanks, asked for at the end."""

import math

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream

BLANK, RECALL, FIRST_SYMBOL = 0, 1, 2


def selective_copying(options: options.SelectiveCopying, seed: int) -> Data:
    """The data of `seed`: n symbols at random places among blanks, then what is asked, at the end of `length`.

    ask "all": n recall marks; the answer at the i-th is the i-th symbol. ask "one": a token that stands for a number
    i, drawn evenly; the answer there is the i-th symbol, counted from the first. Symbols are drawn with replacement
    from K, and answers are numbers from 0 to K - 1. The distances between symbols differ from sequence to sequence, so
    that a fixed convolution cannot copy. Chance level: 1 / K, for one of the symbols shown 1 / n + (1 - 1 / n) / K.

    Gu and Dao, "Mamba", 2023; Poli et al., "Mechanistic Design and Scaling of Hybrid Architectures", 2024 (MAD).

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    places = options.length - options.questions
    numbers = options.content if options.ask == "one" else 1
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "selective_copying"),
        FIRST_SYMBOL + options.symbols + (options.content if options.ask == "one" else 0),
        math.comb(places, options.content) * options.symbols**options.content * numbers,
        classes=options.symbols,
    )


def _draw(options: options.SelectiveCopying, count: int, generator: torch.Generator) -> Split:
    end = options.length - options.questions
    content = torch.randint(options.symbols, (count, options.content), generator=generator)
    places = torch.rand(count, end, generator=generator).argsort(1)[:, : options.content].sort(1).values
    tokens = torch.full((count, options.length), BLANK)
    tokens.scatter_(1, places, content + FIRST_SYMBOL)
    positions = torch.arange(end, options.length).expand(count, -1).contiguous()
    if options.ask == "all":
        tokens[:, end:] = RECALL
        return Split(tokens, positions, content)
    number = torch.randint(options.content, (count, 1), generator=generator)
    tokens[:, end:] = number + FIRST_SYMBOL + options.symbols
    return Split(tokens, positions, content.gather(1, number))
