"""Evaluations of a trained proposal, from its document to the tables of its page, without a server."""

from pathlib import Path

import pytest
from small_proposals import write_proposal
from training_here import train_here

from db.catalog import measurements_of
from tasks.judge import judge_experiment
from tasks.place import catalog_of
from tasks.plan import plan_look
from tasks.register import register_proposal
from tasks.report import write_report

STEM = "101-small-recall"


@pytest.mark.slow
def test_what_an_evaluation_gives_is_judged_and_shown(tmp_path: Path) -> None:
    asked = "[2]\nerror: 0.3\nevaluations: [{length: 16}, {length: 9}]"
    place = write_proposal(tmp_path, STEM, asked, target="`attention.test_loss[length=16] < 20`")
    registered = register_proposal(place, STEM)
    planned = plan_look(place, registered.id, 2, "inprocess", quick=False)
    assert not planned.study
    train_here(place, planned)
    judgement = judge_experiment(place, registered.id, planned.experiment)
    assert judgement.outcomes[0].decision == "holds", judgement.reasons
    with catalog_of(place) as engine:
        conditions = {
            (one.metric, tuple(one.condition.items()))
            for one in measurements_of(engine, registered.id)
            if one.condition
        }
    expected = {(metric, (("length", 16),)) for metric in ("test_accuracy", "test_loss")}
    assert expected <= conditions

    text = write_report(place, registered.id).read_text()
    tables = text.split("Under other conditions")[1].split("## Setup")[0]
    assert "| Metric | attention | linear |" in tables
    rows = [line.split("|")[1].strip() for line in tables.splitlines() if line.startswith("| `")]
    asked_for = [f"`{metric}[length={length}]`" for metric in ("test_accuracy", "test_loss") for length in (9, 16)]
    assert rows == asked_for, "in the order of their numbers"
    assert "by probes" not in text
