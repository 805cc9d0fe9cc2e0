"""The other documented experiments come out as their authors decided, from the numbers they published.

The setups stand in for their synthetics, which this project does not have; the numbers and criteria are
theirs.
"""

from examples import fraction, healthy, many_pairs, registration, runs

from models.metrics import Metric
from proposals.judging import Judgement, Measurement, judge
from proposals.spec import Registration

RATIO = Metric(unit="number", direction="neither", describes="a ratio of two of its like")


def decisions(judgement: Judgement) -> dict[str, str]:
    return {outcome.id: outcome.decision for outcome in judgement.outcomes}


def single_seed(judgement: Judgement) -> bool:
    return any(caveat.startswith("single seed") for caveat in judgement.caveats)


def test_005_is_abandoned_by_its_memory_alone() -> None:
    """Both models stay at 25 %, so accuracy says nothing of the idea; that the memory target fails does."""
    proposal = registration(
        [
            ("S1", "target", "hss.test_accuracy >= 0.9"),
            ("S2", "diagnostic", "hss.energy_in_top_8 >= 0.99"),
            ("S3", "target", "hss.state_memory < 0.2 * dense.state_memory"),
            ("S4", "sanity", "dense.test_accuracy >= 0.9"),
            ("F1", "kill", "hss.test_accuracy < dense.test_accuracy - 0.1"),
            ("F2", "diagnostic", "hss.train_time > 2 * dense.train_time"),
        ],
        variants=("hss", "dense"),
        metrics={"energy_in_top_8": fraction()},
        synthetic=many_pairs(),
        gpu="T4",
    )
    measurements = [
        *healthy({"hss": 0.2558, "dense": 0.2546}),
        *runs("energy_in_top_8", {"hss": 1.0}),
        *runs("state_memory", {"hss": 0.656 * 4096 * 4, "dense": 4096 * 4}),
        *runs("train_time", {"hss": 485.5, "dense": 76.6}, device="Tesla T4"),
    ]
    judgement = judge(proposal, measurements)
    assert (judgement.verdict, judgement.rule) == ("ABANDON", 2)
    assert decisions(judgement) == {
        "S1": "set_aside", "S2": "holds", "S3": "fails", "S4": "fails", "F1": "set_aside", "F2": "holds",
    }  # fmt: skip
    assert len(judgement.reasons) == 1
    assert "0.656x for < 0.2x" in judgement.reasons[0]
    assert single_seed(judgement)


def test_005_by_the_memory_needs_no_seed_at_all() -> None:
    proposal = registration([("S1", "target", "ours.state_memory < 0.2 * baseline.state_memory")])
    sizes = [
        Measurement(variant="ours", metric="state_memory", value=6272.0),
        Measurement(variant="baseline", metric="state_memory", value=4096.0),
    ]
    judgement = judge(proposal, sizes)
    assert judgement.verdict == "ABANDON"
    assert judgement.outcomes[0].look == 0
    assert not single_seed(judgement)


def test_022_is_killed() -> None:
    """Rank 4 against rank 1: a tie at length 12, which says nothing, and worse at length 20."""
    proposal = registration(
        [
            ("S1", "target", "rank_4.test_accuracy > 0.85"),
            ("S2", "expectation", "rank_1.test_accuracy < 0.7"),
            ("S3", "expectation", "diagonal.test_accuracy < 0.5"),
            ("S4", "target", "rank_4.forward_time < dense.forward_time / 0.6"),
            ("S5", "target", "dense.test_accuracy - rank_4.test_accuracy <= 0.05"),
            ("S6", "diagnostic", "rank_4.relative_error < 0.1"),
            ("S7", "sanity", "dense.test_accuracy > 0.9"),
            ("F1", "kill", "rank_4.test_accuracy <= rank_1.test_accuracy"),
            ("F2", "kill", "rank_4.validation_accuracy[length=20] <= rank_1.validation_accuracy[length=20]"),
        ],
        variants=("rank_4", "rank_1", "rank_2", "diagonal", "dense"),
        synthetic=many_pairs(),
    )
    length_12 = {"diagonal": 0.336, "rank_1": 0.958, "rank_2": 0.876, "rank_4": 0.958, "dense": 0.974}
    length_20 = {"diagonal": 0.076, "rank_1": 0.034, "rank_4": 0.010, "dense": 0.972}
    measurements = [
        *healthy(length_12),
        *runs("validation_accuracy", length_20, condition={"length": 20}),
        *runs("forward_time", {"rank_4": 0.04407, "dense": 0.03468}, device="cpu"),
        *runs("relative_error", {"rank_4": 0.0}),
    ]
    judgement = judge(proposal, measurements)
    assert (judgement.verdict, judgement.rule) == ("ABANDON", 1)
    assert [reason.split()[0] for reason in judgement.reasons] == ["F2"]
    assert decisions(judgement) == {
        "S1": "holds", "S2": "fails", "S3": "holds", "S4": "holds", "S5": "holds", "S6": "holds",
        "S7": "holds", "F1": "undecided", "F2": "holds",
    }  # fmt: skip
    assert single_seed(judgement)
    only_length_12 = [one for one in measurements if not one.condition]
    assert judge(proposal, only_length_12).verdict == "INCONCLUSIVE", "the tie alone kills nothing"


