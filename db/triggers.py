"""Triggers that keep the append-only tables append-only, whoever writes. Made again by every migration."""

from sqlalchemy import Connection, text

from db.digest_tables import APPEND_ONLY as DIGESTED
from db.import_tables import APPEND_ONLY as IMPORTED
from db.money_tables import APPEND_ONLY as MONEY
from db.tables import APPEND_ONLY

REMEDY = {
    "registration": "an edited proposal makes a new registration",
    "criterion": "an edited proposal makes a new registration",
    "attempt": "end an attempt with a row in attempt_end",
    "verdict": "overrule a verdict with a second row",
    **dict.fromkeys(IMPORTED, "import the changed document, which makes a new version"),
}

FUNCTION = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: no row is ever %; %', TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1];
END
$$
"""
"""PostgreSQL's triggers call a function; this one has the words as arguments."""


def triggers(dialect: str = "sqlite") -> dict[str, str]:
    """By name. PostgreSQL's have TRUNCATE to refuse as well."""
    made = {}
    for table in (*APPEND_ONLY, *IMPORTED, *DIGESTED, *MONEY):
        remedy = REMEDY.get(table, "add another row")
        for verb, done in (("UPDATE", "changed"), ("DELETE", "removed")):
            name = f"{table}_no_{verb.lower()}"
            made[name] = f"CREATE TRIGGER {name} BEFORE {verb} ON {table} " + (
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: no row is ever {done}; {remedy}'); END"
                if dialect == "sqlite"
                else f"FOR EACH ROW EXECUTE FUNCTION append_only('{done}', '{remedy}')"
            )
        if dialect == "postgresql":
            made[f"{table}_no_truncate"] = (
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                f"EXECUTE FUNCTION append_only('removed', '{remedy}')"
            )
    return made


def drop_triggers(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP FUNCTION IF EXISTS append_only CASCADE"))
        return
    for trigger in triggers():
        connection.execute(text(f"DROP TRIGGER IF EXISTS {trigger}"))


def make_triggers(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(FUNCTION))
    for statement in triggers(connection.dialect.name).values():
        connection.execute(text(statement))
