"""Accepted suggestions become code spans, and nothing else changes by a byte."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proposal_documents import GOOD

from proposals.checks import check, freeze
from proposals.errors import ProposalError
from proposals.formalize import Formalized, formalize
from proposals.reading import read_document, read_proposal
from proposals.reading.document import parse

CORPUS = sorted((Path(__file__).parents[1] / "natural" / "corpus").glob("*.md"))
OLD = """---
id: "012"
status: proposed
---
# Rings (RingLin)

## Minimum Viable Experiment

### Success Criteria

- RingLin $> 80\\%$ accuracy
- PlainLin < 55% accuracy
- it is nice
- No NaN

### Failure Criteria

- RingLin accuracy is no better than PlainLin
- **Pause if** PlainLin accuracy > 90%
"""
WRITTEN = {
    "S1": ("- RingLin $> 80\\%$ accuracy", ": `ringlin.test_accuracy > 80%`"),
    "S2": ("- PlainLin < 55% accuracy", ": *expected*: `plainlin.test_accuracy < 55%`"),
    "S4": ("- No NaN", ": *guard*: `ringlin.nan_count == 0`"),
    "F1": (
        "- RingLin accuracy is no better than PlainLin",
        ": `ringlin.test_accuracy <= plainlin.test_accuracy`",
    ),
    "F2": ("- **Pause if** PlainLin accuracy > 90%", ": *pause*: `plainlin.test_accuracy > 90%`"),
}


def done(text: str | bytes, accept: list[str] | None = None) -> Formalized:
    return formalize(text if isinstance(text, bytes) else text.encode(), "012-x.md", "012-x", accept)


def expected(text: str, ids: list[str]) -> str:
    for id in ids:
        old, new = WRITTEN[id]
        text = text.replace(f"{old}\n", f"{old}{new}\n")
    return text


def test_each_suggestion_is_appended_to_its_own_text() -> None:
    result = done(OLD)
    assert result.after.decode() == expected(OLD, list(WRITTEN))
    assert [one.id for one in result.written] == list(WRITTEN)
    assert [problem.message for problem in result.left] == ["S3 has no suggestion: " + result.left[0].message[22:]]


@pytest.mark.parametrize("ids", [["S1"], ["S2", "F2"], ["F1"]])
def test_only_what_is_accepted(ids: list[str]) -> None:
    assert done(OLD, ids).after.decode() == expected(OLD, ids)


def test_one_after_the_other_is_the_same_as_all_at_once() -> None:
    text = OLD.encode()
    for id in ("S1", "F2", "S4", "F1", "S2"):
        text = done(text, [id]).after
    assert text.decode() == expected(OLD, list(WRITTEN))


def test_roles_are_kept_and_the_second_time_changes_nothing() -> None:
    again = done(done(OLD).after)
    assert (again.after, again.written, again.diff) == (again.before, (), "")
    criteria = read_document(parse(done(OLD).after, "012-x.md", "012-x")).proposal.criteria
    assert [one.role for one in criteria] == ["target", "expectation", "target", "guard", "kill", "pause"]
    assert [one.formal is None for one in criteria] == [False, False, True, False, False, False]


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=["crlf", "bom", "cr", "no last line end"],
)
def test_line_ends_and_byte_order_marks_stay(change) -> None:
    assert done(change(OLD)).after == change(expected(OLD + "\n", list(WRITTEN)).removesuffix("\n"))


def test_spaces_behind_a_line_stay_behind() -> None:
    text = OLD.replace("- No NaN\n", "- No NaN  \n")
    assert "- No NaN: *guard*: `ringlin.nan_count == 0`  \n" in done(text).after.decode()


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_document_of_the_corpus(path: Path) -> None:
    source = path.read_bytes()
    result = formalize(source, path.name, path.stem)
    reading = read_document(parse(source, path.name, path.stem))
    again = read_document(parse(result.after, path.name, path.stem))
    assert {one.id for one in result.written} == {one.id for one in reading.proposal.criteria if one.suggested}
    for before, after in zip(reading.proposal.criteria, again.proposal.criteria, strict=True):
        if before.suggested is None:
            assert after.formal is None
            continue
        assert after.formal == before.suggested
        assert after.role == ("kill" if before.role == "failure" else before.role)
    # without what was appended the bytes are those of before
    left = result.after
    for one in result.written:
        head, _, tail = left.partition(f"`{one.suggested}`".encode())
        for joint in (b": *expected*: ", b": *guard*: ", b": *diagnostic*: ", b": *pause*: ", b": *debug*: ",
                      b": *sanity*: ", b": *target*: ", b": ", b" "):  # fmt: skip
            if head.endswith(joint):
                head = head[: -len(joint)]
                break
        left = head + tail
    assert left == source


def test_sentences_and_cells() -> None:
    text = "# A title\n\n## MVE\n\n### Success Criteria\n\n| Model | Accuracy |\n|---|---|\n| RingLin | > 80% |\n\n"
    text += "### Failure Criteria\n\nThe idea fails if RingLin accuracy is below 60%. It is e.g. sad.\n"
    after = done(text).after.decode()
    assert "| RingLin | > 80%: `ringlin.test_accuracy > 80%` |\n" in after
    assert "is below 60%: `ringlin.test_accuracy < 60%`. It is e.g. sad.\n" in after


def test_in_a_broken_line_only_its_end_is_safe() -> None:
    text = OLD.replace("RingLin $> 80\\%$ accuracy", "RingLin â‰¥ 80% accuracy")
    assert "- RingLin â‰¥ 80% accuracy: `ringlin.test_accuracy >= 80%`\n" in done(text).after.decode()
    table = "# A title\n\n## MVE\n\n### Success Criteria\n\n| Model | Accuracy |\n|---|---|\n| RingLin | â‰¥ 80% |\n"
    result = done(table)
    assert result.after == result.before
    assert "encoding is broken" in result.left[0].message
    assert "Save the file as UTF-8" in result.left[0].remedy


@pytest.mark.parametrize(
    ("accept", "message"),
    [
        (["S9"], "there is no criterion `S9`"),
        (["S3"], "S3 has no suggestion"),
        (["S1", "x"], "there is no criterion `x`"),
    ],
)
def test_what_cannot_be_accepted(accept: list[str], message: str) -> None:
    with pytest.raises(ProposalError) as refusal:
        done(OLD, accept)
    assert message in str(refusal.value)


def test_what_is_formal_already_is_left_alone() -> None:
    assert done(GOOD).after == GOOD.encode()
    with pytest.raises(ProposalError, match="S1 is said formally already"):
        done(GOOD, ["S1"])


PIECES = st.sampled_from(
    ["- ", "* ", "1. ", "\n", "\n\n", "  - ", "`", "$", "\\%", "|", "**Kill if** ", "RingLin ", "> 80% ", "accuracy ",
     "< 5 ", "### Failure Criteria\n", "### Success Criteria\n", "any of:\n", "> ", "â‰¥", "|---|---|\n", "é", "\t"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_markdown_is_either_kept_or_only_added_to(piece: str) -> None:
    source = OLD.replace("- it is nice\n", piece).encode()
    result = done(source)
    rest = iter(result.after)
    assert all(byte in rest for byte in source), "something was taken away"
    for one in result.written:
        assert f"`{one.suggested}`".encode() in result.after


SETUP = """### Setup

