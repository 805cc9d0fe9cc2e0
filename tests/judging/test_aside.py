"""What is no evidence, and the first reason for it; and how ties, events and conditions are treated."""

import pytest
from examples import healthy, registration, runs

from proposals.judging import CriterionOutcome, Measurement, judge
from proposals.spec import Registration

TIMED = [
    ("S1", "target", "ours.test_accuracy > 0.8"),
    ("S2", "guard", "ours.step_time < 3 * baseline.step_time"),
]


def outcomes(proposal: Registration, measurements: list[Measurement]) -> dict[str, CriterionOutcome]:
    return {outcome.id: outcome for outcome in judge(proposal, measurements).outcomes}


def timed(device: str | None, other: str | None = None) -> list[Measurement]:
    return [
        *healthy({"ours": [0.9] * 5, "baseline": [0.8] * 5}),
        *runs("step_time", {"ours": [0.02] * 5}, device=device),
        *runs("step_time", {"baseline": [0.01] * 5}, device=other or device),
    ]


@pytest.mark.parametrize(
    ("gpu", "device"),
    [("T4", "Tesla T4"), ("A100-80GB", "NVIDIA A100-SXM4-80GB"), ("H100!", "NVIDIA H100 80GB HBM3"),
     (None, "cpu: some Xeon"), ("T4", None)],
)  # fmt: skip
def test_a_timing_on_the_named_device_counts(gpu: str | None, device: str | None) -> None:
    outcome = outcomes(registration(TIMED, gpu=gpu), timed(device))["S2"]
    assert (outcome.decision, outcome.unit, outcome.target) == ("holds", "ratio", "< 3x")
    assert outcome.achieved == 2


@pytest.mark.parametrize(
    ("gpu", "device"),
    [("T4", "NVIDIA H100 80GB HBM3"), ("L4", "NVIDIA L40S"), ("T4", "cpu"), (None, "Tesla T4")],
)
def test_a_timing_on_another_device_is_a_proxy(gpu: str | None, device: str) -> None:
    judgement = judge(registration(TIMED, gpu=gpu), timed(device))
    outcome = judgement.outcomes[1]
    assert outcome.decision == "set_aside"
    assert outcome.reason.startswith("proxy:")
    assert device in outcome.reason
    assert judgement.verdict == "PROCEED", "a guard that is no evidence is a caveat"
    assert any("S2" in caveat for caveat in judgement.caveats)


def test_timings_of_two_devices_are_not_pooled() -> None:
    outcome = outcomes(registration(TIMED), timed("cpu: one", "cpu: another"))["S2"]
    assert "several devices" in outcome.reason


def test_a_failed_sanity_takes_its_metric_along_and_nothing_else() -> None:
    proposal = registration([
        ("S1", "target", "ours.test_accuracy > 0.8"),
        ("S2", "target", "ours.test_accuracy[length=512] > 0.5"),
        ("S3", "target", "ours.state_memory <= baseline.state_memory"),
        ("S4", "sanity", "baseline.test_accuracy > 0.9"),
        ("F1", "kill", "ours.train_loss > 2"),
    ])  # fmt: skip
    measurements = [
        *healthy({"ours": [0.95] * 5, "baseline": [0.5] * 5}),
        *runs("test_accuracy", {"ours": [0.9] * 5}, condition={"length": 512}),
        *runs("train_loss", {"ours": [0.1] * 5}),
        *runs("state_memory", {"ours": [10] * 5, "baseline": [20] * 5}),
    ]
    found = outcomes(proposal, measurements)
    assert [found[one].decision for one in ("S1", "S2", "S3", "S4", "F1")] == [
        "set_aside", "set_aside", "holds", "fails", "fails",
    ]  # fmt: skip
    assert "sanity criterion S4" in found["S1"].reason


def test_a_sanity_under_a_condition_speaks_for_that_condition() -> None:
    proposal = registration([
        ("S1", "target", "ours.test_accuracy > 0.8"),
        ("S2", "expectation", "ours.test_accuracy[length=512] > 0.5"),
        ("S3", "sanity", "baseline.test_accuracy[length=512] > 0.9"),
    ])  # fmt: skip
    long = runs("test_accuracy", {"ours": [0.9] * 5, "baseline": [0.4] * 5}, condition={"length": 512})
    found = outcomes(proposal, healthy({"ours": [0.95] * 5, "baseline": [0.9] * 5}) + long)
    assert (found["S1"].decision, found["S2"].decision) == ("holds", "set_aside")


