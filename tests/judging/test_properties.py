"""What must be so of any measurements."""

import random

from examples import healthy, proposal_008, registration, runs
from hypothesis import given, settings
from hypothesis import strategies as st

from proposals.judging import CriterionOutcome, judge

accuracy = st.floats(0, 1).map(lambda value: round(value, 3))
pairs = st.integers(1, 12).flatmap(lambda seeds: st.tuples(*[st.lists(accuracy, min_size=seeds, max_size=seeds)] * 2))
comparisons = st.sampled_from([
    "ours.test_accuracy > 0.5",
    "ours.test_accuracy >= baseline.test_accuracy",
    "ours.test_accuracy - baseline.test_accuracy > 0.05",
    "not ours.test_accuracy <= 0.4",
])  # fmt: skip


def judged(text: str, ours: list[float], baseline: list[float], **more: object) -> CriterionOutcome:
    # every variant at chance would set it aside: that is another question
    proposal = registration([("S1", "expectation", text)], variants=("ours", "baseline", "reference"), **more)
    return judge(proposal, healthy({"ours": ours, "baseline": baseline, "reference": [1.0] * len(ours)})).outcomes[0]


@settings(deadline=None)
@given(text=comparisons, values=pairs, gains=st.lists(st.floats(0, 0.5), min_size=12, max_size=12))
def test_improving_every_seed_never_turns_holds_into_fails(
    text: str, values: tuple[list[float], list[float]], gains: list[float]
) -> None:
    order = {"fails": 0, "undecided": 1, "holds": 2}
    ours, baseline = values
    better = [value + gain for value, gain in zip(ours, gains, strict=False)]
    before, after = judged(text, ours, baseline).decision, judged(text, better, baseline).decision
    if len(ours) < 10:  # one look: never worse at all
        assert order[after] >= order[before] or "undecided" in (before, after)
    assert (before, after) != ("holds", "fails")


@settings(deadline=None)
@given(text=comparisons, values=pairs)
def test_the_interval_agrees_with_the_decision(text: str, values: tuple[list[float], list[float]]) -> None:
    outcome = judged(text, *values)
    if outcome.low is None or outcome.high is None:
        assert outcome.decision == "undecided" or len(values[0]) == 1
        return
    assert outcome.achieved is not None
    assert outcome.low <= outcome.achieved <= outcome.high
    limit = {"> 50 %": 0.5, ">= 0 pp": 0.0, "> 5 pp": 0.05, "> 40 %": 0.4}[outcome.target]
    if outcome.decision == "holds":
        assert outcome.low >= limit
    elif outcome.decision == "fails":
        assert outcome.high <= limit
    elif not any("tie" in seed.note for seed in outcome.seeds):
        assert outcome.low <= limit <= outcome.high


@settings(deadline=None)
@given(text=comparisons, values=pairs)
def test_the_margin_has_the_sign_of_the_decision(text: str, values: tuple[list[float], list[float]]) -> None:
    outcome = judged(text, *values)
    assert outcome.margin is not None
    if outcome.decision == "holds":
        assert outcome.margin >= 0
    elif outcome.decision == "fails":
        assert outcome.margin <= 0


@settings(deadline=None)
@given(text=comparisons, values=pairs, seed=st.integers(0, 99))
def test_permuting_the_seeds_of_a_look_changes_no_decision(
    text: str, values: tuple[list[float], list[float]], seed: int
) -> None:
    order = list(range(len(values[0])))
    shuffled = order[:5]
    random.Random(seed).shuffle(shuffled)
    order[:5] = shuffled
    before = judged(text, *values)
    after = judged(text, *([side[place] for place in order] for side in values))
    assert (before.decision, before.achieved, before.low, before.high) == (
        after.decision, after.achieved, after.low, after.high,
    )  # fmt: skip


@settings(deadline=None)
@given(values=st.lists(accuracy, min_size=4, max_size=40), seed=st.integers(0, 99))
def test_the_order_of_the_measurements_is_nothing(values: list[float], seed: int) -> None:
    columns = {
        name: values[start::4] for start, name in enumerate(("cos_log_linear", "cosformer", "log_linear", "softmax"))
    }
    measurements = healthy(columns)
    shuffled = random.Random(seed).sample(measurements, len(measurements))
    assert judge(proposal_008(), measurements) == judge(proposal_008(), shuffled)


@settings(deadline=None)
@given(values=pairs, prose=st.text(max_size=40), title=st.text(max_size=20))
def test_prose_changes_nothing(values: tuple[list[float], list[float]], prose: str, title: str) -> None:
    given = registration([("S1", "target", "ours.test_accuracy > 0.5")])
    wordy = given.model_copy(
        update={"criteria": tuple(one.model_copy(update={"text": prose + one.text}) for one in given.criteria)}
    ).model_copy(update={"stem": f"901-{title}"})
    measurements = healthy(dict(zip(("ours", "baseline"), values, strict=True)))
    one, other = judge(given, measurements), judge(wordy, measurements)
    assert [outcome.model_copy(update={"text": ""}) for outcome in one.outcomes] == [
        outcome.model_copy(update={"text": ""}) for outcome in other.outcomes
    ]
    assert (one.verdict, one.rule, one.reasons, one.caveats) == (
        other.verdict,
        other.rule,
        other.reasons,
        other.caveats,
    )


@settings(deadline=None)
@given(
    values=st.dictionaries(
        st.sampled_from(["cos_log_linear", "cosformer", "log_linear", "softmax"]),
        st.lists(st.none() | accuracy, max_size=11),
    ),
    events=st.lists(st.none() | st.integers(0, 3), max_size=11),
)
def test_every_criterion_has_a_row_and_every_verdict_a_reason(
    values: dict[str, list[float | None]], events: list[int | None]
) -> None:
    measurements = runs("test_accuracy", values) + runs("nan_count", {"cos_log_linear": events})
    judgement = judge(proposal_008(), measurements)
    assert [outcome.id for outcome in judgement.outcomes] == [one.id for one in proposal_008().criteria]
    assert judgement.reasons
    assert all(outcome.reason and outcome.target and outcome.estimand for outcome in judgement.outcomes)
    assert (judgement.next_look is None) or judgement.rule == 5
