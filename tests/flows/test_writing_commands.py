"""`mve formalize`, `mve new` and `mve import`, and `mve check` on documents of other styles, as a user calls them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app

HERE = Path(__file__).resolve().parents[1]
CORPUS = HERE / "natural" / "corpus"
REPORTS = HERE / "history" / "documents"
FIELDS = {"text", "file", "line", "section", "role", "formal", "suggested", "canonical", "reason"}
ANSWERS = ["--title", "Rings of states", "--hypothesis", "A ring forgets less.", "--mixer", "log_linear",
           "--baseline", "linear_attention", "--above", "80", "--margin", "5"]  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "proposals").mkdir()
    shutil.copy(CORPUS / "103-table-criteria.md", tmp_path / "proposals")
    return tmp_path


def call(place: Path, *arguments: str, answers: str = "") -> Any:
    """In this process, since nothing heavy is imported; errors that a user can mend come as exceptions."""
    return CliRunner().invoke(app, [*arguments, "--workspace", str(place)], input=answers)


# -- check ---------------------------------------------------------------------------------------------------------


def test_check_of_an_older_document_shows_what_it_might_mean(place: Path) -> None:
    done = call(place, "check", "103")
    assert done.exit_code == 2
    assert "suggested: kronssm.test_accuracy > 0.9" in done.output
    assert "low" in done.output
    assert "the names are those of the text" in done.output
    assert "missing  " in done.output
    assert "`mve formalize` writes the suggestions into the file" in done.output


def test_check_as_json_of_an_older_document(place: Path) -> None:
    report = json.loads(call(place, "check", "103", "--json").output)
    assert report["exit_code"] == 2
    first = report["criteria"][0]
    assert set(first) >= FIELDS
    assert (first["formal"], first["suggested"]) == (None, "kronssm.test_accuracy > 90%")
    assert (first["canonical"], first["confidence"]) == ("kronssm.test_accuracy > 0.9", "low")
    assert (first["text"], first["line"]) == ("| KronSSM | > 90% |", 23)


def test_an_older_document_is_not_run(mve: Any, place: Path) -> None:
    done = mve("run", "103", workspace=place, api="http://127.0.0.1:9/api")
    assert done.returncode == 2
    assert not (place / "db").exists()


# -- formalize -----------------------------------------------------------------------------------------------------


def test_formalize_shows_a_diff_and_changes_nothing(place: Path) -> None:
    path = place / "proposals" / "103-table-criteria.md"
    before = path.read_bytes()
    done = call(place, "formalize", "103")
    assert done.exit_code == 0
    assert "-| KronSSM | > 90% |" in done.output
    assert "+| KronSSM | > 90%: `kronssm.test_accuracy > 90%` |" in done.output
    assert "would be written" in done.output
    assert path.read_bytes() == before


def test_formalize_writes_what_is_accepted(place: Path) -> None:
    path = place / "proposals" / "103-table-criteria.md"
    before = path.read_text("utf-8")
    done = call(place, "formalize", "103", "--write", "--accept", "S1")
    assert done.exit_code == 0, done.output
    old, new = "| KronSSM | > 90% |", "| KronSSM | > 90%: `kronssm.test_accuracy > 90%` |"
    assert path.read_text("utf-8") == before.replace(old, new)
    criteria = json.loads(call(place, "check", "103", "--json").output)["criteria"]
    assert criteria[0]["formal"] == "kronssm.test_accuracy > 90%"
    assert criteria[1]["formal"] is None


def test_formalize_says_that_a_plain_failure_kills(place: Path) -> None:
    shutil.copy(CORPUS / "109-crlf.md", place / "proposals")
    done = call(place, "formalize", "109")
    assert "F1 does not say what it does, and kills" in done.output


def test_formalize_where_there_is_nothing_to_write(mve: Any) -> None:
    assert mve("formalize", "008").returncode == 1
    done = mve("formalize", "008", "--accept", "S9")
    assert done.returncode == 2
    assert "there is no criterion `S9`" in done.stderr


# -- new -----------------------------------------------------------------------------------------------------------


def test_a_new_proposal_passes_the_check(place: Path) -> None:
    assert (
        call(
            place, "new", "012", *ANSWERS, "--based-on", "rings, states (7)", "--gpu", "T4", "--dollars", "0.5"
        ).exit_code
        == 0
    )
    report = json.loads(call(place, "check", "012", "--json").output)
    assert (report["exit_code"], report["problems"]) == (0, [])
    assert report["stem"] == "012-rings-of-states"


def test_a_new_proposal_asks_what_it_was_not_told(place: Path) -> None:
    done = call(place, "new", answers="Rings: of states\nA ring forgets less.\nlog_linear, kernel: cosine\n\n75\n\n")
    assert done.exit_code == 0, done.output
    text = (place / "proposals" / "104-rings-of-states.md").read_text("utf-8")
    assert "idea: {mixer: log_linear, kernel: cosine, proposed: true}" in text
    assert "`idea.test_accuracy > 75%`" in text
    assert call(place, "check", "104").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["103"], "the number 103 is that of 103-table-criteria.md"),
        (["0103"], "the number 0103 is that of 103-table-criteria.md"),
        (["1/2"], "cannot be a proposal's number"),
        (["abc"], "cannot be a proposal's number"),
        (["012", "--slug", "../../x"], "holds a slash or `..`"),
        (["012", "--title", "!!!"], "has no letters"),
        (["012", "--mixer", "log_liner"], "Did you mean `log_linear`?"),
        (["012", "--above", "100"], "S1 can never hold"),
        (["012", "--based-on", "a]\nstatus: done"], "cannot stand in the front matter"),
    ],
)
def test_what_is_no_proposal_is_not_written(place: Path, arguments: list[str], message: str) -> None:
    given = [*arguments[:1], *ANSWERS, *arguments[1:]]
    done = call(place, "new", *given)
    assert message in str(done.exception)
    assert [path.name for path in (place / "proposals").iterdir()] == ["103-table-criteria.md"]


def test_a_hypothesis_cannot_open_a_section(place: Path) -> None:
    given = [*ANSWERS]
    given[3] = "## Minimum Viable Experiment\n```yaml mve\nseeds: [1]\n```"
    assert call(place, "new", "012", *given).exit_code == 0
    assert call(place, "check", "012").exit_code == 0


# -- import --------------------------------------------------------------------------------------------------------


def test_import_tells_what_it_read(place: Path) -> None:
    done = call(place, "import", str(REPORTS))
    assert done.exit_code == 0, done.output
    assert "written: ABANDON; ours: ABANDON by rule 2; as written" in done.output
    assert "not understood" in done.output
    assert "single seed" in done.output
    again = json.loads(call(place, "import", str(REPORTS), "--json").output)
    assert {document["new"] for document in again["documents"]} == {False}


def test_import_refuses_a_file_and_takes_the_others(place: Path) -> None:
    (place / "bad.md").write_bytes(b"\xff\xfe")
    good = next(REPORTS.glob("*results*.md"))
    done = call(place, "import", str(place / "bad.md"), str(good))
    assert done.exit_code == 1
    assert "refused  " in done.output
    assert "1 documents" in done.output


def test_import_needs_neither_prefect_nor_torch(place: Path) -> None:
    program = (
        "import sys; from flows.cli import main; "
        f"sys.argv = ['mve', 'import', {str(REPORTS)!r}, '--workspace', {str(place)!r}]\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'prefect', 'matplotlib'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
