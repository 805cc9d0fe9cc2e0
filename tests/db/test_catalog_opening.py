"""Creating, refusing, migrating and connecting."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from catalog_samples import NOW, STEM, fill, key, register, start
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from db import catalog, migrating, sqlite
from db.engine import open_catalog, reading, schema_version, writing
from db.errors import CatalogError, CatalogUnavailableError
from db.migrating import REVISIONS
from db.sqlite import APPLICATION_ID
from db.tables import Table


def test_a_path_that_does_not_exist_is_created_with_its_folder_and_said_so(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "100% ours?" / "catalog.sqlite"
    with open_catalog(path) as opened:
        assert opened.created
        assert opened.path == path
        assert schema_version(opened.engine) == REVISIONS[-1]
    assert [file.name for file in path.parent.iterdir()] == ["catalog.sqlite"]
    with open_catalog(path) as opened:
        assert not opened.created
    with open_catalog(f"sqlite:///{tmp_path}/of a url.sqlite") as opened:
        assert opened.path == tmp_path / "of a url.sqlite"


def test_nothing_is_created_where_only_reading_was_asked_for(tmp_path: Path) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(CatalogError, match=r"there is no catalog at .*created by the first `mve run`"):
            open_catalog(tmp_path / "none" / "catalog.sqlite", **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogError, match=r"cannot be created.*--catalog"):
        open_catalog(tmp_path / "file" / "catalog.sqlite")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/db", r"not supported; use a path, .* or postgresql://"),
        ("sqlite://", "must name a file"),
        ("sqlite:///x?timeout=3", "must name a file and nothing else"),
        ("://", "no catalog URL"),
        ("nosuchdatabase://x", "not supported"),
    ],
)
def test_urls_that_name_no_catalog(url: str, says: str) -> None:
    with pytest.raises(CatalogError, match=says):
        open_catalog(url)


def _stranger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
        connection.commit()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_text("stem,verdict\n"), "is not an SQLite database"),
        (lambda path: path.write_bytes(b"\x00\xff" * 500), "is not an SQLite database"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (_stranger, "is an SQLite database, but not a catalog of mve"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_catalog_is_refused_and_left_alone(
    tmp_path: Path, make: object, says: str, read_only: bool
) -> None:
    path = tmp_path / "catalog.sqlite"
    assert callable(make)
    make(path)
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    with pytest.raises(CatalogError, match=rf"{path.name} {says}.*MVE_CATALOG.*not touched"):
        open_catalog(path, read_only=read_only)
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir())) == before


def test_a_folder_is_no_catalog(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is not a file"):
        open_catalog(tmp_path)


def test_a_damaged_catalog_is_named(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100] + b"\x07" * 4000)
    with pytest.raises(CatalogError, match=r"is damaged.*Restore it from a backup"):
        open_catalog(path)


def test_our_file_without_a_version_is_damaged(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.commit()
    with pytest.raises(CatalogError, match="schema version is missing"):
        open_catalog(path)


# -- versions ----------------------------------------------------------------------------------------------


NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{REVISIONS[-1]}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("proposal") as table:
        table.add_column(sa.Column("mood", sa.String(), nullable=False, server_default="calm"))
        table.alter_column("priority", type_=sa.Text())
"""


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The code as it will be one migration from now. SQLite can only do this one by copying the table."""
    scripts = tmp_path / "migrations of 100% tomorrow"
    shutil.copytree(migrating.MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "v9999_mood.py").write_text(NEXT)
    monkeypatch.setattr(migrating, "MIGRATIONS", scripts)
    monkeypatch.setattr(migrating, "REVISIONS", (*REVISIONS, "9999"))
    return scripts


def test_an_older_catalog_is_migrated_after_a_backup(
    path: Path, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as today:
        today.setattr(migrating, "REVISIONS", REVISIONS)
        with open_catalog(path) as old:
            fill(old.engine)
    with pytest.raises(CatalogError, match="older version"):
        open_catalog(path, read_only=True)

    with open_catalog(path) as opened:
        assert opened.backup == path.with_name(f"catalog.sqlite.{REVISIONS[-1]}.backup")
        assert schema_version(opened.engine) == "9999"
        with reading(opened.engine) as session:
            row = session.connection().execute(text("SELECT stem, mood FROM proposal ORDER BY stem")).first()
            assert row is not None
            assert tuple(row) == (STEM, "calm")
            assert session.connection().execute(text("SELECT COUNT(*) FROM verdicts")).scalar() == 1
        with pytest.raises(DBAPIError, match="append-only"), writing(opened.engine) as session:
            session.connection().execute(text("DELETE FROM verdict"))
    with open_catalog(path) as again:
        assert again.backup is None
    with closing(sqlite3.connect(path.with_name(f"catalog.sqlite.{REVISIONS[-1]}.backup"))) as backup:
        assert backup.execute("SELECT COUNT(*) FROM verdict").fetchone() == (1,)
        assert "mood" not in [column[1] for column in backup.execute("PRAGMA table_info(proposal)")]

    monkeypatch.undo()
    before = path.read_bytes()
    with pytest.raises(CatalogError, match=r"newer version of mve: its schema is '9999'.*Update mve"):
        open_catalog(path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_changes_nothing(path: Path, next_version: Path) -> None:
    script = next_version / "versions" / "v9999_mood.py"
    script.write_text(script.read_text() + "    raise RuntimeError('no')\n")
    before = _schema(path)
    with pytest.raises(RuntimeError, match="no"):
        open_catalog(path)
    assert _schema(path) == before


def test_a_catalog_of_the_first_version_is_migrated(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as then:
        upgrade = command.upgrade
        then.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        then.setattr(migrating, "REVISIONS", ("0001",))
        then.setattr("db.triggers.IMPORTED", ())  # tables of 0002
        then.setattr("db.triggers.DIGESTED", ())  # tables of 0004
        then.setattr("db.triggers.MONEY", ())  # tables of 0005
        then.setattr(migrating, "VIEWS", {"verdicts": migrating.VIEWS["verdicts"]})  # others ask tables of 0005
        with open_catalog(nowhere) as opened:
            fill(opened.engine)
            ends = _ends(opened.engine)
    with open_catalog(nowhere) as opened:
        assert not opened.created
        assert (opened.backup is None) == (opened.path is None)
        assert schema_version(opened.engine) == migrating.REVISIONS[-1]
        assert ends == _ends(opened.engine) != []
        assert catalog.latest_judgement(opened.engine, 1) is not None
        with pytest.raises(DBAPIError, match="append-only"), writing(opened.engine) as session:
            session.connection().execute(text("DELETE FROM verdict"))


def _ends(engine: Engine) -> list[tuple[object, ...]]:
    with reading(engine) as session:
        rows = session.connection().execute(text("SELECT * FROM attempt_end ORDER BY attempt_id"))
        return [tuple(row) for row in rows]


def test_the_revisions_known_to_the_code_are_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating.MIGRATIONS))
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(scripts)) == migrating.REVISIONS


def test_the_models_are_the_migrated_schema(engine: Engine) -> None:
    with reading(engine) as session:
        context = MigrationContext.configure(
            session.connection(),
            opts={"compare_type": True, "include_name": lambda name, kind, parents: kind != "view"},
        )
        assert compare_metadata(context, Table.metadata) == []


def test_the_models_and_the_migrations_give_the_same_checks(path: Path, tmp_path: Path) -> None:
    """Alembic does not compare CHECKs; the text of the tables does."""
    fresh = tmp_path / "fresh.sqlite"
    made = create_engine(f"sqlite:///{fresh}")
    Table.metadata.create_all(made)
    made.dispose()
    tables = {name: _clauses(sql) for name, sql in _schema(fresh).items()}
    migrated = {name: _clauses(sql) for name, sql in _schema(path).items() if name in tables}
    assert migrated == tables
    assert len(tables) > 20


def test_a_catalog_that_is_locked_for_too_long_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    with open_catalog(path) as opened, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogUnavailableError, match=r"locked for 0\.2 seconds\. Let it end"):
            _write(opened.engine)
        other.execute("COMMIT")
        _write(opened.engine)  # it was no more than that


def test_a_catalog_on_a_full_disk_says_so_and_loses_nothing(path: Path) -> None:
    with open_catalog(path) as opened:
        with writing(opened.engine) as session:
            size = session.connection().execute(text("PRAGMA page_count")).scalar_one()
            session.connection().execute(text(f"PRAGMA max_page_count = {size}"))
        with pytest.raises(CatalogUnavailableError, match=r"is full\. Make room"):
            _write(opened.engine, "y" * 10_000_000)
        with reading(opened.engine) as session:
            assert session.connection().execute(text("PRAGMA integrity_check")).scalar_one() == "ok"


def _write(engine: Engine, what: str = "x") -> None:
    with writing(engine) as session:
        row = {"key": what[:8], "spec": what, "at": NOW.isoformat()}
        session.connection().execute(
            text("INSERT INTO run (key, spec_json, seed, planned_at) VALUES (:key, :spec, 0, :at)"), row
        )


def _schema(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def _clauses(sql: str) -> list[str]:
    return sorted(line.strip().rstrip(",") for line in sql.splitlines())


# -- connections -------------------------------------------------------------------------------------------


def test_the_file_is_set_up_for_many_processes(path: Path) -> None:
    with open_catalog(path) as opened, reading(opened.engine) as session:
        asked = {
            pragma: session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar()
            for pragma in ("journal_mode", "foreign_keys", "busy_timeout", "application_id")
        }
    assert asked == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "application_id": APPLICATION_ID,
    }


def test_a_reader_of_a_copy_cannot_write(path: Path, tmp_path: Path) -> None:
    with open_catalog(path) as opened:
        register(opened.engine)
    copy = tmp_path / "copy.sqlite"
    shutil.copy(path, copy)
    with open_catalog(copy, read_only=True) as opened:
        assert catalog.latest_registration(opened.engine, STEM) == 1
        with pytest.raises(DBAPIError, match="readonly"):
            catalog.add_log(opened.engine, STEM, "note", "no", NOW)
    assert copy.read_bytes() == path.read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_copy_in_a_folder_without_write_permission_can_be_read(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    shutil.copy(path, folder / "catalog.sqlite")
    folder.chmod(0o555)
    try:
        with open_catalog(folder / "catalog.sqlite", read_only=True) as opened:
            assert schema_version(opened.engine) == REVISIONS[-1]
    finally:
        folder.chmod(0o755)


def test_all_of_a_transaction_or_nothing(engine: Engine) -> None:
    register(engine)

    def fails(session: Session) -> None:
        session.connection().execute(text("UPDATE proposal SET title = 'gone'"))
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError), writing(engine) as session:
        fails(session)
    with reading(engine) as session:
        assert session.connection().execute(text("SELECT title FROM proposal")).scalar() != "gone"


WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from catalog_samples import HERE, NOW, STEM, key, register
from db import catalog
from db.engine import open_catalog

url, me = sys.argv[2], int(sys.argv[3])
with open_catalog(url) as opened:
    frozen = register(opened.engine)
    for count in range(25):
        catalog.add_log(opened.engine, STEM, "note", f"{me}-{count}", NOW)
        if catalog.begin_attempt(opened.engine, 1, key("cosformer", count), **HERE, now=NOW):
            print(key("cosformer", count))
"""


