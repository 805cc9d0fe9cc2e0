"""Hierarchical copy: the leaves of a tree, asked for the later the deeper they lie."""

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream

BLANK, OPEN, CLOSE, FIRST_SYMBOL = 0, 1, 2, 3


def hierarchical_copy(options: options.HierarchicalCopy, seed: int) -> Data:
    """The data of `seed`: the tree with a random symbol at each leaf, then blanks; the answer at position p + step (d -
    1) is the symbol of the leaf at position p and depth d, as a number from 0 to K - 1.

    Symbols are drawn with replacement from K. Nothing in the token at hand says which leaf is asked for, a model needs
    the position, or counts. A leaf at depth 1 is asked for where it stands, so that without any memory 2 of the 8
    leaves of the default tree are right, and 1 / K of the others.

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "hierarchical_copy"),
        FIRST_SYMBOL + options.symbols,
        options.symbols ** len(options.leaves),
        classes=options.symbols,
    )


def _draw(options: options.HierarchicalCopy, count: int, generator: torch.Generator) -> Split:
    brackets = {"[": OPEN, "]": CLOSE}
    tokens = torch.full((count, options.length), BLANK)
    tokens[:, : len(options.layout)] = torch.tensor([brackets.get(mark, BLANK) for mark in options.layout])
    symbols = torch.randint(options.symbols, (count, len(options.leaves)), generator=generator)
    tokens[:, [place for place, _ in options.leaves]] = symbols + FIRST_SYMBOL
    asked, order = torch.tensor([place + options.step * (depth - 1) for place, depth in options.leaves]).sort()
    return Split(tokens, asked.expand(count, -1).contiguous(), symbols[:, order])
