"""What can be said of a proposal before anything is trained. Each rule yields problems (refusals) or notes.

A rule is a function of what was read and of what follows from it, see `Findings`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from proposals.checks.margins import without_margin
from proposals.checks.overlaps import Landscape, contradictions
from proposals.checks.overlaps import notes as overlaps
from proposals.checks.paper import Paper, described, folded, paper_of
from proposals.checks.ranges import outlook
from proposals.checks.rates import RATES, Estimate, cents_up, estimate_of
from proposals.checks.reach import Look, fewest_seeds, looks_of, percent
from proposals.errors import Problem
from proposals.judging.estimate import estimate
from proposals.judging.evaluate import say
from proposals.judging.measurements import Measurement
from proposals.judging.outcomes import CriterionOutcome
from proposals.judging.table import tabulate
from proposals.language import read
from proposals.language.expressions import Condition, MetricRef, metrics_in
from proposals.language.names import suggestion
from proposals.reading import Reading, names_of
from proposals.spec import AnySetup, Criterion, FrozenCriterion, StudySetup

UNDER_CONDITIONS = ("test_accuracy", "test_loss")
"""Metrics that are measured again for each evaluation."""


@dataclass(frozen=True)
class Findings:
    """A proposal whose setup was read, its criteria as trees, and what follows from both."""

    reading: Reading
    setup: AnySetup
    trees: tuple[tuple[Criterion, Condition], ...]
    paper: Paper
    land: Landscape
    looks: tuple[Look, ...]
    estimate: Estimate
    on_paper: tuple[CriterionOutcome, ...]
    """Criteria that arithmetic decides."""


def findings_of(reading: Reading) -> Findings | None:
    """None without a setup: then names mean nothing."""
    setup = reading.proposal.setup
    if setup is None:
        return None
    names = names_of(setup)
    trees = tuple((one, read(one.binding, names)) for one in reading.proposal.criteria if one.binding is not None)
    paper = paper_of(setup)
    return Findings(
        reading, setup, trees, paper, Landscape(trees, setup), looks_of(setup), estimate_of(setup.compute),
        tuple(_on_paper(trees, paper)),
    )  # fmt: skip


def _on_paper(trees: tuple[tuple[Criterion, Condition], ...], paper: Paper) -> Iterator[CriterionOutcome]:
    figures = [
        Measurement(variant=variant, metric=metric, value=value, source="analytic")
        for (variant, metric), value in paper.known.items()
    ]
    table = tabulate(paper.setup, figures)
    for criterion, tree in trees:
        if paper.analytic(tree) and not paper.why_not(tree):
            frozen = FrozenCriterion.model_validate(criterion.model_dump(include=set(FrozenCriterion.model_fields)))
            yield estimate(frozen, tree, table)


def problems(reading: Reading, findings: Findings | None) -> Iterator[Problem]:
    """Why the proposal is refused, beyond what reading it found."""
    proposal = reading.proposal
    settles = reading.old_style or any(criterion.role == "target" for criterion in proposal.criteria)
    if proposal.criteria and not settles:
        yield Problem(
            "no criterion is a target, so nothing would settle the idea",
            "Add a success criterion that reads a proposed variant",
            proposal.file,
        )
    if findings is None:
        return
    for criterion, tree in findings.trees:
        yield from _one_way_only(criterion, tree, findings)
        yield from _not_measured(criterion, tree, findings)
    yield from contradictions(findings.land)
    yield from _seeds_cannot_reach(findings)
    yield from _estimate_over_cap(findings)


def notes(findings: Findings) -> Iterator[Problem]:
    """What is doubtful, and no reason to refuse."""
    yield from _no_sanity(findings)
    for criterion, tree in findings.trees:
        if without_margin(tree):
            yield _about(
                criterion,
                f"{criterion.id} compares variants without a margin, so a hair's breadth decides it",
                "Say by how much, such as `a.test_accuracy - b.test_accuracy > 2 pp`",
            )
    yield from overlaps(findings.land)
    yield from _decided_on_paper(findings)
    yield from _unread_variants(findings)
    yield from _unknown_rate(findings)
    for look in findings.looks[1:]:
        if look.needed is None:
            message = f"the look at {look.seeds} seeds can decide nothing: earlier looks used up the error"
            yield _at(findings, "seeds", message, "Leave it out, or look later")


def _about(criterion: Criterion, message: str, remedy: str) -> Problem:
    return Problem(message, remedy, criterion.file, criterion.line)


def _at(findings: Findings, key: str, message: str, remedy: str) -> Problem:
    """About a key of the setup block."""
    return Problem(message, remedy, findings.reading.proposal.file, findings.reading.setup_lines.get(key))


# -- refusals ----------------------------------------------------------------------------------------------


def without_reading(reading: Reading) -> Iterator[Problem]:
    """A criterion without a formal reading, unless the reader complained of it already."""
    complained = sorted(problem.line for problem in reading.problems if problem.line is not None)
    criteria = reading.proposal.criteria
    lines = sorted({criterion.line for criterion in criteria})
    for criterion in criteria:
        if criterion.formal is not None:
            continue
        after = bisect_right(lines, criterion.line)
        end = lines[after] if after < len(lines) else criterion.line + 1
        if bisect_left(complained, end) > bisect_left(complained, criterion.line):
            continue
        message = f"{criterion.id} cannot be decided: {criterion.reason}"
        remedy = "Say it in a code span such as `variant.test_accuracy > 80%`"
        if criterion.suggested is not None:
            message = f"{criterion.id} is not said formally, and a suggestion decides nothing"
            remedy = f"If it means `{criterion.suggested}`, `mve formalize` writes that into the file"
        yield _about(criterion, message, remedy)


def _one_way_only(criterion: Criterion, tree: Condition, findings: Findings) -> Iterator[Problem]:
    comes_out = outlook(tree, findings.setup.vocabulary)
    because = "whatever is trained"
    if comes_out == "either" and not findings.paper.analytic(tree):
        comes_out = outlook(folded(tree, findings.paper.known), findings.setup.vocabulary)
        because = f"with what follows from the setup: {findings.paper.sizes(tree)}"
    if comes_out != "either":
        says = "always holds" if comes_out == "always" else "can never hold"
        yield _about(
            criterion,
            f"{criterion.id} {says}, {because}: `{criterion.canonical}`",
            "Choose a bound that the result could meet and could miss",
        )


def _not_measured(criterion: Criterion, tree: Condition, findings: Findings) -> Iterator[Problem]:
    """A condition under which nothing is measured. Metrics of the proposal's own come from elsewhere."""
    setup = findings.setup
    for ref in metrics_in(tree):
        if ref.metric in setup.metrics or ref.metric == "cost":
            continue
        if isinstance(setup, StudySetup):
            given = [tuple(sorted(condition.items())) for condition in setup.study.reports()[ref.metric]]
            if ref.condition not in given:
                message = f"{criterion.id} reads {say(ref)}, which this study does not report"
                listed = ", ".join(f"`{say(MetricRef(ref.variant, ref.metric, condition))}`" for condition in given)
                yield _about(criterion, message, f"It reports {listed}")
            continue
        if not ref.condition:
            continue
        if ref.metric not in UNDER_CONDITIONS:
            message = f"{criterion.id} reads {say(ref)}, and only {', '.join(UNDER_CONDITIONS)} have conditions"
            yield _about(criterion, message, "Leave the condition out, or read another metric")
        elif ref.condition not in [tuple(sorted(condition.items())) for condition in setup.evaluations]:
            wanted = ", ".join(f"{name}: {value}" for name, value in ref.condition)
            message = f"{criterion.id} reads {say(ref)}, which is not measured"
            yield _about(criterion, message, f"Add `{{{wanted}}}` to `evaluations` in the setup")


