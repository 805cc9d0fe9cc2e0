"""Questions in SQL: answered alike on a file and on a server, and nothing but answered."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from catalog_samples import STEM
from sqlalchemy import Engine, text
from terminal import in_terminal
from typer.testing import CliRunner

from db.asking import Answer, ask
from db.engine import reading
from db.errors import CatalogError
from db.views import VIEWS

ENDLESS = "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT COUNT(*) FROM x"


def test_an_answer_is_the_same_on_both(filled_url: str) -> None:
    query = "SELECT stem, verdict, rule, cost, seeds, judged_at, overruled_by FROM verdicts WHERE stands;  -- why not"
    assert ask(filled_url, query, limit=10, seconds=10) == Answer(
        ("stem", "verdict", "rule", "cost", "seeds", "judged_at", "overruled_by"),
        ((STEM, "PROCEED", 6, 0.08, 2, "2026-02-15T10:00:00.000250Z", None),),
        cut=False,
    )
    assert ask(filled_url, "SELECT SUM(attempts), AVG(attempts) FROM spend", 10, 10).rows == ((6, 2),)
    assert ask(filled_url, "SELECT stem, trick, stem FROM based_on WHERE 1 = 0", 10, 10) == Answer(
        ("stem", "trick", "stem_2"), (), cut=False
    )


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_can_be_asked(filled_url: str, view: str) -> None:
    assert ask(filled_url, f"SELECT * FROM {view}", 1000, 10).rows


def test_a_limit_cuts_and_says_so(filled_url: str) -> None:
    query = "SELECT seed FROM runs ORDER BY seed"
    assert (len(ask(filled_url, query, 8, 10).rows), ask(filled_url, query, 8, 10).cut) == (8, False)
    assert (len(ask(filled_url, query, 7, 10).rows), ask(filled_url, query, 7, 10).cut) == (7, True)


def test_a_query_without_end_is_given_up(filled_url: str) -> None:
    began = time.monotonic()
    with pytest.raises(CatalogError, match=r"not done after 0.2 s; narrow it \(WHERE\)"):
        ask(filled_url, ENDLESS, 10, 0.2)
    assert time.monotonic() - began < 5


REFUSED = [
    "DELETE FROM metric",
    "UPDATE proposal SET title = 'gone'",
    "INSERT INTO based_on VALUES ('x', 'y')",
    "CREATE TABLE mine (a INTEGER)",
    "CREATE TEMPORARY TABLE mine (a INTEGER)",
    "DROP VIEW verdicts",
    "BEGIN",
    "COMMIT",
    "ROLLBACK; DELETE FROM metric",
    "SELECT 1; DELETE FROM metric",
    "WITH gone AS (DELETE FROM metric RETURNING 1) SELECT * FROM gone",
]
ON_SQLITE = [
    "ATTACH '{folder}/other.sqlite' AS other",
    "VACUUM INTO '{folder}/other.sqlite'",
    "PRAGMA query_only = OFF",
    "PRAGMA user_version = 7",
    "SELECT * FROM pragma_table_info('run')",
    "SELECT load_extension('{folder}/other.so')",
    "CREATE VIRTUAL TABLE mine USING fts5(a)",
    "SELECT randomblob(1000000000)",
]
ON_POSTGRESQL = [
    "SET TRANSACTION READ WRITE",
    "TRUNCATE metric",
    "COPY metric TO '/tmp/never'",
    "SELECT setval('run_id_seq', 999)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "DO $$ BEGIN DELETE FROM metric; END $$",
]


@pytest.mark.parametrize("query", REFUSED + ON_SQLITE + ON_POSTGRESQL)
def test_nothing_but_reading(filled: Engine, filled_url: str, query: str, tmp_path: Path) -> None:
    before = (_counts(filled), sorted(tmp_path.iterdir()))
    with pytest.raises(CatalogError):
        ask(filled_url, query.format(folder=tmp_path), 10, 10)
    assert (_counts(filled), sorted(tmp_path.iterdir())) == before


def _counts(engine: Engine) -> list[object]:
    counts = "SELECT (SELECT COUNT(*) FROM metric), (SELECT COUNT(*) FROM based_on), (SELECT MAX(title) FROM proposal)"
    with reading(engine) as session:
        return [tuple(row) for row in session.connection().execute(text(counts)).all()]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "the query is empty; a first one"),
        ("-- only a thought", "empty|faulty"),
        ("SELEC 1", "the query is faulty: .*(?i:selec)"),
        ("SELECT * FROM verdictz", "no table or view verdictz; the nearest: .*verdicts; the views are .*verdicts"),
        ("SELECT v.verdct FROM verdicts AS v", "no column verdct; the nearest: verdict.*; verdicts has stem, number"),
        ("SELECT colour FROM tricks", "no column colour; tricks has trick, proposals"),
        ("SELECT 1; SELECT 2", "one query at a time"),
        ("SELECT nofun(1)", "the query is faulty: .*nofun"),
    ],
)
def test_a_faulty_query_is_explained(filled_url: str, query: str, says: str) -> None:
    with pytest.raises(CatalogError, match=says):
        ask(filled_url, query, 10, 10)


def test_json_columns_are_taken_apart(filled_catalog: Path) -> None:
    query = "SELECT value FROM verdicts, json_each(reasons) WHERE stands"
    assert ask(filled_catalog, query, 10, 10).rows == (("every target holds",),)


# -- the command -------------------------------------------------------------------------------------------


@pytest.fixture
def mve(filled_catalog: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("MVE_CATALOG", str(filled_catalog))
    return CliRunner()


def run(mve: CliRunner, *arguments: str, given: str | None = None) -> tuple[str, str]:
    from flows.cli import app

    done = mve.invoke(app, ["sql", *arguments], input=given, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_a_pipe_gets_whole_plain_lines(mve: CliRunner) -> None:
    long = "x" * 300
    said, _ = run(mve, f"SELECT seed, variant, '{long}' || char(10, 27) || '[1mloud' AS odd FROM runs WHERE seed = 1")
    lines = said.splitlines()
    assert lines[0].split() == ["seed", "variant", "odd"]
    assert len(lines) == 5
    assert lines[1] == f"   1  cos_log_linear  {long}\\n\\x1b[1mloud"


def test_csv_is_read_back(mve: CliRunner) -> None:
    said, _ = run(mve, "--csv", "SELECT 'a,\"b' || char(10) AS text, NULL AS empty, 0.1 + 0.2 AS number")
    assert list(csv.DictReader(io.StringIO(said))) == [{"text": 'a,"b\n', "empty": "", "number": "0.30000000000000004"}]


def test_json_is_one_object_without_nan(mve: CliRunner) -> None:
    said, warned = run(mve, "--json", "--limit", "1", "SELECT 9e999 AS high, 'ü' AS letter FROM runs")
    stated = json.loads(said, parse_constant=lambda constant: pytest.fail(constant))
    assert stated == {"columns": ["high", "letter"], "rows": [{"high": None, "letter": "ü"}], "more": True}
    assert "only the first row; there are more" in warned


def test_a_query_comes_from_a_pipe_or_a_file(mve: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_text("SELECT 1 AS one")
    assert (
        run(mve, "-", given="SELECT 1 AS one") == run(mve, "--file", str(tmp_path / "query.sql")) == ("one\n  1\n", "")
    )


@pytest.mark.parametrize("arguments", [[], ["SELECT 1", "--file", "x"], ["SELECT 1", "--csv", "--json"]])
def test_one_question_and_one_form(mve: CliRunner, arguments: list[str]) -> None:
    with pytest.raises(ValueError, match=r"ask one thing|not both"):
        run(mve, *arguments)


def test_no_catalog_is_made_by_asking(tmp_path: Path) -> None:
    (tmp_path / "proposals").mkdir()
    asked = subprocess.run(
        [sys.executable, "-m", "flows.cli", "sql", "SELECT 1", "--workspace", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 2
    assert "there is no catalog at" in asked.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["proposals"]


def test_a_terminal_gets_a_table_within_its_width(filled_catalog: Path) -> None:
    command = [sys.executable, "-m", "flows.cli", "sql", "SELECT variant, criterion, text FROM runs, criteria"]
    environment = {**os.environ, "MVE_CATALOG": str(filled_catalog), "COLUMNS": "40", "TERM": "xterm"}
    done = in_terminal(command, environment)
    assert done.returncode == 0, done.stderr
    plain = [line for line in done.stdout.replace("\r", "").split("\n") if line]
    assert len(plain) > 4
    assert "\x1b[1m" in plain[0]
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 40 for line in plain), plain
