"""A proposal as it is frozen: what will be judged, and nothing else of the document."""

from typing import Literal

from proposals.errors import Problem, ProposalError
from proposals.spec import FrozenCriterion, Proposal, Registration


def freeze(proposal: Proposal, fidelity: Literal["specified", "reduced", "proxy"] = "specified") -> Registration:
    """What will be judged. Raises ProposalError without a setup, or a code span that was read in each criterion."""
    if proposal.setup is None:
        raise ProposalError(
            Problem("without a setup nothing can be registered", "Add a ```yaml mve block", proposal.file)
        )
    frozen: list[FrozenCriterion] = []
    problems: list[Problem] = []
    for one in proposal.criteria:
        if one.binding is None or one.role == "failure":
            message = f"{one.id} has no canonical form: {one.reason}"
            remedy = "Say it in a code span such as `variant.test_accuracy > 80%`"
            if one.canonical is not None:
                message = f"{one.id} is not said formally, and a suggestion decides nothing"
                remedy = f"If it means `{one.suggested}`, accept that with `mve formalize`"
            problems.append(Problem(message, remedy, one.file, one.line))
        else:
            frozen.append(
                FrozenCriterion(id=one.id, section=one.section, role=one.role, text=one.text, canonical=one.binding)
            )
    if problems:
        raise ProposalError(*problems)
    return Registration(stem=proposal.stem, setup=proposal.setup, criteria=tuple(frozen), fidelity=fidelity)
