"""What users type and what they are told, without a server."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_proposals import write_proposal

REPOSITORY = Path(__file__).resolve().parents[2]
PROPOSAL_008 = REPOSITORY / "proposals" / "008-cosine-log-linear-attention.md"
SOURCE = {"cos_log_linear": 0.913, "cosformer": 0.259, "log_linear": 0.152, "linear_attention": 0.147}
"""Test accuracies that the first run of this idea reported, one run each."""


def metrics(path: Path, values: dict[str, Any], metric: str = "test_accuracy") -> Path:
    rows = [{"variant": variant, "seed": 0, "metric": metric, "value": value} for variant, value in values.items()]
    path.write_text(json.dumps(rows))
    return path


def test_check_as_json_has_a_row_for_every_criterion(mve: Any) -> None:
    done = mve("check", "008", "--json")
    assert done.returncode == 0, done.stderr
    criteria = json.loads(done.stdout)["criteria"]
    assert [one["id"] for one in criteria] == ["S1", "S2", "S3", "S4", "S5", "F1", "F2", "F3"]
    fields = {"text", "file", "line", "section", "role", "formal", "suggested", "canonical", "reason"}
    assert all(fields <= set(one) for one in criteria)
    assert criteria[0]["canonical"] == "cos_log_linear.test_accuracy > 0.8"
    assert criteria[0]["role"] == "target"


def test_check_imports_neither_torch_nor_prefect(tmp_path: Path) -> None:
    program = (
        "import sys; from flows.cli import main; sys.argv = ['mve', 'check', '008']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'prefect', 'sqlmodel', 'matplotlib'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_check_refuses_with_file_line_and_remedy(mve: Any, tmp_path: Path) -> None:
    place = write_proposal(tmp_path, target="`atention.test_accuracy > 80%`")
    done = mve("check", "101", workspace=place.root)
    assert done.returncode == 1
    assert "101-small-recall.md:31:4:" in done.stdout
    assert "Did you mean `attention`?" in done.stdout


def test_check_of_what_is_no_text(mve: Any, tmp_path: Path) -> None:
    place = write_proposal(tmp_path)
    document = place.proposals / "101-small-recall.md"
    document.write_bytes(document.read_bytes().replace(b"recall", b"\xff\xfe"))
    done = mve("check", "101", workspace=place.root)
    assert done.returncode == 2
    assert "UTF-8" in done.stdout


def test_a_workspace_that_is_none(mve: Any, tmp_path: Path) -> None:
    done = mve("check", "101", workspace=tmp_path)
    assert done.returncode == 2
    assert "it has no folder `proposals`" in done.stderr


def test_a_refused_proposal_is_not_run(mve: Any, tmp_path: Path) -> None:
    place = write_proposal(tmp_path, seeds="[3]")
    done = mve("run", "101", workspace=place.root, api="http://127.0.0.1:9/api")
    assert done.returncode == 1
    assert "12.5 %" in done.stdout
    assert not (tmp_path / "db").exists(), "nothing is written for what is refused"


def test_judging_the_first_run_of_the_idea(mve: Any, tmp_path: Path) -> None:
    done = mve("judge", "008", "--metrics", str(metrics(tmp_path / "m.json", SOURCE)), "--json")
    judgement = json.loads(done.stdout)
    assert judgement["verdict"] == "PROCEED"
    caveats = " ".join(judgement["caveats"])
    assert "S3 (expectation)" in caveats
    assert "single seed" in caveats
    assert len(judgement["outcomes"]) == 8


@pytest.mark.parametrize("chance", [1 / 62, 1 / 8, 0.15])
def test_all_at_chance_is_debug(mve: Any, tmp_path: Path, chance: float) -> None:
    done = mve("judge", "008", "--metrics", str(metrics(tmp_path / "m.json", dict.fromkeys(SOURCE, chance))), "--json")
    assert json.loads(done.stdout)["verdict"] == "DEBUG"


def test_all_nan_is_debug(mve: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    rows = [{"variant": name, "seed": 0, "metric": "test_accuracy", "value": float("nan")} for name in SOURCE]
    rows += [{"variant": name, "seed": 0, "metric": "nan_count", "value": 200} for name in SOURCE]
    path.write_text(json.dumps(rows))
    assert json.loads(mve("judge", "008", "--metrics", str(path), "--json").stdout)["verdict"] == "DEBUG"


@pytest.mark.parametrize(("tied", "criterion"), [("log_linear", "F2"), ("cosformer", "F1")])
def test_a_tie_is_undecided(mve: Any, tmp_path: Path, tied: str, criterion: str) -> None:
    values = {**SOURCE, tied: SOURCE["cos_log_linear"]}
    done = mve("judge", "008", "--metrics", str(metrics(tmp_path / "m.json", values)), "--json")
    judgement = json.loads(done.stdout)
    assert judgement["verdict"] == "INCONCLUSIVE"
    decisions = {one["id"]: one["decision"] for one in judgement["outcomes"]}
    assert decisions[criterion] == "undecided"


def test_a_misspelt_variant_in_a_metrics_file(mve: Any, tmp_path: Path) -> None:
    done = mve("judge", "008", "--metrics", str(metrics(tmp_path / "m.json", {"cosfromer": 0.3})))
    assert done.returncode == 2
    assert "Did you mean `cosformer`?" in done.stderr


def test_judging_writes_nothing(mve: Any, tmp_path: Path) -> None:
    (tmp_path / "proposals").mkdir()
    shutil.copy(PROPOSAL_008, tmp_path / "proposals")
    mve("judge", "008", "--metrics", str(metrics(tmp_path / "m.json", SOURCE)), workspace=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.json", "proposals"]


def test_verifying_where_there_is_no_catalog(mve: Any, tmp_path: Path) -> None:
    place = write_proposal(tmp_path)
    done = mve("verify", "101", workspace=place.root)
    assert done.returncode == 2
    assert "there is no catalog at" in done.stderr
    assert "mve run" in done.stderr


def test_a_file_that_is_no_catalog_is_left_alone(mve: Any, tmp_path: Path) -> None:
    place = write_proposal(tmp_path)
    other = tmp_path / "notes.txt"
    other.write_text("not a catalog")
    done = mve("verify", "101", "--catalog", str(other), workspace=place.root)
    assert done.returncode == 2
    assert "notes.txt" in done.stderr
    assert other.read_text() == "not a catalog"
