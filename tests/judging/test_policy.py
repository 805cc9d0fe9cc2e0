"""The six rules by themselves: which outcomes give which verdict, and in which order."""

from typing import Any

import pytest

from proposals.judging import CriterionOutcome, Judgement
from proposals.judging.policy import Facts, decide

TEN = Facts(seeds=10, looks=(5, 10))


def outcome(text: str) -> CriterionOutcome:
    """ "kill holds" and the like."""
    role, decision = text.split()
    failure = role in {"kill", "pause", "debug"}
    return CriterionOutcome.model_validate({
        "id": f"{'F' if failure else 'S'}{len(text)}",
        "section": "failure" if failure else "success",
        "role": role,
        "text": "in prose",
        "canonical": f"ours.{role} > 0.8",
        "decision": decision,
        "estimand": "share of seeds",
        "achieved": 0.9,
        "low": 0.85,
        "high": 0.95,
        "target": "> 80 %",
        "margin": 0.1,
        "unit": "fraction",
        "seeds": (),
        "look": None,
        "reason": "because",
        "more_seeds": 4,
    })  # fmt: skip


def verdict(*outcomes: str, **facts: Any) -> Judgement:
    return decide([outcome(text) for text in outcomes], Facts(**{"seeds": 10, "looks": (5, 10), **facts}))


@pytest.mark.parametrize(
    ("outcomes", "expected", "rule"),
    [
        (["target holds", "guard holds", "kill fails"], "PROCEED", 6),
        (["target holds", "kill holds"], "ABANDON", 1),
        (["target fails", "kill fails"], "ABANDON", 2),
        (["target holds", "guard fails"], "ABANDON", 2),
        (["target holds", "pause holds"], "INCONCLUSIVE", 3),
        (["target set_aside", "kill fails"], "DEBUG", 4),
        (["target holds", "debug holds"], "DEBUG", 4),
        (["target undecided"], "INCONCLUSIVE", 5),
        (["target holds", "guard undecided"], "INCONCLUSIVE", 5),
        (["target holds", "kill undecided"], "INCONCLUSIVE", 5),
        (["target holds", "pause undecided"], "INCONCLUSIVE", 5),
        (["target holds", "debug undecided"], "INCONCLUSIVE", 5),
        (["target holds", "sanity undecided"], "INCONCLUSIVE", 5),
        (["target holds", "kill set_aside", "guard set_aside"], "PROCEED", 6),
        (["target holds", "expectation fails", "diagnostic fails", "sanity fails"], "PROCEED", 6),
        (["target holds", "expectation undecided", "diagnostic undecided"], "PROCEED", 6),
        (["target holds", "sanity set_aside"], "PROCEED", 6),
        (["expectation holds"], "INCONCLUSIVE", 5),
    ],
)
def test_each_rule(outcomes: list[str], expected: str, rule: int) -> None:
    judgement = verdict(*outcomes)
    assert (judgement.verdict, judgement.rule) == (expected, rule)
    assert judgement.reasons


ORDER = ["kill holds", "target fails", "pause holds", "debug holds", "guard undecided"]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_the_first_rule_that_applies_decides(first: int) -> None:
    assert verdict("target holds", *reversed(ORDER[first:])).rule == first + 1


@pytest.mark.parametrize(("seeds", "next_look"), [(1, 5), (5, 10), (7, 10), (10, None), (12, None)])
def test_undecided_asks_for_the_next_declared_look(seeds: int, next_look: int | None) -> None:
    judgement = verdict("target undecided", seeds=seeds)
    assert judgement.next_look == next_look
    assert "interval 85.0 % to 95.0 %" in judgement.reasons[0]
    assert "4 more seeds would be expected to settle it" in judgement.reasons[0]


def test_a_proposed_variant_that_diverged_everywhere_never_proceeds() -> None:
    judgement = verdict("target holds", "guard set_aside", diverged=("ours",))
    assert (judgement.verdict, judgement.rule) == ("DEBUG", 4)


@pytest.mark.parametrize(
    ("outcomes", "facts", "said"),
    [
        (["expectation fails"], {}, "(expectation)"),
        (["diagnostic fails"], {}, "(diagnostic)"),
        (["sanity fails"], {}, "(sanity)"),
        (["expectation undecided"], {}, "undecided"),
        (["kill set_aside"], {}, "set aside: because"),
        (["sanity set_aside"], {}, "(sanity)"),
        ([], {"seeds": 1}, "single seed"),
        ([], {"seeds": 3}, "fewer than the first look of 5"),
        ([], {"fidelity": "reduced"}, "reduced fidelity"),
        ([], {"fidelity": "proxy"}, "proxy"),
        ([], {"theoretical": ("ours.step_time",)}, "ours.step_time was to be measured"),
    ],
)
def test_caveats(outcomes: list[str], facts: dict[str, Any], said: str) -> None:
    judgement = verdict("target holds", *outcomes, **facts)
    assert judgement.verdict == "PROCEED"
    assert len(judgement.caveats) == 1
    assert said in judgement.caveats[0]


def test_no_caveat_without_cause() -> None:
    assert verdict("target holds", "kill fails", "expectation holds").caveats == ()
