"""What arithmetic decides, without training and for nothing."""

from pathlib import Path
from typing import Any

import pytest
from proposal_documents import GOOD, checked, line_of, only, written

from models.options import LinearAttention
from proposals.checks import CheckReport, check, decide_on_paper, figures_on_paper, freeze
from proposals.judging import Measurement, judge
from proposals.reading import read_proposal
from proposals.spec import Registration, Setup

TARGET = "It recalls: `ours.test_accuracy > 80%`"
SANITY = "- *sanity*: the test can tell: `softmax.test_accuracy > 90%`\n"
KILL = "no better: `ours.test_accuracy - base.test_accuracy <= 5 pp`"
# the hierarchy has six levels at length 32, and the cosine two streams: twelve states where `base` has one
OURS, BASE = 4 * 12 * 2 * 8 * 9, 4 * 2 * 8 * 9


def frozen(folder: Path, **replaced: str) -> Registration:
    document = GOOD
    for name, new in replaced.items():
        document = document.replace({"target": TARGET, "sanity": SANITY, "kill": KILL}[name], new)
    return freeze(read_proposal(written(folder, document)))


def notes_of(report: CheckReport, piece: str) -> list[str]:
    return [note.message for note in report.notes if piece in note.message]


def test_figures_of_every_variant(tmp_path: Path) -> None:
    figures = {(one.variant, one.metric): one.value for one in figures_on_paper(frozen(tmp_path).setup)}
    assert figures["ours", "state_memory"] == OURS
    assert figures["base", "state_memory"] == BASE
    assert figures["softmax", "state_memory"] == 4 * 2 * 32 * 16
    assert figures["base", "parameters"] == figures["softmax", "parameters"]
    assert figures["ours", "parameters"] == figures["base", "parameters"] + 16 * 2 * 6
    assert len(figures) == 9


# -- verdicts ----------------------------------------------------------------------------------------------


def test_a_memory_target_that_no_training_can_meet_is_decided_at_once(tmp_path: Path) -> None:
    new = "It is small: `ours.state_memory / base.state_memory < 0.2x`"
    report = checked(tmp_path, TARGET, new)
    assert report.exit_code == 0, report.problems
    assert report.verdict is not None
    assert (report.verdict.name, report.verdict.rule) == ("ABANDON", 2)
    assert report.verdict.reasons == (
        "S1 (target) ours.state_memory / base.state_memory < 0.2 fails: 12.0x for < 0.2x (computed on paper)",
    )
    (outcome,) = report.on_paper
    assert (outcome.id, outcome.decision, outcome.achieved, outcome.unit) == ("S1", "fails", 12.0, "ratio")
    (said,) = notes_of(report, "on paper: ")
    assert said == ("S1 (target) fails on paper: 12.0x for < 0.2x (ours.state_memory 6.91 KB, base.state_memory 576 B)")
    assert next(note.line for note in report.notes if note.message == said) == line_of("- It recalls")
    (verdict,) = notes_of(report, "decided without training")
    assert verdict.startswith("decided without training, for $0.00: ABANDON (rule 2): S1 (target)")


def test_a_kill_that_holds_on_paper_comes_first(tmp_path: Path) -> None:
    report = checked(tmp_path, KILL, "too large: `ours.parameters > 1.02 * base.parameters`")
    assert report.verdict is not None
    assert (report.verdict.name, report.verdict.rule) == ("ABANDON", 1)


def test_a_guard_that_fails_on_paper_ends_it_too(tmp_path: Path) -> None:
    report = checked(tmp_path, TARGET, TARGET + "\n- *guard*: `ours.flops < base.flops`")
    assert report.verdict is not None
    assert (report.verdict.name, report.verdict.rule) == ("ABANDON", 2)
    assert "FLOPs are those of the code that trains" in only_line(report, "S2 (guard) fails on paper")


def only_line(report: CheckReport, piece: str) -> str:
    (line,) = notes_of(report, piece)
    return line


@pytest.mark.parametrize(
    "more",
    ["ours.state_memory <= 12x base.state_memory", "ours.parameters < 1.1 * base.parameters",
     "softmax.state_memory < 10 KB and ours.parameters > 1000"],
)  # fmt: skip
def test_what_holds_on_paper_leaves_the_rest_to_training(tmp_path: Path, more: str) -> None:
    report = checked(tmp_path, TARGET, f"{TARGET}\n- `{more}`")
    assert report.exit_code == 0
    assert [one.decision for one in report.on_paper] == ["holds"]
    assert report.verdict is None
    assert decide_on_paper(freeze(read_proposal(Path(report.file)))) is None


def test_an_expectation_that_fails_on_paper_decides_nothing(tmp_path: Path) -> None:
    report = checked(tmp_path, TARGET, f"{TARGET}\n- *expected*: `ours.state_memory < base.state_memory`")
    assert [one.decision for one in report.on_paper] == ["fails"]
    assert report.verdict is None


def test_a_pause_that_holds_on_paper_waits_for_what_comes_before_it(tmp_path: Path) -> None:
    registration = frozen(tmp_path, kill=f"{KILL}\n- **Pause**: `ours.state_memory > base.state_memory`")
    assert decide_on_paper(registration) is None


