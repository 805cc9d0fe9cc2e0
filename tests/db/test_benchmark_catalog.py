"""The made-up catalog of the benchmark is one that everything can read, and its figures are taken from it."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.catalog import curves, examples, views
from benchmarks.catalog_filler import METRICS_OF_A_RUN, RUNS, fill, stem_of
from db import catalog
from db.engine import open_catalog
from db.views import VIEWS

PROPOSALS = 120


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "catalog.sqlite"
    size = fill(path, PROPOSALS)
    assert (size.proposals, size.runs) == (PROPOSALS, RUNS * PROPOSALS)
    assert size.metrics > 0.99 * METRICS_OF_A_RUN * size.runs
    assert size.curve_points > 0
    return path


def test_all_constraints_hold(made: Path) -> None:
    with closing(sqlite3.connect(made)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        every = {view: connection.execute(f"SELECT COUNT(*) FROM {view}").fetchone()[0] for view in VIEWS}
    assert all(every.values()), every


def test_the_catalogs_functions_read_it(made: Path) -> None:
    with open_catalog(made, read_only=True) as opened:
        frozen = catalog.load_registration(opened.engine, 7)
        assert frozen.stem == stem_of(7)
        assert hashlib.sha256(frozen.canonical_json.encode()).hexdigest() == frozen.sha256
        judged = catalog.latest_judgement(opened.engine, 7)
        assert judged is not None
        assert [outcome.id for outcome in judged.judgement.outcomes] == ["S1", "S2", "F1"]
        assert len(catalog.measurements_of(opened.engine, 7)) == RUNS * METRICS_OF_A_RUN
        assert len(catalog.log_of(opened.engine, stem_of(7))) == 3
        assert len(catalog.open_attempts(opened.engine)) == 3


def test_the_same_size_is_the_same_catalog(made: Path, tmp_path: Path) -> None:
    fill(tmp_path / "again.sqlite", PROPOSALS)
    asked = "SELECT * FROM verdicts ORDER BY verdict_id", "SELECT * FROM tricks ORDER BY trick"
    with closing(sqlite3.connect(made)) as first, closing(sqlite3.connect(tmp_path / "again.sqlite")) as second:
        for query in asked:
            assert first.execute(query).fetchall() == second.execute(query).fetchall()


def test_a_figure_for_every_view_and_for_recording(made: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(made.read_bytes())
    assert {view for view, _ in examples()} == set(VIEWS)
    figures = [*views(copy), *curves(copy)]
    assert [figure.what for figure in figures if not figure.value > 0] == []
    assert sum("example of" in figure.what for figure in figures) == len(VIEWS)
