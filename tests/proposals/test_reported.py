"""`## Reported before`: what the source reported, read as a table."""

from pathlib import Path

import pytest
from proposal_documents import GOOD, line_of, written

from proposals.checks import check, freeze
from proposals.reading import read_proposal

SECTION = """
## Reported before

| metric | reported | where |
|---|---|---|
| `ours.test_accuracy` | 91.3 % | its Table 2 |
| `base.test_accuracy[length=64, layout=spread]` | 25.9 % | its text |

One seed,
and no validation split.
"""


def test_the_table_and_its_prose_are_read_and_not_frozen(tmp_path: Path) -> None:
    proposal = read_proposal(written(tmp_path, GOOD + SECTION))
    before = proposal.reported
    assert before is not None
    assert [(one.variant, one.metric, one.condition, one.reported, one.where) for one in before.rows] == [
        ("ours", "test_accuracy", (), "91.3 %", "its Table 2"),
        ("base", "test_accuracy", (("layout", "spread"), ("length", 64)), "25.9 %", "its text"),
    ]
    assert before.prose == ("One seed, and no validation split.",)
    plain = read_proposal(written(tmp_path))
    assert plain.reported is None
    assert freeze(plain) == freeze(proposal)


@pytest.mark.parametrize(
    ("old", "new", "piece", "said"),
    [
        ("`ours.test_accuracy` |", "`our.test_accuracy` |", "| `our.", "`our` is no variant. Did you mean `ours`?"),
        ("`ours.test_accuracy` |", "ours.test_accuracy |", "| ours.", "is no metric of a variant"),
        ("`ours.test_accuracy` |", "`ours.test_accuracy - base.test_accuracy` |", "| `ours.", "more than one metric"),
        ("| 91.3 % | its Table 2 |", "| 91.3 % |", "| 91.3", "this row has 2 cells. Write 3"),
        ("| metric | reported |", "| metric | result |", "| metric", "these columns are metric, result, where"),
    ],
)
def test_what_cannot_be_read_is_refused_where_it_stands(
    tmp_path: Path, old: str, new: str, piece: str, said: str
) -> None:
    text = GOOD + SECTION.replace(old, new, 1)
    problem = check(written(tmp_path, text)).problems[0]
    assert said in f"{problem.message}. {problem.remedy}"
    assert problem.line == line_of(piece, text)


def test_a_section_without_a_table(tmp_path: Path) -> None:
    (problem,) = check(written(tmp_path, GOOD + "\n## Reported before\n\nNothing of use.\n")).problems
    assert "`Reported before` has no table" in problem.message
