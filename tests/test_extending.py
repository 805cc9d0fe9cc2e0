"""docs/extending.md is true: what it says is done to a copy of the code, which is then tested and trained with."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import pytest
from training_here import train_here

from models.request import TrainResult
from proposals.workspace import find_workspace
from tasks.judge import judge_experiment
from tasks.plan import plan_look
from tasks.register import register_proposal
from tasks.verify import verify_verdict

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
TITLES = ("A mixer", "A synthetic", "A probe", "A proposal with its own mixer", "A form of a study")
OWN = "A proposal with its own mixer"
COPIED = ("models", "proposals", "tests/models", "tests/conftest.py", "docs/synthetics.md", "pyproject.toml")

PLACE = re.compile(r"(?P<end>at the end of\s+)?`(?P<file>[\w/.-]+/[\w.-]+)`(?: before `(?P<before>[^`]+)`)?:$")
ROW = re.compile(r"^\| `(?P<file>[^`]+)` \| `(?P<anchor>[^`]+)` \| (?:`` (?P<quoting>.+) ``|`(?P<goes>[^`]+)`) \|$")


@dataclass
class Section:
    """text: its lines outside of code; blocks: the paragraph before each block of code, and the code."""

    text: list[str] = field(default_factory=list)
    blocks: list[tuple[str, str]] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """Of text and code, that is without empty lines and without the fences of code."""
        all_lines = [*self.text, *(line for _, code in self.blocks for line in code.splitlines())]
        return sum(bool(line.strip()) for line in all_lines)


def read_page() -> dict[str, Section]:
    """Its sections by their titles; a block ends where its own fence comes again, whatever is inside."""
    sections = {"": Section()}
    lines = iter(PAGE.splitlines())
    for line in lines:
        if line.startswith("## "):
            sections[line[3:]] = Section()
        here = sections[list(sections)[-1]]
        if line.startswith(("```", "~~~")):
            before = "\n".join(here.text).strip().rsplit("\n\n", 1)[-1].replace("\n", " ")
            code = list(takewhile(lambda inner: inner != line[:3], lines))  # noqa: B023
            here.blocks.append((before, "\n".join(code) + "\n"))
        else:
            here.text.append(line)
    return sections


SECTIONS = read_page()


def write_blocks(title: str, root: Path) -> None:
    for introduction, code in SECTIONS[title].blocks:
        place = PLACE.search(introduction)
        assert place, introduction
        path = root / place["file"]
        before = path.read_text() if place["end"] or place["before"] else ""
        if place["before"]:
            at = before.index(f"\n{place['before']}") + 1
            content = f"{before[:at]}{code}\n\n{before[at:]}"
        else:
            assert path.exists() == bool(place["end"]), f"{path} is no new file"
            content = f"{before}\n\n{code}" if place["end"] else code
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def write_rows(title: str, root: Path) -> None:
    for line in SECTIONS[title].text:
        if not line.startswith("| `"):
            continue
        row = ROW.match(line)
        assert row, line
        anchor, goes = (text.replace("\\|", "|") for text in (row["anchor"], row["goes"] or row["quoting"]))
        path = root / row["file"]
        text = path.read_text()
        if anchor[-1] in "([{":
            assert anchor in text, f"{anchor} is not in {path}"
            path.write_text(text.replace(anchor, anchor + goes, 1))
        else:
            found = re.search(f"^{re.escape(anchor)}.*$", text, re.MULTILINE)
            assert found, f"no line of {path} begins with {anchor}"
            path.write_text(f"{text[: found.end()]}\n{goes}{text[found.end() :]}")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which all is done that the page says, but for the proposal."""
    root = tmp_path_factory.mktemp("extended")
    for name in COPIED:
        source, target = REPOSITORY / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for title in TITLES:
        if title != OWN:
            write_blocks(title, root)
            write_rows(title, root)
    for command in (["format", "."], ["check", "--fix", "."], ["format", "--check", "."]):
        done = call(root, "ruff", *command, "--no-cache")
        assert done.returncode == 0, done.stdout + done.stderr
    return root


