"""What is refused, doubted and frozen before anything runs."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from proposal_documents import GOOD, checked, line_of, only, written

from models.metrics import METRICS
from proposals.checks import check, freeze
from proposals.checks.ranges import outlook
from proposals.checks.rates import cents_up, estimated_dollars
from proposals.checks.reach import fewest_seeds
from proposals.errors import ProposalError
from proposals.language import Names, read
from proposals.reading import read_as_far_as_it_goes, read_proposal
from proposals.workspace import REPOSITORY

EIGHT = REPOSITORY / "proposals" / "008-cosine-log-linear-attention.md"


def test_a_good_proposal_is_fine(tmp_path: Path) -> None:
    report = checked(tmp_path)
    assert (report.exit_code, report.problems, report.notes) == (0, (), ())
    assert report.stem == "012-title"


def test_008_is_fine() -> None:
    report = check(EIGHT)
    assert report.exit_code == 0, report.problems
    assert [note.line is not None for note in report.notes] == [True, True]


def test_the_report_is_plain_json(tmp_path: Path) -> None:
    report = json.loads(checked(tmp_path, "> 80%", "> 80").model_dump_json())
    assert report["exit_code"] == 1
    assert set(report["criteria"][0]) >= {
        "id", "text", "file", "line", "section", "role", "formal", "suggested", "canonical", "reason"
    }  # fmt: skip
    assert report["criteria"][0]["canonical"] is None
    assert report["problems"][0]["line"] == line_of("- It recalls")


def test_what_is_no_text_could_not_be_checked(tmp_path: Path) -> None:
    report = check(written(tmp_path, b"\xff\xfe"))
    assert report.exit_code == 2
    assert "not UTF-8" in only(report.problems).message


@pytest.mark.parametrize(
    ("old", "new", "message", "piece"),
    [
        ("ours.test_accuracy > 80%", "ours.test_accuracy >= 0%",
         "S1 always holds, whatever is trained: `ours.test_accuracy >= 0`. Choose a bound", "- It recalls"),
        ("ours.test_accuracy > 80%", "ours.test_accuracy > 100%", "S1 can never hold", "- It recalls"),
        ("ours.test_accuracy > 80%", "ours.nan_count >= 0", "S1 always holds", "- It recalls"),
        ("It recalls: `ours.test_accuracy > 80%`", "It recalls well", "S1 cannot be decided: no code span",
         "- It recalls"),
        ("seeds: [5]", "seeds: [3]", "3 of 3 seeds agree by chance in 12.5 % of cases, and the error is 5 %. "
         "Begin with 5 seeds, which reach 3.1 %", "seeds:"),
        ("seeds: [5]", "seeds: [1, 3]", "1 of 1 seeds agree by chance in 50 % of cases", "seeds:"),
        ("seeds: [5]", "seeds: [5]\nerror: 0.01", "Begin with 7 seeds, which reach 0.78 %", "seeds:"),
        ("{minutes: 5, dollars: 0}", "{gpu: T4, minutes: 60, dollars: 0.50}",
         "the estimate exceeds the cap: 60 min on a T4 at $0.59 an hour (2026-05) = $0.59, and the cap is $0.50. "
         "Raise `dollars` to 0.59, or lower `minutes` to 50.8", "compute:"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, old: str, new: str, message: str, piece: str) -> None:
    report = checked(tmp_path, old, new)
    assert report.exit_code == 1
    found = [problem for problem in report.problems if message in str(problem)]
    assert found, [str(problem) for problem in report.problems]
    assert found[0].line == line_of("\n" + piece, GOOD.replace(old, new)) + 1


def test_without_a_target_nothing_is_settled(tmp_path: Path) -> None:
    report = checked(tmp_path, "- It recalls", "- *expected*: it recalls")
    assert "no criterion is a target" in only(report.problems).message


def test_clashing_numbers_are_refused(tmp_path: Path) -> None:
    written(tmp_path, name="012-other.md")
    assert "the number 012 is also that of 012-other.md" in only(checked(tmp_path).problems).message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("*sanity*: the", "*guard*: the", "no criterion is a sanity check"),
        ("ours.test_accuracy > 80%", "ours.test_loss < base.test_loss", "S1 compares variants without"),
        ("ours.test_accuracy > 80%", "ours.test_loss < best(base, softmax).test_loss", "without a margin"),
        ("ours.test_accuracy > 80%", "ours.test_loss - base.test_loss < 0", "without a margin"),
        ("{minutes: 5, dollars: 0}", "{gpu: A100, minutes: 60, dollars: 1}", "the rate of `A100` is not known"),
        ("seeds: [5]", "seeds: [5, 6]", "the look at 6 seeds can decide nothing"),
        ("*sanity*: the test can tell: `softmax.test", "*sanity*: the test can tell: `base.test",
         "no criterion reads `softmax`"),
    ],
)  # fmt: skip
def test_notes(tmp_path: Path, old: str, new: str, message: str) -> None:
    report = checked(tmp_path, old, new)
    assert report.exit_code == 0, report.problems
    assert message in only(report.notes).message


def test_a_margin_of_any_kind_is_enough(tmp_path: Path) -> None:
    for formal in ("ours.test_accuracy > base.test_accuracy + 5 pp", "ours.step_time < 2x base.step_time",
                   "ours.step_time 20% faster than base.step_time"):  # fmt: skip
        assert checked(tmp_path, "ours.test_accuracy > 80%", formal).notes == ()


# -- ranges ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.test_accuracy > 0%", "either"),
        ("a.test_accuracy >= 0%", "always"),
        ("a.test_accuracy <= 100%", "always"),
        ("a.test_accuracy < 100%", "either"),
        ("a.test_accuracy > 100%", "never"),
        ("a.test_accuracy == 100%", "either"),
        ("a.test_accuracy - b.test_accuracy <= 100 pp", "always"),
        ("a.test_accuracy - b.test_accuracy > -100 pp", "either"),
        ("a.test_accuracy + b.test_accuracy > 2", "never"),
        ("abs(a.test_accuracy - b.test_accuracy) >= 0", "always"),
        ("abs(a.test_accuracy - b.test_accuracy) < 0", "never"),
        ("max(a.test_accuracy, b.test_accuracy) > 100%", "never"),
        ("-a.test_accuracy > 0", "never"),
        ("2 * a.test_accuracy > 2", "never"),
        ("a.test_accuracy / 2 > 60%", "never"),
        ("a.step_time / b.step_time < 0", "never"),
        ("a.step_time / b.step_time < 3x", "either"),
        ("a.step_time < 0", "never"),
        ("a.step_time >= 0", "always"),
        ("a.parameters < 1000", "either"),
        ("a.perplexity < 1", "never"),
        ("a.test_loss < 0", "never"),
        ("a.nan_count == -1", "never"),
        ("a.diverged", "either"),
        ("not a.test_accuracy >= 0", "never"),
        ("a.test_accuracy > 50% and a.test_accuracy < 30%", "never"),
        ("a.test_accuracy >= 50% and a.test_accuracy <= 50%", "either"),
        ("a.test_accuracy > 50% and a.test_accuracy <= 50%", "never"),
        ("a.test_accuracy > 50% or a.test_accuracy <= 50%", "always"),
        ("a.test_accuracy > 50% or a.test_accuracy < 30%", "either"),
        ("a.test_accuracy > 50% or a.test_accuracy >= 0%", "always"),
        ("a.test_accuracy > 100% or b.test_accuracy > 100%", "never"),
        ("a.test_accuracy >= 0% and b.test_accuracy >= 0%", "always"),
        ("a.test_accuracy >= 0% and b.test_accuracy > 0%", "either"),
        ("70% <= a.test_accuracy <= 60%", "never"),
        ("a.step_time > 2 * b.step_time > 1", "either"),
        ("a.step_time < 2 > b.step_time", "either"),
        ("a.test_accuracy + b.test_accuracy >= a.test_accuracy", "always"),
        ("a.test_accuracy - a.test_accuracy > 5 pp", "never"),
        ("a.test_accuracy + b.test_accuracy > a.test_accuracy + 1", "never"),
        ("a.test_accuracy > b.test_accuracy and b.test_accuracy >= a.test_accuracy", "never"),
        ("a.test_accuracy - b.test_accuracy > 5 pp or b.test_accuracy > a.test_accuracy - 5 pp", "either"),
        ("a.test_accuracy - b.test_accuracy > 5 pp or b.test_accuracy >= a.test_accuracy - 5 pp", "always"),
        ("a.step_time < 2 * b.step_time and b.step_time / a.step_time < 0.4", "never"),
        ("a.step_time < 2 * b.step_time and b.step_time / a.step_time < 0.6", "either"),
        ("a.nan_count > 0 and a.nan_count < 1", "never"),
        ("a.nan_count > 0 and a.nan_count < 2", "either"),
        ("a.test_loss > 3 and a.test_loss / 2 < 1.4", "never"),
    ],
)
def test_can_it_come_out_both_ways(text: str, expected: str) -> None:
    assert outlook(read(text, Names(("a", "b"), ("a",))), METRICS) == expected


def test_seeds_and_rates() -> None:
    assert [fewest_seeds(error) for error in (0.05, 0.125, 0.01)] == [5, 3, 7]
    assert estimated_dollars(None, 600) == 0
    assert estimated_dollars("H100", 30) == pytest.approx(1.975)
    assert estimated_dollars("TPU", 30) is None
    assert cents_up(1.1) == Decimal("1.10")  # in binary, 100 x 1.1 is a hair more than 110
    assert cents_up(0.5801) == Decimal("0.59")


def test_the_sum_of_the_estimate_is_shown(tmp_path: Path) -> None:
    report = checked(tmp_path, "{minutes: 5, dollars: 0}", "{gpu: T4, minutes: 30, dollars: 0.50}")
    assert report.estimate is not None
    assert (report.estimate.dollars, report.estimate.cap, report.estimate.fits) == (0.295, 0.5, True)
    assert report.facts[1] == "30 min on a T4 at $0.59 an hour (2026-05) = $0.30, cap $0.50"
    assert checked(tmp_path).facts[1] == "5 min on a CPU of our own: $0.00, cap $0.00"
    unknown = checked(tmp_path, "{minutes: 5, dollars: 0}", "{gpu: A100, minutes: 60, dollars: 1}")
    assert unknown.facts[1] == "60 min on a A100, whose rate is not known; cap $1.00"
    just = checked(tmp_path, "{minutes: 5, dollars: 0}", "{gpu: T4, minutes: 60, dollars: 0.59}")
    assert just.exit_code == 0


def test_what_each_look_can_reach_is_shown(tmp_path: Path) -> None:
    report = checked(tmp_path, "seeds: [5]", "seeds: [5, 10]")
    assert [(look.seeds, look.needed, look.p) for look in report.looks] == [(5, 5, 1 / 32), (10, 9, 5 / 1024)]
    assert report.facts[0] == "5 seeds: 5 must agree, 3.1 %; 10: 9, 0.49 %; together 3.6 % of the 5 % allowed"
    report = checked(tmp_path, "seeds: [5]", "seeds: [3]")
    assert report.facts[0] == "3 seeds: nothing can be decided; together 0 % of the 5 % allowed"
    assert json.loads(report.model_dump_json())["looks"] == [{"seeds": 3, "needed": None, "p": 0.0}]


# -- freezing --------------------------------------------------------------------------------------------------


def test_freezing_leaves_out_prose_and_line_numbers(tmp_path: Path) -> None:
    one = freeze(read_proposal(written(tmp_path)))
    other = freeze(read_proposal(written(tmp_path, GOOD.replace("It works.", "It works.\n\nReally."))))
    assert one.sha256 == other.sha256
    assert next(criterion.canonical for criterion in one.criteria) == "ours.test_accuracy > 0.8"
    changed = freeze(read_proposal(written(tmp_path, GOOD.replace("> 80%", "> 81%"))))
    assert changed.sha256 != one.sha256
    assert freeze(read_proposal(written(tmp_path)), fidelity="reduced").fidelity == "reduced"


def test_a_criterion_without_a_reading_is_not_frozen(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("`ours.test_accuracy > 80%`", "well"))
    with pytest.raises(ProposalError, match="S1 has no canonical form: no code span"):
        freeze(read_as_far_as_it_goes(path).proposal)
    path = written(tmp_path, GOOD.replace("```yaml mve", "```yaml"))
    with pytest.raises(ProposalError, match="without a setup nothing can be registered"):
        freeze(read_as_far_as_it_goes(path).proposal)


def test_checking_imports_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from proposals.checks import check; "
        f"assert check(Path({str(EIGHT)!r})).exit_code == 0; "
        "assert not {'torch', 'numpy', 'prefect', 'sqlmodel', 'hypothesis'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 0, done.stderr
