"""Verdicts and the constraints that guard all tables."""

import re

import pytest
from catalog_samples import (
    CRITERIA,
    LATER,
    NOW,
    STEM,
    judgement,
    register,
    registration,
    start,
    train_all,
)
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from db import catalog
from db.engine import reading, writing
from db.errors import CatalogError
from db.tables import APPEND_ONLY
from proposals.judging.outcomes import CriterionOutcome

SHA = "e" * 64


def one(filled: Engine, query: str) -> tuple[object, ...]:
    with reading(filled) as session:
        return tuple(session.connection().execute(text(query)).one())


def test_a_judgement_comes_back_as_it_was(filled: Engine) -> None:
    frozen, experiment = 1, 1
    stored = catalog.latest_judgement(filled, frozen)
    assert stored is not None
    assert stored == (judgement(), SHA, LATER, 1, experiment)
    assert catalog.latest_judgement(filled, 2) is None


def test_the_same_judgement_is_kept_once_and_another_is_added(filled: Engine) -> None:
    frozen, experiment = 1, 1
    mixed = judgement().model_copy(update={"outcomes": judgement().outcomes[::-1]})
    assert catalog.record_judgement(filled, frozen, experiment, mixed, SHA, NOW) == 1
    assert catalog.record_judgement(filled, frozen, experiment, judgement(), "f" * 64, NOW) == 2
    assert catalog.record_judgement(filled, frozen, experiment, judgement("ABANDON"), "f" * 64, NOW) == 3
    assert catalog.record_judgement(filled, frozen, experiment, judgement(), SHA, NOW) == 4, "back again is news"
    assert one(filled, f"SELECT COUNT(*) FROM verdicts WHERE stem = '{STEM}' AND latest") == (1,)
    assert one(filled, f"SELECT COUNT(*) FROM verdicts WHERE stem = '{STEM}'") == (1,)


def test_a_verdict_can_be_derived_again_after_more_runs_have_joined(filled: Engine) -> None:
    frozen = 1
    judged = catalog.measurements_of(filled, frozen)
    train_all(filled, start(filled, frozen, seeds=3))
    assert len(catalog.measurements_of(filled, frozen)) == len(judged) * 3 / 2
    assert catalog.measurements_of(filled, frozen, verdict_id=1) == judged


def test_every_registered_criterion_needs_its_outcome(filled: Engine) -> None:
    frozen, experiment = 1, 1
    short = judgement().model_copy(update={"outcomes": judgement().outcomes[1:]})
    with pytest.raises(ValueError, match=r"has the criteria S1, S2, F1; judged were S2, F1"):
        catalog.record_judgement(filled, frozen, experiment, short, SHA, NOW)
    easier = judgement().outcomes[0].model_copy(update={"canonical": "cos_log_linear.test_accuracy > 0.1"})
    moved = judgement().model_copy(update={"outcomes": (easier, *judgement().outcomes[1:])})
    with pytest.raises(ValueError, match=r"is not about the registered criterion cos_log_linear\.test_accuracy > 0\.8"):
        catalog.record_judgement(filled, frozen, experiment, moved, SHA, NOW)
    with pytest.raises(ValueError, match="is not of registration"):
        catalog.record_judgement(filled, frozen + 1, experiment, judgement(), SHA, NOW)


def test_an_outcome_that_is_not_a_number_is_refused(filled: Engine) -> None:
    frozen, experiment = 1, 1
    odd = CriterionOutcome.model_construct(**{**dict(judgement().outcomes[0]), "margin": float("nan")})
    given = judgement("DEBUG").model_copy(update={"outcomes": (odd, *judgement().outcomes[1:])})
    with pytest.raises(ValueError, match="margin of criterion S1 is nan"):
        catalog.record_judgement(filled, frozen, experiment, given, SHA, NOW)
    assert one(filled, "SELECT COUNT(*) FROM verdict") == (1,)