@pytest.mark.slow
def test_four_processes_writing_at_once_lose_nothing_and_claim_a_run_once(url: str) -> None:
    with open_catalog(url) as opened:
        start(opened.engine, register(opened.engine), seeds=25)
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, str(Path(__file__).parent), url, str(me)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(4)
    ]
    outputs = [worker.communicate(timeout=120) for worker in workers]
    assert [error for _, error in outputs] == [""] * 4
    claimed = [line for output, _ in outputs for line in output.split()]
    assert sorted(claimed) == sorted(key("cosformer", seed) for seed in range(25))
    with open_catalog(url) as opened:
        assert len(catalog.log_of(opened.engine, STEM)) == 100
        assert len(catalog.open_attempts(opened.engine)) == 25


def test_processes_that_create_at_once_agree(tmp_path: Path) -> None:
    path = tmp_path / "new" / "catalog.sqlite"
    script = "import sys; from db.engine import open_catalog; print(open_catalog(sys.argv[1]).created)"
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [worker.communicate(timeout=60)[0].strip() for worker in workers]
    assert said.count("True") == 1
    assert all(worker.returncode == 0 for worker in workers)
    assert [file.name for file in path.parent.iterdir() if file.name.endswith(".new")] == []


def test_the_room_costs_no_torch_and_the_door_no_sqlmodel() -> None:
    script = (
        "import sys, db; assert 'sqlmodel' not in sys.modules; "
        "import db.catalog; assert not {'torch', 'alembic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