def _seeds_cannot_reach(findings: Findings) -> Iterator[Problem]:
    first, error = findings.looks[0], findings.setup.error
    if first.needed is not None:
        return
    enough = fewest_seeds(error)
    yield _at(
        findings,
        "seeds",
        f"the first look can decide nothing: {first.seeds} of {first.seeds} seeds agree by chance in "
        f"{percent(0.5**first.seeds)} of cases, and the error is {percent(error)}",
        f"Begin with {enough} seeds, which reach {percent(0.5**enough)}",
    )


def _estimate_over_cap(findings: Findings) -> Iterator[Problem]:
    estimate = findings.estimate
    if estimate.fits or estimate.dollars is None or estimate.dollars_per_hour is None:
        return
    minutes = 60 * estimate.cap / estimate.dollars_per_hour
    yield _at(
        findings,
        "compute",
        f"the estimate exceeds the cap: {estimate.sum}, and the cap is ${estimate.cap:.2f}",
        f"Raise `dollars` to {cents_up(estimate.dollars):.2f}, or lower `minutes` to {minutes:.3g}",
    )


# -- notes -------------------------------------------------------------------------------------------------


def _no_sanity(findings: Findings) -> Iterator[Problem]:
    if not any(criterion.role == "sanity" for criterion in findings.reading.proposal.criteria):
        yield Problem(
            "no criterion is a sanity check, so a test that nothing can pass would not be noticed",
            "Add one such as *sanity*: `softmax.test_accuracy > 90%`",
            findings.reading.proposal.file,
        )


def _decided_on_paper(findings: Findings) -> Iterator[Problem]:
    """Criteria about parameters, state memory and FLOPs: decided here, or why they cannot be."""
    decided = {outcome.id: outcome for outcome in findings.on_paper}
    for criterion, tree in findings.trees:
        if criterion.id in decided:
            outcome = decided[criterion.id]
            found = " ".join(filter(None, [described(outcome), f"({findings.paper.sizes(tree)})"]))
            code = any(ref.metric == "flops" for ref in metrics_in(tree))
            how = "; FLOPs are those of the code that trains, which forms all pairs of positions" if code else ""
            yield _about(
                criterion,
                f"{criterion.id} ({criterion.role}) {outcome.decision} on paper: {found}{how}",
                "No training can change it, only another bound or another setup",
            )
        elif findings.paper.analytic(tree):
            yield _about(
                criterion,
                f"{criterion.id} follows from arithmetic, and cannot be computed here: {findings.paper.why_not(tree)}",
                "It is decided by what the run reports",
            )


def _unread_variants(findings: Findings) -> Iterator[Problem]:
    read_by_some = {ref.variant for _, tree in findings.trees for ref in metrics_in(tree)}
    unread = [name for name in findings.setup.variants if name not in read_by_some]
    if unread and findings.trees:
        listed = ", ".join(f"`{name}`" for name in unread)
        what = "measuring it" if isinstance(findings.setup, StudySetup) else "its training"
        message = f"no criterion reads {listed}, so {what} decides nothing"
        yield _at(findings, "variants", message, "Keep it for the record, or leave it out")


def _unknown_rate(findings: Findings) -> Iterator[Problem]:
    gpu = findings.setup.compute.gpu
    if gpu is not None and gpu not in RATES:
        message = f"the rate of `{gpu}` is not known, so the cost is not checked"
        yield _at(findings, "compute", message, suggestion(gpu, RATES, "GPUs"))