def test_a_person_overrules_with_a_second_row_and_both_are_shown(filled: Engine) -> None:
    frozen, experiment = 1, 1
    by = {"name": "Ada", "reason": "the data leaked"}
    second = catalog.overrule(filled, frozen, "DEBUG", **by, now=NOW)
    assert catalog.overrule(filled, frozen, "DEBUG", **by, now=LATER) == second == 2
    assert catalog.overruling_of(filled, 1) == ("DEBUG", "Ada", "the data leaked", NOW, 2)
    stored = catalog.latest_judgement(filled, frozen)
    assert stored is not None
    assert stored.judgement == judgement()
    columns = "verdict, policy_verdict, rule, overruled_by, reasons, seeds, latest, stands"
    assert one(filled, f"SELECT {columns} FROM verdicts WHERE stem = '{STEM}'") == (
        "DEBUG",
        "PROCEED",
        6,
        "Ada",
        '["the data leaked"]',
        2,
        1,
        1,
    )
    assert one(filled, f"SELECT COUNT(*) FROM criteria WHERE registration_id = {frozen} AND decision IS NOT NULL") == (
        len(CRITERIA),
    )
    assert catalog.record_judgement(filled, frozen, experiment, judgement(), SHA, LATER) == 1, "nothing new"
    catalog.record_judgement(filled, frozen, experiment, judgement("ABANDON"), SHA, LATER)
    assert one(filled, f"SELECT verdict, overruled_by FROM verdicts WHERE stem = '{STEM}'") == (
        "ABANDON",
        None,
    )


@pytest.mark.parametrize(
    ("verdict", "name", "reason", "says"),
    [
        ("PROCEED", " ", "because", "name of a person and a reason"),
        ("PROCEED", "Ada", "", "name of a person and a reason"),
        ("GREAT", "Ada", "because", "'GREAT' is no verdict; it is one of PROCEED"),
    ],
)
def test_an_overruling_needs_a_name_and_a_reason(
    filled: Engine, verdict: str, name: str, reason: str, says: str
) -> None:
    frozen = 1
    with pytest.raises(CatalogError, match=says):
        catalog.overrule(filled, frozen, verdict, name=name, reason=reason, now=NOW)  # type: ignore[arg-type]


def test_there_must_be_a_verdict_to_overrule(filled: Engine) -> None:
    with pytest.raises(CatalogError, match="has no verdict to overrule"):
        catalog.overrule(filled, 3, "DEBUG", name="Ada", reason="x", now=NOW)


def test_a_quick_run_is_the_latest_but_does_not_displace_the_full_one(filled: Engine) -> None:
    quick = register(filled, registration(fidelity="reduced"), LATER)
    experiment = start(filled, quick, code="quick")
    train_all(filled, experiment)
    catalog.record_judgement(filled, quick, experiment, judgement("ABANDON"), SHA, LATER)
    with reading(filled) as session:
        rows = (
            session.connection()
            .execute(
                text("SELECT verdict, fidelity, latest, stands FROM verdicts WHERE stem = :stem ORDER BY 3"),
                {"stem": STEM},
            )
            .all()
        )
        tricks = session.connection().execute(text("SELECT proceed, abandon FROM tricks")).all()
    assert [tuple(row) for row in rows] == [("PROCEED", "specified", 0, 1), ("ABANDON", "reduced", 1, 0)]
    assert [tuple(row) for row in tricks] == [(1, 0), (1, 0)]


# -- what the file itself refuses --------------------------------------------------------------------------


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_no_row_of_an_append_only_table_is_changed_or_removed(filled: Engine, table: str) -> None:
    catalog.end_attempt(filled, 5, "failed", seconds=0, dollars=0, reason="", now=NOW)
    (count,) = one(filled, f"SELECT COUNT(*) FROM {table}")
    assert isinstance(count, int)
    assert count > 0
    column = inspect(filled).get_columns(table)[0]["name"]
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
        with (
            pytest.raises(DBAPIError, match=f"{table} is append-only: no row is ever"),
            writing(filled) as session,
        ):
            session.connection().execute(text(statement))
    assert one(filled, f"SELECT COUNT(*) FROM {table}") == (count,)


