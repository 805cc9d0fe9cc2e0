"""Ids, stems, names of variants and of own mixers' files lead nowhere but into the workspace."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_proposals import DOCUMENT, write_proposal

from proposals.errors import ProposalError
from proposals.reading import find_proposal, path_of, read_proposal
from proposals.reading.brought import fill_in
from proposals.reading.folder import check_stem
from tasks.lock import only_one

OUTSIDE = [
    "..", ".", "../101-x", "101/../../x", "/etc/101-x", "101-x/../..", "a\\..\\b", "C:\\101-x", "101-x\0.md", "101-x\n",
    "101-x\x1b[31m", "101-\u202ex", "101-x](javascript:1)", "101-<b>", "101|x", "101`x", "-rf", "~root", "", " ",
    "1" * 300, "ä" * 150, "101-x..y", "101-\ud800",
]  # fmt: skip


@pytest.mark.parametrize("stem", OUTSIDE, ids=ascii)
def test_a_stem_that_is_more_than_a_name_is_refused_before_anything_is_made(tmp_path: Path, stem: str) -> None:
    place = write_proposal(tmp_path / "workspace")
    for attempt in (lambda: path_of(place.proposals, stem), lambda: only_one(place, stem).__enter__()):
        with pytest.raises(ProposalError, match="cannot be a proposal's name"):
            attempt()
    assert not place.runs.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


@pytest.mark.parametrize("stem", ["008-cosine-log-linear-attention", "7", "101-über_x (2)", "a.b", "2026-11-22"])
def test_a_plain_stem_is_taken(stem: str) -> None:
    check_stem(stem)


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=300, deadline=None)
def test_what_is_taken_stays_in_its_folder(stem: str) -> None:
    home = Path("/workspace/experiments")
    try:
        check_stem(stem)
    except ProposalError:
        return
    assert (home / stem).resolve() == home / stem
    assert (home / stem).parent == home
    assert stem.isprintable()
    assert not set(stem) & set("<>[]|`\"'\\/:*?")


@pytest.mark.parametrize("name", ["...md", "..md", "101-\x1bx.md", "101 <img>.md"])
def test_a_file_with_such_a_name_is_no_proposal(tmp_path: Path, name: str) -> None:
    place = write_proposal(tmp_path)
    (place.proposals / name).write_text((place.proposals / "101-small-recall.md").read_text())
    with pytest.raises(ProposalError, match="cannot be a proposal's name"):
        read_proposal(place.proposals / name)


@pytest.mark.parametrize("id", ["../../etc", "/etc/passwd", "..", "101\\..", "102"])
def test_an_id_names_no_other_folder(tmp_path: Path, id: str) -> None:
    place = write_proposal(tmp_path)
    path = place.proposals / "101-small-recall.md"
    path.write_text(path.read_text().replace('id: "101"', f"id: '{id}'"))
    with pytest.raises(ProposalError, match="the id"):
        read_proposal(path)


@pytest.mark.parametrize("name", ["../101-small-recall", "..", "/etc", "proposals/101", "101\\x"])
def test_a_proposal_is_not_asked_for_by_a_way_around(tmp_path: Path, name: str) -> None:
    place = write_proposal(tmp_path)
    with pytest.raises(ProposalError):
        find_proposal(place.proposals, name)


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "a.b", "a b", "CON:", "a\\b", "x" * 201, "a\u202eb", "a/../b", "<b>"]
)
def test_a_variant_is_called_by_a_plain_name(tmp_path: Path, name: str) -> None:
    """A folder of the dry run is called after it."""
    place = write_proposal(tmp_path)
    path = place.proposals / "101-small-recall.md"
    path.write_text(
        path.read_text().replace("  attention: {", f"  '{name}': {{").replace("attention.test", "linear.test")
    )
    with pytest.raises(
        ProposalError, match=r"cannot be written in a criterion|too long to name a folder|control character"
    ):
        read_proposal(path)


@pytest.mark.parametrize("name", ["../mqar", "__init__", "os", "mqar/../base", "mqar\\x"])
def test_a_synthetic_is_one_of_ours(tmp_path: Path, name: str) -> None:
    place = write_proposal(tmp_path)
    path = place.proposals / "101-small-recall.md"
    path.write_text(path.read_text().replace("name: mqar", f"name: '{name}'"))
    with pytest.raises(ProposalError):
        read_proposal(path)


@pytest.mark.parametrize(
    "file", ["../x.py", "/etc/x.py", "a/b.py", "..py", ".py", "x.py\0", "x.py\n", "con:.py", "a\\b.py", "é.py", "x.pyc"]
)
def test_an_own_mixer_lies_beside_its_proposal(tmp_path: Path, file: str) -> None:
    (tmp_path / "x.py").write_text("secret = 1\n")
    folder = tmp_path / "101-x"
    folder.mkdir()
    data = {"variants": {"a": {"mixer": "own", "file": file}}}
    assert [complaint.path for complaint in fill_in(data, folder)] == [("variants", "a", "file")]
    assert data["variants"]["a"]["source"] == ""


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("secret = 1\n")
    folder = tmp_path / "101-x"
    folder.mkdir()
    (folder / "x.py").symlink_to(tmp_path / "outside.py")
    data = {"variants": {"a": {"mixer": "own", "file": "x.py"}}}
    (complaint,) = fill_in(data, folder)
    assert "another folder" in complaint.message
    assert data["variants"]["a"]["source"] == ""


def test_a_check_runs_no_code_of_the_workspace(tmp_path: Path) -> None:
    from proposals.checks import check

    folder = tmp_path / "proposals" / "101-own"
    folder.mkdir(parents=True)
    text = DOCUMENT.replace("SEEDS", "[5]").replace("TARGET", "`attention.test_loss < 20`")
    own = "{mixer: own, file: own.py, proposed: true}"
    (folder / "proposal.md").write_text(text.replace("{mixer: softmax_attention, proposed: true}", own))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Options: ...\nclass Mixer: ...\n")
    check(folder / "proposal.md")
    assert not (tmp_path / "ran").exists()
