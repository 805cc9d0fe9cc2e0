"""In-context recall: keys and values in a row, each key that comes again asks for its value."""

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream
from models.synthetics.motifs import draw_motifs, single_symbols, spell


def in_context_recall(options: options.InContextRecall, seed: int) -> Data:
    """The data of `seed`: k v k v ..., keys drawn evenly, values by a dictionary that each sequence draws for itself,
    with replacement; the answer at a key that came before is the value that followed it, as a number from 0.

    Tokens: keys first, then as many values. The answer was shown before, so a causal model can know it. Blind guesses
    reach 1 / values, the value of any one key a little more (`options.chance`).

    Poli et al., 2024 (MAD), its form with many questions a sequence, asked alike in training and test.

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "in_context_recall"),
        options.vocabulary,
        # of each dictionary; the values make it more
        options.keys ** (options.length // 2),
        classes=options.keys,
    )


def _draw(options: options.InContextRecall, count: int, generator: torch.Generator) -> Split:
    keys = single_symbols(count, options.keys)
    values = draw_motifs((count, options.keys, 1), options.keys, generator)
    chosen = torch.randint(options.keys, (count, options.length // 2 + 1), generator=generator)
    return spell(keys, values, chosen, options.length, options.keys)
