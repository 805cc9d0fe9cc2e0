"""The five documents that design.md names, where somebody has them: MVE_SEEDS is their folder."""

import os
from pathlib import Path

import pytest

from proposals.history import Document, read_document

FOLDER = os.environ.get("MVE_SEEDS")

pytestmark = pytest.mark.skipif(
    not FOLDER or not Path(FOLDER).is_dir(), reason="MVE_SEEDS names no folder with the five documents"
)

EXPECTED = {
    "005": ("ABANDON", 2, "memory_ratio < 0.2 fails: 0.656"),
    "022": ("ABANDON", 1, "(kill)"),
    "025": ("PROCEED", 6, "test_accuracy > 0.9 holds"),
    "008": ("PROCEED", 6, "test_accuracy > 0.8 holds: 91.3 %"),
    "004": ("DEBUG", 4, "did not fall (0.8544 -> 0.8544)"),
}
CAVEATS = {
    "005": "the test cannot tell: every variant misses >= 90 % alike",
    "022": "undecided",
    "025": "(diagnostic) nystrom.layer_0_approximation_error < 0.1 failed",
    "008": "(expectation) 0.6 <= log_linear.test_accuracy <= 0.7 failed",
    "004": "nothing was learned",
}


@pytest.fixture(scope="module")
def seeds() -> dict[str, Document]:
    assert FOLDER
    return {path.stem: read_document(path) for path in sorted(Path(FOLDER).glob("*.md"))}


@pytest.mark.parametrize("proposal", EXPECTED)
def test_the_policy_decides_as_their_authors_did(seeds: dict[str, Document], proposal: str) -> None:
    (one,) = [one for own in seeds.values() for one in own.experiments if one.part.proposal.startswith(proposal)]
    verdict, rule, reason = EXPECTED[proposal]
    assert one.judgement is not None
    assert (one.judgement.verdict, one.judgement.rule, one.part.verdict) == (verdict, rule, verdict)
    assert any(reason in said for said in one.judgement.reasons)
    assert any(CAVEATS[proposal] in said for said in one.judgement.caveats)
    assert any(said.startswith("single seed") for said in one.judgement.caveats)


def test_nothing_is_lost(seeds: dict[str, Document]) -> None:
    for document in seeds.values():
        kept = {number for block in document.blocks for number in range(block.line, block.end + 1)}
        lines = document.source.lines
        assert all(not line.strip() or number in kept for number, line in enumerate(lines, start=1))
