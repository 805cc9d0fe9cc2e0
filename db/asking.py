"""A question in SQL, read-only, with an end: so many rows, so many seconds."""

import difflib
import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect

from db import sqlite
from db.engine import open_catalog
from db.errors import CatalogError

PERMITTED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
LONGEST = 100_000_000
"""Bytes of one value: randomblob(1e9) is no question."""


@dataclass(frozen=True)
class Answer:
    """`rows` have numbers, text, truths and None. `cut`: there are more of them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    cut: bool


def ask(url: str | Path, query: str, limit: int, seconds: float) -> Answer:
    """The first `limit` rows of one SELECT (or WITH, VALUES, and EXPLAIN in a file), within `seconds`.

    Nothing is created or changed: the file is opened read-only and SQLite asked to refuse all but reading; PostgreSQL
    is asked in a read-only transaction, through a cursor, which takes one SELECT and nothing else. Raises CatalogError
    where the query is refused, faulty (with the nearest name, where a name is wrong) or not done in time.
    """
    if not query.strip():
        raise CatalogError("the query is empty; a first one: SELECT * FROM verdicts")
    with open_catalog(url, read_only=True) as catalog:
        if catalog.path is not None:
            return _ask_file(catalog.engine, catalog.path, query, limit, seconds)
        return _ask_server(catalog.engine, query, limit, seconds)


# -- SQLite ------------------------------------------------------------------------------------------------


def _ask_file(engine: Engine, path: Path, query: str, limit: int, seconds: float) -> Answer:
    with closing(sqlite.connect(path, read_only=True)) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        for function in ("json_each", "json_tree"):  # SQLite registers them at first use, which it takes for a write
            connection.execute(f"SELECT * FROM {function}('[]')")
        connection.set_authorizer(_permit)
        ends = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > ends, 10_000)
        try:
            cursor = connection.execute(query)
            if cursor.description is None:
                raise CatalogError("the query is empty; a first one: SELECT * FROM verdicts")
            columns = [column[0] for column in cursor.description]
            return _answer(columns, cursor.fetchmany(limit + 1), limit)
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise _late(seconds) from error
            raise _explained(engine, query, str(error)) from error
        except sqlite3.Error as error:
            raise _explained(engine, query, str(error)) from error


def _permit(action: int, first: str | None, second: str | None, *_: object) -> int:
    loads_code = action == sqlite3.SQLITE_FUNCTION and second == "load_extension"
    return sqlite3.SQLITE_OK if action in PERMITTED and not loads_code else sqlite3.SQLITE_DENY


# -- PostgreSQL --------------------------------------------------------------------------------------------


def _ask_server(engine: Engine, query: str, limit: int, seconds: float) -> Answer:
    import psycopg

    pooled = engine.raw_connection()
    try:
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.Connection)
        connection.read_only = True
        connection.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}".encode())
        with connection.cursor("answer") as cursor:
            cursor.execute(query.encode())
            columns = [column.name for column in cursor.description or ()]
            return _answer(columns, cursor.fetchmany(limit + 1), limit)
    except psycopg.errors.QueryCanceled as error:
        raise _late(seconds) from error
    except psycopg.Error as error:
        raise _explained(engine, query, error.diag.message_primary or str(error)) from error
    finally:
        pooled.close()


# -- what comes back ---------------------------------------------------------------------------------------


def _answer(columns: Sequence[str], rows: Sequence[Sequence[Any]], limit: int) -> Answer:
    kept = tuple(tuple(_plain(value) for value in row) for row in rows[:limit])
    return Answer(_told_apart(columns), kept, cut=len(rows) > limit)


def _plain(value: Any) -> Any:
    """The same values whichever database keeps them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _told_apart(columns: Sequence[str]) -> tuple[str, ...]:
    """stem, stem -> stem, stem_2: a row is an object in JSON."""
    named: list[str] = []
    for column in columns:
        name, count = column, 1
        while name in named:
            count += 1
            name = f"{column}_{count}"
        named.append(name)
    return tuple(named)


def _late(seconds: float) -> CatalogError:
    return CatalogError(f"the query was not done after {seconds:g} s; narrow it (WHERE) or allow more (--seconds)")


def _explained(engine: Engine, query: str, message: str) -> CatalogError:
    if re.search(r"not authorized|authorization denied|prohibited|readonly|read-only transaction", message):
        return CatalogError(f"only reading is permitted here: {message}")
    if "one statement at a time" in message or "multiple commands" in message:
        return CatalogError("one query at a time; what stands after the first semicolon was not asked")
    if "bindings supplied" in message or "there is no parameter" in message:
        return CatalogError("the query has a parameter (?, :name or $1); write the value itself")
    unknown = re.search(r"no such (table|column): (.+)$", message) or re.search(
        r'(relation|column) "?([^"]+)"? does not exist$', message
    )
    if unknown is None:
        return CatalogError(f"the query is faulty: {message}")
    is_column = unknown[1] == "column"
    name = unknown[2].rpartition(".")[2]
    inspector = inspect(engine)
    views = inspector.get_view_names()
    relations = [*views, *inspector.get_table_names()]
    if not is_column:
        return CatalogError(
            f"there is no table or view {name}{_nearest(name, relations)}; the views are {_list(views)}"
        )
    asked = [relation for relation in relations if re.search(rf"\b{relation}\b", query, re.IGNORECASE)]
    columns = {relation: [one["name"] for one in inspector.get_columns(relation)] for relation in asked}
    every = [column for names in columns.values() for column in names]
    has = "".join(f"; {relation} has {_list(names)}" for relation, names in columns.items())
    return CatalogError(f"there is no column {name}{_nearest(name, every)}{has}")


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=2)
    return f"; the nearest: {_list(near)}" if near else ""


def _list(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
