"""Write down what was found: the results page, the log and the figures, from the catalog alone."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import task
from sqlalchemy import Engine

from db.catalog import (
    ExperimentFacts,
    ImportedReport,
    LogEntry,
    StoredJudgement,
    StoredRun,
    deviations_of,
    facts_of,
    faults_of,
    imported_report,
    latest_experiment,
    latest_judgement,
    load_registration,
    log_of,
    overruling_of,
    results_of,
    run_states,
    spend_of,
)
from proposals.errors import ProposalError
from proposals.judging.judge import names_of
from proposals.judging.show import show
from proposals.judging.subject import subject_of
from proposals.language import read
from proposals.reading import path_of, read_proposal
from proposals.spec import AnySetup, Registration, StudySetup
from proposals.workspace import Workspace
from tasks.figures import draw_curves, draw_margins
from tasks.mirror import mirrored
from tasks.page import (
    criteria_rows,
    data_line,
    deviation_rows,
    duration,
    measure_of,
    run_rows,
    setup_yaml,
    utc,
    variant_rows,
)
from tasks.place import OPTIONS, catalog_of, experiment_folder
from tasks.tables import beside, of_probes, of_study, timings, under_conditions
from templates import render
from templates.render import one_line


def write_report(place: Workspace, registration: int) -> Path:
    """results.md, log.md, curves.svg and margins.svg of the registration's latest verdict. Returns the page's path.

    What was run at reduced fidelity has a folder of its own, so that a quick look replaces no result.
    """
    with catalog_of(place) as engine:
        stored = latest_judgement(engine, registration)
        assert stored is not None, "a report follows a verdict"
        frozen = load_registration(engine, registration)
        folder = experiment_folder(place, frozen.stem)
        page_folder = folder if frozen.fidelity == "specified" else folder / frozen.fidelity
        page_folder.mkdir(parents=True, exist_ok=True)
        runs = results_of(engine, stored.experiment_id)
        curve = measure_of(runs).curve
        curves = _curves(frozen, runs, curve)
        page = page_folder / "results.md"
        _replace(page, _page(engine, registration, frozen, stored, runs, bool(curves), page, place))
        draw_curves(curves, curve, page_folder / "curves.svg")
        draw_margins(stored.judgement.outcomes, _limits(frozen), page_folder / "margins.svg")
        write_log(folder / "log.md", facts_of(engine, stored.experiment_id), log_of(engine, frozen.stem))
    return page


def write_log(path: Path, facts: ExperimentFacts, entries: Sequence[LogEntry]) -> None:
    """Append the entries that the file does not have yet. What stands in it, also by other hands, stays."""
    written = path.read_text() if path.exists() else f"# Log {facts.number}: {one_line(facts.title)}\n"
    new = ""
    for entry in entries:
        heading = f"## {utc(entry.at, seconds=True)} {entry.kind}"
        text = render("log_entry.md.j2", heading=heading, text=entry.text)
        if text not in written + new:
            new += "\n" + text
    if new or not path.exists():
        _replace(path, written + new)


def _page(
    engine: Engine,
    registration: int,
    frozen: Registration,
    stored: StoredJudgement,
    runs: Sequence[StoredRun],
    curves: bool,
    page: Path,
    place: Workspace,
) -> str:
    facts = facts_of(engine, stored.experiment_id)
    spend = spend_of(engine, registration)
    overruled = overruling_of(engine, stored.verdict_id)
    document = path_of(place.proposals, facts.stem)
    seeds = sorted({run.result.seed for run in runs})
    return render(
        "results.md.j2",
        number=facts.number,
        title=facts.title,
        stem=facts.stem,
        proposal_link=os.path.relpath(document, page.parent),
        verdict=stored.judgement,
        caveats=stored.judgement.caveats,
        overruled=overruled,
        registration=facts,
        registered_at=utc(facts.registered_at),
        commit=f"{facts.commit or 'unknown: not run from a checkout'}",
        judged_at=utc(stored.judged_at),
        mirrored=mirrored(log_of(engine, frozen.stem), stored.verdict_id),
        looks=" then ".join(str(look) for look in frozen.setup.seeds),
        seeds=seeds,
        error=f"{100 * frozen.setup.error:g} %",
        devices=sorted({run.device for run in runs}),
        cost=f"${spend.actual_dollars:.2f}, failed attempts included (estimate ${spend.estimate_dollars:.2f})",
        training_time=duration(sum(run.seconds for run in runs)),
        wall_time=duration((stored.judged_at - facts.started_at).total_seconds()),
        criteria=criteria_rows(stored.judgement.outcomes),
        **_results(frozen.setup, runs),
        reported=_reported(document, frozen, runs),
        imported=_imported(imported_report(engine, facts.number)),
        curves=curves,
        setup_yaml=setup_yaml(frozen.setup),
        data=data_line(runs),
        runs=run_rows(run_states(engine, latest_experiment(engine, registration) or stored.experiment_id)),
        faults=faults_of(engine, stored.experiment_id),
        deviations=deviation_rows(deviations_of(engine, registration)),
        command=f"mve run {facts.number}" + (" --quick" if facts.profile == "quick" else ""),
    )


def _results(setup: AnySetup, runs: Sequence[StoredRun]) -> dict[str, Any]:
    """What was measured, for the tables of the page."""
    names = list(setup.variants)
    if isinstance(setup, StudySetup):
        return {"names": names, "study": {"rows": of_study(setup, runs), "timings": timings(setup, runs)}}
    return {
        "names": names,
        "study": None,
        "measure": measure_of(runs),
        "variants": variant_rows(setup, runs),
        "conditions": under_conditions(setup, runs),
        "probes": of_probes(setup, runs),
    }


def _reported(document: Path, frozen: Registration, runs: Sequence[StoredRun]) -> dict[str, Any] | None:
    """Our results beside what the proposal says was reported before; None where it says nothing, or is gone."""
    try:
        before = read_proposal(document).reported
    except ProposalError:
        return None
    if before is None:
        return None
    return {"rows": beside(frozen.setup, runs, before.rows), "prose": before.prose}


def _imported(report: ImportedReport | None) -> dict[str, Any] | None:
    """An imported report of the same number, for people."""
    if report is None:
        return None
    rows = [
        {
            "text": one.text,
            "role": one.role,
            "marked": one.marked or "–",
            "figure": "–" if one.unit is None else show(one.achieved, one.unit),
            "target": one.target or "–",
            "decision": (one.decision or "no reading").replace("_", " "),
        }
        for one in report.criteria
    ]
    return {"report": report, "rows": rows}


def _limits(frozen: Registration) -> dict[str, tuple[float | None, float | None]]:
    names, metrics = names_of(frozen.setup), frozen.setup.vocabulary
    subjects = {one.id: subject_of(read(one.canonical, names), metrics) for one in frozen.criteria}
    return {name: (subject.low, subject.high) for name, subject in subjects.items()}


def _curves(
    frozen: Registration, runs: Sequence[StoredRun], metric: str
) -> dict[str, dict[int, list[tuple[int, float]]]]:
    curves: dict[str, dict[int, list[tuple[int, float]]]] = {variant: {} for variant in frozen.setup.variants}
    for run in runs:
        points = [(p.epoch, p.value) for p in run.result.curve if p.metric == metric]
        if points:
            curves[run.variant][run.result.seed] = points
    return {variant: seeds for variant, seeds in curves.items() if seeds}


def _replace(path: Path, text: str) -> None:
    """All of the file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


report = task(name="report", **OPTIONS)(write_report)
