"""What an import did, as plain data for the command line and for `--json`: what was read, what was only kept, what
was not understood, and the verdict as written beside ours."""

from collections import Counter

from proposals.history.document import Document, Experiment
from proposals.history.rederive import Criterion
from proposals.judging.outcomes import Plain
from proposals.judging.show import show


class CriterionReport(Plain):
    """One line of the table of criteria. marked: as its author ticked it; decision: ours, None where not read."""

    id: str
    role: str
    role_because: str
    text: str
    line: int
    canonical: str | None
    marked: str
    decision: str | None
    achieved: str
    target: str
    counts: bool
    """Does it take part in the verdict?"""
    reason: str
    contradiction: str


class ExperimentReport(Plain):
    number: str
    title: str
    proposal: str
    line: int
    date: str
    status: str
    dollars: float | None
    device: str
    ids: tuple[str, ...]
    """Modal apps and W&B pages."""
    proposed: tuple[str, ...]
    proposed_because: str
    measurements: int
    criteria: tuple[CriterionReport, ...]
    written: str
    """The decision as its author wrote it, its first line."""
    written_verdict: str | None
    verdict: str | None
    rule: int | None
    reasons: tuple[str, ...]
    caveats: tuple[str, ...]
    agrees: bool | None
    """None where one of the two verdicts is missing."""


class DocumentReport(Plain):
    file: str
    shape: str
    title: str
    sha256: str
    kept: dict[str, int]
    """Blocks kept verbatim, by kind."""
    repaired_lines: tuple[int, ...]
    experiments: tuple[ExperimentReport, ...]
    ideas: tuple[str, ...]
    not_understood: tuple[str, ...]
    """With file:line."""
    new: bool | None = None
    """Did the catalog not have it yet? None where it was not asked."""


def tell(document: Document, new: bool | None = None) -> DocumentReport:
    file = document.source.file
    problems = [*document.problems, *(one for own in document.experiments for one in own.problems)]
    unread = [
        f"{file}:{one.statement.line}: {one.statement.subject!r} has no formula: {one.reason}"
        for own in document.experiments
        for one in own.criteria
        if one.canonical is None
    ]
    return DocumentReport(
        file=file,
        shape=document.shape,
        title=document.title,
        sha256=document.source.sha256,
        kept=dict(Counter(block.kind for block in document.blocks)),
        repaired_lines=tuple(repair.line for repair in document.repairs),
        experiments=tuple(_experiment(one) for one in document.experiments),
        ideas=tuple(f"{one.number} {one.title}".strip() for one in document.ideas),
        not_understood=(*map(str, problems), *unread),
        new=new,
    )


def _experiment(one: Experiment) -> ExperimentReport:
    part, judgement = one.part, one.judgement
    ours = judgement.verdict if judgement else None
    return ExperimentReport(
        number=part.number,
        title=part.title,
        proposal=part.proposal,
        line=part.line,
        date=part.date,
        status=part.status,
        dollars=part.dollars,
        device=part.device,
        ids=tuple(line.text for line in part.ids()),
        proposed=one.cast.proposed,
        proposed_because=one.cast.why,
        measurements=len(one.measurements),
        criteria=tuple(_criterion(criterion) for criterion in one.criteria),
        written=part.decision.text.split("\n")[0] if part.decision else "",
        written_verdict=part.verdict,
        verdict=ours,
        rule=judgement.rule if judgement else None,
        reasons=judgement.reasons if judgement else (one.why_none,),
        caveats=judgement.caveats if judgement else (),
        agrees=None if ours is None or part.verdict is None else ours == part.verdict,
    )


def _criterion(one: Criterion) -> CriterionReport:
    outcome = one.outcome
    return CriterionReport(
        id=one.id,
        role=one.casting.role,
        role_because=one.casting.doubt or one.casting.why,
        text=one.statement.text,
        line=one.statement.line,
        canonical=one.canonical,
        marked=one.statement.mark,
        decision=outcome.decision if outcome else None,
        achieved=show(outcome.achieved, outcome.unit) if outcome else one.statement.achieved,
        target=outcome.target if outcome else one.statement.target,
        counts=one.judged,
        reason=outcome.reason if outcome else one.reason,
        contradiction=one.contradiction,
    )
