"""In-context recall of motifs of several tokens."""

import torch

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream
from models.synthetics.motifs import draw_motifs, spell


def fuzzy_in_context_recall(options: options.FuzzyInContextRecall, seed: int) -> Data:
    """The data of `seed`: key and value motifs in a row, by a dictionary that each sequence draws for itself, with as
    many pairs as there are key tokens; the answer at the end of a key that came before is the first token of its
    value, and at each token of that value the next one, as numbers from 0.

    Keys of a dictionary differ, but one may be the beginning or the end of another; a value's tokens tell where the
    key has ended.

    Poli et al., 2024 (MAD).

    Raises ValueError where fewer different sequences exist than are wanted.
    """
    return draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "fuzzy_in_context_recall"),
        options.vocabulary,
        # of each dictionary, with the longest motifs only; the others make it more
        options.keys ** (options.length // options.longest_pair),
        classes=options.keys,
    )


def _draw(options: options.FuzzyInContextRecall, count: int, generator: torch.Generator) -> Split:
    keys = draw_motifs((count, options.keys, options.key_motif), options.keys, generator, distinct=True)
    values = draw_motifs((count, options.keys, options.value_motif), options.keys, generator)
    # enough even where all motifs are of one token
    chosen = torch.randint(options.keys, (count, options.length // 2 + 1), generator=generator)
    return spell(keys, values, chosen, options.length, options.keys)
