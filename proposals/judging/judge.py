"""From a registration and measurements to a verdict, as one pure function."""

from collections.abc import Mapping, Sequence

from proposals.judging.aside import set_aside, weigh
from proposals.judging.estimate import estimate
from proposals.judging.measurements import Measurement
from proposals.judging.outcomes import Judgement
from proposals.judging.policy import Facts, decide
from proposals.judging.table import tabulate
from proposals.language import Names, read
from proposals.language.expressions import Condition
from proposals.spec import AnySetup, Registration


def judge(registration: Registration, measurements: Sequence[Measurement]) -> Judgement:
    """The verdict, and an outcome for every criterion of the registration. The order of the measurements is
    nothing.

    Raises ValueError where they name an unknown variant or metric, or give one value twice.
    """
    names = names_of(registration.setup)
    trees = {criterion.id: read(criterion.canonical, names) for criterion in registration.criteria}
    return judge_trees(registration, trees, measurements)


def names_of(setup: AnySetup) -> Names:
    """What a canonical text may name: no aliases, they are resolved."""
    return Names(variants=tuple(setup.variants), proposed=setup.proposed, metrics=setup.vocabulary)


def judge_trees(
    registration: Registration, trees: Mapping[str, Condition], measurements: Sequence[Measurement]
) -> Judgement:
    """`judge` with the criteria already read; `trees` by the criterion's id."""
    table = tabulate(registration.setup, measurements)
    evidence = weigh(table)
    alone = [estimate(criterion, trees[criterion.id], table) for criterion in registration.criteria]
    # whether the test can tell is asked of the sanity criteria first, and then of all the others
    sanity = [
        (kept, trees[one.id])
        for one in alone
        if one.role == "sanity" and (kept := set_aside(one, trees[one.id], table, evidence, ())).decision == "fails"
    ]
    outcomes = [set_aside(one, trees[one.id], table, evidence, sanity) for one in alone]
    facts = Facts(
        seeds=len(table.seeds),
        looks=registration.setup.seeds,
        error=registration.setup.error,
        fidelity=registration.fidelity,
        diverged=evidence.diverged,
        theoretical=table.theoretical(),
    )
    return decide(outcomes, facts)
