"""What must hold after every trial, whatever hit it: a function each, which returns what is wrong, in words."""

import contextlib
import json
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from benchmarks.faults.trial import RUNS, Trial
from tasks.verify import verify_verdict

TIMED = ("step_time", "forward_time", "throughput", "train_time", "peak_memory", "cost")
"""Metrics of the machine at that moment."""
RATES = {"local": 3.6, "modal": 7.2}
"""Dollars per hour, as the trial's mve.toml says."""
TOLERANCE = 1.5
"""Seconds by which an attempt may be counted as shorter or longer than the account allows: how late one notices."""
QUIET_SECONDS = 30
"""For what is still at work after the verdict to end."""


@dataclass(frozen=True)
class Found:
    """What a trial came to."""

    verdicts: list[tuple[Any, ...]]
    outcomes: list[tuple[Any, ...]]
    numbers: dict[tuple[Any, ...], float]


def found_in(trial: Trial) -> Found:
    numbers = trial.ask(
        "SELECT DISTINCT variant, link.seed, name, condition, value FROM metric"
        f" JOIN experiment_run AS link ON link.run_id = metric.run_id WHERE name NOT IN {TIMED!r}"
    )
    return Found(
        trial.ask("SELECT verdict, rule, reasons, caveats, next_look FROM verdict"),
        trial.ask(
            "SELECT criterion, decision, estimand, achieved, low, high, margin, unit, reason, seeds"
            " FROM criterion_outcome ORDER BY verdict_id, criterion"
        ),
        {row[:4]: row[4] for row in numbers},
    )


def same_verdict(trial: Trial, undisturbed: Found) -> list[str]:
    """The verdict, the outcomes of its criteria and all numbers are those of a trial that nothing hit."""
    found, wrong = found_in(trial), []
    if found.verdicts != undisturbed.verdicts:
        wrong.append(f"verdict {found.verdicts}, undisturbed {undisturbed.verdicts}")
    if found.outcomes != undisturbed.outcomes:
        wrong.append(f"outcomes {found.outcomes}, undisturbed {undisturbed.outcomes}")
    keys = found.numbers.keys() | undisturbed.numbers.keys()
    differ = [key for key in sorted(keys, key=str) if found.numbers.get(key) != undisturbed.numbers.get(key)]
    if differ:
        key = differ[0]
        wrong.append(
            f"{len(differ)} numbers differ; {key}: {found.numbers.get(key)}, undisturbed {undisturbed.numbers.get(key)}"
        )
    return wrong


def trained_once(trial: Trial) -> list[str]:
    """Every run was trained to its end, and none twice."""
    (runs,) = trial.ask("SELECT count(*) FROM run_result WHERE stopped = 'epochs' AND epochs = 50")
    wrong = [] if runs == (RUNS,) else [f"{runs[0]} whole results of {RUNS}"]
    written: dict[str, set[Any]] = dict(trial.witness.results)  # type: ignore[arg-type]
    if trial.journal is not None:
        written = dict(trial.journal.read().results())  # type: ignore[arg-type]
    if len(written) != RUNS:
        wrong.append(f"results of {len(written)} runs were seen where {RUNS} are recorded")
    return wrong + [
        f"run {run} was trained to its end {len(times)} times" for run, times in written.items() if len(times) > 1
    ]


def each_dollar_once(trial: Trial) -> list[str]:
    """No dollar is counted twice or missed: each attempt has the seconds of an account that was kept beside it."""
    wrong = []
    names = ("id", "executor", "state", "seconds", "dollars", "handle", "reason", "unmeasured")
    rows = trial.ask(
        "SELECT attempt.id, executor, state, attempt_end.seconds, attempt_end.dollars, handle, reason,"
        " min(reservation.seconds, (julianday(ended_at) - julianday(submitted_at)) * 86400) FROM attempt"
        " LEFT JOIN attempt_end ON attempt_end.attempt_id = attempt.id"
        " LEFT JOIN attempt_handle ON attempt_handle.attempt_id = attempt.id"
        " LEFT JOIN reservation ON reservation.attempt_id = attempt.id"
    )
    attempts = [dict(zip(names, row, strict=True)) for row in rows]
    handles = Counter(one["handle"] for one in attempts if one["handle"])
    wrong += [f"{count} attempts have the handle {handle}" for handle, count in handles.items() if count > 1]
    for one in attempts:
        if one["state"] is None:
            continue  # nothing_open says so
        executor, seconds = one["executor"], one["seconds"]
        priced = seconds / 3600 * RATES[executor]
        if abs(one["dollars"] - priced) > 1e-9:
            wrong.append(f"attempt {one['id']}: ${one['dollars']} for {seconds} s, where the rate makes it ${priced}")
        handle = json.loads(one["handle"]) if one["handle"] else None
        least, most = took(trial, handle)
        if handle is not None and trial.journal is not None and not _told(trial, handle):
            # docs/money.md: what nobody measured counts from its submission at most, rather too much than too little
            trial.beyond += max(0.0, min(seconds, one["unmeasured"]) - most)
            most = max(most, one["unmeasured"])
        if not least - TOLERANCE <= seconds <= most + TOLERANCE:
            wrong.append(
                f"attempt {one['id']} ({one['state']}: {one['reason'][:200]}) counts {seconds:.1f} s, and took "
                f"{least:.1f} to {most:.1f} s"
            )
    return wrong + _nobodys_work(trial, attempts) + _sums(trial)


