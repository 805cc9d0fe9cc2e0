"""Files of others: YAML is data and no program, and what is larger than it has reason to be is not read."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_proposals import write_proposal

from proposals.errors import ProposalError
from proposals.history import source
from proposals.history.document import understand
from proposals.judging import files
from proposals.reading import brought, document, read_proposal, yaml_tree
from proposals.workspace import Workspace
from tasks import settings
from tasks.executors import Fault, local
from tasks.site import journal

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
YAML = {
    "a bomb of aliases": (BOMB, "anchors and aliases"),
    "a bomb without spaces": ("x: [&a [1,1],*a]", "anchors and aliases"),
    "a Python object": ("x: !!python/object/apply:os.system ['touch ran']", "the tag"),
    "a tag of our own": ("x: !own {}", "the tag"),
    "deep nesting": ("x: " + "[" * 5000 + "]" * 5000, "nests more than 12 levels"),
    "a key twice": ("seeds: [5]\nseeds: [500]", "is given twice"),
    "a merge": ("<<: *x", "anchors and aliases"),
    "two documents": ("a: 1\n---\nb: 2", "a second document"),
    "a control character": ("a: \x1b[31m", "control character"),
    "too much": ("a: " + "x" * yaml_tree.LONGEST, "longer than"),
}


@pytest.mark.parametrize(("text", "says"), YAML.values(), ids=YAML)
def test_yaml_is_data(text: str, says: str) -> None:
    began = time.process_time()
    with pytest.raises(ProposalError, match=says):
        yaml_tree.read_mapping(text, "x.md", 1)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "number", ["9" * 5000, "1e99999", "-" + "9" * 400, "0x" + "f" * 400, ".inf", "1_" * 2000 + "1"]
)
def test_a_huge_number_is_no_seed(tmp_path: Path, number: str) -> None:
    place = write_proposal(tmp_path, seeds=f"[{number}]")
    with pytest.raises(ProposalError):
        read_proposal(place.proposals / "101-small-recall.md")


@pytest.mark.parametrize(
    "front", [YAML["a bomb of aliases"][0], "x: [&a [1,1],*a]", "x: " + "[" * 5000, "date: 2026-99-99"]
)
def test_front_matter_of_others_does_not_grow(tmp_path: Path, front: str) -> None:
    """Of an imported report, and of an update of the research log."""
    text = f"---\n{front}\n---\n# Experiment 7 Results: x\n\n## Success Criteria\n\n- [x] A: 91%\n"
    began = time.process_time()
    understood = understand(source.decode(text.encode(), "x.md"), "x")
    assert all(len(value) < 1000 for value in understood.front_matter.values())
    (tmp_path / "2026-11-22.md").write_text(text)
    assert journal.entries(tmp_path) == []
    assert time.process_time() - began < 4


# -- sizes: each just above its limit ---------------------------------------------------------------------------


def write(path: Path, size: int, head: bytes = b"") -> Path:
    """A file of that size, which takes no room on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def test_a_proposal(tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="larger than 20 MB"):
        read_proposal(write(tmp_path / "101-x.md", document.LARGEST + 1))


def test_measurements(tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="too many for measurements"):
        files.read_measurements(write(tmp_path / "metrics.json", files.LARGEST + 1))


def test_an_imported_report(tmp_path: Path) -> None:
    with pytest.raises(ProposalError, match="too many for a report"):
        source.load(write(tmp_path / "results.md", source.LARGEST + 1))


def test_an_own_mixer(tmp_path: Path) -> None:
    write(tmp_path / "x.py", brought.LARGEST + 1)
    data = {"variants": {"a": {"mixer": "own", "file": "x.py"}}}
    (complaint,) = brought.fill_in(data, tmp_path)
    assert "a mixer may have" in complaint.message


def test_settings(tmp_path: Path) -> None:
    write(tmp_path / settings.FILE, settings.LARGEST + 1)
    with pytest.raises(settings.SettingsError, match="64 KiB"):
        settings.settings_of(Workspace(tmp_path, "sqlite:///x"))


@pytest.mark.parametrize("name", ["result.json", "error.json"])
def test_what_a_training_leaves(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, local.MOST_BYTES + 1)
    state = local.LocalProcess().poll({"pid": 2**22 + 1, "started": "no such boot:1", "directory": str(tmp_path)})
    assert isinstance(state, Fault)
    assert state.state == "failed"


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "9" * 5000, '{"variant": NaN}', '[{"variant": "a"}]', "null", "[[]]"]
)
def test_measurements_that_are_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(content)
    with pytest.raises(ProposalError):
        files.read_measurements(path)


@pytest.mark.parametrize(
    "change",
    [
        {"source": "believed"}, {"extra": 1}, {"value": "x"}, {"seed": 1.5}, {"variant": None}, {"condition": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_a_measurement_has_the_fields_that_it_has(tmp_path: Path, change: dict[str, object]) -> None:
    entry = {"variant": "a", "seed": 0, "metric": "test_accuracy", "value": 0.5}
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps([{**entry, **change}]))
    with pytest.raises(ProposalError):
        files.read_measurements(path)


CODE = ("{{ 7 * 7 }}", "{% include '/etc/passwd' %}", "${HOME}", "$(id)", "__import__('os')")


@pytest.mark.parametrize("code", CODE)
def test_a_criterion_is_read_by_a_grammar(tmp_path: Path, code: str) -> None:
    place = write_proposal(tmp_path, target=f"`attention.{code} < 20`")
    with pytest.raises(ProposalError):
        read_proposal(place.proposals / "101-small-recall.md")


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "101-x.md")
    with pytest.raises(ProposalError):
        read_proposal(tmp_path / "101-x.md")