def test_one_seed_that_solves_it_shows_that_the_task_can_be_learned() -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy > 0.8")])
    judgement = judge(proposal, healthy({"ours": [0.14, 0.97, 0.15, 0.14, 0.96], "baseline": [0.13] * 5}))
    assert judgement.verdict == "INCONCLUSIVE"


def test_a_look_that_could_not_decide_is_not_taken() -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy > 0.8")])
    torn = judge(proposal, healthy({"ours": [0.14, 0.97, 0.15, 0.14, 0.96], "baseline": [0.13] * 5}))
    assert torn.next_look is None
    assert "the declared look at 10 seeds could not settle it whatever the rest gave" in torn.reasons[0]
    close = judge(proposal, healthy({"ours": [0.14, 0.97, 0.95, 0.94, 0.96], "baseline": [0.13] * 5}))
    assert close.next_look == 10


@pytest.mark.parametrize(
    ("final", "verdict"),
    [([1.0] * 5, "DEBUG"), ([1.0, 1.0, 1.0, 0.1, 0.1], "DEBUG"), ([1.0, 1.0, 0.1, 0.1, 0.1], "ABANDON")],
)
def test_a_flat_loss_on_most_seeds_is_a_bug(final: list[float], verdict: str) -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy > 0.8")])
    losses = runs("initial_train_loss", {"ours": [1.0] * 5}) + runs("train_loss", {"ours": final})
    accuracies = healthy({"ours": [0.3] * 5, "baseline": [0.9] * 5})
    assert judge(proposal, accuracies + losses).verdict == verdict


def test_a_flat_baseline_is_a_result() -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy > 0.8")])
    losses = runs("initial_train_loss", {"baseline": [1.0] * 5}) + runs("train_loss", {"baseline": [1.0] * 5})
    judgement = judge(proposal, healthy({"ours": [0.9] * 5, "baseline": [0.1] * 5}) + losses)
    assert judgement.verdict == "PROCEED"


def test_one_nan_in_one_seed_fails_the_guard() -> None:
    proposal = registration([("S1", "guard", "ours.nan_count == 0"), ("F1", "kill", "ours.diverged")])
    events = runs("nan_count", {"ours": [0, 0, 3, 0, 0]}) + runs("diverged", {"ours": [0] * 5})
    found = outcomes(proposal, events)
    assert (found["S1"].decision, found["S1"].achieved, found["S1"].look) == ("fails", 3, 5)
    assert found["F1"].decision == "fails"


def test_no_nan_step_means_not_diverged() -> None:
    proposal = registration([("F1", "kill", "ours.diverged")])
    assert outcomes(proposal, runs("nan_count", {"ours": [0] * 5}))["F1"].decision == "fails"


def test_ties_count_for_neither_side() -> None:
    proposal = registration([("F1", "kill", "ours.test_accuracy - baseline.test_accuracy <= 0.05")])
    found = outcomes(proposal, healthy({"ours": [0.9] * 5, "baseline": [0.9, 0.85, 0.95, 0.95, 0.95]}))["F1"]
    assert [seed.holds for seed in found.seeds] == [None, None, True, True, True]
    assert found.decision == "undecided"
    assert "2 are ties" in found.reason


def test_equal_runs_are_within_a_margin_that_success_asks_for() -> None:
    proposal = registration([("S1", "target", "baseline.test_accuracy - ours.test_accuracy <= 0.05")])
    saturated = healthy({"ours": [1.0] * 5, "baseline": [1.0] * 5})
    assert outcomes(proposal, saturated)["S1"].decision == "holds"


def test_equal_analytic_metrics_are_no_tie() -> None:
    proposal = registration([("S1", "target", "ours.parameters <= baseline.parameters")])
    found = outcomes(proposal, runs("parameters", {"ours": 41440, "baseline": 41440}))["S1"]
    assert (found.decision, found.look, found.estimand) == (
        "holds",
        0,
        "computed, not sampled: needs no seed",
    )


