"""Numbers, names and marks, one by one."""

import pytest

from proposals.history.cast import Cast, assemble, core, mentions, slug
from proposals.history.nouns import Vocabulary, words_of
from proposals.history.quantities import conditions, quantities, split_bound
from proposals.history.statements import mark_of


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("95.8%", [(0.958, "fraction", ())]),
        ("**95.8%**", [(0.958, "fraction", ())]),
        ("~25%", [(0.25, "fraction", ())]),
        ("1.0 (baseline)", [(1.0, "number", ())]),
        ("0.4x (2.5x slower)", [(0.4, "ratio", ())]),
        ("91% (seq16) / 8% (seq32)", [(0.91, "fraction", (("length", 16),)), (0.08, "fraction", (("length", 32),))]),
        ("0.589 ms", [(0.000589, "seconds", ())]),
        ("30,648", [(30648.0, "number", ())]),
        ("39K", [(39000.0, "number", ())]),
        ("1.5 GB", [(1.5e9, "bytes", ())]),
        ("-0.70% (ours ahead)", [(-0.007, "fraction", ())]),
        ("1e-3", [(0.001, "number", ())]),
        ("91.3 ± 0.5%", [(0.913, "fraction", ())]),
        ("$0.50", [(0.5, "dollars", ())]),
        ("O(20)", []),
        ("Yes (100%)", []),
        ("50% of the tokens", []),
        ("95.8% = 95.8%", []),
        ("95.8% / 91.0%", []),
        ("2026-02-15", []),
        ("-", []),
        ("1,23", []),
        ("9" * 400, []),
    ],
)  # fmt: skip
def test_quantities(cell: str, expected: list[tuple[float, str, object]]) -> None:
    assert [(one.value, one.unit, one.condition) for one in quantities(cell)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("> 85%", ("", 0.85, None, "")),
        ("≥ 0.9", ("", 0.9, None, "")),
        ("<1e-3", ("", None, 0.001, "")),
        ("> 0.3× dense", ("", 0.3, None, "dense")),
        ("ours > 80% accuracy", ("ours", 0.8, None, "accuracy")),
        ("vanilla 60-70% accuracy", ("vanilla", 0.6, 0.7, "accuracy")),
        ("at least 90%", ("", 0.9, None, "")),
        ("no more than 5%", None),
        ("> 80% or < 20%", None),
        ("2015-2020", None),
        ("High", None),
        ("O(mn) < O(n^2)", None),
        ("a > b", None),
    ],
)
def test_bounds(text: str, expected: tuple[str, float | None, float | None, str] | None) -> None:
    found = split_bound(text)
    assert (found and (found[0], found[1].low, found[1].high, found[2])) == expected


def test_conditions() -> None:
    assert conditions("Main run (seq_len=12, 5K samples)") == (("length", 12),)
    assert conditions("at T = 512, lr=1e-3") == (("length", 512),)
    assert conditions("seq20") == (("length", 20),)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("✅ Pass", "pass"),
        ("❌ FAIL (both)", "fail"),
        ("⚠️ Pass on easy / ❌ Fail on hard", "mixed"),
        ("**❌ KILL**", "fail"),
        ("✅ not triggered", "pass"),
        ("PASS", "pass"),
        ("-", ""),
        ("âŒ", "fail"),
    ],
)
def test_marks(text: str, mark: str) -> None:
    assert mark_of(text) == mark


@pytest.mark.parametrize(
    ("phrase", "unit", "value", "name"),
    [
        ("Test Acc", "fraction", 0.9, "test_accuracy"),
        ("Best Val Acc (40 epochs)", "fraction", 0.9, "validation_accuracy"),
        ("Test Acc", "number", 95.8, None),
        ("Forward (ms)", "seconds", 0.01, "forward_time"),
        ("NaN events", "number", 0.0, "nan_count"),
        ("Training MSE", "number", 0.6, "train_mse"),
        ("Level 2 accuracy", "fraction", 0.2, "level_2_accuracy"),
        ("Throughput", "ratio", 0.2, "throughput_ratio"),
    ],
)
def test_names_of_metrics(phrase: str, unit: str, value: float, name: str | None) -> None:
    assert Vocabulary().name(words_of(phrase), unit, value) == name  # type: ignore[arg-type]


def cast(title: str, *labels: str) -> Cast:
    return assemble(dict.fromkeys(labels, ()), title, "")


@pytest.mark.parametrize(
    ("title", "labels", "proposed"),
    [
        ("Folding (FoldNet)", ("foldnet", "gru"), ("foldnet",)),
        ("Spectral Mixing", ("Dense-Attn", "Spectral-Attn"), ("spectral_attn",)),
        ("Spectral Mixing", ("Full (Baseline)", "Compressed"), ("compressed",)),
        ("Something", ("A", "B (ours)"), ("b",)),
        ("Gated Delta", ("delta", "gated delta", "softmax"), ("gated_delta",)),
        ("Something Else", ("alpha", "beta"), ()),
    ],
)
def test_which_variant_is_the_idea(title: str, labels: tuple[str, ...], proposed: tuple[str, ...]) -> None:
    found = cast(title, *labels)
    assert found.proposed == proposed
    assert bool(found.why) == bool(proposed)


def test_names_in_prose() -> None:
    found = cast("Cosine Log (cos-Log)", "cos_log", "log", "softmax_attn")
    assert [one.variant for one in mentions("cos-Log beats log", found)] == ["cos_log", "log"]
    (gap,) = mentions("accuracy gap to softmax", found)
    assert (gap.variant, gap.against) == ("softmax_attn", True)
    assert core("α=4") == "alpha=4" != core("α4")
    assert slug("DR-SSM (α=4)") == "dr_ssm_alpha_4"
    assert slug("9 heads") == "v_9_heads"