def test_where_nothing_is_left_to_measure_it_may_proceed(tmp_path: Path) -> None:
    registration = frozen(tmp_path, target="`ours.parameters < 6000`", sanity="", kill="`ours.state_memory > 10 KB`")
    judgement = decide_on_paper(registration)
    assert judgement is not None
    assert (judgement.verdict, judgement.rule, judgement.next_look) == ("PROCEED", 6, None)
    assert [one.decision for one in judgement.outcomes] == ["holds", "fails"]


def test_the_verdict_is_what_judging_gives_whatever_is_trained(tmp_path: Path) -> None:
    registration = frozen(tmp_path, kill="`ours.parameters > base.parameters`")
    figures = figures_on_paper(registration.setup)
    judgement = decide_on_paper(registration)
    assert judgement == judge(registration, figures)
    good = [
        Measurement(variant=variant, metric=metric, value=value, seed=seed)
        for seed in range(5)
        for variant in registration.setup.variants
        for metric, value in (("test_accuracy", 0.99), ("nan_count", 0), ("diverged", 0))
    ]
    diverged = [
        Measurement(variant=variant, metric="diverged", value=1, seed=seed)
        for seed in range(5)
        for variant in registration.setup.variants
    ]
    for trained in (good, diverged):
        later = judge(registration, [*figures, *trained])
        assert judgement is not None
        assert (later.verdict, later.rule) == (judgement.verdict, judgement.rule) == ("ABANDON", 1)


def test_a_refused_proposal_still_says_what_arithmetic_would_decide(tmp_path: Path) -> None:
    document = GOOD.replace(TARGET, "`ours.state_memory < base.state_memory`").replace("seeds: [5]", "seeds: [3]")
    report = check(written(tmp_path, document))
    assert report.exit_code == 1
    assert "the first look can decide nothing" in only(report.problems).message
    assert report.verdict is not None
    assert only_line(report, "arithmetic alone would decide").startswith(
        "arithmetic alone would decide: ABANDON (rule 2)"
    )


# -- never a guess -----------------------------------------------------------------------------------------


def test_what_cannot_be_computed_is_left_to_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import models.arithmetic

    known = models.arithmetic._mixer

    def without_linear(options: Any, *sizes: int) -> Any:
        return None if isinstance(options, LinearAttention) else known(options, *sizes)

    monkeypatch.setattr(models.arithmetic, "_mixer", without_linear)
    report = checked(tmp_path, TARGET, f"{TARGET}\n- `ours.state_memory < 0.2 * base.state_memory`")
    assert report.exit_code == 0
    assert report.on_paper == ()
    assert report.verdict is None
    assert only_line(report, "cannot be computed here") == (
        "S2 follows from arithmetic, and cannot be computed here: "
        "`base`: there is no arithmetic for the mixer `linear_attention` with these options"
    )


@pytest.mark.parametrize(
    ("criterion", "reason"),
    [("ours.index_size[length=512] < 1 KB", "`index_size` is an analytic metric of the proposal's own"),
     ("ours.index_size < 1 KB", "`index_size` is an analytic metric of the proposal's own")],
)  # fmt: skip
def test_other_figures_are_not_mistaken_for_ours(tmp_path: Path, criterion: str, reason: str) -> None:
    own = "seeds: [5]\nmetrics: {index_size: {unit: bytes, direction: lower, source: analytic}}"
    document = GOOD.replace("seeds: [5]", own).replace(TARGET, f"{TARGET}\n- `{criterion}`")
    report = check(written(tmp_path, document))
    assert report.exit_code == 0, report.problems
    assert reason in only_line(report, "cannot be computed here")
    assert report.on_paper == ()


def test_a_figure_under_a_condition_is_neither_computed_nor_measured(tmp_path: Path) -> None:
    report = checked(tmp_path, TARGET, f"{TARGET}\n- `ours.state_memory[length=512] < 1 KB`")
    assert report.exit_code == 1
    assert "S2 reads ours.state_memory[length=512]" in only(report.problems).message
    assert report.on_paper == ()


# -- criteria of which a part is known -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criterion", "says"),
    [
        ("ours.test_accuracy > 80% and ours.parameters < 1000",
         "S1 can never hold, with what follows from the setup: ours.parameters 5,360"),
        ("ours.test_accuracy > 80% or ours.state_memory < 1 MB",
         "S1 always holds, with what follows from the setup: ours.state_memory 6.91 KB"),
        ("ours.test_accuracy * ours.state_memory > 7 KB", "S1 can never hold, with what follows from the setup"),
    ],
)  # fmt: skip
def test_what_is_known_of_a_criterion_may_leave_it_only_one_way(tmp_path: Path, criterion: str, says: str) -> None:
    report = checked(tmp_path, TARGET, f"`{criterion}`")
    assert report.exit_code == 1
    assert says in only(report.problems).message
    assert report.verdict is None


def test_an_efficiency_that_both_can_meet_and_miss_is_fine(tmp_path: Path) -> None:
    report = checked(tmp_path, TARGET, "`ours.test_accuracy > 80% and ours.parameters < 1 * base.parameters + 200`")
    assert report.exit_code == 0, report.problems
    assert report.on_paper == ()


def test_a_setup_without_criteria_has_its_figures(tmp_path: Path) -> None:
    setup: Setup = frozen(tmp_path).setup
    assert {one.source for one in figures_on_paper(setup)} == {"analytic"}
    assert {one.seed for one in figures_on_paper(setup)} == {None}
