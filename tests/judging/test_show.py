"""Numbers for people, and what a criterion is shown to be about."""

import pytest

from models.metrics import METRICS
from proposals.judging.show import show, show_interval, show_limit
from proposals.judging.subject import subject_of
from proposals.language import Names, read

NAMES = Names(variants=("a", "b"))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.913, "fraction", "91.3 %"), (0.654, "points", "+65.4 pp"), (-0.05, "points", "-5.0 pp"),
        (0.0121, "seconds", "12.1 ms"), (562.0, "seconds", "9.37 min"), (0.0, "seconds", "0 s"),
        (3e-7, "seconds", "300 ns"), (1.6e6, "bytes", "1.60 MB"), (12345.0, "per_second", "12.3 k/s"),
        (41440.0, "count", "41,440"), (0.656, "ratio", "0.656x"), (0.15, "dollars", "$0.15"),
        (-3.0, "dollars", "-$3.00"), (1.0, "event", "yes"), (0.0, "event", "no"), (3.0, "event", "3 times"),
        (0.0039, "number", "0.00390"), (3.9e-7, "number", "3.90e-07"), (0.0, "number", "0"),
        (0.8, "share", "80.0 %"), (None, "fraction", "–"),
    ],
)  # fmt: skip
def test_show(value: float | None, unit: str, text: str) -> None:
    assert show(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.8, "fraction", "80 %"), (0.07, "fraction", "7 %"), (0.05, "points", "5 pp"),
        (0.0, "seconds", "0 s"),
        (562.0, "seconds", "562 s"), (600.0, "seconds", "600 s"), (0.012, "seconds", "12 ms"),
        (1.6e6, "bytes", "1.6 MB"), (0.0, "bytes", "0 B"),
        (41440.0, "count", "41,440"), (1.3, "ratio", "1.3x"),
        (0.5, "dollars", "$0.5"), (1e-6, "number", "1e-06"), (-0.5, "number", "-0.5"),
    ],
)  # fmt: skip
def test_show_limit(value: float, unit: str, text: str) -> None:
    assert show_limit(value, unit) == text


def test_show_interval() -> None:
    assert show_interval(0.88, 0.941, "fraction") == "88.0 % to 94.1 %"
    assert show_interval(None, None, "fraction") == "–"


@pytest.mark.parametrize(
    ("text", "target", "unit"),
    [
        ("a.test_accuracy > 0.8", "> 80 %", "fraction"),
        ("0.8 < a.test_accuracy", "> 80 %", "fraction"),
        ("not a.test_accuracy > 0.8", "<= 80 %", "fraction"),
        ("a.test_accuracy - b.test_accuracy <= 5 pp", "<= 5 pp", "points"),
        ("a.test_accuracy < b.test_accuracy", "< 0 pp", "points"),
        ("a.test_accuracy / b.test_accuracy > 1.3", "> 1.3x", "ratio"),
        ("a.step_time < b.step_time", "< 1x", "ratio"),
        ("a.step_time <= 3 * b.step_time", "<= 3x", "ratio"),
        ("a.step_time <= b.step_time + 1 ms", "<= 0 s", "seconds"),
        ("a.test_loss < b.test_loss", "< 0", "number"),
        ("0.6 <= a.test_accuracy <= 0.7", "60 % .. 70 %", "fraction"),
        ("a.diverged", "yes", "event"),
        ("not a.diverged", "no", "event"),
        ("max(a.test_accuracy, b.test_accuracy) > 0.9", "> 90 %", "fraction"),
        ("a.test_accuracy > 0.8 or b.test_accuracy > 0.8", "in more than 50 % of seeds", "share"),
        ("a.peak_memory < 2 MB", "< 2 MB", "bytes"),
        ("a.parameters == 41440", "== 41,440", "count"),
    ],
)
def test_what_a_criterion_is_about(text: str, target: str, unit: str) -> None:
    subject = subject_of(read(text, NAMES), METRICS)
    assert (subject.target, subject.unit) == (target, unit)


@pytest.mark.parametrize(
    ("text", "achieved", "margin"),
    [
        ("a.test_accuracy > 0.8", 0.9, 0.1),
        ("a.test_accuracy < 0.8", 0.9, -0.1),
        ("0.6 <= a.test_accuracy <= 0.7", 0.69, 0.01),
        ("0.6 <= a.test_accuracy <= 0.7", 0.5, -0.1),
        ("a.parameters == 10", 12.0, -2.0),
    ],
)
def test_margins_are_positive_where_it_holds(text: str, achieved: float, margin: float) -> None:
    assert subject_of(read(text, NAMES), METRICS).margin(achieved) == pytest.approx(margin)
