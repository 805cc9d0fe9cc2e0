"""Triggers that keep the append-only tables append-only, whoever writes. Made again by every migration."""

from db.import_tables import APPEND_ONLY as IMPORTED
from db.tables import APPEND_ONLY

REMEDY = {
    "registration": "an edited proposal makes a new registration",
    "criterion": "an edited proposal makes a new registration",
    "attempt": "end an attempt with a row in attempt_end",
    "verdict": "overrule a verdict with a second row",
    **dict.fromkeys(IMPORTED, "import the changed document, which makes a new version"),
}


def triggers() -> dict[str, str]:
    """By name, for SQLite. PostgreSQL will need a function each; until then it is not opened at all."""
    made = {}
    for table in (*APPEND_ONLY, *IMPORTED):
        for verb, done in (("UPDATE", "changed"), ("DELETE", "removed")):
            remedy = REMEDY.get(table, "add another row")
            made[f"{table}_no_{verb.lower()}"] = (
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
                f"SELECT RAISE(ABORT, '{table} is append-only: no row is ever {done}; {remedy}'); END"
            )
    return made
