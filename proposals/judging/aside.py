"""What is no evidence, and why: nothing was learned, the test cannot tell, or a proxy was measured.

That something was not measured at all is found where a criterion is estimated; it comes first.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from models.evaluations import options_under
from models.metrics import EVENT_METRICS
from proposals.judging.evaluate import say
from proposals.judging.outcomes import CriterionOutcome
from proposals.judging.show import show
from proposals.judging.table import Table
from proposals.language.expressions import Condition, MetricRef, metrics_in
from proposals.spec import AnySetup, StudySetup

FELL = 0.99
"""Something was learned where the final training loss is below this share of the initial one."""
NEAR_CHANCE = 0.05
"""A variant whose median is no further above chance than this has not learned the task."""
SOLVED = 0.20
"""One seed this far above chance shows that the task can be learned, whatever the median of its variant."""

Key = tuple[str, tuple[tuple[str, str | int | float], ...]]
"""A metric and the condition it was measured under."""


@dataclass(frozen=True)
class Evidence:
    """What the measurements say of themselves, before any criterion.

    diverged: proposed variants of which every seed diverged; unlearned: proposed variants that learned
    nothing, with the reason; chance: metrics on which every variant is at chance, with the reason.
    """

    diverged: tuple[str, ...]
    unlearned: Mapping[str, str]
    chance: Mapping[Key, str]


def weigh(table: Table) -> Evidence:
    diverged = tuple(
        variant
        for variant in table.setup.proposed
        if table.seeds_of(variant) and all(table.diverged(variant, seed) for seed in table.seeds_of(variant))
    )
    unlearned = {variant: reason for variant in table.setup.proposed if (reason := _flat(variant, table))}
    return Evidence(diverged, unlearned, _at_chance(table))


def set_aside(
    outcome: CriterionOutcome,
    tree: Condition,
    table: Table,
    evidence: Evidence,
    failed_sanity: Iterable[tuple[CriterionOutcome, Condition]],
) -> CriterionOutcome:
    """The outcome, set aside for the first reason that applies, or as it was."""
    if outcome.decision == "set_aside":
        return outcome
    refs = metrics_in(tree)
    reason = (
        _nothing_learned(outcome, refs, table, evidence)
        or _cannot_tell(outcome, refs, table, evidence, failed_sanity)
        or _proxy(refs, table)
    )
    if not reason:
        return outcome
    return outcome.model_copy(update={"decision": "set_aside", "reason": reason, "look": None, "more_seeds": None})


def _nothing_learned(outcome: CriterionOutcome, refs: tuple[MetricRef, ...], table: Table, evidence: Evidence) -> str:
    for ref in refs:
        metric = table.setup.vocabulary[ref.metric]
        # NaN steps of a run that never got anywhere are its symptom; only a debug criterion asks for symptoms
        if ref.variant in evidence.diverged and metric.source != "analytic" and outcome.role != "debug":
            return f"nothing was learned: {ref.variant} diverged on every seed"
        if ref.variant in evidence.unlearned and metric.from_learning:
            return f"nothing was learned: {evidence.unlearned[ref.variant]}"
    return ""


def _flat(variant: str, table: Table) -> str:
    """Why this variant learned nothing, or ""."""
    final, initial = MetricRef(variant, "train_loss"), MetricRef(variant, "initial_train_loss")
    pairs = [(table.value(initial, seed), table.value(final, seed)) for seed in table.seeds]
    known = [(before, after) for before, after in pairs if before is not None and after is not None]
    flat = [(before, after) for before, after in known if after >= FELL * before]
    if len(flat) * 2 <= len(known):
        return ""
    before, after = flat[0]
    where = "" if len(known) == 1 else f" on {len(flat)} of {len(known)} seeds"
    return f"the training loss of {variant} did not fall{where} ({before:.4g} -> {after:.4g})"


def _cannot_tell(
    outcome: CriterionOutcome,
    refs: tuple[MetricRef, ...],
    table: Table,
    evidence: Evidence,
    failed_sanity: Iterable[tuple[CriterionOutcome, Condition]],
) -> str:
    if outcome.role == "sanity":  # this is what tells
        return ""
    for sanity, condition in failed_sanity:
        for control in metrics_in(condition):
            metric = table.setup.vocabulary[control.metric]
            if metric.source == "analytic" or control.metric in EVENT_METRICS:
                continue
            # a sanity criterion without a condition speaks for the metric under every condition
            if any(ref.metric == control.metric and control.condition in ((), ref.condition) for ref in refs):
                return f"the test cannot tell: sanity criterion {sanity.id} on {control.metric} fails"
    for ref in refs:
        if (ref.metric, ref.condition) in evidence.chance:
            return f"the test cannot tell: {evidence.chance[ref.metric, ref.condition]}"
    return ""


def _at_chance(table: Table) -> dict[Key, str]:
    """Accuracies on which no variant is above chance, where the synthetic knows its chance under that condition."""
    groups: dict[Key, dict[str, list[float]]] = {}
    for ref in table.cells:
        metric = table.setup.vocabulary[ref.metric]
        accuracy = metric.unit == "fraction" and metric.from_learning and ref.metric.endswith("accuracy")
        if accuracy and table.values(ref):
            groups.setdefault((ref.metric, ref.condition), {})[ref.variant] = table.values(ref)
    found = {}
    for key, variants in groups.items():
        chance = _chance(table.setup, key[1])
        if chance is None:
            continue
        best = max(variants, key=lambda name: median(variants[name]))
        top = max(max(values) for values in variants.values())
        if median(variants[best]) <= chance + NEAR_CHANCE and top <= chance + SOLVED:
            found[key] = (
                f"every variant is at chance ({show(chance, 'fraction')}), "
                f"the best being {best} at {show(median(variants[best]), 'fraction')}"
            )
    return found


def _chance(setup: AnySetup, condition: tuple[tuple[str, str | int | float], ...]) -> float | None:
    """None where the synthetic does not know it, or where the condition is none of its options."""
    if isinstance(setup, StudySetup) or setup.synthetic is None:  # none: a report of an experiment that was not ours
        return None
    try:
        chance: float | None = options_under(setup.synthetic, dict(condition)).chance
    except ValueError:
        return None
    return chance


def _proxy(refs: tuple[MetricRef, ...], table: Table) -> str:
    timed = [ref for ref in refs if table.setup.vocabulary[ref.metric].of_hardware]
    devices = table.devices(timed)
    wanted = table.setup.compute.gpu or "cpu"
    other = [device for device in devices if not _is(device, wanted)]
    if other:
        shown = ", ".join(say(ref) for ref in timed)
        return f"proxy: {shown} measured on {', '.join(other)}, and the proposal names {wanted}"
    if len(devices) > 1:
        return f"proxy: timings of several devices cannot be pooled ({', '.join(devices)})"
    return ""


def _is(device: str, wanted: str) -> bool:
    """ "NVIDIA A100-SXM4-80GB" is an A100-80GB, "NVIDIA L40S" is no L4."""
    have, need = (set(re.findall(r"[a-z0-9]+", name.lower())) for name in (device, wanted))
    return device.lower().startswith("cpu") if wanted == "cpu" else need <= have
