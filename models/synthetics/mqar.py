"""Multi-query associative recall: pairs of key and value first, then keys that ask for their values."""

import math

import torch
from jaxtyping import Int
from torch import Tensor

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream

SEPARATOR, PADDING, FIRST_SYMBOL = 0, 1, 2
POWER = 0.01
"""The a of the gaps' density a x^(a - 1) in the spread layout, as in the field's benchmark (zoology)."""


def mqar(options: options.Mqar, seed: int) -> Data:
    """The data of `seed`: k1 v1 ... kn vn, then each key once more; the answer at a repeated key is its
    value.

    padded: the pairs, the separator 0, the keys in random order, padding 1 up to `length`. spread: the
    pairs, then padding 1 with the keys at even distances 2 g from the end of the pairs; the g are drawn
    without replacement, g with weight (g + 1)^(a - 1), a = 0.01, and given to the keys in the order drawn.

    Keys are distinct within a sequence and values are drawn with replacement, both from 2 .. vocabulary -
    1. The answer stands before the question and nowhere after it, so a causal model can know it. Chance
    level: 1 / pairs for guessing among the values shown, 1 / (vocabulary - 2) without looking.

    Arora et al., "Zoology", 2023.

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    draw = _padded if options.layout == "padded" else _spread
    return draw_disjoint(
        lambda count, generator: draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "mqar"),
        options.vocabulary,
        possible_sequences(options),
    )


def possible_sequences(options: options.Mqar) -> int:
    """How many different sequences there are: keys x values x places of the queries."""
    symbols = options.vocabulary - FIRST_SYMBOL
    places = options.pairs if options.layout == "padded" else (options.length - 2 * options.pairs) // 2
    values = int(symbols**options.pairs)
    return math.perm(symbols, options.pairs) * values * math.perm(places, options.pairs)


def _pairs(
    options: options.Mqar, count: int, generator: torch.Generator
) -> tuple[Int[Tensor, "count pairs"], Int[Tensor, "count pairs"], Int[Tensor, "count length"]]:
    """Keys, values, and sequences that start with them and are padding from there on."""
    symbols = options.vocabulary - FIRST_SYMBOL
    keys = torch.rand(count, symbols, generator=generator).argsort(1)[:, : options.pairs] + FIRST_SYMBOL
    values = torch.randint(FIRST_SYMBOL, options.vocabulary, (count, options.pairs), generator=generator)
    tokens = torch.full((count, options.length), PADDING)
    tokens[:, 0 : 2 * options.pairs : 2] = keys
    tokens[:, 1 : 2 * options.pairs : 2] = values
    return keys, values, tokens


def _padded(options: options.Mqar, count: int, generator: torch.Generator) -> Split:
    keys, values, tokens = _pairs(options, count, generator)
    order = torch.rand(count, options.pairs, generator=generator).argsort(1)
    start = 2 * options.pairs + 1
    positions = torch.arange(start, start + options.pairs).expand(count, -1).contiguous()
    tokens[:, start - 1] = SEPARATOR
    tokens.scatter_(1, positions, keys.gather(1, order))
    return Split(tokens, positions, values.gather(1, order))


def _spread(options: options.Mqar, count: int, generator: torch.Generator) -> Split:
    keys, values, tokens = _pairs(options, count, generator)
    places = (options.length - 2 * options.pairs) // 2
    weights = torch.arange(1, places + 1, dtype=torch.float64) ** (POWER - 1)
    gaps = torch.multinomial(weights.expand(count, -1), options.pairs, generator=generator)
    positions = 2 * options.pairs + 2 * gaps
    tokens.scatter_(1, positions, keys)
    positions, order = positions.sort(1)
    return Split(tokens, positions, values.gather(1, order))
