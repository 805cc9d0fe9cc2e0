"""What pages ask, on both databases; the oracle is what `fill` wrote, read off its code."""

from catalog_samples import LATER, NOW, STEM
from sqlalchemy import Engine

from db import catalog


def test_every_proposal_in_a_line(filled: Engine) -> None:
    judged, under_way = catalog.proposal_lines(filled)
    assert (judged.stem, judged.verdict, judged.state, judged.fidelity) == (STEM, "PROCEED", "judged", "specified")
    assert (judged.active_at, judged.tricks) == (LATER, ("cosformer", "log-linear-attention"))
    assert round(judged.dollars, 6) == 0.08  # four runs of two cents
    assert (under_way.stem, under_way.verdict, under_way.state) == ("022-displacement-rank", None, "under way")
    assert (under_way.active_at, under_way.dollars) == (NOW, 0.01)


def test_the_registration_whose_verdict_stands_is_named(filled: Engine) -> None:
    newer, first = catalog.registrations_of(filled, STEM)
    assert (newer.verdict, newer.experiment_id, newer.stands, newer.actual_dollars) == (None, None, False, 0)
    assert (first.verdict, first.stands, first.judged_at, first.registered_at) == ("PROCEED", True, LATER, NOW)
    assert round(first.actual_dollars, 6) == 0.08
    assert catalog.registrations_of(filled, "none") == []


def test_numbers_and_curves_of_an_experiment(filled: Engine) -> None:
    numbers = catalog.numbers_of(filled, 1)
    long = [one for one in numbers if one.condition]
    assert {(one.variant, one.seed, round(one.value, 6)) for one in long} == {
        ("cos_log_linear", 0, 0.3), ("cos_log_linear", 1, 0.3), ("cosformer", 0, 0.066667), ("cosformer", 1, 0.066667)
    }  # fmt: skip
    assert long[0].condition == {"gap": "wide", "length": 512}
    points = catalog.curves_of(filled, 1, "validation_accuracy", "validation_loss")
    assert len(points) == 4 * 3 * 2
    assert [one.value for one in points[:3]] == [0.3, 0.15, 0.3 / 3]


def test_variants_over_all_experiments(filled: Engine) -> None:
    idea, other = catalog.variants_everywhere(filled)
    assert (idea.variant, idea.proposed, idea.test_accuracy, idea.seeds) == ("cos_log_linear", True, 0.9, 2)
    assert (other.variant, other.proposed, other.synthetic) == ("cosformer", False, "mqar")
    assert (other.parameters, other.state_memory) == (25_000, None)
