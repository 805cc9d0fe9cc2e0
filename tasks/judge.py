"""Decide, from the catalog alone: frozen criteria and recorded measurements in, a verdict with its reasons out."""

from prefect import task

from db.catalog import latest_judgement, load_registration, measurements_of, record_judgement, start_experiment
from proposals.checks import decide_on_paper, with_figures
from proposals.judging.fingerprint import fingerprint
from proposals.judging.judge import judge as derive
from proposals.judging.outcomes import Judgement
from proposals.workspace import Workspace
from tasks.notices import notify_verdict
from tasks.place import OPTIONS, catalog_of, note, now
from tasks.register import code_commit


def judge_experiment(place: Workspace, registration: int, experiment: int) -> Judgement:
    """Judge what the experiment has measured so far and keep the verdict in the catalog."""
    with catalog_of(place) as engine:
        frozen = load_registration(engine, registration)
        measurements = with_figures(frozen.setup, measurements_of(engine, registration, experiment))
        judgement = derive(frozen, measurements)
        before = latest_judgement(engine, registration)
        verdict = record_judgement(engine, registration, experiment, judgement, fingerprint(measurements), now())
        if before is not None and before.verdict_id == verdict:
            return judgement  # the same verdict on the same numbers is no news
        text = f"{judgement.verdict} by rule {judgement.rule}: {'; '.join(judgement.reasons)}"
        if judgement.next_look is not None:
            text = f"undecided: on to {judgement.next_look} seeds ({'; '.join(judgement.reasons)})"
        note(engine, frozen.stem, "judged", text, registration=registration, experiment=experiment)
    if judgement.next_look is None:
        notify_verdict(place, frozen.stem, judgement)
    return judgement


def judge_on_paper(place: Workspace, registration: int, quick: bool) -> Judgement | None:
    """The verdict where arithmetic settles it (parameters, state, FLOPs): for nothing, and nothing is trained."""
    with catalog_of(place) as engine:
        frozen = load_registration(engine, registration)
        judgement = decide_on_paper(frozen)
        if judgement is None:
            return None
        commit, dirty = code_commit()
        experiment = start_experiment(
            engine,
            registration,
            executor="paper",
            profile="quick" if quick else "full",
            git_commit=commit,
            git_dirty=dirty,
            now=now(),
        )
        before = latest_judgement(engine, registration)
        figures = fingerprint(with_figures(frozen.setup, []))
        verdict = record_judgement(engine, registration, experiment, judgement, figures, now())
        if before is None or before.verdict_id != verdict:
            text = f"{judgement.verdict} on paper, nothing was trained: {'; '.join(judgement.reasons)}"
            note(engine, frozen.stem, "judged", text, registration=registration, experiment=experiment)
            notify_verdict(place, frozen.stem, judgement)
    return judgement


judge = task(name="judge", **OPTIONS)(judge_experiment)
judge_paper = task(name="judge on paper", **OPTIONS)(judge_on_paper)
