"""What can be known before anything runs: `check` a document, `freeze` a proposal into a registration."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from proposals.checks import rules
from proposals.errors import Problem, ProposalError, UnreadableError
from proposals.reading import clashes, read_as_far_as_it_goes
from proposals.spec import Criterion, FrozenCriterion, Proposal, Registration

__all__ = ["CheckReport", "check", "freeze"]


class CheckReport(BaseModel):
    """`exit_code`: 0 fine, 1 refused, 2 could not be checked. Notes are doubts that refuse nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    stem: str
    exit_code: Literal[0, 1, 2]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    criteria: tuple[Criterion, ...]


def check(path: Path) -> CheckReport:
    """Everything that is wrong with the document and everything that is doubtful, each with its place."""
    try:
        reading = read_as_far_as_it_goes(path)
    except UnreadableError as fault:
        return CheckReport(file=str(path), stem=path.stem, exit_code=2, problems=fault.problems, notes=(), criteria=())
    problems = (*reading.problems, *rules.problems(reading), *clashes(path))
    return CheckReport(
        file=reading.proposal.file,
        stem=reading.proposal.stem,
        exit_code=1 if problems else 0,
        problems=tuple(sorted(problems, key=_place)),
        notes=tuple(sorted(rules.notes(reading), key=_place)),
        criteria=reading.proposal.criteria,
    )


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line or 0, problem.column or 0


def freeze(proposal: Proposal, fidelity: Literal["specified", "reduced", "proxy"] = "specified") -> Registration:
    """What will be judged. Raises ProposalError without a setup, or a canonical form of each criterion."""
    if proposal.setup is None:
        raise ProposalError(
            Problem("without a setup nothing can be registered", "Add a ```yaml mve block", proposal.file)
        )
    frozen: list[FrozenCriterion] = []
    problems: list[Problem] = []
    for one in proposal.criteria:
        if one.canonical is None:
            message = f"{one.id} has no canonical form: {one.reason}"
            remedy = "Say it in a code span such as `variant.test_accuracy > 80%`"
            problems.append(Problem(message, remedy, one.file, one.line))
        else:
            frozen.append(
                FrozenCriterion(id=one.id, section=one.section, role=one.role, text=one.text, canonical=one.canonical)
            )
    if problems:
        raise ProposalError(*problems)
    return Registration(stem=proposal.stem, setup=proposal.setup, criteria=tuple(frozen), fidelity=fidelity)
