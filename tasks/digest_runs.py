"""The rows of a digest about runs: who is at work, what failed, what it cost, what nobody works on."""

import math
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import Engine

from db.catalog import Attempt, Begun, Frozen, Story, Window, attempts_with
from tasks.digest_parts import LISTED, Owners, Part, count, cut, escaped, estimate, in_dollars, in_minutes, named
from tasks.next_dollar import newest_versions
from tasks.page import NONE, utc


def under_way(story: Story, owners: Owners) -> Part:
    """Experiments that somebody is working on: attempts at their runs are open."""
    working = Counter(one.experiment_id for one in story.attempts if one.state is None)
    begun, with_result = defaultdict(set), defaultdict(set)
    for attempt in story.attempts:
        if attempt.experiment_id in working:
            begun[attempt.experiment_id].add(attempt.run_id)
            if attempt.result:
                with_result[attempt.experiment_id].add(attempt.run_id)
    return cut(
        sorted(working),
        lambda experiment: {
            **named(owners, experiment),
            "executor": escaped(owners.experiments[experiment].executor),
            "started": utc(owners.experiments[experiment].started_at),
            "begun": len(begun[experiment]),
            "results": len(with_result[experiment]),
            "open": working[experiment],
        },
    )


def faults(engine: Engine, story: Story, owners: Owners, window: Window) -> Part:
    """Attempts that ended in the window without a result of their own, by how they ended."""
    failed = [one.id for one in story.attempts if one.state not in (None, "collected") and _ended_since(one.id, window)]
    rows = [
        {
            **_run(owners, attempt),
            "state": (attempt.state or "").replace("_", " "),
            "reason": escaped(attempt.reason),
            "at": utc(attempt.ended_at) if attempt.ended_at else NONE,
        }
        for attempt in attempts_with(engine, failed[-LISTED:])
    ]
    return Part(rows, len(failed) - len(rows))


def open_runs(engine: Engine, owners: Owners, window: Window) -> Part:
    """Oldest first: what was open at the last digest too may never be collected."""
    rows = [
        {
            **_run(owners, attempt),
            "submitted": utc(attempt.submitted_at),
            "where": escaped(f"{attempt.executor}, {attempt.host}"),
            "before": attempt.id in window.start.open,
        }
        for attempt in attempts_with(engine, window.end.open[:LISTED])
    ]
    return Part(rows, len(window.end.open) - len(rows))


def late_results(engine: Engine, owners: Owners, window: Window) -> Part:
    came = sorted(set(window.end.late) - set(window.start.late))
    rows = [_run(owners, attempt) for attempt in attempts_with(engine, came[:LISTED])]
    return Part(rows, len(came) - len(rows))


def spend(story: Story, owners: Owners, window: Window) -> tuple[dict[str, Any], float]:
    """Of every registration at which an attempt ended in the window: then, and up to its end; dearest first."""
    now, ever = defaultdict(list), defaultdict(list)
    for attempt in story.attempts:
        if attempt.state is not None:
            registration = owners.experiments[attempt.experiment_id].registration_id
            ever[registration].append(attempt)
            if _ended_since(attempt.id, window):
                now[registration].append(attempt)
    dollars = {one: math.fsum(attempt.dollars for attempt in now[one]) for one in now}
    in_order = sorted(now, key=lambda one: (-dollars[one], one))
    rows = []
    for one in in_order[:LISTED]:
        frozen, all_of = owners.registrations[one], ever[one]
        failed = [attempt.dollars for attempt in all_of if attempt.state != "collected"]
        rows.append(
            {
                "stem": escaped(frozen.stem),
                "fidelity": frozen.fidelity,
                "dollars": in_dollars(dollars[one]),
                "minutes": in_minutes(math.fsum(attempt.seconds for attempt in now[one]) / 60),
                "all_dollars": in_dollars(math.fsum(attempt.dollars for attempt in all_of)),
                "failed": in_dollars(math.fsum(failed)),
                "all_minutes": in_minutes(math.fsum(attempt.seconds for attempt in all_of) / 60),
                "estimate": estimate(frozen.estimate_dollars, frozen.estimate_minutes),
            }
        )
    ended = [attempt for attempts in now.values() for attempt in attempts]
    total = math.fsum(attempt.dollars for attempt in ended)
    return {
        "part": Part(rows, len(in_order) - len(rows)),
        "attempts": count(len(ended), "attempt"),
        "dollars": in_dollars(total),
        "minutes": in_minutes(math.fsum(attempt.seconds for attempt in ended) / 60),
    }, total


def _ended_since(attempt: int, window: Window) -> bool:
    return attempt > window.start.attempt or attempt in window.start.open


def waiting(story: Story, owners: Owners) -> Part:
    """Nobody works on it: experiments without a final verdict, registrations without an experiment, proposals that were
    never registered. Of a proposal at a fidelity only the newest registration, or experiment, waits."""
    working = {one.experiment_id for one in story.attempts if one.state is None}
    last_verdict = {verdict.experiment_id: verdict for verdict in story.verdicts}
    newest: dict[tuple[str, str], Frozen] = {(one.stem, one.fidelity): one for one in story.registrations}
    experiments: dict[tuple[str, str], Begun] = {}
    for one in story.experiments:
        of = owners.registrations[one.registration_id]
        experiments[of.stem, of.fidelity] = one
    started = {one.registration_id for one in story.experiments}
    waits: list[tuple[str, str, str]] = []
    for (stem, fidelity), frozen in newest.items():
        if frozen.id not in started:
            waits.append((stem, fidelity, "registered, never started"))
            continue
        experiment = experiments[stem, fidelity]
        verdict = last_verdict.get(experiment.id)
        if experiment.id in working or (verdict is not None and verdict.next_look is None):
            continue
        why = "started, without a verdict" if verdict is None else f"undecided: on to {verdict.next_look} seeds"
        waits.append((stem, fidelity, why))
    registered = {one.stem for one in story.registrations}
    unregistered = sorted(stem for stem in newest_versions(story) if stem not in registered)
    waits += [(stem, NONE, "proposed, never registered") for stem in unregistered]
    return cut(waits, lambda row: {"stem": escaped(row[0]), "fidelity": row[1], "why": row[2]})


def _run(owners: Owners, attempt: Attempt) -> dict[str, Any]:
    return {
        "stem": escaped(owners.of_experiment(attempt.experiment_id).stem),
        "variant": escaped(attempt.variant),
        "seed": attempt.seed,
        "number": attempt.number,
    }
