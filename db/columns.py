"""Column types and constraints that every table shares."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

LARGEST = "1.7976931348623157e308"


class Utc(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps text such as `2026-02-15T09:30:00.000000Z`: always the same width, so
    that text order is time order. PostgreSQL has a type of its own for it."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        own = Text() if dialect.name == "sqlite" else DateTime(timezone=True)
        return dialect.type_descriptor(own)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the time {value} has no time zone; pass datetime.now(UTC)")
        moment = value.astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return None if value is None else value.astimezone(UTC)


def words() -> TypeEngine[str]:
    """Text for migrations, sorted by code point everywhere: PostgreSQL would sort by the language of its database, and
    `a_b` could come before or after `ab`."""
    return String().with_variant(String(collation="C"), "postgresql")


def one_of(column: str, *values: str) -> CheckConstraint:
    """The column holds one of these words."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=column)


def finite(column: str) -> CheckConstraint:
    """Neither infinite nor text; SQLite turns NaN into NULL, which NOT NULL refuses (PostgreSQL: NaN is
    largest)."""
    return CheckConstraint(f"{column} BETWEEN -{LARGEST} AND {LARGEST}", name=f"{column}_finite")


def at_least(column: str, least: int) -> CheckConstraint:
    return CheckConstraint(f"{column} BETWEEN {least} AND {LARGEST}", name=f"{column}_least")


def flag(column: str) -> CheckConstraint:
    """SQLite would store any number where a truth is meant."""
    return CheckConstraint(f"{column} IN (true, false)", name=column)


def sha256(column: str) -> CheckConstraint:
    return CheckConstraint(f"length({column}) = 64", name=column)


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def refuse_nan(value: float | None, what: str) -> None:
    """`what` names the number for the message, such as its metric and run."""
    if value is not None and not math.isfinite(value):
        raise ValueError(
            f"{what} is {value}: the catalog takes no NaN and no infinity; leave the value out "
            "(not measured), or record `diverged` or `nan_count`"
        )
