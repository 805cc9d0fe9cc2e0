"""Delayed copy: symbols near the beginning, asked for again a fixed time later."""

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream

BLANK, RECALL, FIRST_SYMBOL = 0, 1, 2


def delayed_copy(options: options.DelayedCopy, seed: int) -> Data:
    """The data of `seed`: symbols c_1 .. c_n at positions o .. o + n - 1, recall marks at o + G .. o + G + n - 1,
    blanks elsewhere; the answer at the i-th mark is c_i, as a number from 0 to K - 1.

    n: content, drawn with replacement from K symbols; G: delay; o: drawn evenly so that the content lies within the
    first chunk. The answer stands G positions before the mark and nowhere else: a model that hands nothing on from
    chunk to chunk stays at chance, 1 / K. One that knows the symbols but not their order can guess one of them and
    reach 1 / n + (1 - 1 / n) / K.

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "delayed_copy"),
        FIRST_SYMBOL + options.symbols,
        (options.chunk - options.content + 1) * options.symbols**options.content,
        classes=options.symbols,
    )


def _draw(options: options.DelayedCopy, count: int, generator: torch.Generator) -> Split:
    content = torch.randint(options.symbols, (count, options.content), generator=generator)
    offset = torch.randint(options.chunk - options.content + 1, (count, 1), generator=generator)
    places = offset + torch.arange(options.content)
    tokens = torch.full((count, options.length), BLANK)
    tokens.scatter_(1, places, content + FIRST_SYMBOL)
    tokens.scatter_(1, places + options.delay, RECALL)
    return Split(tokens, places + options.delay, content)
