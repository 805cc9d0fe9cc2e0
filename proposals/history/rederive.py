"""The verdict that the policy gives on a report's own figures.

The judge asks a setup only for names: variants, metrics, how many seeds. A report has no setup of ours (its
synthetic and mixers are its own), so one is made that holds these names and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from proposals.history.cast import Cast
from proposals.history.nouns import LEARNED, Vocabulary
from proposals.history.reading import Formula
from proposals.history.roles import Casting
from proposals.history.statements import Statement
from proposals.history.tables import Figures
from proposals.judging.aside import Evidence, set_aside, weigh
from proposals.judging.estimate import estimate
from proposals.judging.outcomes import CriterionOutcome, Judgement
from proposals.judging.policy import Facts, decide
from proposals.judging.show import show
from proposals.judging.table import Table, tabulate
from proposals.language.canonical import canonical
from proposals.language.expressions import Comparison, Condition, MetricRef, Number
from proposals.spec import Compute, FrozenCriterion, Section, Setup, Variant

ALIKE = 0.2
"""Variants miss a limit alike where they differ by less than this share of what the best of them lacks."""


@dataclass(frozen=True)
class Criterion:
    """One criterion of a report: as written, as read, its role, and what became of it.

    canonical: None where it was not read, for `reason`. judged: it takes part in the verdict. contradiction:
    the author's mark and the author's numbers do not agree. lines: every place where the report states it.
    """

    id: str
    section: Section
    statement: Statement
    casting: Casting
    formulas: tuple[Formula, ...]
    canonical: str | None
    reason: str
    judged: bool
    lines: tuple[int, ...]
    outcome: CriterionOutcome | None = None
    contradiction: str = ""


def rederive(
    criteria: Sequence[Criterion],
    cast: Cast,
    vocabulary: Vocabulary,
    figures: Figures,
    fidelity: Literal["specified", "reduced"],
    notes: Iterable[str] = (),
) -> tuple[tuple[Criterion, ...], Judgement]:
    """Every criterion with its outcome, and the verdict on those that take part."""
    table = tabulate(_names_only(cast, vocabulary, figures), [one.measurement for one in figures.found.values()])
    evidence = weigh(table)
    # whether the test can tell is asked of the sanity criteria first
    sanity = [one for one in criteria if one.casting.role == "sanity" and one.judged]
    failed = [
        (outcome, formula.tree)
        for one in sanity
        for formula in one.formulas
        if (outcome := estimate(_frozen(one, formula), formula.tree, table)).decision == "fails"
    ]
    judged = [_with_outcome(one, cast, table, evidence, failed) if one.formulas else one for one in criteria]
    facts = Facts(
        seeds=max(1, len(table.seeds)),
        looks=table.setup.seeds,
        fidelity=fidelity,
        diverged=evidence.diverged,
    )
    judgement = decide([one.outcome for one in judged if one.judged and one.outcome], facts)
    aside = [
        f"{one.id} takes no part: {one.reason or one.casting.doubt}"
        for one in judged
        if not one.judged and one.statement.origin != "elsewhere"
    ]
    caveats = (*judgement.caveats, *aside, *notes)
    return tuple(judged), judgement.model_copy(update={"caveats": caveats})


def _names_only(cast: Cast, vocabulary: Vocabulary, figures: Figures) -> Setup:
    seeds = {one.measurement.seed for one in figures.found.values()}
    # not validated, and nothing in the judge reads what is missing
    return Setup.model_construct(  # type: ignore[call-arg]
        synthetic=None,  # type: ignore[arg-type]
        variants={
            one.name: Variant.model_construct(mixer=None, proposed=one.proposed)  # type: ignore[arg-type]
            for one in cast.variants
        },
        seeds=(max(1, len(seeds)),),
        error=0.05,
        compute=Compute(gpu=None, minutes=1, dollars=0),
        metrics=vocabulary.own,
    )


def _with_outcome(
    one: Criterion,
    cast: Cast,
    table: Table,
    evidence: Evidence,
    failed_sanity: Sequence[tuple[CriterionOutcome, Condition]],
) -> Criterion:
    outcomes = []
    for formula in one.formulas:
        outcome = set_aside(
            estimate(_frozen(one, formula), formula.tree, table), formula.tree, table, evidence, failed_sanity
        )
        outcomes.append(_set_aside_if_alike(outcome, formula.tree, cast, table))
    outcome = _together(one, outcomes)
    return replace(one, outcome=outcome, contradiction=_contradiction(one, outcome))


def _frozen(one: Criterion, formula: Formula) -> FrozenCriterion:
    return FrozenCriterion(
        id=one.id,
        section=one.section,
        role=one.casting.role,
        text=one.statement.text,
        canonical=canonical(formula.tree),
    )


def _set_aside_if_alike(outcome: CriterionOutcome, tree: Condition, cast: Cast, table: Table) -> CriterionOutcome:
    """A limit that a proposed variant misses, and every variant that was to compare with it just the same: the test
    cannot tell. Only for what was learned: a memory or a speed is what it is, whatever the others do."""
    if outcome.role != "target" or outcome.decision != "fails":
        return outcome
    if not isinstance(tree, Comparison) or len(tree.operands) != 2:
        return outcome
    ref, limit = tree.operands
    if not isinstance(ref, MetricRef) or not isinstance(limit, Number):
        return outcome
    metric = table.setup.vocabulary[ref.metric]
    # a gap or a ratio compares already; its value for the reference is one by definition
    if not metric.from_learning or not set(ref.metric.split("_")[-1:]) <= LEARNED:
        return outcome
    values = {
        name: value
        for name in table.setup.variants
        if (value := table.value(MetricRef(name, ref.metric, ref.condition), table.seeds[0])) is not None
    }
    if not set(values) - set(cast.proposed):
        return outcome
    lacking = [abs(limit.value - value) for value in values.values()]
    missed = all((value < limit.value) == (values[ref.variant] < limit.value) for value in values.values())
    if not missed or max(lacking) - min(lacking) > ALIKE * min(lacking):
        return outcome
    shown = ", ".join(f"{name} {show(value, outcome.unit)}" for name, value in values.items())
    reason = f"the test cannot tell: every variant misses {outcome.target} alike ({shown})"
    return outcome.model_copy(update={"decision": "set_aside", "reason": reason, "look": None, "more_seeds": None})


def _together(one: Criterion, outcomes: list[CriterionOutcome]) -> CriterionOutcome:
    """Of a criterion that names no condition, and was measured under several: the decision where they agree.

    Conditions that say nothing (a tie, set aside) leave it to the others. Where two contradict each other the
    criterion is undecided: which of them was meant is the author's to say.
    """
    text = " | ".join(outcome.canonical for outcome in outcomes)
    if len(outcomes) == 1:
        return outcomes[0]
    said = [outcome for outcome in outcomes if outcome.decision in {"holds", "fails"}]
    each = ", ".join(
        f"{outcome.decision.replace('_', ' ')} at {_condition(formula)}"
        + (f" ({_note(outcome)})" if outcome.decision in {"undecided", "set_aside"} else "")
        for formula, outcome in zip(one.formulas, outcomes, strict=True)
    )
    if len({outcome.decision for outcome in said}) == 1:
        closest = min(said, key=lambda outcome: abs(outcome.margin or 0.0))
        return closest.model_copy(update={"canonical": text, "reason": each})
    base = outcomes[0]
    reason = f"{each}; the criterion does not say which is meant" if said else each
    decision = "undecided" if said or base.decision == "undecided" else base.decision
    return base.model_copy(
        update={
            "canonical": text, "decision": decision, "reason": reason, "achieved": None, "low": None, "high": None,
            "margin": None, "look": None, "more_seeds": None,
        }
    )  # fmt: skip


def _note(outcome: CriterionOutcome) -> str:
    return next((seed.note for seed in outcome.seeds if seed.note), outcome.reason)


def _condition(formula: Formula) -> str:
    return ", ".join(f"{name}={value}" for name, value in formula.condition) or "no condition"


def _contradiction(one: Criterion, outcome: CriterionOutcome) -> str:
    """The mark against the numbers; a mixed mark and an undecided criterion contradict nothing."""
    if outcome.decision not in {"holds", "fails"} or one.statement.mark not in {"pass", "fail"}:
        return ""
    feared = one.casting.role in {"kill", "pause", "debug"}
    ours = "pass" if (outcome.decision == "holds") != feared else "fail"
    if ours == one.statement.mark:
        return ""
    shown = f"{show(outcome.achieved, outcome.unit)} for {outcome.target}"
    return f"marked as {one.statement.mark}, but its own numbers say {ours}: {shown}"
