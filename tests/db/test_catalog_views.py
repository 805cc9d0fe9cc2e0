"""The manual of the catalog is true: its examples run, and it names every table, view and column."""

import hashlib
import re
from pathlib import Path

import pytest
from catalog_samples import HERE, LATER, STEM, collect, key, start
from sqlalchemy import Engine, inspect, text

from db import catalog
from db.engine import reading
from db.migrating import REVISIONS
from db.tables import Table
from db.triggers import triggers
from db.views import VIEWS

MANUAL = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()
FENCED = re.findall(r"```sql(?: (\w+))?\n(.*?)```", MANUAL, re.DOTALL)
EXAMPLES = [example for _, example in FENCED]


@pytest.mark.parametrize(("only", "example"), FENCED, ids=[" ".join(example.split())[:50] for example in EXAMPLES])
def test_the_examples_answer(filled: Engine, only: str, example: str) -> None:
    if only and only != filled.dialect.name:
        pytest.skip(f"an example for {only}")
    with reading(filled) as session:
        assert session.connection().execute(text(example)).all()


def test_every_view_has_an_example() -> None:
    assert [view for view in VIEWS if not any(re.search(rf"\bFROM {view}\b", example) for example in EXAMPLES)] == []


def test_the_manual_names_every_table_and_column(engine: Engine) -> None:
    missing = []
    for name in [*Table.metadata.tables, *VIEWS]:
        section = re.search(rf"^### `{name}`\n(.*?)(?=^#)", MANUAL + "\n#", re.DOTALL | re.MULTILINE)
        if section is None:
            missing.append(name)
            continue
        missing += [
            f"{name}.{column['name']}"
            for column in inspect(engine).get_columns(name)
            if f"`{column['name']}`" not in section[1]
        ]
    assert missing == []


def test_views_and_triggers_change_with_a_migration() -> None:
    """A catalog that exists gets the new text only when it is migrated: add a migration (an empty one will
    do) and its line here."""
    known = {
        "0001": "ed2cd996e748409c",
        "0002": "3d1156ddea3257e5",
        "0003": {"sqlite": "04bd8bc3fc6050c1", "postgresql": "ccd70b8905ac78ab"},
        "0004": {"sqlite": "029cad676cd7fffa", "postgresql": "22db785b183344f6"},
        "0005": {"sqlite": "a7f57a34d42669b6", "postgresql": "b985703e594efb08"},
        "0006": {"sqlite": "a7f57a34d42669b6", "postgresql": "b985703e594efb08"},  # only a CHECK
    }
    made = {
        dialect: hashlib.sha256("\n".join([*VIEWS.values(), *triggers(dialect).values()]).encode()).hexdigest()[:16]
        for dialect in ("sqlite", "postgresql")
    }
    assert made == known[REVISIONS[-1]]


def ask(filled: Engine, query: str) -> list[tuple[object, ...]]:
    with reading(filled) as session:
        return [tuple(row) for row in session.connection().execute(text(query)).all()]


def test_runs_are_in_one_state_each(filled: Engine) -> None:
    assert ask(filled, "SELECT stem, variant, seed, state, attempts FROM runs ORDER BY 1, 2, 3") == [
        (STEM, "cos_log_linear", 0, "collected", 1),
        (STEM, "cos_log_linear", 1, "collected", 1),
        (STEM, "cosformer", 0, "collected", 1),
        (STEM, "cosformer", 1, "collected", 1),
        ("022-displacement-rank", "cos_log_linear", 0, "planned", 0),
        ("022-displacement-rank", "cos_log_linear", 1, "planned", 0),
        ("022-displacement-rank", "cosformer", 0, "preempted", 1),
        ("022-displacement-rank", "cosformer", 1, "running", 1),
    ]


def test_criteria_have_a_row_each_judged_or_not(filled: Engine) -> None:
    rows = ask(filled, "SELECT stem, registration_id, criterion, decision, latest FROM criteria ORDER BY 2, position")
    assert rows[:3] == [(STEM, 1, "S1", "holds", 1), (STEM, 1, "S2", "holds", 1), (STEM, 1, "F1", "fails", 1)]
    assert [row[3:] for row in rows[3:]] == [(None, 0)] * 6


def test_medians_over_seeds(filled: Engine) -> None:
    rows = ask(filled, "SELECT variant, test_accuracy, lowest, highest, seeds, parameters FROM leaderboard")
    assert rows == [("cos_log_linear", 0.9, 0.9, 0.9, 2, 25_000.0), ("cosformer", 0.2, 0.2, 0.2, 2, 25_000.0)]


def test_the_ledger_by_registration(filled: Engine) -> None:
    rows = ask(
        filled,
        "SELECT stem, actual_dollars, failed_dollars, attempts, failed_attempts, open_attempts FROM spend "
        "ORDER BY registration_id",
    )
    assert rows == [
        (STEM, pytest.approx(0.08), 0.0, 4, 0, 0),
        (STEM, 0, 0, 0, 0, 0),
        ("022-displacement-rank", 0.01, 0.01, 2, 1, 1),
    ]


def test_what_was_never_collected(filled: Engine) -> None:
    assert ask(filled, "SELECT stem, variant, seed, handle, host FROM uncollected") == [
        ("022-displacement-rank", "cosformer", 1, '{"pid":4711}', "here")
    ]


def test_deviations_after_results(filled: Engine) -> None:
    assert ask(filled, "SELECT stem, field, before, after, results_seen FROM deviations") == [
        (
            STEM,
            "criteria.S1.canonical",
            '"cos_log_linear.test_accuracy > 0.8"',
            '"cos_log_linear.test_accuracy > 0.7"',
            1,
        )
    ]


def test_a_run_planned_again_stands_for_its_variant_and_seed_in_every_overview(filled: Engine) -> None:
    again = start(filled, 1, code="dead", now=LATER)
    asked = "SELECT state, attempts, experiment_id FROM runs WHERE registration_id = 1"
    assert ask(filled, asked) == [("planned", 0, again)] * 4
    assert ask(filled, "SELECT * FROM leaderboard") == []
    start(filled, 1, seeds=1, code="c0de", now=LATER)
    assert ask(filled, f"{asked} AND seed = 0") == [("planned", 0, again + 1)] * 2
    assert ask(filled, f"{asked} AND seed = 1") == [("planned", 0, again)] * 2


def test_attempts_and_dollars_of_a_run_are_over_all_experiments(filled: Engine) -> None:
    run = key("cosformer", 0, "beef")
    second = catalog.begin_attempt(filled, 2, run, **HERE, now=LATER)
    assert second is not None
    asked = f"SELECT state, attempts, dollars, last_reason FROM runs WHERE run_key = '{run}'"
    assert ask(filled, asked) == [("submitted", 2, 0.01, None)]
    catalog.store_handle(filled, second, {"pid": 1}, LATER)
    collect(filled, second, 0, dollars=0.05)
    assert ask(filled, asked) == [("collected", 2, pytest.approx(0.06), "")]
