"""Imported reports in the catalog: beside our own runs, never among them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from db.engine import reading, writing
from db.importing import import_document, imported_verdicts
from proposals.history import read_document
from proposals.workspace import Workspace
from tasks.import_history import import_documents

DOCUMENTS = Path(__file__).parents[1] / "history" / "documents"
NOW = datetime(2026, 3, 20, tzinfo=UTC)


def ask(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with reading(engine) as session:
        return [tuple(row) for row in session.connection().execute(text(query)).all()]


def test_a_report_and_both_verdicts(engine: Engine) -> None:
    document = read_document(DOCUMENTS / "experiment-049-results.md")
    assert import_document(engine, document, NOW)[1:] == (1, True)
    ((written, ours, rule),) = ask(engine, "SELECT written, verdict, rule FROM imported_verdict")
    assert (written, ours, rule) == ("Not sure yet. Maybe PROCEED.", "ABANDON", 2)
    rows = ask(engine, "SELECT criterion, marked, decision, counts FROM imported_criterion ORDER BY position")
    assert rows == [("S1", "pass", "fails", 1), ("S2", "pass", "holds", 0), ("S3", "fail", "holds", 1)]
    ((value, words, line),) = ask(
        engine,
        "SELECT value, text, line FROM imported_measurement "
        "WHERE variant = 'vanilla_gate' AND metric = 'test_accuracy'",
    )
    assert (value, words, line) == (0.905, "90.5%", 16)
    ((original,),) = ask(engine, "SELECT original FROM imported_document")
    assert original == (DOCUMENTS / "experiment-049-results.md").read_bytes()


def test_nothing_of_it_is_among_our_own(engine: Engine) -> None:
    for path in DOCUMENTS.glob("*.md"):
        import_document(engine, read_document(path), NOW)
    for ours in ("proposal", "registration", "run", "metric", "verdict", "verdicts", "criteria", "runs"):
        assert ask(engine, f"SELECT COUNT(*) FROM {ours}") == [(0,)]


def test_the_same_bytes_again_change_nothing(engine: Engine) -> None:
    document = read_document(DOCUMENTS / "experiment-041-results.md")
    first = import_document(engine, document, NOW)
    counts = "SELECT (SELECT COUNT(*) FROM imported_block), (SELECT COUNT(*) FROM imported_measurement)"
    before = ask(engine, counts)
    assert import_document(engine, document, NOW) == (first.id, 1, False)
    assert ask(engine, counts) == before


def test_a_changed_document_is_a_new_version(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "experiment-045-results.md"
    whole = (DOCUMENTS / "experiment-041-results.md").read_text()
    path.write_text(whole)
    assert import_document(engine, read_document(path), NOW).version == 1
    path.write_text(whole.replace("| 97.10% |", "| 90.10% |").replace("**97.10%**", "**90.10%**"))
    assert import_document(engine, read_document(path), NOW)[1:] == (2, True)
    assert [one.verdict for one in imported_verdicts(engine)] == ["ABANDON"]
    assert ask(engine, "SELECT verdict FROM imported_verdict ORDER BY experiment_id") == [("PROCEED",), ("ABANDON",)]


def test_imported_rows_are_append_only(engine: Engine) -> None:
    import_document(engine, read_document(DOCUMENTS / "experiment-041-results.md"), NOW)
    with pytest.raises(DBAPIError, match=r"append-only.*import the changed document"), writing(engine) as session:
        session.connection().execute(text("UPDATE imported_verdict SET verdict = 'ABANDON'"))


def test_a_folder_with_a_stranger_in_it(tmp_path: Path) -> None:
    (tmp_path / "proposals").mkdir()
    place = Workspace(tmp_path, f"sqlite:///{tmp_path}/catalog.sqlite")
    stranger = tmp_path / "shopping.md"
    stranger.write_text("# Shopping\n\n- milk\n")
    report = import_documents(place, [DOCUMENTS, stranger, DOCUMENTS / "experiment-041-results.md"])
    assert [Path(one.file).stem for one in report.documents] == sorted(path.stem for path in DOCUMENTS.glob("*.md"))
    assert all(one.new for one in report.documents)
    assert [one.file for one in report.refused] == [str(stranger)]
    assert "no report of an experiment" in report.refused[0].reasons[0]
    assert not any(one.new for one in import_documents(place, [DOCUMENTS]).documents)
