"""What judging gives: an outcome for every criterion, and a verdict with its reasons. Plain data."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from proposals.spec import Role, Section

Decision = Literal["holds", "fails", "undecided", "set_aside"]
VerdictName = Literal["PROCEED", "ABANDON", "DEBUG", "INCONCLUSIVE"]


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SeedOutcome(Plain):
    """What one seed says. `holds` None: a tie, or not measured. `value`: the left-hand side of the comparison
    (a difference where two variants are compared), in base units."""

    seed: int | None
    """None where the measurements did not say."""
    holds: bool | None
    value: float | None
    note: str = ""


class CriterionOutcome(Plain):
    """Decision on one criterion, with what it rests on.

    achieved: median of `value` over the seeds that were used; of an event the worst; of a criterion of
    several parts the share of seeds for which it holds, with the unit "share". low, high: the interval that
    belongs to the decision (order statistics), None with a single seed or where the look can decide nothing.
    margin: signed distance of `achieved` to the target, positive where it holds. unit: of achieved, low, high
    and margin: a metric's unit, or "points", "ratio", "share".
    """

    id: str
    section: Section
    role: Role
    text: str
    canonical: str
    decision: Decision
    estimand: str
    """What was estimated, in words: such as "median over seeds" or "counted on the runs at hand"."""
    achieved: float | None
    low: float | None
    high: float | None
    target: str
    """The right-hand side as people write it, such as "> 80 %"."""
    margin: float | None
    unit: str
    seeds: tuple[SeedOutcome, ...]
    look: int | None
    """Number of seeds at which it was decided, 0 where no seed was needed; None while undecided or set
    aside."""
    reason: str
    """Why this decision, in one sentence."""
    more_seeds: int | None = None
    """Where undecided: how many more seeds would be expected to settle it."""


class Judgement(Plain):
    """The verdict. `next_look`: seeds per variant to train before judging again, where the policy asks for
    it; `verdict` is then what it would be without them."""

    verdict: VerdictName
    rule: int
    """Number of the policy's rule that applied, 1 to 6."""
    reasons: tuple[str, ...]
    caveats: tuple[str, ...]
    outcomes: tuple[CriterionOutcome, ...]
    next_look: int | None = None
