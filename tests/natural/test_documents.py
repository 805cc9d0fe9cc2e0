"""Every document of the corpus through `check`: the criteria of its sidecar, and no reading that is wrong."""

from pathlib import Path

import pytest

from proposals.checks import check, freeze
from proposals.errors import ProposalError
from proposals.reading import read_as_far_as_it_goes
from tests.natural.documents import CORPUS, Pair, everything, pairs


@pytest.fixture(scope="module")
def found() -> list[Pair]:
    return list(everything())


@pytest.mark.parametrize("sidecar", CORPUS, ids=lambda path: path.stem)
def test_the_criteria_are_those_of_the_sidecar(sidecar: Path) -> None:
    report, compared = pairs(sidecar)
    for pair in compared:
        place = (pair.found.text, pair.found.line, pair.found.section)
        assert place == (pair.given["text"], pair.given["line"], pair.given["section"])
        assert pair.outcome != "wrong", (pair.found.text, pair.canonical)
        if pair.canonical is not None:
            assert pair.found.role == pair.given["role"], pair.found.text
        assert pair.found.formal is None
        assert (pair.found.suggested is None) == (pair.found.canonical is None)
        assert pair.found.reason
    assert report.exit_code == 2
    assert "the experiment has no setup block" in " ".join(problem.message for problem in report.problems)


def test_nearly_all_are_read_without_a_setup(found: list[Pair]) -> None:
    readable = [pair for pair in found if pair.given["canonical"] is not None]
    refused = [pair for pair in readable if pair.outcome == "refused"]
    # what a setup would have said: which variants there are, and that `Clip`, `Binary`, `random hashing` are some
    assert len(refused) <= 10, [pair.found.text for pair in refused]
    assert len(readable) > 150


@pytest.mark.parametrize("sidecar", CORPUS, ids=lambda path: path.stem)
def test_a_guess_is_never_frozen(sidecar: Path) -> None:
    proposal = read_as_far_as_it_goes(sidecar.with_suffix(".md")).proposal
    assert all(criterion.binding is None for criterion in proposal.criteria)
    with pytest.raises(ProposalError):
        freeze(proposal)


def test_what_the_header_says() -> None:
    def of(number: str):
        path = next(path for path in CORPUS if path.stem.startswith(number)).with_suffix(".md")
        return read_as_far_as_it_goes(path).proposal

    assert of("101").based_on == ("ring-buffers (31)", "linear-attention (7)")
    assert (of("102").status, of("102").priority, of("102").created) == ("proposed", "high", "2026-03-02")
    assert of("102").based_on == ("toeplitz-mixers", "gated-ssm")
    assert of("103").based_on == ("kronecker-products", "selective-ssm")


def test_repaired_text_keeps_its_hash_and_is_reported() -> None:
    import hashlib

    path = next(path for path in CORPUS if "mojibake" in path.stem).with_suffix(".md")
    reading = read_as_far_as_it_goes(path)
    assert reading.proposal.source_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "the encoding of line 5, 9, 10, 12 was broken" in str(reading.notes[0])
    assert any("was broken" in note.message for note in check(path).notes)
