"""Properties of the language: what is read prints and reads again; what is not read is a ProposalError."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.metrics import METRICS
from proposals.errors import ProposalError
from proposals.language import Names, canonical, read

NAMES = Names(variants=("a", "b", "c"), proposed=("a",), aliases={"base line": "b"})
QUICK = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])

units = st.sampled_from(["", "%", " pp", "x", " ms", " s", " min", " KB", " GiB", " $", " tok/s", "/s"])
digits = st.one_of(
    st.integers(0, 1000).map(str),
    st.decimals("0", "1", places=3).map(str),
    st.sampled_from(["5e-4", "1_000", ".5", "1e20", "0.07"]),
)
numbers = st.builds(lambda number, unit: number + unit, digits, units)
conditions = st.sampled_from(["", "", "[length=512]", "[pairs=8, length=1e3]", '[split="x y"]'])
variants = st.sampled_from(["a", "b", "c", '"base line"'])
quantified = st.builds(
    lambda word, some: f"{word}({', '.join(some)})",
    st.sampled_from(["all", "any", "best", "max", "min"]),
    st.sampled_from([["a"], ["a", "b"], ["c", "b"], ["*"]]),
)
metrics = st.builds(
    lambda subject, metric, condition: f"{subject}.{metric}{condition}",
    st.one_of(variants, variants, quantified),
    st.sampled_from(sorted(METRICS)),
    conditions,
)
values = st.recursive(
    st.one_of(metrics, numbers),
    lambda inner: st.one_of(
        st.builds(lambda a, op, b: f"({a}) {op} ({b})", inner, st.sampled_from("+-*/"), inner),
        st.builds(lambda a, op, b: f"{a} {op} {b}", inner, st.sampled_from("+-*/"), inner),
        inner.map(lambda a: f"-({a})"),
        st.builds(lambda f, a, b: f"{f}({a}, {b})", st.sampled_from(["max", "min", "best"]), inner, inner),
        inner.map(lambda a: f"abs({a})"),
    ),
    max_leaves=5,
)
operators = st.sampled_from([">", ">=", "<", "<=", "==", "≥"])
comparisons = st.one_of(
    st.builds(lambda a, op, b: f"{a} {op} {b}", values, operators, values),
    st.builds(lambda a, op, b: f"{a} {op} {b}", metrics, operators, numbers),
    st.builds(lambda a, low, high: f"{a} in {low} .. {high}", metrics, numbers, numbers),
    st.builds(lambda a, b, c: f"{a} < {b} <= {c}", numbers, metrics, metrics),
    st.builds(lambda a, much, word, b: f"{a} {much} {word} than {b}", metrics, st.sampled_from(["", "20%", "<= 3x"]),
              st.sampled_from(["faster", "slower"]), metrics),
    st.sampled_from(["a.diverged", "any(*).nan_count", "diverged"]),
)  # fmt: skip
sentences = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda a, word, b: f"({a}) {word} ({b})", inner, st.sampled_from(["and", "or"]), inner),
        st.builds(lambda a, word, b: f"{a} {word} {b}", inner, st.sampled_from(["and", "or"]), inner),
        inner.map(lambda a: f"not ({a})"),
        st.builds(lambda a, b: f"all({a}, {b})", inner, inner),
    ),
    max_leaves=4,
)


@QUICK
@given(sentences)
def test_the_canonical_form_reads_as_the_same_tree(text: str) -> None:
    try:
        tree = read(text, NAMES)
    except ProposalError:
        return  # not every sentence makes sense: units may not fit
    again = canonical(tree)
    assert read(again, NAMES) == tree
    assert canonical(read(again, NAMES)) == again


@QUICK
@given(st.text())
def test_random_text_is_read_or_refused(text: str) -> None:
    _read_or_refuse(text)


WORDS = (
    "a b c . test_accuracy step_time diverged ( ) [ ] , = == > >= < <= .. + - * / × – ≥ % pp x ms $ 3 80 1e5 .5 \" ' "
    "and or not in than faster slower all any best max min abs ! & `"
)
words = st.sampled_from([*WORDS.split(), "\n"])


@QUICK
@given(st.lists(words, max_size=25).map(" ".join))
def test_random_words_are_read_or_refused(text: str) -> None:
    _read_or_refuse(text)
    _read_or_refuse(text.replace(" ", ""))


@QUICK
@given(sentences, st.integers(0, 60), st.characters())
def test_a_sentence_with_a_changed_character_is_read_or_refused(text: str, at: int, char: str) -> None:
    _read_or_refuse(text[:at] + char + text[at + 1 :])


def _read_or_refuse(text: str) -> None:
    try:
        read(text, NAMES, file="x.md", line=3, column=4)
    except ProposalError as refusal:
        for problem in refusal.problems:
            assert problem.line is not None
            assert problem.column is not None
            lines = text.split("\n")
            assert 3 <= problem.line < 3 + len(lines)
            line = lines[problem.line - 3]
            offset = 4 if problem.line == 3 else 0
            assert 1 <= problem.column - offset <= len(line) + 1


def test_the_sentences_above_are_mostly_worth_reading() -> None:
    """Guards the guard: a generator whose sentences are all refused would prove nothing."""
    read_ones = 0

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(sentences)
    def count(text: str) -> None:
        nonlocal read_ones
        try:
            read(text, NAMES)
        except ProposalError:
            return
        read_ones += 1

    count()
    if read_ones < 20:
        pytest.fail(f"only {read_ones} of 300 sentences were read")
