"""Criteria in natural notation: the documents, the sentences, and what holds for any text."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proposals.natural import Context, KnownVariant, suggest
from proposals.natural.tokens import tokens
from tests.natural.equivalence import same
from tests.natural.numbers import numbers_in, numbers_of
from tests.natural.score import PAGE, REFUSED, RIGHT, WRONG, Case, corpus, held_out, report, sets

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
RING = (
    KnownVariant("ring", ("RingSSM",), proposed=True),
    KnownVariant("diagonal", ("diagonal SSM",)),
    KnownVariant("dense", ("dense SSM",)),
)
SUCCESS = Context("success", RING)
FAILURE = Context("failure", RING)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [*corpus(), *held_out("sentences"), *held_out("traps"), *held_out("field")]


def test_nothing_is_read_wrong(cases: list[Case]) -> None:
    assert [(case.text, case.canonical, case.got.canonical) for case in cases if case.outcome == WRONG] == []


def test_nearly_everything_that_has_a_reading_is_read(cases: list[Case]) -> None:
    readable = [case for case in cases if case.canonical is not None]
    assert sum(case.outcome == RIGHT for case in readable) / len(readable) > 0.97


def test_the_role_and_the_class_of_what_is_read(cases: list[Case]) -> None:
    read = [case for case in cases if case.got.canonical is not None]
    differing = [
        (case.text, case.got.role, case.role, case.got.class_, case.class_)
        for case in read
        if (case.got.role, case.got.class_) != (case.role, case.class_)
    ]
    assert differing == []


def test_the_page_shows_what_was_measured() -> None:
    assert report(sets()) in PAGE.read_text("utf-8"), "run `python -m tests.natural.score --write`"


def test_every_refusal_says_why(cases: list[Case]) -> None:
    assert all(len(case.got.reason) > 10 for case in cases if case.got.canonical is None)


def test_there_are_enough_documents_and_every_class_occurs(cases: list[Case]) -> None:
    assert len(CORPUS) >= 30
    assert set(Counter(case.class_ for case in cases)) == {
        "constant", "ordering", "ratio", "margin", "compound", "agreement", "event", "band", "expression", "trend",
        "deadline", "other",
    }  # fmt: skip


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_each_criterion_stands_at_its_line(path: Path) -> None:
    raw = path.with_suffix(".md").read_bytes().decode("utf-8-sig")
    text = raw if "â" not in raw else raw.encode("cp1252").decode("utf-8")
    lines = text.replace("\r\n", "\n").split("\n")
    for criterion in json.loads(path.read_text("utf-8"))["criteria"]:
        assert criterion["text"] in lines[criterion["line"] - 1]


# -- single readings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("RingSSM accuracy matches dense SSM accuracy", "tolerance"),
        ("RingSSM accuracy is significantly higher than dense SSM accuracy", "how much"),
        ("RingSSM is stable", "definition"),
        ("RingSSM converges", "how many steps"),
        ("RingSSM accuracy ~65%", "tolerance"),
        ("RingSSM accuracy above chance", "chance level"),
        ("Mamba accuracy > 80%", "`Mamba`"),
        ("RingSSM state memory is O(log T)", "order of growth"),
        ("RingSSM beats dense SSM", "which metric"),
        ("loss < 3", "`loss`"),
        ("RingSSM accuracy > 80% — not on the training set", "several statements"),
        ("RingSSM accuracy > 80% — after pruning", "pruning"),
        ("RingSSM accuracy > 80% (top-5)", "top"),
        ("Overhead: RingSSM < 20%", "`Overhead`"),
        ("RingSSM accuracy > 80%, outperforming dense SSM", "form of sentence"),
        ("RingSSM > 80% accuracy on parity and < 60% accuracy on S5", "several tasks"),
    ],
)
def test_a_refusal_says_what_is_missing(text: str, missing: str) -> None:
    got = suggest(text, SUCCESS)
    assert got.formal is None
    assert got.canonical is None
    assert missing in got.reason


def test_names_are_harvested_with_their_spelling() -> None:
    got = suggest("**cos-LogLinear** > 80% accuracy", Context("success"))
    assert got.variants == (KnownVariant("cos_loglinear", ("cos-LogLinear",)),)
    assert got.canonical == "cos_loglinear.test_accuracy > 0.8"
    assert got.confidence == "low"


def test_a_diagnostic_brings_its_metric() -> None:
    got = suggest("matmul fraction of RingSSM > 60%", SUCCESS)
    (introduced,) = got.metrics
    assert (introduced.name, introduced.metric.unit, introduced.metric.direction) == (
        "matmul_fraction",
        "fraction",
        "higher",
    )
    assert got.role == "diagnostic"


def test_a_noun_is_inherited_from_the_criterion_before() -> None:
    first = suggest("RingSSM training accuracy > 97%", SUCCESS)
    second = suggest("dense SSM > 99%", Context("success", RING, siblings=(first,)))
    assert second.canonical == "dense.train_accuracy > 0.99"
    assert second.confidence == "medium"
    assert suggest("dense SSM > 99%", SUCCESS).canonical is None


def test_who_is_meant_has_to_be_unique() -> None:
    two = (*RING[:2], KnownVariant("dense", ("dense SSM",), proposed=True))
    assert suggest("accuracy > 80%", SUCCESS).canonical == "ring.test_accuracy > 0.8"
    assert "several variants" in suggest("accuracy > 80%", Context("success", two)).reason


def test_a_spelling_of_two_variants_names_neither() -> None:
    twins = (KnownVariant("a", ("Twin",), proposed=True), KnownVariant("b", ("Twin",)))
    assert suggest("Twin accuracy > 80%", Context("success", twins)).canonical is None


# -- any text ------------------------------------------------------------------------------------------------------

VOCABULARY = (
    "RingSSM|dense SSM|diagonal SSM|accuracy|test accuracy|step time|memory|perplexity|than|by|of|faster|slower|better|"
    "worse|less|more|no|not|at least|at most|exceeds|below|within|beats|matches|gap|and|or|while|but|both|all models|"
    "neither|NaN|diverges|converges|$|\\geq|\\leq|\\times|\\%|%|x|points|steps|(|)|,|:|-|—|±|~|**|<|>|kill if|unless|"
    "at $T=512$|chance|from|to|twice|\\frac{|}|\\infty|only|improves|short of|as fast as|reference|bit-exact|[|]|T"
)
WORDS = st.sampled_from(VOCABULARY.split("|"))
NUMBERS = st.one_of(
    st.integers(0, 2000).map(str),
    st.decimals(0, 100, places=2).map(str),
    st.integers(1, 9).map(lambda n: f"10^{{-{n}}}"),
)
SENTENCES = st.lists(st.one_of(WORDS, NUMBERS), max_size=14).map(" ".join)
LATEX = st.text("\\{}$^_%|abkx0159 .,-<>=()[]*`~\n×≥±αβ🎯é", max_size=120)


@settings(max_examples=1500, deadline=None)
@given(
    st.one_of(SENTENCES, LATEX, st.text(max_size=80)),
    st.sampled_from([SUCCESS, FAILURE, Context("success"), Context("failure")]),
)
def test_any_text_gives_a_suggestion_and_no_number_is_invented(text: str, context: Context) -> None:
    got = suggest(text, context)
    assert (got.formal is None) == (got.canonical is None)
    assert got.reason
    if got.formal is not None:
        assert numbers_of(got.formal) <= numbers_in(text)


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 99), st.sampled_from([">", r"$\geq$", "at least", "exceeds", "below", r"$\leq$", "no more than"]))
def test_a_bound_keeps_its_number(bound: int, operator: str) -> None:
    got = suggest(f"RingSSM accuracy {operator} {bound}%", SUCCESS)
    assert got.canonical is not None
    assert float(got.canonical.split()[-1]) == pytest.approx(bound / 100)


@pytest.mark.parametrize(
    "piece",
    ["a", "(", "$", "\\", "*", "1", "10^", "-", "|", "{", "\\frac{", "a-", "1,", "> ", "RingSSM and ", "<br", ":a"],
)
def test_a_line_of_a_megabyte_takes_no_time(piece: str) -> None:
    begin = time.perf_counter()
    assert suggest(piece * (1_000_000 // len(piece)), SUCCESS).canonical is None
    tokens(piece * (50_000 // len(piece)))
    for length in (990, 300):
        suggest((piece * 1000)[:length], SUCCESS)
    assert time.perf_counter() - begin < 5


def test_two_readings_that_differ_are_told_apart() -> None:
    assert same("a.m > 0.8", "0.8 < a.m")
    assert not same("a.m > 0.8", "a.m >= 0.8")
    assert not same("a.m - b.m > 0.05", "abs(a.m - b.m) > 0.05")
    assert same("1 - a.m / b.m > 0.4", "a.m / b.m < 0.6")


def test_refused_and_right_are_counted_apart() -> None:
    assert {case.outcome for case in held_out("sentences")} <= {RIGHT, REFUSED}
