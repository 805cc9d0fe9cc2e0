"""Documents -> proposals: what is read, what is refused, and where the finger points."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proposal_documents import GOOD, line_of, only, written

from proposals.errors import Problem, ProposalError, UnreadableError
from proposals.reading import clashes, find_proposal, list_proposals, read_as_far_as_it_goes, read_proposal
from proposals.reading.document import parse
from proposals.spec import Criterion, Proposal
from proposals.workspace import REPOSITORY


def problems_of(folder: Path, old: str, new: str) -> tuple[Problem, ...]:
    assert old in GOOD, old
    return read_as_far_as_it_goes(written(folder, GOOD.replace(old, new, 1))).problems


def proposal_of(folder: Path, old: str, new: str) -> Proposal:
    assert old in GOOD, old
    return read_proposal(written(folder, GOOD.replace(old, new, 1)))


# -- what is read ---------------------------------------------------------------------------------------------


def test_a_proposal_is_read(tmp_path: Path) -> None:
    proposal = read_proposal(written(tmp_path))
    assert (proposal.stem, proposal.number, proposal.title) == ("012-title", "012", "Title of it")
    assert (proposal.status, proposal.priority, proposal.created) == ("proposed", "high", "2026-03-01")
    assert proposal.based_on == ("one-trick", "another-trick")
    assert proposal.hypothesis == "It works."
    assert proposal.setup is not None
    assert proposal.setup.proposed == ("ours",)
    assert proposal.setup.variants["ours"].aliases == ("Our Idea",)
    assert proposal.setup.training.lr == 5e-4
    assert proposal.setup.seeds == (5,)
    assert [(c.id, c.section, c.role, c.canonical) for c in proposal.criteria] == [
        ("S1", "success", "target", "ours.test_accuracy > 0.8"),
        ("S2", "success", "sanity", "softmax.test_accuracy > 0.9"),
        ("F1", "failure", "kill", "ours.test_accuracy - base.test_accuracy <= 0.05"),
    ]
    first = proposal.criteria[0]
    assert first.text == "It recalls: `ours.test_accuracy > 80%`"
    assert first.formal == "ours.test_accuracy > 80%"
    assert first.line == line_of("- It recalls")
    assert first.reason is None


def test_008_reads() -> None:
    proposal = read_proposal(REPOSITORY / "proposals" / "008-cosine-log-linear-attention.md")
    assert [(c.id, c.role, c.canonical) for c in proposal.criteria] == [
        ("S1", "target", "cos_log_linear.test_accuracy > 0.8"),
        ("S2", "expectation", "cosformer.test_accuracy < 0.5"),
        ("S3", "expectation", "0.6 <= log_linear.test_accuracy <= 0.7"),
        ("S4", "guard", "cos_log_linear.nan_count == 0"),
        ("S5", "sanity", "softmax.test_accuracy > 0.9"),
        ("F1", "kill", "cos_log_linear.test_accuracy - cosformer.test_accuracy <= 0.05"),
        ("F2", "kill", "cos_log_linear.test_accuracy < log_linear.test_accuracy"),
        ("F3", "debug", "cos_log_linear.nan_count > 0 or cos_log_linear.diverged"),
    ]
    assert proposal.setup is not None
    assert proposal.setup.synthetic.layout == "padded"
    assert list(proposal.setup.variants) == [
        "cos_log_linear", "cosformer", "log_linear", "linear_attention", "softmax"
    ]  # fmt: skip


@pytest.mark.parametrize("change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t], ids=["crlf", "bom"])
def test_line_ends_and_byte_order_marks_change_nothing(tmp_path: Path, change) -> None:
    plain = read_proposal(written(tmp_path))
    other = read_proposal(written(tmp_path, change(GOOD)))
    hashes = {"source_sha256": ""}
    assert other.model_copy(update=hashes) == plain.model_copy(update=hashes)
    assert other.source_sha256 != plain.source_sha256


def test_numbers_in_the_front_matter_are_text(tmp_path: Path) -> None:
    text = GOOD.replace('id: "012"', "id: 012").replace("priority: high", "priority: 010")
    proposal = read_proposal(written(tmp_path, text.replace("status: proposed", "status: no")))
    assert (proposal.priority, proposal.status) == ("010", "no")


@pytest.mark.parametrize(("given_lr", "expected"), [("5e-4", 5e-4), ("1e-3", 1e-3), ("0.01", 0.01), (".5", 0.5)])
def test_numbers_in_the_setup_are_numbers(tmp_path: Path, given_lr: str, expected: float) -> None:
    proposal = proposal_of(tmp_path, "lr: 5e-4", f"lr: {given_lr}")
    assert proposal.setup is not None
    assert proposal.setup.training.lr == expected


def test_based_on_may_be_one_text(tmp_path: Path) -> None:
    assert proposal_of(tmp_path, "[one-trick, another-trick]", "one (127), two").based_on == ("one (127)", "two")


def test_headings_and_fences_inside_code_count_for_nothing(tmp_path: Path) -> None:
    code = "## Hypothesis\n\n```python\n## Minimum Viable Experiment\n## Success Criteria\n```\n\n- ```sh\n  # a\n  ```"
    proposal = proposal_of(tmp_path, "## Hypothesis", code)
    assert len(proposal.criteria) == 3


def test_criteria_outside_the_experiment_are_not_read(tmp_path: Path) -> None:
    other = "## Method\n\n### Success Criteria\n\n- `ours.test_accuracy > 10%`\n\n## Minimum Viable"
    assert len(proposal_of(tmp_path, "## Minimum Viable", other).criteria) == 3


def test_criteria_may_be_headed_at_any_level_numbered_and_wrapped(tmp_path: Path) -> None:
    text = GOOD.replace("### Success Criteria", "##### Success criteria (all of them)")
    text = text.replace(
        "- It recalls: `ours.test_accuracy > 80%`",
        "1. It recalls a lot\n   and *more*, with `log_linear` inside:\n   `ours.test_accuracy >\n   80%`\n",
    ).replace("- *sanity*: the", "1. *sanity*: the")
    proposal = read_proposal(written(tmp_path, text))
    assert [c.canonical for c in proposal.criteria[:2]] == ["ours.test_accuracy > 0.8", "softmax.test_accuracy > 0.9"]
    assert proposal.criteria[0].formal == "ours.test_accuracy > 80%"


# -- roles ----------------------------------------------------------------------------------------------------

SUCCESS = "It recalls: `ours.test_accuracy > 80%`"
FAILURE = "**Kill**: no better: `ours.test_accuracy - base.test_accuracy <= 5 pp`"


@pytest.mark.parametrize(
    ("bullet", "role"),
    [
        ("It: `ours.test_accuracy > 80%`", "target"),
        ("It: `test_accuracy > 80%`", "target"),
        ("It: `base.test_accuracy < 50%`", "expectation"),
        ("It: `ours.test_accuracy > base.test_accuracy`", "target"),
        ("*target*: `base.test_accuracy < 50%`", "target"),
        ("*expected*: `ours.test_accuracy > 80%`", "expectation"),
        ("**Expectation**: `ours.test_accuracy > 80%`", "expectation"),
        ("__sanity:__ `ours.test_accuracy > 80%`", "sanity"),
        ("*Guard:* `ours.nan_count == 0`", "guard"),
        ("_diagnostic_: `ours.test_accuracy > 80%`", "diagnostic"),
        ("**Memory**: `ours.test_accuracy > 80%`", "target"),
        ("In *expected*: `ours.test_accuracy > 80%`", "target"),
    ],
)
def test_roles_of_success_criteria(tmp_path: Path, bullet: str, role: str) -> None:
    assert proposal_of(tmp_path, SUCCESS, bullet).criteria[0].role == role


@pytest.mark.parametrize(
    ("bullet", "role"),
    [
        ("`base.test_accuracy > 50%`", "kill"),
        ("**Kill**: `ours.test_accuracy < 50%`", "kill"),
        ("**Pause:** `ours.test_accuracy < 50%`", "pause"),
        ("*debug*: `ours.diverged`", "debug"),
    ],
)
def test_roles_of_failure_criteria(tmp_path: Path, bullet: str, role: str) -> None:
    assert proposal_of(tmp_path, FAILURE, bullet).criteria[-1].role == role


def test_a_role_belongs_to_its_section(tmp_path: Path) -> None:
    problem = only(problems_of(tmp_path, SUCCESS, "**Kill**: `ours.test_accuracy > 80%`"))
    assert "a success criterion cannot be `Kill`. Move it to the failure criteria" in str(problem)
    assert (problem.line, problem.column) == (line_of("- It recalls"), 5)
    problem = only(problems_of(tmp_path, SUCCESS, "*expcted*: `ours.test_accuracy > 80%`"))
    assert "`expcted` is no role. Did you mean `expected`?" in str(problem)


# -- criteria that are not read ---------------------------------------------------------------------------------


def criterion_with(folder: Path, bullet: str) -> tuple[Criterion, tuple[Problem, ...]]:
    reading = read_as_far_as_it_goes(written(folder, GOOD.replace(SUCCESS, bullet, 1)))
    return reading.proposal.criteria[0], reading.problems


def test_an_error_in_a_criterion_points_into_the_file(tmp_path: Path) -> None:
    criterion, problems = criterion_with(tmp_path, "It recalls: `ours.test_acuracy > 80%`")
    problem = only(problems)
    assert (problem.line, problem.column) == (line_of("- It recalls"), 21)
    assert "Did you mean `test_accuracy`?" in problem.remedy
    assert (criterion.canonical, criterion.formal) == (None, "ours.test_acuracy > 80%")
    assert criterion.reason == "`test_acuracy` is no metric"


def test_an_error_in_a_wrapped_criterion_points_into_its_line(tmp_path: Path) -> None:
    _, problems = criterion_with(tmp_path, "It: `ours.test_accuracy >\n    80 kg` and so on")
    problem = only(problems)
    assert (problem.line, problem.column) == (line_of("- It recalls") + 1, 8)


def test_a_line_that_begins_like_a_quotation_ends_the_code_span_and_is_noticed(tmp_path: Path) -> None:
    criterion, _ = criterion_with(tmp_path, "It: `ours.test_accuracy\n  > 80%`")
    assert criterion.reason == "a line in it begins with `>`, which is a quotation"


def test_a_bullet_without_a_code_span_keeps_its_text(tmp_path: Path) -> None:
    criterion, problems = criterion_with(tmp_path, "Better than `base`, with `layout: spread`")
    assert problems == ()
    assert (criterion.formal, criterion.canonical) == (None, None)
    assert criterion.reason == "no code span in it compares anything, and as prose: which metric is meant is not said"
    assert criterion.text == "Better than `base`, with `layout: spread`"


def test_a_bullet_with_two_criteria_is_refused(tmp_path: Path) -> None:
    _, problems = criterion_with(tmp_path, "`ours.test_accuracy > 80%` and `ours.nan_count == 0`")
    problem = only(problems)
    assert "this bullet holds more than one criterion. Make one bullet of each" in str(problem)
    assert problem.column == 35


def test_a_criterion_outside_a_bullet_is_not_lost_in_silence(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "- It recalls", "It recalls")
    assert any("does not stand in a bullet" in str(problem) for problem in problems)


def test_a_single_equals_sign_is_noticed(tmp_path: Path) -> None:
    _, problems = criterion_with(tmp_path, "It: `ours.nan_count = 0`")
    assert "`=` is no comparison" in str(only(problems))


# -- the setup block -------------------------------------------------------------------------------------------

SETUPS = [
    # old, new, the piece of the line it points at, message
    ("mixer: log_linear", "mixer: log_liner", "  ours:", "`log_liner` is no mixer. Did you mean `log_linear`?"),
    ("kernel: cosine", "kernel: cosin", "  ours:", "`cosin` is no kernel. Did you mean `cosine`?"),
    ("kernel: cosine", "kernl: cosine", "  ours:", "`kernl` of `variants.ours` is no option. Did you mean `kernel`?"),
    ("mixer: linear_attention", "kernel: elu", "  base:", "`base` names no mixer. Add `mixer: ...`"),
    ("name: mqar", "name: mqra", "synthetic:", "`mqra` is no name. Did you mean `mqar`?"),
    ("pairs: 4, ", "", "synthetic:", "`pairs` of `synthetic` is missing. Add it"),
    ("epochs: 2", "epoch: 2", "training:", "`epoch` of `training` is no option. Did you mean `epochs`?"),
    ("epochs: 2", "epochs: 0", "training:", "`epochs` is 0, and should be greater than 0"),
    ("epochs: 2", 'epochs: "2"', "training:", "`epochs` is 2, and should be a valid integer"),
    ("epochs: 2", "epochs: 2.5", "training:", "`epochs` is 2.5"),
    ("pairs: 4", "pairs: 010", "synthetic:", "`010` begins with a zero, which YAML readers take for octal. Write 10"),
    ("pairs: 4", "pairs: true", "synthetic:", "`pairs` is True, and should be a valid integer"),
    ("lr: 5e-4", "lr: .inf", "training:", "`lr` is .inf"),
    ("lr: 5e-4", "lr: 1e999", "training:", "`1e999` is out of range"),
    ("proposed: true", "proposed: yes", "  ours:", "`yes` is text to some readers of YAML"),
    ("proposed: true", 'proposed: "yes"', "  ours:", "`proposed` is yes, which is neither true nor false"),
    ("proposed: true", "proposed: True", "  ours:", "Write true or false"),
    ("proposed: true", "proposed: false", "variants:", "nothing is being proposed"),
    ("seeds: [5]", "seeds: [5, 5]", "seeds:", "each look needs more seeds than the one before"),
    ("seeds: [5]", "seeds: []", "seeds:", "`seeds` is []"),
    ("seeds: [5]", "sedes: [5]", "sedes:", "`sedes` is no option. Did you mean `seeds`?"),
    ("width: 16", "width: 17", "backbone:", "width 17 is not a multiple of heads 2"),
    ("seeds: [5]", "seeds: [5]\nseeds: [6]", "seeds: [6]", "`seeds` is given twice, first in line"),
    ("seeds: [5]", "seeds: &five [5]", "seeds:", "anchors and aliases"),
    ("seeds: [5]", "seeds: !!python/tuple [5]", "seeds:", "the tag `tag:yaml.org,2002:python/tuple` is not read"),
    ("seeds: [5]", "seeds: [5", "compute:", "this is no YAML"),
    ("seeds: [5]", "seeds: [[[[[[[[[[[[[[5]]]]]]]]]]]]]]", "seeds:", "nests more than 12 levels"),
    ("  base:", "  2-base:", "  2-base:", "`2-base` cannot be written in a criterion. Use letters"),
    ("  base:", "  test_loss:", "  test_loss:", "`test_loss` is also the metric `test_loss`. Rename the variant"),
    ("[Our Idea]", "[base]", "  ours:", "the alias `base` is also the variant `base`"),
    ("seeds: [5]", "seeds: [5]\nmetrics: {cost: {unit: number, direction: lower}}", "metrics:", "is a common metric"),
    ("seeds: [5]", "seeds: [5]\nmetrics: {gap: {unit: nmber, direction: lower}}", "metrics:", "Did you mean `number`?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "piece", "message"), SETUPS, ids=[new[:30] for _, new, _, _ in SETUPS])
def test_setups_that_are_refused(tmp_path: Path, old: str, new: str, piece: str, message: str) -> None:
    text = GOOD.replace(old, new, 1)
    problems = read_as_far_as_it_goes(written(tmp_path, text)).problems
    found = [problem for problem in problems if message in str(problem)]
    assert found, [str(problem) for problem in problems]
    assert found[0].line == line_of("\n" + piece, text) + 1
    assert found[0].file == str(tmp_path / "012-title.md")


def test_the_column_of_a_setup_problem_is_that_of_the_key(tmp_path: Path) -> None:
    problem = problems_of(tmp_path, "kernel: cosine", "kernl: cosine")[0]
    assert problem.column == len("  ours: {mixer: log_linear, ") + 1


def test_all_problems_of_a_document_are_found_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('id: "012"', 'id: "013"').replace("epochs: 2", "epochs: 0").replace("lr: 5e-4", "lr: 0")
    text = text.replace("### Failure Criteria", "### Whatever")
    with pytest.raises(ProposalError) as refusal:
        read_proposal(written(tmp_path, text))
    messages = [problem.message for problem in refusal.value.problems]
    assert len(messages) == 4, messages


def test_without_a_setup_block_criteria_keep_their_text(tmp_path: Path) -> None:
    reading = read_as_far_as_it_goes(written(tmp_path, GOOD.replace("```yaml mve", "```yaml")))
    assert reading.proposal.setup is None
    assert "the experiment has no setup block. Add a fenced code block that begins with ```yaml mve" in str(
        only(reading.problems)
    )
    assert next(c.formal for c in reading.proposal.criteria) == "ours.test_accuracy > 80%"
    assert {c.canonical for c in reading.proposal.criteria} == {None}


def test_two_setup_blocks_are_refused(tmp_path: Path) -> None:
    second = "```yaml mve\nseeds: [5]\n```\n\n### Success Criteria"
    problem = only(problems_of(tmp_path, "### Success Criteria", second))
    assert "there is a second setup block, the first is in line" in str(problem)


# -- front matter and identity -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id: "012"', 'id: "12"', "the id is `12`, and the file's name begins with `012`. Write `id: \"012\"`"),
        ('id: "012"', 'id: "../012"', "cannot hold a slash or `..`"),
        ('id: "012"', 'id: "a/b"', "cannot hold a slash or `..`"),
        ('id: "012"', "number: 012", "the front matter has no `id`. Write `id: \"012\"`"),
        ("---\nid", "id", "there is no front matter"),
        ("status: proposed", "status: proposed\nstatus: done", "`status` is given twice"),
        ("status: proposed", "status: [", "this is no YAML"),
        ("# Title of it", "Title of it", "the proposal has no title"),
        ("## Minimum Viable Experiment", "## Experiment", "there is no section `Minimum Viable Experiment`"),
        ("### Success Criteria", "### Successes", "there is no section `Success Criteria`"),
        ("### Failure Criteria", "### Success Criteria", "there is a second section `Success Criteria`"),
    ],
)  # fmt: skip
def test_documents_that_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert any(message in str(problem) for problem in problems_of(tmp_path, old, new))


def test_a_file_that_is_not_utf8_is_unreadable(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("It works.", "caf\xe9").encode("latin-1"))
    with pytest.raises(UnreadableError) as refusal:
        read_proposal(path)
    offset = GOOD.index("It works.") + 3
    assert f"the file is not UTF-8: byte {offset} is 0xe9. Save it as UTF-8" in str(refusal.value)
    assert refusal.value.problems[0].line == line_of("It works.")


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_bytes(b"a\0b")])
def test_what_is_no_file_of_text_is_unreadable(tmp_path: Path, make) -> None:
    make(tmp_path / "009-x.md")
    with pytest.raises(UnreadableError):
        read_proposal(tmp_path / "009-x.md")


# -- folders ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("008-cosine.md", "010-monarch.md", "063-dyt.md", "063-mfa.md", "README.md"):
        written(tmp_path, name=name)
    return tmp_path


def test_proposals_are_listed_and_found(folder: Path) -> None:
    assert [path.name for path in list_proposals(folder)] == [
        "008-cosine.md",
        "010-monarch.md",
        "063-dyt.md",
        "063-mfa.md",
    ]
    assert find_proposal(folder, "008").name == "008-cosine.md"
    assert find_proposal(folder, "010-monarch").name == "010-monarch.md"
    assert find_proposal(folder, "063-mfa").name == "063-mfa.md"
    assert find_proposal(folder, str(folder / "README.md")).name == "README.md"
    assert find_proposal(folder, "README.md").name == "README.md"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("8", "there is no proposal `8`. Did you mean 008?"),
        ("08", "Did you mean 008?"),
        ("008-cosin", "Did you mean 008-cosine?"),
        ("063", "the number 063 is that of 063-dyt.md, 063-mfa.md"),
        ("a/b", "`a/b` cannot be a proposal's id"),
        ("..", "`..` cannot be a proposal's id"),
        ("", "cannot be a proposal's id"),
        ("9-nothing.md", "there is no such file"),
    ],
)
def test_names_that_are_not_found(folder: Path, name: str, message: str) -> None:
    with pytest.raises(ProposalError) as refusal:
        find_proposal(folder, name)
    assert message in str(refusal.value)


def test_numbers_that_clash_are_named(folder: Path) -> None:
    assert clashes(folder / "008-cosine.md") == ()
    assert "the number 063 is also that of 063-mfa.md" in str(only(clashes(folder / "063-dyt.md")))


# -- any input at all ------------------------------------------------------------------------------------------


def read_bytes(source: bytes) -> None:
    """Nothing but our own errors, wherever the text comes from."""
    from proposals.reading import read_document as _read

    try:
        reading = _read(parse(source, "x.md", "012-x"))
    except UnreadableError:
        return
    for problem in reading.problems:
        assert problem.line is None or 1 <= problem.line <= source.count(b"\n") + source.count(b"\r") + 1


@settings(max_examples=150, deadline=None)
@given(st.binary())
def test_any_bytes(source: bytes) -> None:
    read_bytes(source)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 40), st.text(max_size=20))
def test_a_proposal_with_a_changed_piece(at: int, length: int, piece: str) -> None:
    read_bytes((GOOD[:at] + piece + GOOD[at + length :]).encode("utf-8", "surrogatepass"))


MARKS = st.sampled_from(
    ["- ", "* ", "1. ", "# ", "## ", "> ", "`", "``", "```", "~~~", "---", "\n", "\n\n", "  ", "\t", "**", "*kill*:",
     "|", "ours.test_accuracy", " > ", "80%", "### Success Criteria\n", "## MVE\n", "```yaml mve\n", "a: [", "<!-- ",
     "\\", "&a"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(MARKS, max_size=60).map("".join))
def test_any_markdown(piece: str) -> None:
    read_bytes(GOOD.replace("### Failure", piece + "\n### Failure").encode())
    read_bytes(piece.encode())


@pytest.mark.parametrize(
    "unit",
    ["A sentence with `code > 3` in it.\n", "# heading\n", "```\n# code\n```\n", "`" * 7 + " ", "> - a\n", "x" * 50]
)  # fmt: skip
@pytest.mark.timeout(60)
def test_five_megabytes_take_seconds(unit: str) -> None:
    filler = "## Background\n\n" + unit * (5_000_000 // len(unit)) + "\n\n"
    started = time.process_time()
    read_bytes((filler + GOOD).encode())
    read_bytes(GOOD.replace("## Hypothesis", filler + "## Hypothesis").encode())
    assert time.process_time() - started < 30  # a guard against squares, generous on purpose