def test_a_constant_is_no_tie() -> None:
    proposal = registration([("S1", "target", "ours.train_accuracy == 1")])
    assert outcomes(proposal, runs("train_accuracy", {"ours": [1.0] * 5}))["S1"].decision == "holds"


def test_missing_seeds_count_for_neither_side() -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy > 0.8")])
    found = outcomes(proposal, healthy({"ours": [0.9, 0.9, None, 0.9, 0.9], "baseline": [0.5] * 5}))["S1"]
    assert (found.decision, found.low) == ("undecided", None)
    assert "1 not measured" in found.reason


def test_what_was_measured_under_another_condition_is_named() -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy[length=512] > 0.8")])
    short = runs("test_accuracy", {"ours": [0.9] * 5}, condition={"length": 128})
    assert "only with length=128" in outcomes(proposal, short)["S1"].reason


def test_seeds_that_never_meet_are_not_measured() -> None:
    proposal = registration([("F1", "kill", "ours.test_accuracy <= baseline.test_accuracy")])
    apart = runs("test_accuracy", {"ours": 0.9}) + runs("test_accuracy", {"baseline": 0.5}, first_seed=7)
    assert "together" in outcomes(proposal, apart)["F1"].reason


def test_a_criterion_of_several_parts_is_a_share_of_seeds() -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy > 0.8 and ours.test_loss < 1")])
    measurements = healthy({"ours": [0.9] * 5, "baseline": [0.5] * 5}) + runs("test_loss", {"ours": [0.5] * 4 + [2]})
    found = outcomes(proposal, measurements)["S1"]
    assert (found.unit, found.achieved, found.decision) == ("share", 0.8, "undecided")


def test_no_measurements_at_all() -> None:
    judgement = judge(registration(TIMED), [])
    assert judgement.verdict == "DEBUG"
    assert [outcome.decision for outcome in judgement.outcomes] == ["set_aside", "set_aside"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"variant": "our"}, r"unknown variant 'our' .* Did you mean `ours`"),
        ({"metric": "test_acuracy"}, r"unknown metric 'test_acuracy' .* Did you mean `test_accuracy`"),
        ({}, r"ours.test_accuracy at seed 0 is there twice"),
        ({"condition": {"length": 1}}, None),
    ],
)
def test_measurements_that_do_not_fit_are_refused(wrong: dict[str, object], message: str | None) -> None:
    proposal = registration([("S1", "target", "ours.test_accuracy > 0.8")])
    fine = runs("test_accuracy", {"ours": 0.9})
    odd = Measurement.model_validate({**fine[0].model_dump(), **wrong})
    if message is None:
        judge(proposal, [*fine, odd])
        return
    with pytest.raises(ValueError, match=message):
        judge(proposal, [*fine, odd])


def test_computed_metrics_have_one_value() -> None:
    proposal = registration([("S1", "target", "ours.parameters < 100")])
    with pytest.raises(ValueError, match="has several values"):
        judge(proposal, runs("parameters", {"ours": [10, 11]}))


def test_chance_is_that_of_the_condition() -> None:
    frozen = registration([("S1", "target", "ours.test_accuracy[pairs=2] > 0.3")])
    values = {"ours": [0.52] * 5, "baseline": [0.49] * 5}
    harder = judge(frozen, [*healthy(values), *runs("test_accuracy", values, condition={"pairs": 2})])
    assert harder.outcomes[0].decision == "set_aside"
    assert "every variant is at chance (50.0 %)" in harder.outcomes[0].reason
    # the same accuracies with eight pairs, where chance is an eighth, are no chance
    easier = judge(registration([("S1", "target", "ours.test_accuracy[length=512] > 0.3")]), [
        *healthy(values), *runs("test_accuracy", values, condition={"length": 512}),
    ])  # fmt: skip
    assert easier.outcomes[0].decision == "holds"


def test_a_condition_that_the_synthetic_does_not_have_knows_no_chance() -> None:
    frozen = registration([("S1", "target", "ours.test_accuracy[gap=wide] > 0.1")])
    values = {"ours": [0.12] * 5, "baseline": [0.12] * 5}
    measured = [*healthy({"ours": [0.9] * 5}), *runs("test_accuracy", values, condition={"gap": "wide"})]
    assert judge(frozen, measured).outcomes[0].decision == "holds"