def proposal_025() -> Registration:
    return registration(
        [
            ("S1", "target", "nystrom.test_accuracy > 0.9"),
            ("S2", "sanity", "full.test_accuracy > 0.95"),
            ("S3", "target", "full.test_accuracy - nystrom.test_accuracy < 0.05"),
            ("S4", "target", "nystrom.state_memory < full.state_memory"),
            ("S5", "diagnostic", "nystrom.relative_error[layer=0] < 0.1"),
            ("S6", "diagnostic", "nystrom.relative_error[layer=1] < 0.1"),
            ("S7", "guard", "nystrom.nan_count == 0 and full.nan_count == 0"),
            ("F1", "kill", "nystrom.test_accuracy < 0.7"),
        ],
        variants=("nystrom", "full"),
        synthetic=many_pairs(),
    )


def test_025_proceeds_though_its_approximation_is_poor() -> None:
    measurements = [
        *healthy({"nystrom": 0.9925, "full": 0.9908}),
        *runs("state_memory", {"nystrom": 80, "full": 256}),
        *runs("relative_error", {"nystrom": 0.859}, condition={"layer": 0}),
        *runs("relative_error", {"nystrom": 0.907}, condition={"layer": 1}),
    ]
    judgement = judge(proposal_025(), measurements)
    assert (judgement.verdict, judgement.rule) == ("PROCEED", 6)
    assert [caveat.split()[0] for caveat in judgement.caveats] == ["S5", "S6", "single"]
    assert all("diagnostic" in caveat for caveat in judgement.caveats[:2])


def test_004_learned_nothing() -> None:
    """The loss stood at 0.8544 for 50 epochs: a bug in the gradients and not a refutation."""
    error = Metric(unit="number", direction="lower", from_learning=True, describes="mean squared error")
    proposal = registration(
        [
            ("S1", "target", "oscillatory.train_loss < 1e-3"),
            ("S2", "target", "oscillatory.extrapolation_error < 1e-2"),
            ("S3", "diagnostic", "oscillatory.frequencies_in_range > 0.9"),
            ("F1", "kill", "oscillatory.extrapolation_error > 10 * oscillatory.train_loss"),
            ("F2", "debug", "oscillatory.train_loss > 0.1"),
        ],
        variants=("oscillatory",),
        metrics={
            "extrapolation_error": error,
            "frequencies_in_range": Metric(unit="fraction", direction="higher", describes="share of frequencies"),
        },
        synthetic=many_pairs(),
    )
    measurements = [
        *runs("initial_train_loss", {"oscillatory": 0.8544}),
        *runs("train_loss", {"oscillatory": 0.8544}),
        *runs("extrapolation_error", {"oscillatory": 0.759}),
        *runs("frequencies_in_range", {"oscillatory": 1.0}),
    ]
    judgement = judge(proposal, measurements)
    assert (judgement.verdict, judgement.rule) == ("DEBUG", 4)
    assert "0.8544 -> 0.8544" in judgement.reasons[0]
    assert decisions(judgement)["S3"] == "holds"
    assert single_seed(judgement)
    learned = [one.model_copy(update={"value": 0.05}) if one.metric == "train_loss" else one for one in measurements]
    assert judge(proposal, learned).verdict == "ABANDON", "had it learned, its numbers would have refuted it"
