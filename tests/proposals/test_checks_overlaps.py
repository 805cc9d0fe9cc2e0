"""Success and failure criteria side by side: subjects, the values for which a criterion holds, overlaps and gaps."""

import time
from collections.abc import Iterator
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proposal_documents import GOOD, line_of, only, written

from models.metrics import METRICS
from proposals.checks import CheckReport, check
from proposals.checks.ranges import outlook
from proposals.checks.regions import (
    EVERYTHING,
    NOTHING,
    Region,
    between,
    both,
    complement,
    contains,
    either,
    is_points,
    region_of,
    sample,
    whole_numbers,
)
from proposals.judging.evaluate import number, truth
from proposals.language import Names, canonical, read
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
)

NAMES = Names(("ours", "base", "other"), ("ours",))
SUCCESS = "It recalls: `ours.test_accuracy > 80%`"
FAILURE = "no better: `ours.test_accuracy - base.test_accuracy <= 5 pp`"


def place(text: str) -> tuple[str, Region] | None:
    found = region_of(read(text, NAMES), METRICS, ("ours",))
    return None if found is None else (canonical(found[0]), found[1])


def report_on(folder: Path, success: str, failure: str) -> CheckReport:
    """`success` and `failure` in place of the document's own, as bullets."""
    assert SUCCESS in GOOD
    assert "**Kill**: " + FAILURE in GOOD
    return check(written(folder, GOOD.replace(SUCCESS, success).replace("**Kill**: " + FAILURE, failure)))


# -- what a comparison is about ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "ways"),
    [
        ("ours.test_accuracy",
         ["ours.test_accuracy > 90%", "90% < ours.test_accuracy", "-ours.test_accuracy < -90%",
          "2 * ours.test_accuracy > 180%", "not ours.test_accuracy <= 90%",
          "ours.test_accuracy / 2 > 45%", "90% + base.test_loss < ours.test_accuracy + base.test_loss"]),
        ("ours.test_accuracy - base.test_accuracy",
         ["ours.test_accuracy > base.test_accuracy + 5 pp", "ours.test_accuracy - base.test_accuracy > 5 pp",
          "base.test_accuracy - ours.test_accuracy < -5 pp", "base.test_accuracy + 5 pp < ours.test_accuracy",
          "2 * ours.test_accuracy - 2 * base.test_accuracy > 10 pp", "ours.test_accuracy - 5 pp > base.test_accuracy"]),
        ("ours.step_time / base.step_time",
         ["ours.step_time < 2 * base.step_time", "base.step_time / ours.step_time > 0.5",
          "ours.step_time - 2 * base.step_time < 0", "0.5 < base.step_time / ours.step_time",
          "(ours.step_time - base.step_time) / base.step_time < 1", "ours.step_time / 2 < base.step_time",
          "2 * base.step_time > ours.step_time"]),
        ("ours.test_accuracy / base.test_accuracy",
         ["ours.test_accuracy > 90% * base.test_accuracy", "ours.test_accuracy / base.test_accuracy > 0.9"]),
        ("ours.state_memory / base.state_memory",
         ["ours.state_memory < 20% * base.state_memory", "base.state_memory > 5 * ours.state_memory"]),
        ("max(base.test_accuracy, other.test_accuracy)",
         ["max(base.test_accuracy, other.test_accuracy) < 0.5", "max(other.test_accuracy, base.test_accuracy) < 50%",
          "best(other, base).test_accuracy < 50%"]),
    ],
)  # fmt: skip
def test_however_it_is_written_it_is_about_the_same(subject: str, ways: list[str]) -> None:
    regions = {place(text) for text in ways}
    assert len(regions) == 1, {text: place(text) for text in ways}
    found = regions.pop()
    assert found is not None
    assert found[0] == subject


@pytest.mark.parametrize(
    "text",
    ["ours.test_accuracy > 80% and base.test_accuracy < 50%", "ours.test_accuracy + 1 >= 1 + 1 * ours.test_accuracy",
     "ours.test_accuracy > 80% or ours.nan_count == 0", "1 < ours.step_time < 3 * other.step_time"],
)  # fmt: skip
def test_what_is_about_several_things_or_none_has_no_place(text: str) -> None:
    assert place(text) is None


def test_bands_and_events() -> None:
    assert place("ours.test_accuracy in 60% .. 70%") == ("ours.test_accuracy", between(0.6, 0.7))
    assert place("ours.nan_count == 0 and ours.nan_count < 3") == ("ours.nan_count", between(0, 0))
    assert place("not ours.diverged") == ("ours.diverged", between(0, 0))
    assert place("ours.test_accuracy < 0.2 or ours.test_accuracy > 0.8") == (
        "ours.test_accuracy", (((-inf, 0), (Fraction("0.2"), 0)), ((Fraction("0.8"), 1), (inf, 1)))
    )  # fmt: skip


