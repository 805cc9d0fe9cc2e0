"""A catalog with made-up history in it, of any size, for benchmarks: `fill(path, proposals)`.

Every constraint of the schema holds and registrations have the hash of their text, so that whatever reads catalogs
reads this one. Hashes of results are made up: `mve verify` would notice. The same size gives the same rows.
"""

import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from db.engine import open_catalog
from db.sqlite import connect
from models.metrics import METRICS
from proposals.spec import Registration, Setup

PROPOSALS = 10_000
VARIANTS = ("log_linear", "linear_attention")
"""The first is the idea."""
SEEDS = 5
RUNS = len(VARIANTS) * SEEDS
"""Of one proposal; with 10,000 proposals 100,000."""
LENGTHS, GAPS = range(64, 704, 64), ("none", "narrow", "wide", "whole")
METRICS_OF_A_RUN = 51
TRICKS = tuple(f"trick-{number:03d}" for number in range(200))
START = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN = timedelta(minutes=45)
"""From one proposal to the next."""
EPOCHS = 200

CRITERIA = (
    ("S1", "success", "target", "Recalls the pairs: `> 80%`", "log_linear.test_accuracy > 0.8"),
    ("S2", "success", "expectation", "One state runs out: `< 50%`", "linear_attention.test_accuracy < 0.5"),
    (
        "F1", "failure", "kill", "Nothing is gained: `<= 5 pp`",
        "log_linear.test_accuracy - linear_attention.test_accuracy <= 0.05",
    ),
)  # fmt: skip
PLAIN = {
    "test_accuracy": 0.9, "validation_accuracy": 0.9, "train_accuracy": 0.95, "test_loss": 0.3, "step_time": 0.012,
    "forward_time": 0.004, "train_time": 60.0, "parameters": 25_000.0, "state_memory": 4_096.0, "nan_count": 0.0,
    "cost": 0.02,
}  # fmt: skip
"""Metrics without a condition, and about what they are."""


@dataclass(frozen=True)
class Size:
    proposals: int
    runs: int
    metrics: int
    curve_points: int


def fill(path: Path, proposals: int) -> Size:
    """Make a catalog at `path`, where there is none, with that many proposals and ten runs of each."""
    open_catalog(path).close()
    with closing(connect(path)) as connection:
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; PRAGMA foreign_keys = ON")
        with connection:
            _propose(connection, proposals)
            _train(connection, proposals)
            _measure(connection)
            _judge(connection, proposals)
        connection.executescript("PRAGMA wal_checkpoint(TRUNCATE)")
        counts = [
            connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in ("proposal", "run", "metric", "curve_point")
        ]
        return Size(*counts)


def stem_of(number: int) -> str:
    return f"{number:05d}-idea-{number}"