VERDICT = "INSERT INTO verdict SELECT 9, 1, 1, {}, '', '', 1, measurements_sha256, judged_at, {} FROM verdict"


ON_POSTGRESQL = {
    "NOT NULL": "violates not-null constraint",
    "FOREIGN KEY": "violates foreign key constraint",
    "UNIQUE": "violates unique constraint",
    "ck_run_result_diverged": "is of type boolean",
}


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE metric SET value = NULL", "NOT NULL"),
        ("UPDATE metric SET value = {infinity}", "ck_metric_value_finite"),
        ("UPDATE metric SET value = 'nan'", "ck_metric_value_finite"),
        ("UPDATE metric SET spread = {infinity}", "ck_metric_spread_finite"),
        ("UPDATE metric SET unit = 'percent'", "ck_metric_unit"),
        ("UPDATE metric SET direction = 'up'", "ck_metric_direction"),
        ("UPDATE metric SET source = 'guessed'", "ck_metric_source"),
        ("UPDATE curve_point SET value = {infinity}", "ck_curve_point_value_finite"),
        ("UPDATE run_result SET stopped = 'bored'", "ck_run_result_stopped"),
        ("UPDATE run_result SET diverged = 2", "ck_run_result_diverged"),
        ("UPDATE run_result SET seconds = -1", "ck_run_result_seconds_least"),
        ("UPDATE run_result SET result_sha256 = 'short'", "ck_run_result_result_sha256"),
        ("UPDATE run_result SET attempt_id = 999 WHERE run_id = 1", "FOREIGN KEY"),
        ("DELETE FROM run", "FOREIGN KEY"),
        ("INSERT INTO attempt_end VALUES (5, 'vanished', '{now}', 1, 1, NULL, '', '')", "ck_attempt_end_state"),
        ("INSERT INTO attempt_end VALUES (5, 'lost', '{now}', 1, NULL, NULL, '', '')", "NOT NULL"),
        ("INSERT INTO attempt_end VALUES (1, 'lost', '{now}', 1, 1, NULL, '', '')", "UNIQUE"),
        ("INSERT INTO attempt VALUES (99, 1, 1, 1, 'local', 'h', 'b', '{now}')", "UNIQUE"),
        ("INSERT INTO criterion VALUES (1, 'S9', 9, 'success', 'hope', '', '')", "ck_criterion_role"),
        (
            "INSERT INTO criterion_outcome SELECT 1, 'S9', 'maybe', '', 0, 0, 0, '', 0, '', 0, '', 0, ''",
            "ck_criterion_outcome_decision",
        ),
        (VERDICT.format("'MAYBE', 1", "NULL, NULL"), "ck_verdict_verdict"),
        (VERDICT.format("'DEBUG', 7", "NULL, NULL"), "ck_verdict_rule"),
        (VERDICT.format("'DEBUG', NULL", "NULL, 'Ada'"), "ck_verdict_by_policy_or_person"),
        (VERDICT.format("'DEBUG', NULL", "NULL, NULL"), "ck_verdict_by_policy_or_person"),
        (
            "INSERT INTO registration "
            "SELECT 9, stem, '{sha}', '', NULL, false, 'exact', 0, 0, '{now}' FROM registration",
            "ck_registration_fidelity",
        ),
    ],
)
def test_what_no_writer_gets_past(filled: Engine, statement: str, constraint: str) -> None:
    infinity = "9e999"
    if filled.dialect.name == "postgresql":
        infinity, constraint = "'Infinity'", ON_POSTGRESQL.get(constraint, constraint)
    statement = statement.format(infinity=infinity, now=NOW, sha="0" * 64)
    with pytest.raises(DBAPIError, match=re.escape(constraint)), writing(filled) as session:
        session.connection().execute(text(statement))
