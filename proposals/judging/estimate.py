"""One criterion over the seeds: what is estimated, its interval, and holds / fails / undecided."""

from dataclasses import replace
from statistics import median

from models.metrics import EVENT_METRICS
from proposals.judging.evaluate import Answer, number, say, truth
from proposals.judging.looks import boundaries, more_seeds
from proposals.judging.outcomes import CriterionOutcome, SeedOutcome
from proposals.judging.subject import Subject, subject_of
from proposals.judging.table import Table
from proposals.language.expressions import Condition, MetricRef, metrics_in
from proposals.spec import FrozenCriterion


def estimate(criterion: FrozenCriterion, tree: Condition, table: Table) -> CriterionOutcome:
    """The criterion by itself. Set aside here only where nothing was measured; the rest is `set_aside`'s."""
    vocabulary = table.setup.vocabulary
    refs = metrics_in(tree)
    sampled = {ref.metric for ref in refs if vocabulary[ref.metric].source != "analytic"}
    if sampled <= EVENT_METRICS:
        return _counted(criterion, tree, table, analytic=not sampled)
    return _estimated(criterion, tree, table)


def _counted(criterion: FrozenCriterion, tree: Condition, table: Table, analytic: bool) -> CriterionOutcome:
    """Events in their worst seed, analytic metrics as they are: decided exactly, nothing is estimated."""
    subject = subject_of(tree, table.setup.vocabulary)
    if subject.value is None:  # several parts: it is so, or it is not
        subject = replace(subject, unit="event", target="yes", low=1.0)

    def worst(ref: MetricRef) -> float | None:
        return table.worst(ref) if ref.metric in EVENT_METRICS else table.analytic(ref)

    holds = truth(tree, worst, ()).holds
    if subject.value is not None:
        achieved = number(subject.value, worst)
    else:
        achieved = None if holds is None else float(holds)
    estimand = "computed, not sampled: needs no seed" if analytic else "counted: the worst of the runs at hand"
    seeds = () if analytic else _seed_outcomes(tree, subject, table, ())
    if holds is None:
        reason = _unmeasured(tree, table)
        return _outcome(criterion, subject, "set_aside", estimand, achieved, seeds, reason)
    return _outcome(
        criterion,
        subject,
        decision="holds" if holds else "fails",
        estimand=estimand,
        achieved=achieved,
        seeds=seeds,
        look=0 if analytic else len(table.seeds),
        reason="computed on paper" if analytic else f"the worst of {_seeds(len(table.seeds))}",
    )


def _estimated(criterion: FrozenCriterion, tree: Condition, table: Table) -> CriterionOutcome:
    """The share of seeds for which it holds, against one half; of a one-sided comparison that is its
    median."""
    vocabulary, setup = table.setup.vocabulary, table.setup
    random = [name for name, metric in vocabulary.items() if metric.source == "measured" and name not in EVENT_METRICS]
    subject = subject_of(tree, vocabulary)
    seeds = _seed_outcomes(tree, subject, table, random, equal_ties=criterion.section == "failure")
    at_hand = len(seeds)
    estimand = "share of seeds for which it holds" + (
        "; the same as the median over seeds" if subject.one_sided else ""
    )
    if at_hand == 1:
        estimand = "the single seed as it stands"
    looks = tuple(look for look in setup.seeds if look <= at_hand) or (at_hand,)
    if not any(seed.holds is not None or seed.note.startswith("tie:") for seed in seeds):
        achieved = _median([seed.value for seed in seeds])
        reason = _unmeasured(tree, table)
        return _outcome(criterion, subject, "set_aside", estimand, achieved, seeds, reason=reason)
    plan = (1,) if at_hand == 1 else boundaries(looks, setup.error)
    used, needed, decision = looks[-1], plan[-1], "undecided"
    for look, enough in zip(looks, plan, strict=True):
        holding, failing = _tally(seeds[:look])
        if enough is not None and max(holding, failing) >= enough:
            used, needed, decision = look, enough, "holds" if holding >= enough else "fails"
            break
    holding, failing = _tally(seeds[:used])
    values = [seed.value for seed in seeds[:used]]
    low, high = _interval(values, needed) if used > 1 else (None, None)
    more: int | None = None
    if decision == "undecided" and at_hand == 1:
        more = max(1, setup.seeds[0] - 1)
    elif decision == "undecided":
        wanted = more_seeds(holding, failing, used, setup.error)
        more = None if wanted is None else max(1, wanted - (at_hand - used))
    return _outcome(
        criterion,
        subject,
        decision=decision,
        estimand=estimand,
        achieved=holding / used if subject.value is None else _median(values),
        seeds=seeds,
        low=None if subject.value is None else low,
        high=None if subject.value is None else high,
        look=None if decision == "undecided" else used,
        reason=_reason(seeds[:used], needed, setup.error),
        more_seeds=more,
    )