def at(number: int, hours: float = 0) -> str:
    return (START + number * BETWEEN + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def frozen() -> Registration:
    setup: dict[str, Any] = {
        "synthetic": {"name": "mqar", "pairs": 8, "length": 128, "vocabulary": 64, "train": 40, "validation": 5,
                      "test": 10},
        "backbone": {"layers": 2, "width": 32, "heads": 2},
        "variants": {name: {"mixer": name, "kernel": "cosine", "proposed": name == VARIANTS[0]} for name in VARIANTS},
        "training": {"epochs": EPOCHS, "batch": 64, "lr": 1e-3},
        "seeds": [SEEDS],
        "compute": {"gpu": "T4", "minutes": 15, "dollars": 0.5},
    }  # fmt: skip
    fields = ("id", "section", "role", "text", "canonical")
    criteria = [dict(zip(fields, criterion, strict=True)) for criterion in CRITERIA]
    return Registration.model_validate(
        {"stem": "STEM", "setup": Setup.model_validate(setup), "criteria": criteria, "fidelity": "specified"}
    )


def about() -> list[tuple[str, str, float, str, str]]:
    """The numbers of a run: metric, condition, about what it is, unit, direction."""
    rows = [(name, "", value, METRICS[name].unit, METRICS[name].direction) for name, value in PLAIN.items()]
    for length in LENGTHS:
        rows += [
            ("test_accuracy", f'{{"gap":"{gap}","length":{length}}}', 0.9 - length / 1000, "fraction", "higher")
            for gap in GAPS
        ]
    assert len(rows) == METRICS_OF_A_RUN
    return sorted(rows)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    first = next(rows)
    statement = f"INSERT INTO {table} VALUES ({', '.join('?' * len(first))})"
    connection.execute(statement, first)
    connection.executemany(statement, rows)


def _propose(connection: sqlite3.Connection, proposals: int) -> None:
    """Proposals, what they are based on, and their registrations; every tenth was edited and registered again, by the
    numbers after all others."""
    text, chance = frozen().canonical_json, random.Random(0)
    numbers = range(1, proposals + 1)

    def registration(id: int, number: int, canonical: str, hours: float) -> tuple[Any, ...]:
        canonical = canonical.replace('"STEM"', json.dumps(stem_of(number)))
        sha = hashlib.sha256(canonical.encode()).hexdigest()
        return (id, stem_of(number), sha, canonical, "c0ffee", 0, "specified", 0.5, 15.0, at(number, hours))

    _insert(
        connection, "proposal",
        ((stem_of(one), f"{one:05d}", f"An idea, number {one}", "proposed", "medium", at(one)[:10],
          f"proposals/{stem_of(one)}.md", "a" * 64, at(one), at(one, 1)) for one in numbers),
    )  # fmt: skip
    _insert(
        connection, "based_on",
        ((stem_of(one), trick) for one in numbers for trick in chance.sample(TRICKS, chance.randint(1, 3))),
    )  # fmt: skip
    edited = text.replace("> 0.8", "> 0.75")
    _insert(connection, "registration", (registration(one, one, text, 1) for one in numbers))
    again = list(enumerate(range(10, proposals + 1, 10), start=proposals + 1))
    if again:
        _insert(connection, "registration", (registration(id, number, edited, 30) for id, number in again))
        _insert(
            connection, "deviation",
            ((id - proposals, id, number, "criteria.S1.canonical", '"log_linear.test_accuracy > 0.8"',
              '"log_linear.test_accuracy > 0.75"', 1) for id, number in again),
        )  # fmt: skip
    for id, section, role, words, canonical in CRITERIA:
        _insert(
            connection, "criterion",
            ((one, id, place, section, role, words, canonical) for one in range(1, proposals + len(again) + 1)
             for place in (1 + [criterion[0] for criterion in CRITERIA].index(id),)),
        )  # fmt: skip
    _insert(
        connection, "log_entry",
        ((3 * one + place, stem_of(one), at(one, place + 1), kind, f"{kind}, made up", f'{{"registration":{one}}}')
         for one in numbers for place, kind in enumerate(("registered", "dispatched", "judged"))),
    )  # fmt: skip


def _train(connection: sqlite3.Connection, proposals: int) -> None:
    """Experiments, runs, attempts and results. Of a thousand runs, one was never begun and two are under way; every
    twentieth was preempted once."""
    experiments = range(1, proposals + 1)
    _insert(
        connection, "experiment", ((one, one, "local", "full", "c0ffee", 0, at(one, 2)) for one in experiments)
    )  # fmt: skip
    runs = [
        (1 + (one - 1) * RUNS + place * SEEDS + seed, one, variant, seed)
        for one in experiments for place, variant in enumerate(VARIANTS) for seed in range(SEEDS)
    ]  # fmt: skip
    _insert(connection, "run", ((run, f"{run:064d}", '{"mixer":"x"}', seed, at(one, 2)) for run, one, _, seed in runs))
    _insert(connection, "experiment_run", ((one, variant, seed, run) for run, one, variant, seed in runs))

    attempts: list[tuple[Any, ...]] = []
    handles, ends, results = [], [], []
    for run, one, _, _ in runs:
        if run % 1000 == 2:
            continue
        under_way = run % 500 == 1
        for number in range(1, 3 if run % 20 == 0 else 2):
            attempt = len(attempts) + 1
            last = number == 2 or run % 20 != 0
            attempts.append((attempt, run, number, one, "local", "here", "b-1", at(one, 2 + number)))
            handles.append((attempt, f'{{"pid":{attempt}}}', at(one, 2 + number)))
            if not under_way:
                state, reason = ("collected", "") if last else ("preempted", "node taken")
                ends.append((attempt, state, at(one, 3 + number), 60.0, 0.02, "cpu: EPYC", reason, ""))
        if not under_way:
            results.append(
                (run, len(attempts), "d" * 64, EPOCHS, EPOCHS - 3, "epochs", 0, 0, "cpu: EPYC", '{"torch":"2.13.0"}',
                 60.0, hashlib.sha256(str(run).encode()).hexdigest(), at(one, 6))
            )  # fmt: skip
    _insert(connection, "attempt", iter(attempts))
    _insert(connection, "attempt_handle", iter(handles))
    _insert(connection, "attempt_end", iter(ends))
    _insert(connection, "run_result", iter(results))


def _measure(connection: sqlite3.Connection) -> None:
    """Fifty-one numbers of each run, and the curves of every five-hundredth. Within SQLite: millions of rows."""
    connection.execute("CREATE TEMPORARY TABLE about (name TEXT, condition TEXT, value REAL, unit TEXT, better TEXT)")
    connection.executemany("INSERT INTO about VALUES (?, ?, ?, ?, ?)", about())
    analytic = "about.name IN ('parameters', 'state_memory')"
    sized = "about.value + 64 * (run_id / 10 % 50)"
    varied = "about.value * (0.5 + ((run_result.run_id * 7919 + about.rowid * 104729) % 1000) / 2000.0)"
    connection.execute(
        f"""
        INSERT INTO metric
        SELECT run_id, name, condition, CASE WHEN {analytic} THEN {sized} ELSE {varied} END,
            unit, better, CASE WHEN {analytic} THEN 'analytic' ELSE 'measured' END, NULL, 'cpu: EPYC'
        FROM run_result CROSS JOIN about ORDER BY run_id, about.rowid
        """
    )
    curves = ", ".join(f"('{name}')" for name in ("lr", "train_accuracy", "train_loss", "validation_accuracy"))
    connection.execute(
        f"""
        INSERT INTO curve_point
        WITH RECURSIVE epochs(epoch) AS (SELECT 1 UNION ALL SELECT epoch + 1 FROM epochs WHERE epoch < {EPOCHS}),
            curves(metric) AS (VALUES {curves})
        SELECT run_id, metric, 10 * epoch, epoch, 1.0 / epoch
        FROM run_result CROSS JOIN curves CROSS JOIN epochs WHERE run_id % 500 = 3 ORDER BY run_id, metric, epoch
        """
    )
    connection.execute("DROP TABLE about")


def _judge(connection: sqlite3.Connection, proposals: int) -> None:
    """Nine of ten experiments have a verdict; every hundredth of these a person has overruled."""
    chance = random.Random(1)
    verdicts: list[tuple[Any, ...]] = []
    outcomes = []
    for one in range(1, proposals + 1):
        if one % 10 == 9:
            continue
        (verdict,) = chance.choices(("PROCEED", "ABANDON", "DEBUG", "INCONCLUSIVE"), (3, 4, 1, 2))
        id, margin = len(verdicts) + 1, chance.gauss(0.0, 0.1)
        reasons = '["made up for a benchmark"]'
        verdicts.append((id, one, one, verdict, 5, reasons, "[]", None, "e" * 64, at(one, 8), None, None))
        decision = "undecided" if verdict == "INCONCLUSIVE" else "holds" if margin > 0 else "fails"
        outcomes += [
            (id, criterion, decision, "median over seeds", 0.8 + margin, 0.75 + margin, 0.85 + margin, "> 80 %", margin,
             "fraction", SEEDS, "the interval lies on one side", None, "[]")
            for criterion, *_ in CRITERIA
        ]  # fmt: skip
    policy = len(verdicts)
    for first in range(99, policy, 100):
        _, one, experiment, *_ = verdicts[first]
        verdicts.append(
            (len(verdicts) + 1, one, experiment, "DEBUG", None, '["the data leaked"]', "[]", None, "e" * 64,
             at(one, 20), first + 1, "Ada")
        )  # fmt: skip
    _insert(connection, "verdict", iter(verdicts))
    _insert(connection, "criterion_outcome", iter(outcomes))
    connection.execute(
        "INSERT INTO verdict_run SELECT verdict.id, variant, seed, experiment_run.run_id FROM verdict "
        "JOIN experiment_run USING (experiment_id) JOIN run_result USING (run_id) WHERE rule IS NOT NULL"
    )
