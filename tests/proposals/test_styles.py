"""Documents that never heard of our format: what is a criterion, what is none, and what is named as broken."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proposal_documents import GOOD, written

from proposals.checks import CheckReport, check, freeze
from proposals.errors import ProposalError
from proposals.reading import read_as_far_as_it_goes, read_document
from proposals.reading.document import parse
from proposals.spec import Criterion, Proposal
from tests.natural.numbers import numbers_in, numbers_of

HEAD = "# Rings (RingLin)\n\n## Minimum Viable Experiment\n\n"
BOTH = "### Success Criteria\n\n{}\n\n### Failure Criteria\n\n- RingLin accuracy <= PlainLin accuracy\n"


def report_of(folder: Path, body: str, head: str = HEAD) -> CheckReport:
    return check(written(folder, head + body))


def success(folder: Path, body: str) -> list[Criterion]:
    return [one for one in report_of(folder, BOTH.format(body)).criteria if one.section == "success"]


def proposal_of(folder: Path, text: str) -> Proposal:
    return read_as_far_as_it_goes(written(folder, text)).proposal


def canonicals(criteria: list[Criterion]) -> list[str | None]:
    return [one.canonical for one in criteria]


ABOVE = "ringlin.test_accuracy > 0.8"

# -- where criteria stand ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "- RingLin accuracy > 80%",
        "* RingLin accuracy > 80%",
        "1) RingLin accuracy > 80%",
        "- [ ] RingLin accuracy > 80%",
        "- `RingLin` accuracy > 80%",
        "- `RingLin accuracy > 80%`",
        "- **S1**: RingLin accuracy > 80%",
        "- the RingLin model reaches an accuracy > 80%",
        "- All of the following:\n  - RingLin accuracy > 80%",
        "We succeed if:\n\n- RingLin accuracy > 80%",
        "| Model | Expected Accuracy |\n|:---|---:|\n| RingLin | > 80% |",
        "Model | Accuracy\n---|---\nRingLin | $> 80\\%$",
        "| # | Criterion | Threshold | Why |\n|-|-|-|-|\n| 1 | RingLin accuracy | > 80% | it is $0.50 well spent |",
        "| Variant | Metric | Threshold |\n|-|-|-|\n| RingLin | accuracy | > 80% |",
        "**Accuracy**: RingLin accuracy > 80%",
        "The idea works if RingLin accuracy > 80%.",
        "#### Targets\n\n- RingLin accuracy > 80%",
    ],
)
def test_one_criterion_in_many_places(tmp_path: Path, body: str) -> None:
    assert canonicals(success(tmp_path, body)) == [ABOVE]


@pytest.mark.parametrize(
    "text",
    [
        "**Success criteria**\n- RingLin accuracy > 80%\n\n**Failure criteria**\n- RingLin accuracy < 50%\n",
        "**Success Criteria:** RingLin accuracy > 80%\n**Failure Criteria:** RingLin accuracy < 50%\n",
        "Success criteria: RingLin accuracy > 80%\n\nFailure criteria: RingLin accuracy < 50%\n",
        "- **Setup**: one GPU, $0.50\n- **Success**: RingLin accuracy > 80%\n- **Failure**: RingLin accuracy < 50%\n",
        "It works if RingLin accuracy > 80%. It fails if RingLin accuracy < 50%.\n",
        "### What counts as success\n- RingLin accuracy > 80%\n### Kill criteria\n- RingLin accuracy < 50%\n",
    ],
)  # fmt: skip
def test_both_sides_without_our_headings(tmp_path: Path, text: str) -> None:
    report = report_of(tmp_path, text)
    assert canonicals(list(report.criteria)) == [ABOVE, "ringlin.test_accuracy < 0.5"]
    assert [one.id for one in report.criteria] == ["S1", "F1"]
    assert report.exit_code == 2


@pytest.mark.parametrize(
    "body",
    [
        "### Decision\n\n- ✅✅ go\n- > 90% accuracy would be a surprise\n",
        "#### Why this is enough\n\n- 80% is five times chance\n",
        "### Human Review\n\n- Try more than 3 rings\n",
        "### Expected Outcomes\n\n- 95% accuracy\n",
        "\n> - accuracy > 95% in the source\n",
        "\n```\n- accuracy > 95%\n# Success Criteria\n```\n",
        "\n<!-- - accuracy > 95% -->\n",
    ],
)
def test_what_is_no_criterion(tmp_path: Path, body: str) -> None:
    report = report_of(tmp_path, BOTH.format("- RingLin accuracy > 80%") + body)
    assert [one.id for one in report.criteria] == ["S1", "F1"]


def test_only_the_experiment_counts(tmp_path: Path) -> None:
    other = "## Method\n\n### Success Criteria\n\n- accuracy > 10%\n\n| Metric | Goal |\n|-|-|\n| loss | < 1 |\n\n"
    text = "# Rings (RingLin)\n\n" + other + HEAD.split("\n\n", 1)[1] + BOTH.format("- RingLin accuracy > 80%")
    text += "\n## Full experiment\n\n### Success Criteria\n\n- accuracy > 99%\n"
    criteria = proposal_of(tmp_path, text).criteria
    assert canonicals(list(criteria)) == [ABOVE, "ringlin.test_accuracy <= plainlin.test_accuracy"]


def test_emoji_rules_and_prose_with_numbers_are_named(tmp_path: Path) -> None:
    body = "We measure at 3 lengths.\n\n- RingLin accuracy > 80%\n- ✅✅ go, ✅❌ think\n"
    report = report_of(tmp_path, BOTH.format(body))
    passed = [note for note in report.notes if "not read as a criterion" in note.message]
    assert [note.line for note in passed] == [7, 10]


# -- precision -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("- Any of:\n  - RingLin accuracy > 80%\n  - PlainLin accuracy < 10%", "some of these suffice"),
        ("Either of these is enough:\n\n- RingLin accuracy > 80%", "some of these suffice"),
        ("- At least two of the following:\n  - RingLin accuracy > 80%", "some of these suffice"),
        ("- At length 512:\n  - RingLin accuracy > 80%", "may be a condition"),
        ("On held-out data, where:\n\n- RingLin accuracy > 80%", "may be a condition"),
        ("| Model | Accuracy | Length |\n|-|-|-|\n| RingLin | > 80% | 512 |", "the column `length`"),
        ("| Model | Accuracy | Throughput |\n|-|-|-|\n| RingLin | > 80% | 512 |", "which columns"),
        ("| Model | Accuracy |\n|-|-|\n| RingLin | |", "a cell of the row is empty"),
        ("| Model | Copy accuracy |\n|-|-|\n| RingLin | > 80% |", "the column `copy accuracy`"),
        ("| Model | Expected recall |\n|-|-|\n| RingLin | > 80% |", "the column `expected recall`"),
        ("| Model | Accuracy | Notes |\n|-|-|-|\n| RingLin | > 80% | at T = 512 |", "a remark of the row"),
        ("- RingLin accuracy\n  > 80%", "is a quotation"),
        ("- **Kill**: RingLin accuracy > 80%", "a success criterion cannot be `kill`"),
        ("- accuracy > 80% for any model", ""),
        ("- Stretch goal: RingLin accuracy > 80%", "an optional goal"),
        ("- ~~RingLin accuracy > 80%~~", ""),
        ("Any two of these suffice.\n\n- RingLin accuracy > 80%", "some of these suffice"),
        ("All numbers are at $T = 512$.\n\n- RingLin accuracy > 80%", "may be a condition"),
        ("All at length 512.\n\n| Model | Accuracy |\n|-|-|\n| RingLin | > 80% |", "may be a condition"),
    ],
)
def test_what_may_mean_something_else_has_no_reading(tmp_path: Path, body: str, reason: str) -> None:
    criteria = success(tmp_path, body)
    assert set(canonicals(criteria)) == {None}
    assert reason in (criteria[0].reason or "")


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Success Criteria (any two of three)", "some of these suffice"),
        ("Success criteria: either is enough", "some of these suffice"),
        ("Success Criteria at T = 512", "may be a condition"),
        ("7.2 Success Criteria (all must hold)", ""),
        ("✅ Success Criteria of the MVE", ""),
    ],
)
def test_a_heading_may_say_more(tmp_path: Path, title: str, reason: str) -> None:
    criterion = report_of(tmp_path, f"### {title}\n\n- RingLin accuracy > 80%\n").criteria[0]
    assert reason in (criterion.reason or "")
    assert criterion.canonical == (None if reason else ABOVE)


def test_failures_that_need_each_other(tmp_path: Path) -> None:
    body = "### Success Criteria\n\n- RingLin accuracy > 80%\n\n"
    body += "### Failure Criteria\n\n- All of:\n  - RingLin accuracy < 60%\n"
    assert "together" in (report_of(tmp_path, body).criteria[1].reason or "")


@pytest.mark.parametrize(
    "row",
    ["| RingLin accuracy | > 80% | surely |", "| RingLin accuracy |", "| $|a|$ and |b| | > 80% |"],
)
def test_a_broken_row_is_a_problem_with_its_line(tmp_path: Path, row: str) -> None:
    report = report_of(tmp_path, BOTH.format("| Criterion | Threshold |\n|---|---|\n" + row))
    assert report.exit_code == 1
    problem = next(problem for problem in report.problems if "cells, and the header has 2" in problem.message)
    assert problem.line == 9
    assert "\\vert" in problem.remedy
    assert report.criteria[0].text == row
    assert report.criteria[0].canonical is None


def test_bars_and_money_in_cells(tmp_path: Path) -> None:
    rows = "| Error $\\|y - z\\|_\\infty$ | $< 10^{-4}$ |\n| Error $|y - z|_\\infty$ | < $10^{-4}$ |\n"
    rows += "| RingLin cost | < $0.50 |\n| `a | b` | > 80% |"
    report = report_of(tmp_path, BOTH.format("| Criterion | Threshold |\n|---|---|\n" + rows))
    assert [one.text for one in report.criteria[:4]] == rows.split("\n")
    assert report.criteria[2].canonical == "ringlin.cost < 0.5"
    assert [note.line for note in report.notes if "ends the cell" in note.message] == [10, 12]


# -- exit codes and freezing -----------------------------------------------------------------------------------


def test_a_setup_with_natural_criteria_could_not_be_checked(tmp_path: Path) -> None:
    start, end = GOOD.index("- It recalls"), GOOD.index("### Failure")
    text = (
        GOOD[:start] + "- Our Idea > 80% accuracy\n\n" + GOOD[end:].split("- **Kill**")[0] + "- base > 90% accuracy\n"
    )
    report = check(written(tmp_path, text))
    assert report.exit_code == 2, report.problems
    assert canonicals(list(report.criteria)) == ["ours.test_accuracy > 0.8", "base.test_accuracy > 0.9"]
    assert [one.confidence for one in report.criteria] == ["high", "high"]
    with pytest.raises(ProposalError) as refusal:
        freeze(read_as_far_as_it_goes(tmp_path / "012-title.md").proposal)
    assert "a suggestion decides nothing" in str(refusal.value)
    assert "mve formalize" in str(refusal.value)


def test_a_setup_that_is_broken_is_refused(tmp_path: Path) -> None:
    assert check(written(tmp_path, GOOD.replace("epochs: 2", "epochs: two"))).exit_code == 1


def test_a_file_with_another_id_is_refused(tmp_path: Path) -> None:
    text = '---\nid: "013"\n---\n' + HEAD + BOTH.format("- RingLin accuracy > 80%")
    assert check(written(tmp_path, text)).exit_code == 1


def test_a_page_without_an_experiment_could_not_be_checked(tmp_path: Path) -> None:
    report = check(written(tmp_path, "# A page\n\nWords.\n"))
    assert report.exit_code == 2
    assert any("there is no section `Minimum Viable Experiment`" in problem.message for problem in report.problems)


# -- headers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_text", "slugs"),
    [
        ("based_on: one (127), two (7)", ("one (127)", "two (7)")),
        ("based_on: [one, two]", ("one", "two")),
        ("based_on:\n  - one\n  - two", ("one", "two")),
        ("based_on: [[one]], [[two|shown]]", ("one", "two")),
        ("based_on: [[one], [two]]", ("one", "two")),
        ("based_on: [one](tricks/one.md) (127), two", ("one (127)", "two")),
        ("based_on: '[one], [two]'", ("one", "two")),
        ("based_on: []", ()),
        ("based_on:", ()),
    ],
)
def test_based_on(tmp_path: Path, given_text: str, slugs: tuple[str, ...]) -> None:
    assert proposal_of(tmp_path, f'---\nid: "012"\n{given_text}\n---\n{HEAD}').based_on == slugs


def test_front_matter_that_is_no_yaml_is_read_line_by_line(tmp_path: Path) -> None:
    text = f"---\nexperiment_number: 010\ntitle: Gates: a study\nstatus: proposed\nbased_on: [a], [b]\n---\n{HEAD}"
    reading = read_as_far_as_it_goes(written(tmp_path, text))
    assert (reading.proposal.status, reading.proposal.based_on) == ("proposed", ("a", "b"))
    assert any("line by line" in note.message for note in reading.notes)


# -- any text ------------------------------------------------------------------------------------------------------

MARKS = st.sampled_from(
    ["- ", "1. ", "## ", "### Success Criteria\n", "### Failure Criteria\n", "## MVE\n", "**Success**: ", "\n", "\n\n",
     "  ", "> ", "| a | b |\n|---|---|\n", "| ", " |\n", "`", "```\n", "$", "\\|", "\\geq ", "\\frac{", "}", "80\\%",
     "RingLin ", "**Bold** ", "accuracy ", "> ", "90% ", "10^{-4}", "The idea fails if ", "any of:", "where:", "✅❌",
     "â‰¥ ", "Ã—", "\r\n", "\ufeff", "---\n", "id: 010\n", ". ", "€", "[[", "]]"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.lists(MARKS, max_size=80).map("".join), st.text(max_size=200)), st.booleans())
def test_any_markdown_and_no_number_is_invented(piece: str, whole: bool) -> None:
    text = piece if whole else HEAD + BOTH.format(piece)
    reading = read_document(parse(text.encode("utf-8", "replace").replace(b"\0", b""), "x.md", "012-x"))
    lines = text.count("\n") + text.count("\r") + 1
    for one in reading.proposal.criteria:
        assert 1 <= one.line <= lines
        assert one.formal is not None or one.binding is None
        assert one.reason or one.canonical
        if one.suggested is not None:
            assert numbers_of(one.suggested) <= numbers_in(one.text)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_document_of_the_corpus_cut_anywhere(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(CORPUS))
    source = path.read_bytes()
    cut = source[: data.draw(st.integers(0, len(source)))].decode("utf-8", "ignore")
    reading = read_document(parse(cut.encode(), path.name, path.stem))
    for one in reading.proposal.criteria:
        assert one.formal is None
        assert one.reason
        if one.suggested is not None:
            assert numbers_of(one.suggested) <= numbers_in(one.text)


CORPUS = sorted((Path(__file__).parents[1] / "natural" / "corpus").glob("*.md"))


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "unit",
    [
        "- RingLin accuracy > 80%\n", "| RingLin | > 80% |\n", "It works if RingLin accuracy > 80%. ", "**Label**: x\n",
        "- WaveMem â‰¥ 81% accuracy\n", "$|a|$ ", "- any of:\n", "`a.b > 1` ", "(", "**", "RingLin ",
    ],
)  # fmt: skip
def test_two_megabytes_of_criteria_take_seconds(unit: str) -> None:
    body = HEAD + "### Success Criteria\n\n| Model | Accuracy |\n|---|---|\n" if unit[0] == "|" else HEAD
    text = (body if unit[0] == "|" else body + "### Success Criteria\n\n") + unit * (2_000_000 // len(unit))
    started = time.process_time()
    read_document(parse(text.encode(), "x.md", "012-x"))
    assert time.process_time() - started < 24  # a guard against squares, generous on purpose