```yaml mve
synthetic: {name: mqar, pairs: 4, length: 32, vocabulary: 16, train: 100, validation: 10, test: 10}
backbone: {layers: 1, width: 16, heads: 2}
variants:
  ringlin: {mixer: log_linear, proposed: true, aliases: [RingLin]}
  plainlin: {mixer: linear_attention, aliases: [PlainLin]}
training: {epochs: 2, batch: 8, lr: 5e-4}
seeds: [5]
compute: {minutes: 5, dollars: 0}
```

### Success Criteria
"""


def test_with_a_setup_block_the_document_can_be_decided(tmp_path: Path) -> None:
    text = done(OLD.replace("- it is nice\n", "")).after.decode().replace("### Success Criteria\n", SETUP)
    path = tmp_path / "012-x.md"
    path.write_text(text, "utf-8")
    report = check(path)
    assert report.exit_code == 0, report.problems
    assert [(one.role, one.canonical) for one in freeze(read_proposal(path)).criteria] == [
        ("target", "ringlin.test_accuracy > 0.8"),
        ("expectation", "plainlin.test_accuracy < 0.55"),
        ("guard", "ringlin.nan_count == 0"),
        ("kill", "ringlin.test_accuracy <= plainlin.test_accuracy"),
        ("pause", "plainlin.test_accuracy > 0.9"),
    ]