def call(root: Path, *module: str) -> subprocess.CompletedProcess[str]:
    return python(root, "-m", *module)


def python(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=root, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("title", TITLES)
def test_each_takes_less_than_forty_lines(title: str) -> None:
    assert SECTIONS[title].lines < 40


def test_the_page_has_no_other_section() -> None:
    assert tuple(SECTIONS) == ("", *TITLES)


PROMISED = {
    "test_mixers.py": ("moving_average", 12),
    "test_synthetics.py": ("first_symbol", 8),
    "test_head_norm.py": ("head_norm", 1),
    "test_delta_forward.py": ("transitions", 20),
    "test_studies.py": ("transitions", 2),
}
"""What of each file is about the additions, and at least how many tests that is."""


@pytest.mark.slow
def test_of_old_results_only_those_of_the_study_are_computed_again(extended: Path) -> None:
    program = (
        "from models.code_version import code_version as of, study_version\n"
        "print(of('diagonal_ssm', 'delayed_copy', ('displacement',)), study_version('resolvent'))\n"
        "print(study_version('delta_forward'))"
    )
    before, after = (python(root, "-c", program).stdout.splitlines() for root in (REPOSITORY, extended))
    assert len(before) == 2
    assert before[0] == after[0]
    assert before[1] != after[1]


@pytest.mark.slow
def test_they_keep_what_their_kind_promises(extended: Path) -> None:
    files = [f"tests/models/{name}" for name in PROMISED]
    names = " or ".join(sorted({name for name, _ in PROMISED.values()}))
    done = call(extended, "pytest", *files, "-k", names, "-v", "-p", "no:cacheprovider", "-p", "no:xdist")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    for file, (name, least) in PROMISED.items():
        passed = re.findall(rf"^tests/models/{file}::.*{name}.* PASSED", done.stdout, re.MULTILINE)
        assert len(passed) >= least, f"{file}: {len(passed)}"


@pytest.mark.slow
def test_a_model_is_trained_with_them(extended: Path, tmp_path: Path) -> None:
    sizes = {"train": 400, "validation": 100, "test": 100}
    request = {
        "mixer": {"mixer": "moving_average", "state": 4},
        "synthetic": {"name": "first_symbol", "symbols": 4, "length": 8, **sizes},
        "backbone": {"layers": 1, "width": 8, "heads": 1},
        "training": {"epochs": 20, "batch": 32, "lr": 1e-2, "stop_at": 0.9},
        "seeds": [0],
        "probes": ["head_norm"],
        "directory": str(tmp_path),
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    done = call(extended, "models.worker", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (seed,) = TrainResult.model_validate_json((tmp_path / "result.json").read_text()).seeds
    found = {value.metric: value.value for value in seed.values}
    assert found["head_norm"] > 0
    assert found["test_accuracy"] > 0.5, "chance is a quarter"
    assert found["state_memory"] == 4 * 4, "four numbers of four bytes"


@pytest.mark.slow
def test_a_proposal_with_its_own_mixer_reaches_its_verdict(tmp_path: Path) -> None:
    write_blocks(OWN, tmp_path)
    folder = tmp_path / "proposals" / "201-running-mean"
    assert sorted(path.name for path in folder.iterdir()) == ["proposal.md", "running_mean.py"]
    checked = call(REPOSITORY, "flows.cli", "check", "201", "--workspace", str(tmp_path))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    place = find_workspace(tmp_path, str(tmp_path / "db" / "catalog.sqlite"))
    registered = register_proposal(place, "201-running-mean", quick=True)
    planned = plan_look(place, registered.id, registered.first_look, "inprocess", quick=True)
    assert list(planned.missing.values()) == ["mean-seed-0"]
    train_here(place, planned)
    judgement = judge_experiment(place, registered.id, planned.experiment)
    assert judgement.reasons
    assert verify_verdict(place, "201-running-mean").matches