# -- sets --------------------------------------------------------------------------------------------------

cuts = st.tuples(st.integers(-4, 4).map(Fraction), st.sampled_from([0, 1]))


@st.composite
def regions(draw: st.DrawFn) -> Region:
    ends = sorted(set(draw(st.lists(cuts, max_size=6))))
    region: Region = tuple(zip(ends[::2], ends[1::2], strict=False))
    return complement(region) if draw(st.booleans()) else region


@given(regions(), regions())
def test_sets_behave_as_sets(one: Region, other: Region) -> None:
    for value in [Fraction(half, 2) for half in range(-10, 11)]:
        inside, within = contains(one, value), contains(other, value)
        assert contains(both(one, other), value) == (inside and within)
        assert contains(either(one, other), value) == (inside or within)
        assert contains(complement(one), value) != inside
        if value.denominator == 1:
            assert contains(whole_numbers(one), value) == inside
    assert all(contains(one, sample(interval)) for interval in one)
    assert both(one, complement(one)) == NOTHING
    assert either(one, complement(one)) == EVERYTHING


CONSTANTS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 0.05, 3.0])
METRICS_READ = st.builds(MetricRef, st.sampled_from(["ours", "base"]), st.sampled_from(["test_accuracy", "step_time"]))
VALUES = st.recursive(
    st.one_of(METRICS_READ, METRICS_READ, st.builds(Number, CONSTANTS)),
    lambda inner: st.one_of(
        st.builds(Arithmetic, st.sampled_from(["+", "-", "*", "/"]), inner, inner),
        st.builds(Negative, inner),
        st.builds(lambda one, other: Call("max", (one, other)), inner, inner),
    ),
    max_leaves=5,
)
CONDITIONS = st.recursive(
    st.builds(lambda left, op, right: Comparison((left, right), (op,)), VALUES, st.sampled_from(["<", ">"]), VALUES),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda one, other: And((one, other)), inner, inner),
        st.builds(lambda one, other: Or((one, other)), inner, inner),
    ),
    max_leaves=3,
)


@given(CONDITIONS, st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4))
def test_a_place_says_what_the_condition_says(condition: Condition, drawn: list[float]) -> None:
    values = dict(zip([(v, m) for v in ("ours", "base") for m in ("test_accuracy", "step_time")], drawn, strict=True))

    def reading(ref: MetricRef) -> float:
        return values[ref.variant, ref.metric]

    comes_out = outlook(condition, METRICS)
    found = region_of(condition, METRICS, ("ours",))
    said = truth(condition, reading, ())
    near = any(_close(one, reading) for one in _comparisons(condition))
    if said.holds is None or near:
        return
    assert comes_out in ("either", "always" if said.holds else "never")
    if found is not None:
        at = number(found[0], reading)
        assert at is not None
        assert contains(found[1], Fraction(at)) == said.holds


def _close(comparison: Comparison, reading: Any) -> bool:
    """Too close to the boundary for floats, or dividing by (almost) nothing."""
    left, right = (number(operand, reading) for operand in comparison.operands)
    return left is None or right is None or abs(left - right) < 1e-9 * max(1, abs(left), abs(right))


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    match condition:
        case Comparison():
            yield condition
        case And(items) | Or(items):
            for item in items:
                yield from _comparisons(item)
        case Not(item):
            yield from _comparisons(item)


def test_points() -> None:
    assert is_points(between(0.5, 0.5))
    assert not is_points(between(0.5, 0.6))
    assert whole_numbers((((Fraction(0), 1), (Fraction(1), 0)),)) == NOTHING


# -- overlaps are refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("success", "failure", "message"),
    [
        ("`ours.test_accuracy > 60%`", "`ours.test_accuracy < 70%`",
         "F1 (kill) holds together with S1 (target) at 60 % < ours.test_accuracy < 70 %, "
         "so one result would both meet the proposal's aim and end it"),
        ("`ours.test_accuracy > base.test_accuracy`", "`ours.test_accuracy - base.test_accuracy <= 5 pp`",
         "at 0 pp < ours.test_accuracy - base.test_accuracy <= 5 pp"),
        ("*guard*: `ours.step_time < 3x base.step_time`\n- `ours.test_accuracy > 80%`",
         "`base.step_time / ours.step_time < 0.5`",
         "F1 (kill) holds together with S1 (guard) at 2x < ours.step_time / base.step_time < 3x"),
        ("`ours.test_accuracy > 90%`", "`ours.test_accuracy > 70%`",
         "holds together with S1 (target) wherever it holds"),
    ],
)  # fmt: skip
def test_a_target_and_a_kill_cannot_both_hold(tmp_path: Path, success: str, failure: str, message: str) -> None:
    report = report_on(tmp_path, success, failure)
    assert report.exit_code == 1
    problem = only(report.problems)
    assert message in problem.message
    assert "Move one of the two bounds" in problem.remedy
    assert problem.line == line_of("- " + failure, Path(report.file).read_text())