def took(trial: Trial, handle: dict[str, Any] | None) -> tuple[float, float]:
    """Seconds at least and at most, by the account: of the process that the witness saw, or of the call in the
    server's journal."""
    if handle is None:
        return 0.0, 0.0
    if trial.journal is not None:
        call = trial.journal.calls.get(handle["call"])
        return call.seconds if call else (0.0, 0.0)
    seen = trial.witness.trainings.get(_process(handle))
    return seen.seconds if seen else (0.0, 0.0)


def _told(trial: Trial, handle: dict[str, Any]) -> bool:
    """Did the call's function come to an end, and say so?"""
    call = trial.journal.calls.get(handle["call"]) if trial.journal is not None else None
    return call is not None and call.told is not None


def _process(handle: dict[str, Any]) -> tuple[int, int]:
    return handle["pid"], int((handle["started"] or ":0").split(":")[1])


def _nobodys_work(trial: Trial, attempts: list[dict[str, Any]]) -> list[str]:
    """Work that no attempt has the handle of was none."""
    handles = [json.loads(one["handle"]) for one in attempts if one["handle"]]
    if trial.journal is not None:
        known = {handle["call"] for handle in handles}
        done = {f"call {call.id}": call.seconds[0] for call in trial.journal.calls.values() if call.id not in known}
    else:
        processes = {_process(handle) for handle in handles}
        seen = trial.witness.trainings.items()
        done = {f"process {key[0]}": one.seconds[0] for key, one in seen if key not in processes}
    return [f"{who} is no attempt's, and worked for {long:.1f} s" for who, long in done.items() if long > TOLERANCE]


def _sums(trial: Trial) -> list[str]:
    (ends,) = trial.ask("SELECT sum(dollars), sum(seconds) / 60.0, count(*) FROM attempt_end")
    spend = trial.ask(
        "SELECT sum(actual_dollars), sum(actual_minutes), sum(attempts), sum(reserved_dollars), sum(open_attempts)"
        " FROM spend"
    )[0]
    wrong = []
    if any(abs(a - b) > 1e-9 for a, b in zip(ends, spend[:3], strict=True)):
        wrong.append(f"the view spend has {spend[:3]} where the ends of attempts make {ends}")
    if spend[3:] != (0, 0):
        wrong.append(f"${spend[3]} are still reserved, by {spend[4]} open attempts")
    return wrong


def sound_catalog(trial: Trial) -> list[str]:
    """The catalog is whole, nothing in it is open, and the verdict can be derived from it again."""
    wrong = []
    with contextlib.closing(sqlite3.connect(trial.catalog)) as connection:
        if (said := connection.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            wrong.append(f"integrity_check: {said}")
        if said := connection.execute("PRAGMA foreign_key_check").fetchall():
            wrong.append(f"foreign_key_check: {said}")
    for what, query in (("attempts are open", "SELECT * FROM uncollected"), ("leases are left", "SELECT * FROM lease")):
        if rows := trial.ask(query):
            wrong.append(f"{len(rows)} {what}: {rows[0]}")
    finding = verify_verdict(trial.place, trial.stem)
    return wrong if finding.matches else [*wrong, finding.summary, *finding.differences]


def nothing_left(trial: Trial) -> list[str]:
    """Nothing is at work any more."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        calls = (
            [] if trial.journal is None else [one for one in trial.journal.read().calls.values() if one.ended is None]
        )
        at_work = trial.witness.look()
        if not calls and not at_work:
            return []
        if time.monotonic() > deadline:
            return [f"calls {[call.id for call in calls]} and processes {at_work} are still at work"]
        time.sleep(0.1)


def broken(trial: Trial, undisturbed: Found | None) -> list[str]:
    """All of it. undisturbed: None for the trial that is to be it."""
    wrong = nothing_left(trial)  # first: what ends now is in the account then
    if undisturbed is not None:
        wrong += same_verdict(trial, undisturbed)
    return wrong + trained_once(trial) + each_dollar_once(trial) + sound_catalog(trial)
