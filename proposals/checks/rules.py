"""What can be said of a proposal before anything is trained. Each rule yields problems (refusals) or notes.

A rule is a function of what was read. Those about criteria that follow from arithmetic (parameters, state
memory, FLOPs) belong here too.
"""

from collections.abc import Iterator
from math import ceil

from proposals.checks.ranges import outlook
from proposals.checks.rates import RATES, RATES_OF, estimated_dollars
from proposals.errors import Problem
from proposals.judging.looks import boundaries
from proposals.language import read
from proposals.language.expressions import (
    And,
    Arithmetic,
    Call,
    Comparison,
    Condition,
    MetricRef,
    Negative,
    Not,
    Number,
    Or,
    Value,
    metrics_in,
)
from proposals.language.names import suggestion
from proposals.reading import Reading, names_of
from proposals.reading.criteria import NO_CODE_SPAN
from proposals.spec import Criterion, Setup


def problems(reading: Reading) -> Iterator[Problem]:
    """Why the proposal is refused, beyond what reading it found."""
    proposal = reading.proposal
    yield from _without_reading(reading)
    if proposal.criteria and not any(criterion.role == "target" for criterion in proposal.criteria):
        yield Problem(
            "no criterion is a target, so nothing would settle the idea",
            "Add a success criterion that reads a proposed variant",
            proposal.file,
        )
    if proposal.setup is None:
        return
    for criterion, tree in _trees(reading):
        yield from _one_way_only(criterion, tree, proposal.setup)
    yield from _seeds_cannot_reach(reading, proposal.setup)
    yield from _estimate_over_cap(reading, proposal.setup)


def notes(reading: Reading) -> Iterator[Problem]:
    """What is doubtful, and no reason to refuse."""
    proposal, setup = reading.proposal, reading.proposal.setup
    if setup is None:
        return
    trees = list(_trees(reading))
    if not any(criterion.role == "sanity" for criterion in proposal.criteria):
        yield Problem(
            "no criterion is a sanity check, so a test that nothing can pass would not be noticed",
            "Add one such as *sanity*: `softmax.test_accuracy > 90%`",
            proposal.file,
        )
    for criterion, tree in trees:
        if any(_without_margin(comparison) for comparison in _comparisons(tree)):
            yield Problem(
                f"{criterion.id} compares variants without a margin, so a hair's breadth decides it",
                "Say by how much, such as `a.test_accuracy - b.test_accuracy > 2 pp`",
                criterion.file,
                criterion.line,
            )
    yield from _unread_variants(reading, setup, [tree for _, tree in trees])
    gpu = setup.compute.gpu
    if gpu is not None and gpu not in RATES:
        remedy = suggestion(gpu, RATES, "GPUs")
        yield Problem(
            f"the rate of `{gpu}` is not known, so the cost is not checked", remedy, proposal.file,
            reading.setup_lines.get("compute"),
        )  # fmt: skip
    for look, needed in list(zip(setup.seeds, boundaries(setup.seeds, setup.error), strict=True))[1:]:
        if needed is None:
            yield Problem(
                f"the look at {look} seeds can decide nothing: earlier looks used up the error",
                "Leave it out, or look later",
                proposal.file,
                reading.setup_lines.get("seeds"),
            )


def _trees(reading: Reading) -> Iterator[tuple[Criterion, Condition]]:
    if reading.proposal.setup is None:
        return
    names = names_of(reading.proposal.setup)
    for criterion in reading.proposal.criteria:
        if criterion.canonical is not None:
            yield criterion, read(criterion.canonical, names)


# -- refusals ----------------------------------------------------------------------------------------------


def _without_reading(reading: Reading) -> Iterator[Problem]:
    for criterion in reading.proposal.criteria:
        if criterion.reason == NO_CODE_SPAN:
            yield Problem(
                f"{criterion.id} cannot be decided: {criterion.reason}",
                "Say it in a code span such as `variant.test_accuracy > 80%`",
                criterion.file,
                criterion.line,
            )


def _one_way_only(criterion: Criterion, tree: Condition, setup: Setup) -> Iterator[Problem]:
    comes_out = outlook(tree, setup.vocabulary)
    if comes_out != "either":
        says = "always holds" if comes_out == "always" else "can never hold"
        yield Problem(
            f"{criterion.id} {says}, whatever is trained: `{criterion.canonical}`",
            "Choose a bound that the result could meet and could miss",
            criterion.file,
            criterion.line,
        )


def _seeds_cannot_reach(reading: Reading, setup: Setup) -> Iterator[Problem]:
    first = setup.seeds[0]
    if boundaries(setup.seeds, setup.error)[0] is not None:
        return
    enough = fewest_seeds(setup.error)
    yield Problem(
        f"the first look can decide nothing: {first} of {first} seeds agree by chance in "
        f"{_percent(0.5**first)} of cases, and the error is {_percent(setup.error)}",
        f"Begin with {enough} seeds, which reach {_percent(0.5**enough)}",
        reading.proposal.file,
        reading.setup_lines.get("seeds"),
    )


def fewest_seeds(error: float) -> int:
    """The smallest n for which n of n seeds agree by chance no more often than `error`."""
    seeds = 1
    while 0.5**seeds > error:
        seeds += 1
    return seeds


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.3g} %"


def _estimate_over_cap(reading: Reading, setup: Setup) -> Iterator[Problem]:
    compute = setup.compute
    estimate = estimated_dollars(compute.gpu, compute.minutes)
    if estimate is None or estimate <= compute.dollars:
        return
    dollars = ceil(estimate * 100) / 100
    minutes = 60 * compute.dollars / RATES[compute.gpu or ""]
    yield Problem(
        f"{compute.minutes:g} minutes on a {compute.gpu} cost about ${dollars:.2f} (rates of {RATES_OF}), "
        f"and the cap is ${compute.dollars:.2f}",
        f"Raise `dollars` to {dollars:.2f}, or lower `minutes` to {minutes:.3g}",
        reading.proposal.file,
        reading.setup_lines.get("compute"),
    )


# -- notes -------------------------------------------------------------------------------------------------


def _comparisons(tree: Condition) -> Iterator[Comparison]:
    match tree:
        case Comparison():
            yield tree
        case And(items) | Or(items):
            for item in items:
                yield from _comparisons(item)
        case Not(item):
            yield from _comparisons(item)


def _without_margin(comparison: Comparison) -> bool:
    variants = {ref.variant for ref in metrics_in(comparison)}
    return len(variants) > 1 and all(_bare(operand) for operand in comparison.operands)


def _bare(value: Value) -> bool:
    match value:
        case MetricRef():
            return True
        case Number(number):
            return number == 0  # `a - b > 0` has no margin either
        case Negative(operand):
            return _bare(operand)
        case Call(_, arguments):
            return all(_bare(argument) for argument in arguments)
        case Arithmetic(operator, left, right):
            return operator == "-" and _bare(left) and _bare(right)


def _unread_variants(reading: Reading, setup: Setup, trees: list[Condition]) -> Iterator[Problem]:
    read_by_some = {ref.variant for tree in trees for ref in metrics_in(tree)}
    unread = [name for name in setup.variants if name not in read_by_some]
    if unread and trees:
        listed = ", ".join(f"`{name}`" for name in unread)
        yield Problem(
            f"no criterion reads {listed}, so its training decides nothing",
            "Keep it for the record, or leave it out",
            reading.proposal.file,
            reading.setup_lines.get("variants"),
        )
