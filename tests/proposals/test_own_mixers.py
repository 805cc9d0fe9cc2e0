"""Proposals that bring a mixer along, beside the document or in a folder of their own."""

import shutil
from pathlib import Path

import pytest
from proposal_documents import GOOD, line_of

from models.options import OwnMixer
from proposals.checks import amendments, check, check_folder, freeze
from proposals.errors import ProposalError
from proposals.reading import clashes, find_proposal, list_proposals, path_of, read_proposal, stem_of
from proposals.spec import Proposal, Registration

MIXER = '''"""Each token attends to itself alone."""

from models import options
from models.mixers import Mixer


class Options(options.Options):
    gain: float = 1.0
'''
OURS = "{mixer: log_linear, kernel: cosine, proposed: true, aliases: [Our Idea]}"
OWN = "{mixer: own, file: my_mixer.py, options: {gain: 2.0}, proposed: true}"
TEXT = GOOD.replace(OURS, OWN)


def beside(folder: Path, text: str = TEXT, mixer: str | bytes | None = MIXER) -> Path:
    path = folder / "012-title.md"
    path.write_text(text)
    if mixer is not None:
        (folder / "my_mixer.py").write_bytes(mixer if isinstance(mixer, bytes) else mixer.encode())
    return path


def own(proposal: Proposal) -> OwnMixer:
    assert proposal.setup is not None
    mixer = proposal.setup.variants["ours"].mixer
    assert isinstance(mixer, OwnMixer)
    return mixer


def refused(path: Path) -> tuple[int | None, str]:
    (problem,) = check(path).problems
    return problem.line, f"{problem.message}. {problem.remedy}"


def test_the_file_is_read_with_the_proposal_and_frozen(tmp_path: Path) -> None:
    path = beside(tmp_path)
    assert check(path).exit_code == 0
    proposal = read_proposal(path)
    assert own(proposal).source == MIXER
    assert own(proposal).options == {"gain": 2.0}
    frozen = freeze(proposal)
    assert Registration.model_validate_json(frozen.canonical_json) == frozen


def test_another_file_is_another_registration_and_says_what_changed(tmp_path: Path) -> None:
    before = freeze(read_proposal(beside(tmp_path)))
    after = freeze(read_proposal(beside(tmp_path, mixer=MIXER + "\n# and more\n")))
    (change,) = amendments(before, after, results_seen=True)
    assert change.field == "setup.variants.ours.mixer.source"
    assert str(change).count("own mixer's file") == 2
    assert "8 lines" in str(change)
    assert "10 lines" in str(change)
    assert "after results had been seen" in str(change)


@pytest.mark.parametrize(
    ("file", "mixer", "said"),
    [
        ("my_mixer.py", None, "there is no file my_mixer.py beside the proposal"),
        ("my_mixer.py", b"#" * 100_001, "my_mixer.py has 100,001 bytes, and a mixer may have 100,000"),
        ("my_mixer.py", b"x = '\xff'\n", "my_mixer.py is not UTF-8: byte 5 is 0xff"),
        ("my_mixer.py", b"class Mixer(:\n", "my_mixer.py is no Python in line 1"),
        ("my_mixer.py", b"\0", "my_mixer.py is no Python"),
        ("../my_mixer.py", MIXER, "`../my_mixer.py` is no name of a Python file beside the proposal"),
        ("/etc/passwd", MIXER, "`/etc/passwd` is no name of a Python file beside the proposal"),
        (".hidden.py", MIXER, "`.hidden.py` is no name"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_where_it_is_named(
    tmp_path: Path, file: str, mixer: bytes | None, said: str
) -> None:
    line, message = refused(beside(tmp_path, TEXT.replace("my_mixer.py", file), mixer))
    assert said in message
    assert line == line_of("  ours:")


def test_a_link_to_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "real.py").write_text(MIXER)
    path = beside(tmp_path, mixer=None)
    (tmp_path / "my_mixer.py").symlink_to(tmp_path / "elsewhere" / "real.py")
    assert "my_mixer.py leads to another folder" in refused(path)[1]


def test_the_source_is_not_written_by_hand(tmp_path: Path) -> None:
    line, message = refused(beside(tmp_path, TEXT.replace("file: my_mixer.py", "file: my_mixer.py, source: pass")))
    assert "`source` is taken from the mixer's file when it is read. Delete it" in message
    assert line == line_of("  ours:")


# -- a folder of its own -----------------------------------------------------------------------------------


@pytest.fixture
def in_its_own(tmp_path: Path) -> Path:
    """proposals/012-title/proposal.md with a mixer, and proposals/013-other.md beside that folder."""
    folder = tmp_path / "012-title"
    folder.mkdir()
    shutil.move(beside(tmp_path), folder / "proposal.md")
    shutil.move(tmp_path / "my_mixer.py", folder)
    (tmp_path / "013-other.md").write_text(GOOD.replace('"012"', '"013"'))
    return folder / "proposal.md"


def test_its_name_is_that_of_the_folder(in_its_own: Path) -> None:
    proposal = read_proposal(in_its_own)
    assert (proposal.stem, proposal.number) == ("012-title", "012")
    assert own(proposal).source == MIXER
    # the layout is nothing: the same words and the same mixer are the same registration
    home = in_its_own.parent.parent
    folder = home / "elsewhere"
    folder.mkdir()
    assert freeze(read_proposal(beside(folder))) == freeze(proposal)


@pytest.mark.parametrize("name", ["012", "012-title"])
def test_it_is_found_by_number_and_stem(in_its_own: Path, name: str) -> None:
    home = in_its_own.parent.parent
    assert find_proposal(home, name) == in_its_own
    assert path_of(home, "012-title") == in_its_own
    assert path_of(home, "013-other") == home / "013-other.md"
    assert [stem_of(path) for path in list_proposals(home)] == ["012-title", "013-other"]
    assert [report.stem for report in check_folder(home)] == ["012-title", "013-other"]
    assert clashes(in_its_own) == ()


@pytest.mark.parametrize("other", ["012-title", "012-else"])
def test_a_file_with_its_number_clashes(in_its_own: Path, other: str) -> None:
    home = in_its_own.parent.parent
    (home / f"{other}.md").write_text(GOOD)
    (clash,) = clashes(in_its_own)
    assert clash.message == f"the number 012 is also that of {other}.md"
    (back,) = clashes(home / f"{other}.md")
    assert back.message == "the number 012 is also that of 012-title/proposal.md"
    with pytest.raises(ProposalError, match=r"012-title/proposal\.md"):
        find_proposal(home, "012")


def test_a_folder_without_a_number_is_no_proposal(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "proposal.md").write_text(GOOD)
    assert list_proposals(tmp_path) == ()
    assert stem_of(tmp_path / "notes" / "proposal.md") == "proposal"
