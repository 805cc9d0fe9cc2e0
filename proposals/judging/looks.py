"""How many seeds must agree before a criterion is decided: an exact sign test, repeated at each look.

What is asked of a criterion is whether it holds for more than half of all seeds. If it does not, each seed
holds with probability 1/2 at most, so the number of holding seeds among n is at most Binomial(n, 1/2),
whatever the values are: two-humped, skewed, heavy-tailed. Only the order of the seeds' values is used, never
their size.
"""

from functools import lru_cache
from itertools import pairwise
from math import comb

MOST_SEEDS = 200
"""Beyond this nobody plans an experiment of this kind, and we stop searching."""


def boundaries(looks: tuple[int, ...], error: float) -> tuple[int | None, ...]:
    """How many of the n seeds of each look must agree; None where a look can decide nothing.

    Each look takes the largest rejection region that fits into what the looks before it left of `error`, so
    that an early decision is possible whenever it is affordable. `boundaries((5, 10), 0.05)` is (5, 9).
    """
    return tuple(needed for needed, _ in _plan(looks, error))


def spent(looks: tuple[int, ...], error: float) -> tuple[float, ...]:
    """The exact probability of deciding wrongly at each look, at worst; their sum is at most `error`."""
    return tuple(probability for _, probability in _plan(looks, error))


@lru_cache(maxsize=4096)
def _plan(looks: tuple[int, ...], error: float) -> tuple[tuple[int | None, float], ...]:
    """Follow the number of holding seeds from look to look, in counts of equally likely paths, so exactly.

    A path that held at an earlier look has stopped and is gone. One that *failed* there is kept: with a tie
    or a missing seed among the first it would not have stopped, and the bound is to cover those too.
    """
    if not looks or looks[0] < 1 or any(b <= a for a, b in pairwise(looks)):
        raise ValueError(f"looks are growing numbers of seeds such as (5, 10), not {looks}")
    if not 0 < error < 0.5:
        raise ValueError(f"the error is a probability below one half such as 0.05, not {error}")
    plan: list[tuple[int | None, float]] = []
    paths = {0: 1}  # number of holding seeds so far -> number of paths still running
    seen, left = 0, error
    for seeds in looks:
        new = seeds - seen
        grown: dict[int, int] = {}
        for holding, count in paths.items():
            for more in range(new + 1):
                grown[holding + more] = grown.get(holding + more, 0) + count * comb(new, more)
        needed, tail = None, 0
        for holding in range(seeds, seeds // 2, -1):
            if (tail + grown.get(holding, 0)) / 2**seeds > left:
                break
            needed, tail = holding, tail + grown.get(holding, 0)
        # a region that no running path can reach would look like a decision and never be one
        plan.append((needed, tail / 2**seeds) if tail else (None, 0.0))
        paths = {holding: count for holding, count in grown.items() if not tail or holding < (needed or 0)}
        left -= tail / 2**seeds
        seen = seeds
    return tuple(plan)


def next_look(holding: int, failing: int, seeds: int, looks: tuple[int, ...], error: float) -> int | None:
    """The first declared look beyond the seeds at hand that can still decide; None where none can.

    Where 9 of 10 must agree and 2 of 5 have failed, ten seeds would decide nothing, so they are not worth training.
    Short of the first look nothing has been looked at, and that is the next one.
    """
    if seeds < looks[0]:
        return looks[0]
    for look, needed in zip(looks, boundaries(looks, error), strict=True):
        if look > seeds and needed is not None and max(holding, failing) + look - seeds >= needed:
            return look
    return None


def more_seeds(holding: int, failing: int, seeds: int, error: float) -> int | None:
    """How many more seeds would be expected to settle it, if the share seen so far went on.

    The shares are shrunk, (holding + 1/2) / (seeds + 1), since a few seeds say little. None: not within 200
    in all.
    """
    share = (max(holding, failing) + 0.5) / (seeds + 1)
    for total in range(seeds + 1, MOST_SEEDS + 1):
        needed = boundaries((total,), error)[0]
        if needed is not None and share * total >= needed:
            return total - seeds
    return None
