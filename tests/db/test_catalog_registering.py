"""Proposals, registrations and how they deviate; the log."""

from datetime import timedelta

import pytest
from catalog_samples import LATER, NOW, STEM, fill, proposal, register, registration, start, train_all
from sqlalchemy import Engine, text

from db import catalog
from db.engine import reading, writing
from db.errors import CatalogError
from db.registering import Deviation, differences
from db.triggers import drop_triggers

SECOND = timedelta(seconds=1)


def test_a_proposal_seen_again_keeps_when_it_was_first_seen(engine: Engine) -> None:
    catalog.record_proposal(engine, proposal(based_on=("a", "b", "a")), NOW)
    catalog.record_proposal(engine, proposal(based_on=("b", "c")), LATER)
    query = "SELECT number, first_seen, last_seen, trick FROM proposal NATURAL JOIN based_on ORDER BY 4"
    with reading(engine) as session:
        rows = session.connection().execute(text(query)).all()
    in_a_file = ("2026-02-15T09:30:00.000000Z", "2026-02-15T10:00:00.000250Z")
    times = in_a_file if engine.dialect.name == "sqlite" else (NOW, LATER)
    assert [tuple(row) for row in rows] == [("008", *times, "b"), ("008", *times, "c")]


def test_a_registration_comes_back_as_it_was_frozen(engine: Engine) -> None:
    frozen = registration()
    assert catalog.load_registration(engine, register(engine, frozen)) == frozen


def test_the_same_specification_is_registered_once(engine: Engine) -> None:
    first = register(engine)
    again = catalog.register(
        engine,
        registration(),
        git_commit="other",
        git_dirty=True,
        estimate_dollars=9,
        estimate_minutes=9,
        now=LATER,
    )
    assert again == (first, False)
    assert catalog.deviations_of(engine, first) == []


def test_an_edit_is_written_down_field_by_field(engine: Engine) -> None:
    register(engine)
    edited = register(engine, registration(s1="cos_log_linear.test_accuracy > 0.7", seeds=[6, 12], error=0.1), LATER)
    assert catalog.deviations_of(engine, edited) == [
        Deviation(
            "criteria.S1.canonical",
            "cos_log_linear.test_accuracy > 0.8",
            "cos_log_linear.test_accuracy > 0.7",
            False,
        ),
        Deviation("setup.error", 0.05, 0.1, False),
        Deviation("setup.seeds", [5, 10], [6, 12], False),
    ]
    assert catalog.latest_registration(engine, STEM) == edited


def test_an_edit_after_results_says_so_even_where_the_registration_before_had_none(engine: Engine) -> None:
    first = register(engine)
    train_all(engine, start(engine, first))
    second = register(engine, registration(error=0.1), LATER)
    third = register(engine, registration(error=0.2), LATER)
    assert [deviation.results_seen for deviation in catalog.deviations_of(engine, second)] == [True]
    assert [deviation.results_seen for deviation in catalog.deviations_of(engine, third)] == [True]


def test_results_of_another_proposal_have_not_been_seen(engine: Engine) -> None:
    fill(engine)
    register(engine, registration("030-other"))
    edited = register(engine, registration("030-other", error=0.2), LATER)
    assert [deviation.results_seen for deviation in catalog.deviations_of(engine, edited)] == [False]


def test_a_quick_profile_is_no_deviation_from_the_full_one(engine: Engine) -> None:
    full = register(engine)
    quick = register(engine, registration(fidelity="reduced", training={"epochs": 2, "batch": 8, "lr": 1e-3}), LATER)
    assert catalog.deviations_of(engine, quick) == []
    assert catalog.latest_registration(engine, STEM) == quick
    assert catalog.latest_registration(engine, STEM, fidelity="specified") == full
    assert catalog.latest_registration(engine, STEM, fidelity="proxy") is None


def test_who_goes_back_to_an_earlier_specification_makes_it_current_by_running_it(engine: Engine) -> None:
    first = register(engine)
    start(engine, first)
    second = register(engine, registration(error=0.1), NOW + SECOND)
    assert catalog.latest_registration(engine, STEM) == second
    assert register(engine) == first
    again = start(engine, first, now=NOW + 2 * SECOND)
    assert catalog.latest_registration(engine, STEM) == first
    assert catalog.latest_experiment(engine, first) == again == 2


def test_criteria_that_come_and_go_are_differences() -> None:
    before = '{"criteria":[{"id":"S1","text":"a"},{"id":"S2","text":"b"}],"x":null}'
    after = '{"criteria":[{"id":"S1","text":"a"},{"id":"F1","text":"c"}],"x":1}'
    assert differences(before, after) == [
        ("criteria.S2", '{"id":"S2","text":"b"}', None),
        ("criteria.F1", None, '{"id":"F1","text":"c"}'),
        ("x", "null", "1"),
    ]


def test_a_registration_whose_text_was_altered_is_not_used(engine: Engine) -> None:
    frozen = register(engine)
    with writing(engine) as session:
        drop_triggers(session.connection())
        session.connection().execute(
            text("UPDATE registration SET canonical_json = replace(canonical_json, '0.8', '0.7')")
        )
    with pytest.raises(CatalogError, match=r"was altered.*Restore"):
        catalog.load_registration(engine, frozen)


def test_what_is_missing_is_named(engine: Engine) -> None:
    with pytest.raises(CatalogError, match="no registration 7"):
        catalog.load_registration(engine, 7)
    with pytest.raises(CatalogError, match="record it before registering"):
        catalog.register(
            engine,
            registration(),
            git_commit=None,
            git_dirty=False,
            estimate_dollars=0,
            estimate_minutes=1,
            now=NOW,
        )
    catalog.record_proposal(engine, proposal(), NOW)
    with pytest.raises(ValueError, match=rf"estimated cost of {STEM} in dollars is nan"):
        catalog.register(
            engine,
            registration(),
            git_commit=None,
            git_dirty=False,
            estimate_dollars=float("nan"),
            estimate_minutes=1,
            now=NOW,
        )
    assert catalog.latest_registration(engine, STEM) is None


def test_a_time_without_a_zone_is_refused(engine: Engine) -> None:
    with pytest.raises(Exception, match=r"has no time zone; pass datetime.now\(UTC\)"):
        catalog.record_proposal(engine, proposal(), NOW.replace(tzinfo=None))


def test_the_log_keeps_what_happened_in_order_and_once(engine: Engine) -> None:
    catalog.record_proposal(engine, proposal(), NOW)
    first = catalog.add_log(engine, STEM, "registered", "as 1", NOW, {"registration": 1})
    assert catalog.add_log(engine, STEM, "registered", "as 1", LATER, {"registration": 1}) == first
    catalog.add_log(engine, STEM, "note", "slow today", LATER)
    assert [tuple(entry) for entry in catalog.log_of(engine, STEM)] == [
        (1, NOW, "registered", "as 1", {"registration": 1}),
        (2, LATER, "note", "slow today", {}),
    ]
    with pytest.raises(CatalogError, match="record it before logging"):
        catalog.add_log(engine, "nothing", "note", "x", NOW)
    with pytest.raises(ValueError, match="needs a kind and a text"):
        catalog.add_log(engine, STEM, "note", " ", NOW)
