"""What only a catalog on a server can do, and have done to it."""

import socket
import subprocess
import sys
import threading
from urllib.parse import quote

import psycopg
import pytest
from catalog_samples import NOW, STEM, fill, register, start
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db import catalog, migrating, postgres
from db.engine import open_catalog, reading, schema_version, writing
from db.errors import CatalogError
from db.tables import APPEND_ONLY


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_it_is_made_in_an_empty_database_and_said_so(database: str) -> None:
    with open_catalog(database) as opened:
        assert opened.created
        assert opened.path is None
        assert schema_version(opened.engine) == migrating.REVISIONS[-1]
    with open_catalog(database.replace("postgresql://", "postgresql+psycopg://")) as opened:
        assert not opened.created


def test_nothing_is_made_where_only_reading_was_asked_for(database: str) -> None:
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(CatalogError, match=r"there is no catalog on postgresql://mve@127.*by the first `mve run`"):
            open_catalog(database, **options)
    with psycopg.connect(database) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert tables == (0,)


def test_tables_of_others_are_refused_and_left_alone(database: str) -> None:
    execute(database, "CREATE TABLE alembic_version (version_num text)", "INSERT INTO alembic_version VALUES ('0001')")
    with pytest.raises(CatalogError, match=r"has tables in its schema public, but is no catalog.*search_path"):
        open_catalog(database)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall() == [
            ("alembic_version",)
        ]


def test_a_schema_of_its_own_beside_the_tables_of_others(database: str) -> None:
    execute(database, "CREATE TABLE verdict (ours boolean)")
    url = f"{database}?options={quote('-csearch_path=ideas')}"
    with pytest.raises(CatalogError, match="has no schema to be in"):
        open_catalog(url)
    execute(database, "CREATE SCHEMA ideas")
    with open_catalog(url) as opened:
        fill(opened.engine)
    with open_catalog(url, read_only=True) as opened:
        assert catalog.latest_judgement(opened.engine, 1) is not None


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(CatalogError, match=rf"127.0.0.1:{port}/x cannot be reached.*MVE_CATALOG") as caught:
            open_catalog(f"postgresql://mve:secret@127.0.0.1:{port}/x")
    assert "secret" not in str(caught.value)


def test_a_reader_cannot_write(database: str) -> None:
    with open_catalog(database) as opened:
        register(opened.engine)
    with open_catalog(database, read_only=True) as opened:
        assert catalog.latest_registration(opened.engine, STEM) == 1
        with pytest.raises(DBAPIError, match="read-only transaction"):
            catalog.add_log(opened.engine, STEM, "note", "no", NOW)


def test_versions_older_and_newer(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_catalog(database).close()
    monkeypatch.setattr(migrating, "REVISIONS", (*migrating.REVISIONS, "9999"))
    with pytest.raises(CatalogError, match="older version"):
        open_catalog(database, read_only=True)
    monkeypatch.undo()
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CatalogError, match=r"newer version of mve: its schema is '9999'.*Update mve"):
        open_catalog(database)


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_append_only_tables_are_not_truncated_either(filled_on_server: str, table: str) -> None:
    with (
        open_catalog(filled_on_server) as opened,
        pytest.raises(DBAPIError, match="is append-only: no row is ever removed"),
        writing(opened.engine) as session,
    ):
        session.connection().execute(text(f"TRUNCATE {table} CASCADE"))


def test_a_writer_waits_its_turn_and_not_for_ever(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_catalog(database).close()
    monkeypatch.setattr(postgres, "BUSY_SECONDS", 0.2)
    with open_catalog(database) as opened, writing(opened.engine) as session:
        session.connection().execute(text("SELECT 1"))
        with pytest.raises(DBAPIError, match="lock timeout"):
            register(opened.engine)


def test_a_reader_sees_one_state_while_another_writes(database: str) -> None:
    with open_catalog(database) as opened:
        count = text("SELECT COUNT(*) FROM registration")
        with reading(opened.engine) as session:
            before = session.connection().execute(count).scalar()
            writer = threading.Thread(target=register, args=(opened.engine,))
            writer.start()
            writer.join(timeout=20)
            assert session.connection().execute(count).scalar() == before == 0
        with reading(opened.engine) as session:
            assert session.connection().execute(count).scalar() == 1


def test_text_is_sorted_by_code_point_whatever_the_language_of_the_database(database: str) -> None:
    with open_catalog(database) as opened:
        start(opened.engine, register(opened.engine), seeds=1)
        with reading(opened.engine) as session:
            collations = session.connection().execute(
                text(
                    "SELECT DISTINCT collation_name FROM information_schema.columns "
                    "WHERE table_schema = 'public' AND data_type = 'character varying' AND table_name IN "
                    "(SELECT tablename FROM pg_tables WHERE schemaname = 'public') AND table_name <> 'alembic_version'"
                )
            )
            assert collations.scalars().all() == ["C"]


def test_processes_that_create_at_once_agree(database: str) -> None:
    script = "import sys; from db.engine import open_catalog; print(open_catalog(sys.argv[1]).created)"
    workers = [
        subprocess.Popen([sys.executable, "-c", script, database], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [worker.communicate(timeout=60)[0].strip() for worker in workers]
    assert sorted(said) == ["False", "False", "True"]
