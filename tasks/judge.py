"""Decide, from the catalog alone: frozen criteria and recorded measurements in, a verdict with its reasons out."""

from prefect import task

from db.catalog import latest_judgement, load_registration, measurements_of, record_judgement
from proposals.judging.fingerprint import fingerprint
from proposals.judging.judge import judge as derive
from proposals.judging.outcomes import Judgement
from proposals.workspace import Workspace
from tasks.place import OPTIONS, catalog_of, note, now


def judge_experiment(place: Workspace, registration: int, experiment: int) -> Judgement:
    """Judge what the experiment has measured so far and keep the verdict in the catalog."""
    with catalog_of(place) as engine:
        frozen = load_registration(engine, registration)
        measurements = measurements_of(engine, registration, experiment)
        judgement = derive(frozen, measurements)
        before = latest_judgement(engine, registration)
        verdict = record_judgement(engine, registration, experiment, judgement, fingerprint(measurements), now())
        if before is not None and before.verdict_id == verdict:
            return judgement  # the same verdict on the same numbers is no news
        text = f"{judgement.verdict} by rule {judgement.rule}: {'; '.join(judgement.reasons)}"
        if judgement.next_look is not None:
            text = f"undecided: on to {judgement.next_look} seeds ({'; '.join(judgement.reasons)})"
        note(engine, frozen.stem, "judged", text, registration=registration, experiment=experiment)
    return judgement


judge = task(name="judge", **OPTIONS)(judge_experiment)
