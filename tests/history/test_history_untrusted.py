"""Documents that nobody would write: no crash but our own errors, nothing lost, time in proportion."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proposals.errors import ProposalError, UnreadableError
from proposals.history import read_document
from proposals.history.blocks import blocks_of
from proposals.history.document import Document, understand
from proposals.history.source import LARGEST, MOST_LINES, decode

OURS = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "documents").glob("*.md"))}

PIECES = st.sampled_from([
    "# Experiment 7 Results: A (B)\n",
    "## Success Criteria\n",
    "## Failure Criteria\n",
    "## Decision\n",
    "\n",
    "---\n",
    "| Metric | Target | A | B | Status |\n|---|---|---|---|---|\n",
    "| Accuracy | > 5% | 1% | 2% | ✅ |\n",
    "| a | b |\n",
    "| Model | Seed | Test Acc |\n|---|---|---|\n",
    "| B | 1 | 50% |\n",
    "| B | 1 | 60% |\n",
    "| C | 1 | nan |\n",
    "- ✅ **B > 80% accuracy**: Achieved **91%**\n",
    "  - ❌ MSE: **0.5** (target: <1e-3)\n",
    "1. **KILL: B does not beat C**\n",
    "- **Experiment 3: Thing** (Status: **x**)\n",
    "## 2026-01-01\n",
    "## [2026-01-01 01:00] Experiment 4: B\n",
    "**Decision**: **ABANDON**\n",
    "Loss was flat (0.5 → 0.5)\n",
    "**Cost**: $0.10 (T4)\n",
    "```\n",
    "> quote\n",
    "    code\n",
    "<div>\n",
    "[x]: y\n",
    "\\| | `|` |\n",
    "âŒ â€” Î±\n",
    "- No NaN\n",
    "| x | < 1e999 | 1e400 |\n",
    "|\n",
    "**",
    "|",
    "-",
    "%",
])  # fmt: skip


def check(data: bytes) -> Document | None:
    try:
        document = understand(decode(data, "x.md"), "x")
    except ProposalError:
        return None
    kept = {number for block in document.blocks for number in range(block.line, block.end + 1)}
    for number, line in enumerate(document.source.lines, start=1):
        assert not line.strip() or number in kept
    for one in document.experiments:
        for criterion in one.criteria:
            assert criterion.canonical or criterion.reason
            assert criterion.judged <= bool(criterion.canonical)
        assert one.judgement or one.why_none
    return document


@given(st.lists(PIECES, max_size=25))
@settings(max_examples=150, deadline=None)
def test_random_documents(pieces: list[str]) -> None:
    check("".join(pieces).encode())


@given(st.lists(PIECES, max_size=12), st.text(max_size=60), st.lists(PIECES, max_size=6))
@settings(max_examples=100, deadline=None)
def test_random_text_among_them(before: list[str], text: str, after: list[str]) -> None:
    check(("# Experiment 7 Results: A\n" + "".join(before) + text + "".join(after)).encode("utf-8", "surrogatepass"))


@given(st.sampled_from(sorted(OURS)), st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_truncated_documents(name: str, data: st.DataObject) -> None:
    whole = OURS[name]
    cut = data.draw(st.integers(0, len(whole)))
    check(whole[:cut])
    check(whole[cut:])


@given(st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_random_bytes(data: bytes) -> None:
    check(data)


def test_carriage_returns_and_a_byte_order_mark_change_nothing() -> None:
    for name, data in OURS.items():
        plain, other = check(data), check(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
        assert plain is not None
        assert other is not None
        assert plain.blocks == other.blocks, name
        assert plain.source.sha256 != other.source.sha256


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"# Shopping\n\n- milk\n", "no report of an experiment"),
        (b"", "no report of an experiment"),
        (b"# Experiment 1 Results: x\n\xff", "not UTF-8: byte 26 is 0xff"),
        (b"# Experiment 1 Results\n" + b"x" * LARGEST, "too many for a report"),
        (b"\n" * (MOST_LINES + 1), "lines are too many"),
    ],
)
def test_refusals(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableError, match=message):
        understand(decode(data, "x.md"), "x")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="no such file"):
        read_document(tmp_path / "none.md")
    with pytest.raises(UnreadableError, match="no such file"):
        read_document(tmp_path)


def test_front_matter_that_is_a_trap() -> None:
    for front in (b"a: &x [1]\nb: *x", b"[" * 1500, b"a: b: c", b"- 1\n- 2", b"!!python/object:os.system {}"):
        document = check(b"---\n" + front + b"\n---\n# Experiment 1 Results: x\n")
        assert document is not None
        assert document.front_matter == {}
        assert document.blocks[0].text == front.decode()


HEAD = b"# Experiment 1 Results: x\n\n## Success Criteria\n"
LONG = {
    "bullets": lambda n: HEAD + b"- b > 5% accuracy\n" * n,
    "headings": lambda n: HEAD + b"## a\n" * n,
    "rows": lambda n: HEAD + b"\n| Model | Acc |\n|-|-|\n" + b"| a | 5% |\n" * n,
    "columns": lambda n: HEAD + b"\n" + b"|a" * n + b"|\n" + b"|-" * n + b"|\n" + b"|5%" * n + b"|\n",
    "nested": lambda n: HEAD + b"> " * n + b"a\n",
    "stars": lambda n: HEAD + b"- " + b"**a > 5% " * n,
    "digits": lambda n: (
        HEAD + b"\n| Metric | Target | Achieved |\n|-|-|-|\n| a | > " + b"1," * n + b"| " + b"1e" * n + b"|\n"
    ),
    "updates": lambda n: b"## 2026-01-01\n" + b"- **Experiment 1: a** (Status: x)\n" * n,
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_time_in_proportion_to_size(name: str) -> None:
    """Ten times as much takes about ten times as long; a square would take a hundred times."""
    seconds = []
    for size in (400, 4000):
        data = LONG[name](size)
        best = min(_time(data) for _ in range(2))
        seconds.append(best)
    assert seconds[1] < 40 * seconds[0] + 0.3


def _time(data: bytes) -> float:
    start = time.process_time()
    check(data)
    return time.process_time() - start


def test_parameters_that_differ_from_seed_to_seed() -> None:
    """They are computed, so that is odd; the judge would refuse it, and we keep them apart."""
    rows = b"| Model | Seed | Params |\n|-|-|-|\n| x | 1 | 100 |\n| x | 2 | 101 |\n"
    document = check(HEAD + b"- x parameters < 500\n\n## Results\n\n" + rows)
    assert document is not None
    (criterion,) = document.experiments[0].criteria
    assert criterion.outcome is not None
    assert criterion.outcome.decision == "holds"


def test_what_is_beyond_the_limits_is_named() -> None:
    document = check(HEAD + b"- b > 5% accuracy\n" * 600)
    assert document is not None
    assert len(blocks_of(document.source.text)) == 602
    assert "more than 500 criteria" in str(document.experiments[0].problems[0])
