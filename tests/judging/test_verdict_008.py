"""The experiment that the source documents best, and what would have had to come out of other measurements of
it."""

import pytest
from examples import SOURCE_008, VARIANTS_008, healthy, proposal_008, runs

from proposals.judging import CriterionOutcome, Judgement, Measurement, judge


def by_id(judgement: Judgement) -> dict[str, CriterionOutcome]:
    return {outcome.id: outcome for outcome in judgement.outcomes}


def decisions(judgement: Judgement) -> dict[str, str]:
    return {outcome.id: outcome.decision for outcome in judgement.outcomes}


def test_the_sources_measurements_give_its_own_verdict() -> None:
    judgement = judge(proposal_008(), healthy(SOURCE_008))
    assert judgement.verdict == "PROCEED"
    assert judgement.rule == 6
    assert decisions(judgement) == {
        "S1": "holds", "S2": "holds", "S3": "fails", "S4": "holds", "S5": "set_aside",
        "F1": "fails", "F2": "fails", "F3": "fails",
    }  # fmt: skip
    assert any("S3 (expectation)" in caveat and "15.2 % for 60 % .. 70 %" in caveat for caveat in judgement.caveats)
    assert any(caveat.startswith("single seed") for caveat in judgement.caveats)
    assert any("softmax.test_accuracy" in caveat and "not measured" in caveat for caveat in judgement.caveats)
    assert len(judgement.caveats) == 3


def test_accuracies_alone_give_the_same_verdict() -> None:
    """The source's table has no count of NaN steps: the guard is set aside, and a caveat says so."""
    judgement = judge(proposal_008(), runs("test_accuracy", SOURCE_008))
    assert judgement.verdict == "PROCEED"
    assert decisions(judgement)["S4"] == "set_aside"


def test_what_the_source_reports_is_shown_with_units_and_margins() -> None:
    outcome = by_id(judge(proposal_008(), healthy(SOURCE_008)))
    kill = outcome["F1"]
    assert (kill.unit, kill.target) == ("points", "<= 5 pp")
    assert kill.achieved == pytest.approx(0.654)
    assert kill.margin == pytest.approx(-0.604)
    assert outcome["S1"].margin == pytest.approx(0.113)
    assert outcome["S3"].margin == pytest.approx(0.152 - 0.6)
    assert outcome["F2"].target == "< 0 pp"
    assert outcome["S1"].low is None, "one seed has no interval"


NOTHING = dict.fromkeys(VARIANTS_008)


@pytest.mark.parametrize(
    "events",
    [
        [],
        runs("nan_count", dict.fromkeys(VARIANTS_008, 812)),
        runs("diverged", dict.fromkeys(VARIANTS_008, 1)),
        runs("diverged", {"cos_log_linear": 1}) + runs("nan_count", {"cos_log_linear": 3}),
    ],
    ids=["values only", "counted", "diverged", "both, proposed variant only"],
)
@pytest.mark.parametrize("seeds", [1, 5])
def test_all_nan_is_a_bug_and_no_refutation(events: list[Measurement], seeds: int) -> None:
    values = runs("test_accuracy", {variant: [None] * seeds for variant in VARIANTS_008})
    every = [event.model_copy(update={"seed": seed}) for event in events for seed in range(seeds)]
    judgement = judge(proposal_008(), values + every)
    assert (judgement.verdict, judgement.rule) == ("DEBUG", 4)
    assert decisions(judgement)["S4"] == "set_aside", "a symptom is not evidence"
    if events:
        assert "diverged" in by_id(judgement)["S1"].reason


def test_an_idea_that_diverged_is_a_bug_though_its_baselines_learned() -> None:
    values = {**SOURCE_008, "softmax": 0.99, "cos_log_linear": None}
    events = runs("nan_count", dict.fromkeys(values, 0) | {"cos_log_linear": 900})
    judgement = judge(proposal_008(), runs("test_accuracy", values) + events)
    assert judgement.verdict == "DEBUG"
    assert decisions(judgement)["F3"] == "holds"


@pytest.mark.parametrize("accuracy", [1 / 8, 1 / 62, 0.15])
@pytest.mark.parametrize("variants", [VARIANTS_008, VARIANTS_008[:-1]], ids=["with softmax", "without"])
@pytest.mark.parametrize("seeds", [1, 5, 10])
def test_all_at_chance_is_a_bug_and_no_refutation(accuracy: float, variants: tuple[str, ...], seeds: int) -> None:
    scattered = [accuracy + 0.001 * seed for seed in range(seeds)]
    judgement = judge(proposal_008(), healthy(dict.fromkeys(variants, scattered)))
    assert (judgement.verdict, judgement.rule) == ("DEBUG", 4)
    assert decisions(judgement)["F1"] == "set_aside", "no kill by variants that all fail alike"
    assert "the test cannot tell" in by_id(judgement)["S1"].reason


