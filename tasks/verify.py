"""Derive a stored verdict again, from nothing but the catalog, and say where it differs. Writes nothing."""

from dataclasses import dataclass

from sqlalchemy import Engine

from db.catalog import (
    altered_runs,
    latest_judgement,
    latest_registration,
    load_registration,
    measurements_of,
    open_catalog,
)
from proposals.checks import with_figures
from proposals.judging.fingerprint import fingerprint
from proposals.judging.judge import judge
from proposals.judging.outcomes import CriterionOutcome, Judgement
from proposals.workspace import Workspace


@dataclass(frozen=True)
class Finding:
    matches: bool
    summary: str
    differences: tuple[str, ...]


def verify_verdict(place: Workspace, stem: str) -> Finding:
    """Compare the latest verdict of `stem` with what its frozen criteria and recorded numbers give.

    Raises ValueError where there is no verdict to verify.
    """
    with open_catalog(place.catalog_url, read_only=True) as catalog:
        return _verify(catalog.engine, stem)


def _verify(engine: Engine, stem: str) -> Finding:
    # what was run as specified stands above a quick look at it
    registration = latest_registration(engine, stem, "specified") or latest_registration(engine, stem)
    stored = latest_judgement(engine, registration) if registration is not None else None
    if registration is None or stored is None:
        raise ValueError(f"the catalog has no verdict on {stem}. `mve run {stem}` gives it one")
    frozen = load_registration(engine, registration)
    # a verdict on paper rests on no run, only on the figures
    measurements = with_figures(frozen.setup, measurements_of(engine, registration, verdict_id=stored.verdict_id))
    differences = [
        f"the numbers of {run.variant}, seed {run.seed} are not those that were recorded (run {run.key[:12]})"
        for run in altered_runs(engine, registration)
    ]
    if fingerprint(measurements) != stored.measurements_sha256:
        differences.append("the measurements are not those that the verdict was derived from")
    differences += _compare(stored.judgement, judge(frozen, measurements))
    name = f"{stored.judgement.verdict} on {stem}, judged {stored.judged_at:%Y-%m-%d %H:%M:%S} UTC"
    if differences:
        return Finding(False, f"does NOT match: {name}", tuple(differences))
    counted = f"{len(stored.judgement.outcomes)} criteria, {len(measurements)} measurements"
    return Finding(True, f"matches: {name}, derived again from {counted}", ())


def _compare(stored: Judgement, derived: Judgement) -> list[str]:
    found = []
    if (stored.verdict, stored.rule) != (derived.verdict, derived.rule):
        found.append(
            f"stored verdict {stored.verdict} (rule {stored.rule}), derived {derived.verdict} (rule {derived.rule})"
        )
    derived_by_id = {outcome.id: outcome for outcome in derived.outcomes}
    for outcome in stored.outcomes:
        again = derived_by_id.get(outcome.id)
        if again is None:
            found.append(f"{outcome.id} is stored and cannot be derived")
        elif outcome != again:
            found.append(f"{outcome.id}: stored {_said(outcome)}, derived {_said(again)}")
    if not found and stored != derived:
        found.append("reasons or caveats are worded differently from what is derived")
    return found


def _said(outcome: CriterionOutcome) -> str:
    return f"{outcome.decision}, achieved {outcome.achieved}, margin {outcome.margin}"
