"""What follows from the setup on paper: parameters, state memory and FLOPs are known before anything is trained.

`figures_on_paper(setup)` computes them, `decide_on_paper(registration)` gives the verdict where they settle it
whatever training would show, and `folded` puts them into a criterion so that what is left of it can be looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from models.arithmetic import figures_of, why_not
from proposals.judging.judge import judge
from proposals.judging.measurements import Measurement
from proposals.judging.outcomes import CriterionOutcome, Judgement
from proposals.judging.show import show
from proposals.language.expressions import (
    And,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    Event,
    MetricRef,
    Negative,
    Not,
    Number,
    Or,
    Value,
    metrics_in,
)
from proposals.spec import AnySetup, Registration, StudySetup

Known = Mapping[tuple[str, str], float]
"""Figures by variant and metric."""

COMPUTED = ("parameters", "state_memory", "flops")


def figures_on_paper(setup: AnySetup) -> tuple[Measurement, ...]:
    """Of every variant whose mixer has arithmetic; source "analytic", no seed. The others are left out."""
    found: list[Measurement] = []
    if isinstance(setup, StudySetup):
        return ()
    for name, variant in setup.variants.items():
        figures = figures_of(variant.mixer, setup.backbone, setup.synthetic, setup.evaluations)
        if figures is not None:
            found += [
                Measurement(variant=name, metric=metric, value=float(getattr(figures, metric)), source="analytic")
                for metric in COMPUTED
            ]
    return tuple(found)


def with_figures(setup: AnySetup, measurements: Sequence[Measurement]) -> list[Measurement]:
    """The measurements, and the computed figures that the runs did not report themselves."""
    reported = {(one.variant, one.metric) for one in measurements}
    computed = [one for one in figures_on_paper(setup) if (one.variant, one.metric) not in reported]
    return [*measurements, *computed]


def decide_on_paper(registration: Registration) -> Judgement | None:
    """The verdict that no training can change, as `judge` gives it for the figures alone; None where training is
    needed.

    A kill that holds by arithmetic, or a target or guard that fails by it, ends the idea (rules 1 and 2), and nothing
    that is measured later comes before them. Anything else is final only where nothing is left to measure.
    """
    judgement = judge(registration, figures_on_paper(registration.setup))
    if judgement.rule in (1, 2) or all(one.decision in ("holds", "fails") for one in judgement.outcomes):
        return judgement
    return None


# -- one criterion -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paper:
    """Figures of a setup, and why there are none of some variants."""

    known: Known
    missing: Mapping[str, str]
    setup: AnySetup

    def analytic(self, tree: Condition) -> bool:
        """Is it about nothing but what is computed?"""
        refs = metrics_in(tree)
        return bool(refs) and all(self.setup.vocabulary[ref.metric].source == "analytic" for ref in refs)

    def why_not(self, tree: Condition) -> str:
        """Why an analytic criterion cannot be computed here; empty where it can."""
        for ref in metrics_in(tree):
            if ref.metric not in COMPUTED:
                return f"`{ref.metric}` is an analytic metric of the proposal's own"
            if ref.condition:
                return "figures are those of the setup, and not of another condition"
            if (ref.variant, ref.metric) not in self.known:
                return f"`{ref.variant}`: {self.missing[ref.variant]}"
        return ""

    def sizes(self, tree: Condition) -> str:
        """ "ours.state_memory 34.8 KB, base.state_memory 4.35 KB"."""
        return ", ".join(
            f"{ref.variant}.{ref.metric} {show(self.known[key], self.setup.vocabulary[ref.metric].unit)}"
            for ref in metrics_in(tree)
            if not ref.condition and (key := (ref.variant, ref.metric)) in self.known
        )


def paper_of(setup: AnySetup) -> Paper:
    known = {
        (figure.variant, figure.metric): figure.value for figure in figures_on_paper(setup) if figure.value is not None
    }
    if isinstance(setup, StudySetup):
        return Paper(known, dict.fromkeys(setup.variants, "a study counts for itself"), setup)
    missing = {
        name: why_not(variant.mixer, setup.backbone, setup.synthetic, setup.evaluations)
        for name, variant in setup.variants.items()
    }
    return Paper(known, missing, setup)


def described(outcome: CriterionOutcome) -> str:
    """ "0.5x for < 0.2x": what was computed, and what was asked for. Empty where it has several parts."""
    if outcome.achieved is None or outcome.unit in ("event", "share"):
        return ""
    return f"{show(outcome.achieved, outcome.unit)} for {outcome.target}"


def folded(condition: Condition, known: Known) -> Condition:
    """The criterion with every figure that is known in its place."""
    match condition:
        case Comparison(operands, operators):
            return Comparison(tuple(_value(operand, known) for operand in operands), operators)
        case And(items):
            return And(tuple(folded(item, known) for item in items))
        case Or(items):
            return Or(tuple(folded(item, known) for item in items))
        case Not(item):
            return Not(folded(item, known))
        case Event():
            return condition


def _value(value: Value, known: Known) -> Value:
    match value:
        case MetricRef(variant, metric, ()) if (variant, metric) in known:
            return Number(known[variant, metric])
        case Negative(operand):
            return Negative(_value(operand, known))
        case Arithmetic(_, left, right):
            return replace(value, left=_value(left, known), right=_value(right, known))
        case Call(_, arguments):
            return replace(value, arguments=tuple(_value(argument, known) for argument in arguments))
        case _:
            return value
