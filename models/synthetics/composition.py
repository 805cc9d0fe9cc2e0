"""Composition in a finite group: generators one after another, asked for the element they have come to."""

import torch
from jaxtyping import Int
from torch import Tensor

from models import options
from models.options.groups import elements, products
from models.synthetics.base import IGNORED, Data, Split, draw_disjoint, stream

PADDING, BOS, FIRST_GENERATOR = 0, 1, 2


def composition(options: options.Composition, seed: int) -> Data:
    """The data of `seed`: a beginning, generators drawn evenly, padding; the answer at a generator x_t is the index of
    g_t = g_(t-1) x_t among the group's elements (`models.options.groups`), g_0 = e.

    The answer is of the tokens up to it alone, so a causal model can know it. With mixed lengths, short sequences
    are rarer than long ones where there are not enough different ones. A test set of another length shares a sequence
    with the training set only where that mixes lengths, as rarely as chance has it.

    Merrill, Petty and Sabharwal, "The Illusion of State in State-Space Models", 2024; Grazzi et al., "Unlocking
    State-Tracking in Linear RNNs Through Negative Eigenvalues", 2024.

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    shortest = options.length if options.shortest is None else options.shortest
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "composition"),
        FIRST_GENERATOR + len(options.steps),
        sum(len(options.steps) ** length for length in range(shortest, options.length + 1)),
        classes=len(elements(options.group)),
    )


def _draw(options: options.Composition, count: int, generator: torch.Generator) -> Split:
    chosen = torch.randint(len(options.steps), (count, options.length), generator=generator)
    lengths = torch.full((count, 1), options.length)
    if options.shortest is not None:
        lengths = torch.randint(options.shortest, options.length + 1, (count, 1), generator=generator)
    padded = torch.arange(options.length) >= lengths
    tokens = (chosen + FIRST_GENERATOR).masked_fill(padded, PADDING)
    answers = _composed(options, chosen).masked_fill(padded, IGNORED)
    if options.bos:
        tokens = torch.cat([torch.full((count, 1), BOS), tokens], 1)
    if options.labels == "last":
        return Split(tokens, lengths - 1 + options.bos, answers.gather(1, lengths - 1))
    positions = torch.arange(options.length).add(int(options.bos)).expand(count, -1).contiguous()
    return Split(tokens, positions, answers)


def _composed(options: options.Composition, chosen: Int[Tensor, "count length"]) -> Int[Tensor, "count length"]:
    """Index of the element after each generator."""
    table = torch.tensor(products(options.group, options.steps))
    element = torch.zeros(len(chosen), dtype=torch.long)
    after = []
    for step in chosen.unbind(1):
        element = table[element, step]
        after.append(element)
    return torch.stack(after, 1)
