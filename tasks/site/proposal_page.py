"""One proposal's page: what was believed, what would settle it, what came out. From the catalog, and the proposal's
file for its own words."""

from typing import Any, NamedTuple

from markupsafe import Markup
from sqlalchemy import Engine

from db.catalog import (
    ProposalLine,
    RegistrationLine,
    StoredJudgement,
    curves_of,
    deviations_of,
    faults_of,
    imported_report,
    latest_judgement,
    load_registration,
    log_of,
    numbers_of,
    overruling_of,
    registrations_of,
    run_states,
)
from proposals.errors import UnreadableError
from proposals.judging.judge import names_of
from proposals.judging.subject import subject_of
from proposals.language import read
from proposals.reading import HYPOTHESIS, path_of
from proposals.reading.document import Document, load
from proposals.spec import FrozenCriterion, Registration
from proposals.workspace import Workspace
from tasks.page import criteria_rows, deviation_rows, run_rows, setup_yaml
from tasks.site.criterion_chart import draw_criterion
from tasks.site.line_chart import Axes, draw_lines
from tasks.site.numbers import by_length, curves, in_order, length_axes, table
from tasks.site.prose import Links, in_line, to_html

CURVES = ("validation_accuracy", "validation_loss")


class Page(NamedTuple):
    """context: for the template. lengths: accuracy by length, for the overview."""

    context: dict[str, Any]
    lengths: Markup | None


def proposal_page(engine: Engine, place: Workspace, proposal: ProposalLine, links: Links) -> Page:
    """links: of the proposal's document, from its page."""
    registrations = registrations_of(engine, proposal.stem)
    main = next((one for one in registrations if one.stands), registrations[0] if registrations else None)
    context: dict[str, Any] = {
        "proposal": proposal,
        **_words(place, proposal.stem, links),
        "main": main,
        "registrations": registrations,
        **dict.fromkeys(("broken", "frozen", "judged", "overruled", "ran")),
        "log": log_of(engine, proposal.stem),
        "imported": imported_report(engine, proposal.number),
    }
    if main is None:
        return Page(context, None)
    try:
        frozen = load_registration(engine, main.id)
    except ValueError as fault:
        # altered, or of a kind that this code no longer knows: one such does not keep all others from being shown
        return Page({**context, "broken": str(fault)}, None)
    judged = latest_judgement(engine, main.id)
    experiment = judged.experiment_id if judged else main.experiment_id
    context["frozen"] = {
        "setup": setup_yaml(frozen.setup),
        "variants": in_order(frozen.setup),
        "proposed": frozen.setup.proposed,
        "error": f"{100 * frozen.setup.error:g} %",
        "looks": " then ".join(map(str, frozen.setup.seeds)),
        "criteria": _criteria(frozen, judged),
        "deviations": deviation_rows(deviations_of(engine, main.id)),
    }
    context["judged"] = judged
    context["overruled"] = overruling_of(engine, judged.verdict_id) if judged else None
    context["ran"], lengths = _ran(engine, main, frozen, experiment)
    return Page(context, lengths)


def _words(place: Workspace, stem: str, links: Links) -> dict[str, Any]:
    """Of the document as it is now; nothing where it is gone."""
    try:
        document: Document = load(path_of(place.proposals, stem))
    except UnreadableError:
        return {"hypothesis": None, "document": None}
    believed = [document.text(section) for section in document.sections(HYPOTHESIS)][:1]
    return {
        "hypothesis": to_html(believed[0], 3, links) if believed and believed[0].strip() else None,
        "document": to_html("\n".join(document.lines), 3, links),
    }


def _criteria(frozen: Registration, judged: StoredJudgement | None) -> list[dict[str, Any]]:
    names, metrics = names_of(frozen.setup), frozen.setup.vocabulary
    outcomes = {one.id: one for one in judged.judgement.outcomes} if judged else {}
    rows = {row["id"]: row for row in criteria_rows(outcomes.values())}
    found = []
    for one in frozen.criteria:
        outcome = outcomes.get(one.id)
        subject = subject_of(read(one.canonical, names), metrics)
        found.append(
            {
                "id": one.id,
                "role": one.role,
                "text": in_line(one.text),
                # where the text says it in a code span, it does so in the author's units
                "canonical": None if any(f"{name}." in one.text for name in frozen.setup.variants) else one.canonical,
                "target": outcome.target if outcome else subject.target,
                "row": rows.get(one.id),
                "decision": outcome.decision if outcome else None,
                "good": None if outcome is None else _good(one, outcome.decision),
                "chart": draw_criterion(outcome, subject) if outcome else None,
            }
        )
    return found


def _good(criterion: FrozenCriterion, decision: str) -> str:
    """For the idea: a kill criterion that holds is bad news, an expectation or a diagnostic neither."""
    if decision not in ("holds", "fails"):
        return "open"
    if criterion.role in ("expectation", "diagnostic"):
        return "aside"
    return "good" if (decision == "holds") == (criterion.section == "success") else "bad"


def _ran(
    engine: Engine, main: RegistrationLine, frozen: Registration, experiment: int | None
) -> tuple[dict[str, Any] | None, Markup | None]:
    if experiment is None:
        return None, None
    numbers = numbers_of(engine, experiment)
    points = curves_of(engine, experiment, *CURVES)
    lengths = draw_lines(by_length(frozen.setup, numbers), length_axes(frozen.setup, frozen.stem))
    metric = next((name for name in CURVES if any(point.metric == name for point in points)), CURVES[0])
    states, rows = run_states(engine, experiment), table(frozen.setup, numbers)
    ran = {
        "curves": draw_lines(curves(frozen.setup, points, metric), _learning(frozen.stem, metric)),
        "metric": metric.replace("_", " "),
        "lengths": lengths,
        "plain": [row for row in rows if not row["condition"]],
        "conditioned": [row for row in rows if row["condition"]],
        "runs": run_rows(states),
        "devices": sorted({run.device for run in states if run.device}),
        "faults": faults_of(engine, experiment),
    }
    return ran, lengths


def _learning(stem: str, metric: str) -> Axes:
    named = metric.replace("_", " ")
    return Axes(
        title=f"{stem}: {named} by epoch, median over seeds and range",
        x="epoch",
        y=named if metric.endswith("accuracy") else f"{named} (nats or squared error per position)",
        share=metric.endswith("accuracy"),
    )
