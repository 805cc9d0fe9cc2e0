"""What can be known before anything runs: `check` a document, `freeze` a proposal into a registration.

ranges.py, linear.py, regions.py   can a criterion come out both ways, and on which values of what it is about
overlaps.py                        success and failure criteria side by side: where both hold, or neither
reach.py, rates.py                 what the seeds can decide, and what the estimate costs
paper.py                           what arithmetic decides: `decide_on_paper` gives a verdict for nothing
amendments.py                      what an edit changed of what was registered
rules.py                           all of it as refusals and notes; docs/checks.md explains each

A refusal is final until the document changes, a note is a doubt. A proposal that arithmetic decides is fine: it is
not refused, it has its verdict.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from proposals.checks import rules
from proposals.checks.amendments import Amendment, amendments
from proposals.checks.freezing import freeze
from proposals.checks.paper import decide_on_paper, figures_on_paper, with_figures
from proposals.checks.rates import Estimate
from proposals.checks.reach import Look, describe
from proposals.errors import Problem, UnreadableError
from proposals.judging.outcomes import CriterionOutcome, VerdictName
from proposals.reading import Reading, clashes, list_proposals, number_of, read_as_far_as_it_goes, stem_of
from proposals.spec import Criterion, Registration

__all__ = [
    "Amendment",
    "CheckReport",
    "Estimate",
    "Look",
    "PaperVerdict",
    "amendments",
    "check",
    "check_folder",
    "decide_on_paper",
    "figures_on_paper",
    "freeze",
    "with_figures",
]


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PaperVerdict(Plain):
    """A verdict that needs no training. `rule`: of the policy."""

    name: VerdictName
    rule: int
    reasons: tuple[str, ...]


class CheckReport(Plain):
    """`exit_code`: 0 fine, 1 refused, 2 could not be checked. Notes are doubts that refuse nothing.

    looks: what the seeds can decide; estimate: minutes x rate against the cap; on_paper: criteria that arithmetic
    decides; verdict: where they settle the proposal; amended: what differs from an earlier registration.
    """

    file: str
    stem: str
    exit_code: Literal[0, 1, 2]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    criteria: tuple[Criterion, ...]
    looks: tuple[Look, ...] = ()
    estimate: Estimate | None = None
    on_paper: tuple[CriterionOutcome, ...] = ()
    verdict: PaperVerdict | None = None
    amended: tuple[Amendment, ...] = ()
    facts: tuple[str, ...] = ()
    """Lines for people: what the seeds reach, and the sum of the estimate."""


def check(path: Path, registered: Registration | None = None, results_seen: bool = False) -> CheckReport:
    """Everything that is wrong with the document and everything that is doubtful, each with its place.

    registered: what was frozen of this proposal before, if it was, and whether any run of it had shown a result; what
    an edit since then changed is listed too.
    """
    return _check(path, clashes(path), registered, results_seen)


def check_folder(folder: Path) -> Iterator[CheckReport]:
    """Every proposal of the folder, in order of their names. The folder is listed once, and not once for each."""
    paths = list_proposals(folder)
    bearing = Counter(number_of(stem_of(path)) for path in paths)
    for path in paths:
        yield _check(path, clashes(path) if bearing[number_of(stem_of(path))] > 1 else ())


def _check(
    path: Path, clashing: tuple[Problem, ...], registered: Registration | None = None, results_seen: bool = False
) -> CheckReport:
    try:
        reading = read_as_far_as_it_goes(path)
    except UnreadableError as fault:
        return CheckReport(
            file=str(path), stem=stem_of(path), exit_code=2, problems=fault.problems, notes=(), criteria=()
        )
    findings = rules.findings_of(reading)
    wrong = (*rules.problems(reading, findings), *clashing)
    problems = (*reading.problems, *rules.without_reading(reading), *wrong)
    proposal = reading.proposal
    report = CheckReport(
        file=proposal.file,
        stem=proposal.stem,
        exit_code=_exit_code(reading, bool(problems), bool(wrong)),
        problems=tuple(sorted(problems, key=_place)),
        notes=tuple(sorted(reading.notes, key=_place)),
        criteria=proposal.criteria,
    )
    if findings is None:
        return report
    frozen = _frozen(reading)
    verdict = None if frozen is None or not findings.on_paper else _verdict(frozen)
    amended = () if frozen is None or registered is None else amendments(registered, frozen, results_seen)
    notes = [*reading.notes, *rules.notes(findings), *_of_verdict(report, verdict), *_of_amendments(reading, amended)]
    return report.model_copy(
        update={
            "notes": tuple(sorted(notes, key=_place)),
            "looks": findings.looks,
            "estimate": findings.estimate,
            "on_paper": findings.on_paper,
            "verdict": verdict,
            "amended": amended,
            "facts": (describe(findings.looks, findings.setup.error), str(findings.estimate)),
        }
    )


def _exit_code(reading: Reading, problems: bool, wrong: bool) -> Literal[0, 1, 2]:
    """A document that never heard of our format, and of which nothing is wrong, could not be checked."""
    if not problems:
        return 0
    only_missing = reading.old_style and not wrong and set(reading.problems) <= set(reading.missing)
    return 2 if only_missing else 1


def _place(problem: Problem) -> tuple[int, int]:
    return problem.line or 0, problem.column or 0


def _frozen(reading: Reading) -> Registration | None:
    """What would be registered; None where there is no setup or a criterion has no reading."""
    proposal = reading.proposal
    if proposal.setup is None or any(criterion.binding is None for criterion in proposal.criteria):
        return None
    return freeze(proposal)


def _verdict(registration: Registration) -> PaperVerdict | None:
    judgement = decide_on_paper(registration)
    if judgement is None:
        return None
    return PaperVerdict(name=judgement.verdict, rule=judgement.rule, reasons=judgement.reasons)


def _of_verdict(report: CheckReport, verdict: PaperVerdict | None) -> list[Problem]:
    if verdict is None:
        return []
    how = "decided without training, for $0.00" if report.exit_code == 0 else "arithmetic alone would decide"
    message = f"{how}: {verdict.name} (rule {verdict.rule}): {'; '.join(verdict.reasons)}"
    return [Problem(message, "Change the setup or the bound if this is not the question", report.file)]


def _of_amendments(reading: Reading, amended: tuple[Amendment, ...]) -> list[Problem]:
    lines = {criterion.id: criterion.line for criterion in reading.proposal.criteria}
    found = []
    for one in amended:
        room, _, rest = one.field.partition(".")
        key = rest.split(".")[0]
        line = lines.get(key) if room == "criteria" else reading.setup_lines.get(key)
        remedy = "It becomes a registration of its own, and the change is shown beside its verdict"
        found.append(Problem(f"amends what was registered: {one}", remedy, reading.proposal.file, line))
    return found