def test_targets_that_exclude_each_other_are_refused(tmp_path: Path) -> None:
    report = report_on(
        tmp_path, "`ours.test_accuracy > 90%`\n- `ours.test_accuracy < 85%`", "`base.test_accuracy > 90%`"
    )
    assert report.exit_code == 1
    assert "S2 (target) can never hold together with S1 (target) in line" in only(report.problems).message
    assert "could never be PROCEED" in only(report.problems).message


# -- gaps are noted ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("success", "failure", "message"),
    [
        ("`ours.test_accuracy > 90%`", "`ours.test_accuracy < 70%`",
         "neither S1 (target) nor F1 (kill) holds at 70 % <= ours.test_accuracy <= 90 %; "
         "the verdict would be ABANDON (rule 2)"),
        ("`ours.test_accuracy in 60% .. 70%`", "`ours.test_accuracy < 20%`",
         "at 20 % <= ours.test_accuracy < 60 %, 70 % < ours.test_accuracy; the verdict would be ABANDON (rule 2)"),
        ("`ours.step_time < 3x base.step_time`", "`ours.step_time > 5x base.step_time`",
         "at 3x <= ours.step_time / base.step_time <= 5x; the verdict would be ABANDON (rule 2)"),
        ("`ours.test_loss < 0.5`\n- *expected*: `base.test_accuracy < 50%`", "`base.test_accuracy > 60%`",
         "neither S2 (expectation) nor F1 (kill) holds at 50 % <= base.test_accuracy <= 60 %; "
         "the verdict would be PROCEED (rule 6)"),
        ("`ours.test_accuracy > 80%`\n- *guard*: `ours.nan_count == 0`", "*debug*: `ours.nan_count > 2`",
         "neither S2 (guard) nor F1 (debug) holds at 1 <= ours.nan_count <= 2"),
        ("`ours.test_accuracy > 90%`", "`ours.test_accuracy < 90%`", "holds at ours.test_accuracy = 90 %"),
        ("`ours.test_accuracy > 80%`", "*pause*: `ours.test_accuracy < 85%`",
         "F1 (pause) and S1 (target) both hold at 80 % < ours.test_accuracy < 85 %; "
         "the verdict would be INCONCLUSIVE (rule 3)"),
        ("`ours.test_accuracy >= 80%`", "`ours.test_accuracy <= 80%`",
         "F1 (kill) and S1 (target) both hold at ours.test_accuracy = 80 %; the verdict would be ABANDON (rule 1)"),
        ("`ours.test_accuracy > 90%`\n- `ours.test_accuracy > 80%`", "`base.test_accuracy > 95%`",
         "S2 (target) follows from S1 (target) in line"),
        ("`ours.test_loss < 1`", "`ours.test_accuracy < 20%`\n- `ours.test_accuracy < 30%`",
         "F2 (kill) follows from F1 (kill) in line"),
    ],
)  # fmt: skip
def test_gaps_and_lesser_doubts_are_noted(tmp_path: Path, success: str, failure: str, message: str) -> None:
    report = report_on(tmp_path, success, failure)
    assert report.exit_code == 0, report.problems
    found = [note for note in report.notes if message in note.message]
    assert len(found) == 1, [note.message for note in report.notes]
    assert found[0].line is not None


def test_what_meets_exactly_leaves_nothing_to_say(tmp_path: Path) -> None:
    for success, failure in [
        ("`ours.test_accuracy > 0.3`", "`ours.test_accuracy <= 30%`"),
        ("`ours.test_accuracy > base.test_accuracy + 5 pp`", "`ours.test_accuracy - base.test_accuracy <= 5 pp`"),
        ("`ours.test_loss < 1`\n- *guard*: `ours.nan_count == 0`", "*debug*: `ours.nan_count > 0`"),
        ("`ours.test_loss < 1`\n- *guard*: `not ours.diverged`", "*debug*: `ours.diverged`"),
        ("`ours.test_accuracy > 80%`", "`base.test_accuracy > 70%`"),
    ]:
        report = report_on(tmp_path, success, failure)
        assert [note.message for note in report.notes if "holds" in note.message] == []
        assert report.exit_code == 0, report.problems


def test_so_many_criteria_on_one_subject_are_not_compared_pair_by_pair(tmp_path: Path) -> None:
    many = "\n- ".join(f"`ours.test_accuracy > {number}%`" for number in range(50, 90))
    started = time.perf_counter()
    report = report_on(tmp_path, many, "\n- ".join(f"`ours.test_accuracy < {number}%`" for number in range(10, 45)))
    assert time.perf_counter() - started < 5
    assert report.exit_code == 0
    (note,) = [note for note in report.notes if "more than 12 criteria" in note.message]
    assert "are about `ours.test_accuracy`" in note.message