def _seed_outcomes(
    tree: Condition, subject: Subject, table: Table, random: list[str] | tuple[()], equal_ties: bool = False
) -> tuple[SeedOutcome, ...]:
    found = []
    for seed in table.seeds:

        def at(ref: MetricRef, seed: int | None = seed) -> float | None:
            return table.value(ref, seed)

        answer: Answer = truth(tree, at, random, equal_ties)
        value = None if subject.value is None else number(subject.value, at)
        found.append(SeedOutcome(seed=seed, holds=answer.holds, value=value, note=answer.note))
    return tuple(found)


def _tally(seeds: tuple[SeedOutcome, ...]) -> tuple[int, int]:
    """Ties and what was not measured count for neither."""
    return sum(seed.holds is True for seed in seeds), sum(seed.holds is False for seed in seeds)


def _interval(values: list[float | None], needed: int | None) -> tuple[float | None, float | None]:
    """From the (n-k+1)-th to the k-th of n values, where k must agree: it lies on one side of the limit
    exactly where k seeds do. A missing value could be anything, so it counts as lowest for `low` and as
    highest for `high`."""
    if needed is None:
        return None, None
    present = sorted(value for value in values if value is not None)
    lowest = len(values) - needed - (len(values) - len(present))
    if lowest < 0 or needed > len(present):
        return None, None
    return present[lowest], present[needed - 1]


def _median(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return median(present) if present else None


def _reason(seeds: tuple[SeedOutcome, ...], needed: int | None, error: float) -> str:
    if len(seeds) == 1:
        said = {True: "it holds", False: "it fails", None: seeds[0].note}[seeds[0].holds]
        return f"{said} for the only seed"
    holding, failing = _tally(seeds)
    ties = sum(seed.note.startswith("tie:") for seed in seeds)
    parts = [f"{holding} of {_seeds(len(seeds))} {'holds' if holding == 1 else 'hold'}", f"{failing} fail"]
    parts = [parts[0]] + [parts[1] + ("s" if failing == 1 else "")] * bool(failing)
    if ties:
        parts.append("1 is a tie" if ties == 1 else f"{ties} are ties")
    missing = len(seeds) - holding - failing - ties
    if missing:
        parts.append(f"{missing} not measured")
    text = ", ".join(parts)
    if needed is None:
        return f"{text}; so few seeds can decide nothing at an error of {error:.3g}"
    return f"{text}; {needed} must agree"


def _seeds(count: int) -> str:
    return f"{count} seed" + ("" if count == 1 else "s")


def _unmeasured(tree: Condition, table: Table) -> str:
    """Why no seed has an answer."""
    missing = [ref for ref in metrics_in(tree) if not _known(ref, table)]
    if not missing:
        shown = ", ".join(map(say, metrics_in(tree)))
        return f"not measured: no seed has a finite answer from {shown} together"
    reasons = []
    for ref in missing:
        own = table.seeds_of(ref.variant)
        elsewhere = sorted({
            ", ".join(f"{name}={value}" for name, value in other.condition) or "no condition"
            for other in table.cells
            if other.variant == ref.variant and other.metric == ref.metric and table.values(other)
        })  # fmt: skip
        if own and all(table.diverged(ref.variant, seed) for seed in own):
            reasons.append(f"{say(ref)}, because {ref.variant} diverged")
        elif elsewhere:
            reasons.append(f"{say(ref)} (only with {'; '.join(elsewhere)})")
        else:
            reasons.append(say(ref))
    return f"not measured: {', '.join(reasons)}"


def _known(ref: MetricRef, table: Table) -> bool:
    if table.setup.vocabulary[ref.metric].source == "analytic":
        return table.analytic(ref) is not None
    return bool(table.values(ref))


def _outcome(
    criterion: FrozenCriterion,
    subject: Subject,
    decision: str,
    estimand: str,
    achieved: float | None,
    seeds: tuple[SeedOutcome, ...],
    reason: str,
    low: float | None = None,
    high: float | None = None,
    look: int | None = None,
    more_seeds: int | None = None,
) -> CriterionOutcome:
    return CriterionOutcome.model_validate({
        **criterion.model_dump(),
        "decision": decision,
        "estimand": estimand,
        "achieved": achieved,
        "low": low,
        "high": high,
        "target": subject.target,
        "margin": subject.margin(achieved),
        "unit": subject.unit,
        "seeds": seeds,
        "look": look,
        "reason": reason,
        "more_seeds": more_seeds,
    })  # fmt: skip