@pytest.mark.parametrize(("rival", "kill"), [("log_linear", "F2"), ("cosformer", "F1")])
@pytest.mark.parametrize("seeds", [1, 5, 10])
def test_a_tie_does_not_kill(rival: str, kill: str, seeds: int) -> None:
    values = {**SOURCE_008, "softmax": 0.99, rival: 0.913}
    judgement = judge(proposal_008(), healthy({variant: [value] * seeds for variant, value in values.items()}))
    assert (judgement.verdict, judgement.rule) == ("INCONCLUSIVE", 5)
    outcome = by_id(judgement)[kill]
    assert outcome.decision == "undecided"
    assert "tie" in outcome.seeds[0].note
    # five ties cannot become nine of ten, so the look at ten is not worth its money
    assert judgement.next_look == {1: 5, 5: None, 10: None}[seeds]
    assert any(kill in reason and "undecided" in reason for reason in judgement.reasons)


TWO_HUMPED = [0.98, 0.96, 0.92, 0.14, 0.97]
"""As seeds of one recipe do: four find the solution, one does not."""


def test_five_two_humped_seeds_ask_for_five_more() -> None:
    values = {
        "cos_log_linear": TWO_HUMPED,
        "cosformer": [0.15] * 5,
        "log_linear": [0.14] * 5,
        "softmax": [0.99] * 5,
    }
    judgement = judge(proposal_008(), healthy(values))
    assert (judgement.verdict, judgement.rule, judgement.next_look) == ("INCONCLUSIVE", 5, 10)
    target = by_id(judgement)["S1"]
    assert (target.decision, target.achieved, target.low, target.high) == ("undecided", 0.96, 0.14, 0.98)
    assert target.more_seeds == 11
    assert "4 of 5 seeds hold" in target.reason
    assert [seed.holds for seed in target.seeds] == [True, True, True, False, True]


@pytest.mark.parametrize(
    ("last_five", "verdict"),
    [([0.95] * 5, "PROCEED"), ([0.95, 0.95, 0.15, 0.95, 0.95], "INCONCLUSIVE")],
)
def test_the_second_look_needs_nine_of_ten(last_five: list[float], verdict: str) -> None:
    values = {
        "cos_log_linear": TWO_HUMPED + last_five,
        "cosformer": [0.10] * 10, "log_linear": [0.11] * 10, "softmax": [0.99] * 10,
    }  # fmt: skip
    judgement = judge(proposal_008(), healthy(values))
    assert judgement.verdict == verdict
    assert judgement.next_look is None
    assert by_id(judgement)["S2"].look == 5, "what the first look decided stays decided"


def test_a_decision_of_the_first_look_stands_whatever_came_later() -> None:
    values = {
        "cos_log_linear": [0.95] * 5 + [0.2] * 5,
        "cosformer": [0.10] * 10, "log_linear": [0.11] * 10, "softmax": [0.99] * 10,
    }  # fmt: skip
    outcome = by_id(judge(proposal_008(), healthy(values)))["S1"]
    assert (outcome.decision, outcome.look, len(outcome.seeds)) == ("holds", 5, 10)
    assert outcome.achieved == 0.95, "seeds beyond the look are shown, not used"


@pytest.mark.parametrize("seeds", [2, 3, 4])
def test_fewer_than_five_seeds_decide_nothing(seeds: int) -> None:
    values = {variant: [value] * seeds for variant, value in {**SOURCE_008, "softmax": 0.99}.items()}
    judgement = judge(proposal_008(), healthy(values))
    assert (judgement.verdict, judgement.next_look) == ("INCONCLUSIVE", 5)
    assert decisions(judgement)["S1"] == "undecided"
    assert "can decide nothing" in by_id(judgement)["S1"].reason
    assert decisions(judgement)["S4"] == "holds", "events are counted, whatever the number of seeds"


def test_a_plain_refutation_is_abandoned() -> None:
    values = {
        "cos_log_linear": [0.30, 0.31, 0.29, 0.30, 0.33],
        "cosformer": [0.15] * 5, "log_linear": [0.14] * 5, "softmax": [0.99] * 5,
    }  # fmt: skip
    judgement = judge(proposal_008(), healthy(values))
    assert (judgement.verdict, judgement.rule) == ("ABANDON", 2)
    assert "S1 (target)" in judgement.reasons[0]
    assert len(judgement.outcomes) == len(proposal_008().criteria)
