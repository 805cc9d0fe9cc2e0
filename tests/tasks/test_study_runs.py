"""A study from its document to its page, in this process and without a server."""

from pathlib import Path

import pytest
from small_study import write_study
from training_here import train_here

from models.request import StudyRequest
from tasks.dispatch import request_for
from tasks.judge import judge_experiment
from tasks.place import catalog_of
from tasks.plan import plan_look
from tasks.register import register_proposal
from tasks.report import write_report
from tasks.verify import verify_verdict

REPORTED = """
## Reported before

| metric | reported | where |
|---|---|---|
| `block.forward_time` | 4.72 ms | its Table 1 |
| `recurrence.max_error[values=normal]` | 2e-6 | its text |

Theirs ran on a GPU.
"""


@pytest.mark.slow
def test_a_study_reaches_its_page(tmp_path: Path) -> None:
    place = write_study(tmp_path)
    document = place.proposals / "102-small-study.md"
    document.write_text(document.read_text() + REPORTED)
    registered = register_proposal(place, "102-small-study")
    planned = plan_look(place, registered.id, 5, "inprocess", quick=False)
    assert planned.study, "its runs are timed, so each has the machine to itself"
    assert len(planned.missing) == 10
    train_here(place, planned)
    assert plan_look(place, registered.id, 5, "inprocess", quick=False).missing == {}
    judgement = judge_experiment(place, registered.id, planned.experiment)
    assert judgement.verdict == "PROCEED", judgement.reasons

    page = write_report(place, registered.id)
    text = page.read_text()
    assert not (page.parent / "curves.svg").exists()
    assert "curves.svg" not in text
    assert "Test accuracy" not in text
    assert "Nothing was trained. Each number is the median over seeds 0, 1, 2, 3, 4" in text
    assert "| Metric | block | recurrence |" in text
    assert "| `max_error[values=normal]` |" in text
    (timing,) = [line for line in text.splitlines() if line.startswith("| block | `forward_time`")]
    assert "cpu" in timing
    beside = text.split("## Beside the source's report")[1].split("## Setup")[0]
    assert "| `recurrence.max_error[values=normal]` | 2e-6 |" in beside
    assert "| `block.forward_time` | 4.72 ms | " in beside
    assert "| 5 | its Table 1 |" in beside
    assert "Theirs ran on a GPU." in beside
    assert verify_verdict(place, "102-small-study").matches


def test_its_requests_name_form_and_study(tmp_path: Path) -> None:
    from db.catalog import load_registration

    place = write_study(tmp_path)
    registered = register_proposal(place, "102-small-study")
    with catalog_of(place) as engine:
        setup = load_registration(engine, registered.id).setup
    request = request_for(setup, "block", 3, tmp_path / "run")
    assert isinstance(request, StudyRequest)
    assert (request.kind, request.study.name, request.form.form, request.seed) == ("study", "delta_forward", "block", 3)
    assert StudyRequest.model_validate_json(request.model_dump_json()) == request
