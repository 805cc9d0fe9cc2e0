"""Success and failure criteria on one subject: where both hold, where neither does, and what the verdict would be.

A target above 90 % and a kill below 70 % leave a no-man's-land between them; a target above 60 % and a kill below
70 % contradict each other in between. Only criteria about the same subject can be laid side by side like this.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf

from models.metrics import Metric
from proposals.checks.ranges import possible
from proposals.checks.regions import EVERYTHING, Region, both, complement, contains, is_points, region_of, sample
from proposals.errors import Problem
from proposals.judging.outcomes import CriterionOutcome, Judgement
from proposals.judging.policy import Facts, decide
from proposals.judging.show import show_limit
from proposals.judging.subject import subject_of
from proposals.language import canonical
from proposals.language.expressions import Comparison, Condition, Number, Value
from proposals.spec import AnySetup, Criterion

MANY = 12
"""More criteria than that on one subject are not compared: no proposal has them, and every pair would be named."""
MUST_HOLD = frozenset({"target", "guard"})


@dataclass(frozen=True)
class Placed:
    """A criterion that is about one subject: it holds in `region`, of what is possible at all."""

    criterion: Criterion
    subject: Value
    region: Region


class Landscape:
    """The criteria by subject. `name` and `verdict` say what lies in a part of one."""

    def __init__(self, trees: Sequence[tuple[Criterion, Condition]], setup: AnySetup) -> None:
        self.metrics: Mapping[str, Metric] = setup.vocabulary
        self.looks = setup.seeds
        self.one_of_each = {criterion.role: criterion for criterion, _ in trees}
        self.crowded: list[Placed] = []
        """The first of more criteria on a subject than are compared."""
        self.subjects: dict[Value, list[Placed]] = {}
        for criterion, tree in trees:
            found = region_of(tree, self.metrics, setup.proposed)
            if found is not None:
                subject, region = found
                placed = Placed(criterion, subject, possible(subject, region, self.metrics))
                self.subjects.setdefault(subject, []).append(placed)
        for subject in [subject for subject, group in self.subjects.items() if len(group) > MANY]:
            self.crowded.append(self.subjects.pop(subject)[0])

    def pairs(self) -> Iterator[tuple[Placed, Placed]]:
        """Each success criterion with each failure criterion on its subject."""
        for group in self.subjects.values():
            failures = [one for one in group if one.criterion.section == "failure"]
            for success in group:
                if success.criterion.section == "success":
                    for failure in failures:
                        yield success, failure

    def name(self, subject: Value, region: Region) -> str:
        """ "70 % <= a.test_accuracy <= 90 %", of each interval; a bound that is no choice is left out."""
        (ends,) = possible(subject, EVERYTHING, self.metrics)
        shown = []
        for low, high in region:
            text = canonical(subject)
            if low[0] == high[0]:
                shown.append(f"{text} = {self._limit(subject, low[0])}")
                continue
            if low[0] != -inf and low > ends[0]:
                text = f"{self._limit(subject, low[0])} {'<' if low[1] else '<='} {text}"
            if high[0] != inf and high < ends[1]:
                text = f"{text} {'<=' if high[1] else '<'} {self._limit(subject, high[0])}"
            shown.append(text)
        return ", ".join(shown)

    def _limit(self, subject: Value, value: Fraction | float) -> str:
        unit = subject_of(Comparison((subject, Number(float(value))), (">",)), self.metrics).unit
        return show_limit(float(value), unit)

    def verdict(self, subject: Value, region: Region) -> str:
        """By the policy, where the subject lies in `region` and every other criterion comes out well."""
        pieces = [region]
        for one in self.subjects[subject]:  # inside a piece, every criterion on the subject comes out one way
            pieces = [
                part for piece in pieces for part in (both(piece, one.region), both(piece, complement(one.region)))
            ]
        found = []
        for interval in (one for piece in pieces for one in possible(subject, piece, self.metrics)):
            value = sample(interval)
            judged = self._judged([(one.criterion, contains(one.region, value)) for one in self.subjects[subject]])
            text = f"{judged.verdict} (rule {judged.rule})"
            if text not in found:
                found.append(text)
        return " or ".join(found)

    def _judged(self, decided: list[tuple[Criterion, bool]]) -> Judgement:
        """One criterion of each role stands for all the others: that they come out well is all that is asked."""
        ids = {criterion.id for criterion, _ in decided}
        others = [criterion for criterion in self.one_of_each.values() if criterion.id not in ids]
        well = [(criterion, criterion.section == "success") for criterion in others]
        outcomes = [_outcome(criterion, "holds" if holds else "fails") for criterion, holds in (*decided, *well)]
        return decide(outcomes, Facts(seeds=self.looks[0], looks=self.looks))


def _outcome(criterion: Criterion, decision: str) -> CriterionOutcome:
    return CriterionOutcome.model_validate({
        **criterion.model_dump(include={"id", "section", "role", "text", "canonical"}),
        "decision": decision, "estimand": "", "achieved": None, "low": None, "high": None, "target": "",
        "margin": None, "unit": "number", "seeds": (), "look": None, "reason": "",
    })  # fmt: skip


# -- refusals ----------------------------------------------------------------------------------------------


def contradictions(land: Landscape) -> Iterator[Problem]:
    """A target that holds together with a kill, and two criteria that must hold and never can at once."""
    for success, failure in land.pairs():
        shared = both(success.region, failure.region)
        decisive = success.criterion.role in MUST_HOLD and failure.criterion.role == "kill"
        if decisive and shared and not is_points(shared):
            always = not both(success.region, complement(failure.region))
            where = "wherever it holds" if always else f"at {land.name(success.subject, shared)}"
            yield _problem(
                failure.criterion,
                f"{_named(failure)} holds together with {_named(success)} {where}, "
                "so one result would both meet the proposal's aim and end it",
                "Move one of the two bounds until nothing meets both",
            )
    for one, other in _twice(land, MUST_HOLD):
        if one.region and other.region and not both(one.region, other.region):
            yield _problem(
                other.criterion,
                f"{_named(other)} can never hold together with {_named(one)} in line {one.criterion.line}, "
                "so the verdict could never be PROCEED",
                "Move one of the two bounds, or drop one criterion",
            )


# -- notes -------------------------------------------------------------------------------------------------


def notes(land: Landscape) -> Iterator[Problem]:
    yield from _gaps(land)
    for one in land.crowded:
        yield _problem(
            one.criterion,
            f"more than {MANY} criteria are about `{canonical(one.subject)}`, so they were not compared",
            "Keep those that settle the question",
        )
    for success, failure in land.pairs():
        shared = both(success.region, failure.region)
        refused = success.criterion.role in MUST_HOLD and failure.criterion.role == "kill" and not is_points(shared)
        if shared and not refused:
            yield _problem(
                failure.criterion,
                f"{_named(failure)} and {_named(success)} both hold at {land.name(success.subject, shared)}; "
                f"the verdict would be {land.verdict(success.subject, shared)}",
                "Move a bound if that is not meant",
            )
    roles = [MUST_HOLD, frozenset({"kill"})]
    for one, other in (pair for role in roles for pair in _twice(land, role)):
        for narrow, wide in ((one, other), (other, one)):
            if narrow.region and not both(narrow.region, complement(wide.region)):
                yield _problem(
                    wide.criterion,
                    f"{_named(wide)} follows from {_named(narrow)} in line {narrow.criterion.line}",
                    "One of the two is enough",
                )
                break


def _gaps(land: Landscape) -> Iterator[Problem]:
    """Where a success criterion fails, and no failure criterion on its subject holds."""
    for subject, group in land.subjects.items():
        failures = [one for one in group if one.criterion.section == "failure"]
        if not failures:
            continue
        for success in (one for one in group if one.criterion.section == "success"):
            left = complement(success.region)
            for failure in failures:
                left = both(left, complement(failure.region))
            left = possible(subject, left, land.metrics)
            if left:
                others = " nor ".join(_named(one) for one in failures)
                yield _problem(
                    success.criterion,
                    f"neither {_named(success)} nor {others} holds at {land.name(subject, left)}; "
                    f"the verdict would be {land.verdict(subject, left)}",
                    "Move a bound if that is not meant",
                )


def _twice(land: Landscape, roles: frozenset[str]) -> Iterator[tuple[Placed, Placed]]:
    """Two criteria of these roles on one subject."""
    for group in land.subjects.values():
        alike = [one for one in group if one.criterion.role in roles]
        for index, one in enumerate(alike):
            for other in alike[index + 1 :]:
                yield one, other


def _named(placed: Placed) -> str:
    return f"{placed.criterion.id} ({placed.criterion.role})"


def _problem(criterion: Criterion, message: str, remedy: str) -> Problem:
    return Problem(message, remedy, criterion.file, criterion.line)
