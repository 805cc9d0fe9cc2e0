"""Ours beside what was reported, where nothing of ours was trained."""

from proposals.reading import read_proposal
from proposals.workspace import REPOSITORY
from tasks.tables import beside


def test_what_is_known_on_paper_stands_beside_what_was_reported() -> None:
    proposal = read_proposal(REPOSITORY / "proposals" / "005-segmented-hss-linear-attention.md")
    assert proposal.setup is not None
    assert proposal.reported is not None
    rows = {row["metric"]: row["ours"] for row in beside(proposal.setup, [], proposal.reported.rows)}
    assert rows == {
        "hss.test_accuracy": "not measured",
        "dense.test_accuracy": "not measured",
        "hss.state_memory": "12.5 KB, on paper",
    }
