"""What the declared seeds can decide: how many must agree at each look, and how often chance does that."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from proposals.judging.looks import boundaries, spent
from proposals.spec import AnySetup


class Look(BaseModel):
    """`needed`: how many of the seeds must agree, None where the look can decide nothing. `p`: the exact probability
    that this look decides wrongly, at worst."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: int
    needed: int | None
    p: float


def looks_of(setup: AnySetup) -> tuple[Look, ...]:
    plan = zip(setup.seeds, boundaries(setup.seeds, setup.error), spent(setup.seeds, setup.error), strict=True)
    return tuple(Look(seeds=seeds, needed=needed, p=p) for seeds, needed, p in plan)


def describe(looks: Sequence[Look], error: float) -> str:
    """ "5 seeds: 5 must agree, 3.1 %; 10: 9, 0.49 %; together 3.6 % of the 5 % allowed"."""
    parts: list[str] = []
    for look in looks:
        words = (f"{look.seeds} seeds: ", " must agree") if not parts else (f"{look.seeds}: ", "")
        if look.needed is None:
            parts.append(f"{words[0]}nothing can be decided")
        else:
            parts.append(f"{words[0]}{look.needed}{words[1]}, {percent(look.p)}")
    together = percent(sum(look.p for look in looks))
    return f"{'; '.join(parts)}; together {together} of the {percent(error)} allowed"


def fewest_seeds(error: float) -> int:
    """The smallest n for which n of n seeds agree by chance no more often than `error`."""
    seeds = 1
    while 0.5**seeds > error:
        seeds += 1
    return seeds


def percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.3g} %"
