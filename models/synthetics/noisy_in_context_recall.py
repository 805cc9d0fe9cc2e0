"""In-context recall with noise among the pairs."""

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream
from models.synthetics.motifs import draw_motifs, single_symbols, spell


def noisy_in_context_recall(options: options.NoisyInContextRecall, seed: int) -> Data:
    """The data of `seed`: as `in_context_recall`, but each pair is replaced by two noise tokens with probability
    `noise`. Noise has tokens of its own after the values, is drawn evenly, and asks for nothing.

    Poli et al., 2024 (MAD).

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "noisy_in_context_recall"),
        options.vocabulary + options.noise_symbols,
        # of each dictionary and without noise; both make it more
        options.keys ** (options.length // 2),
        classes=options.keys,
    )


def _draw(options: options.NoisyInContextRecall, count: int, generator: torch.Generator) -> Split:
    units = options.length // 2 + 1
    keys = single_symbols(count, options.keys)
    values = draw_motifs((count, options.keys, 1), options.keys, generator)
    chosen = torch.randint(options.keys, (count, units), generator=generator)
    replaced = torch.rand(count, units, generator=generator) < options.noise
    by = torch.randint(options.noise_symbols, (count, units, 2), generator=generator) + options.vocabulary
    return spell(keys, values, chosen, options.length, options.keys, (replaced, by))
