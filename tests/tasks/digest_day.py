"""A day and a half of a laboratory, hour by hour, with an outage in it. `Day.digests()` writes them in order."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from small_proposals import write_proposal
from sqlalchemy import Engine

from db import catalog
from db.engine import open_catalog
from db.migrating import REVISIONS
from proposals.judging.outcomes import Judgement, VerdictName
from tasks.digest import Written, write_digest

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

import catalog_samples as samples

EXPECTED = Path(__file__).parent / "expected_digests"
HERE = samples.HERE
MORNING = datetime(2026, 2, 15, 8, 0, tzinfo=UTC)


class Day:
    """`at`: what the clock shows; `now` is to stand in for the clock of tasks/digest.py. `url`: of an empty
    catalog; where there is none, it is a file in the workspace."""

    def __init__(self, root: Path, url: str | None = None) -> None:
        self.place = write_proposal(root)
        if url is not None:
            self.place = replace(self.place, catalog_url=url)
        self.at = MORNING

    def now(self) -> datetime:
        return self.at

    def to(self, hours: float) -> datetime:
        self.at = MORNING + timedelta(hours=hours)
        return self.at

    def digests(self) -> Iterator[Written]:
        """Each as soon as it is written, so that the catalog is as the digest saw it."""
        yield write_digest(self.place)
        with open_catalog(self.place.catalog_url) as opened:
            engine = opened.engine
            attempts = self.forenoon(engine)
            self.to(4)
            yield write_digest(self.place)
            self.afternoon(engine, attempts)
            self.to(16)
            yield write_digest(self.place)
            self.night(engine)
        self.to(148)  # ten schedules were missed, and all come now
        for _ in range(10):
            yield write_digest(self.place)

    def forenoon(self, engine: Engine) -> dict[str, int]:
        """008 is registered and begun: of four runs two have a result, one was preempted, one is open."""
        frozen = samples.register(engine, now=self.to(1))
        experiment = samples.start(engine, frozen, now=self.to(1.5))
        keys = [run.key for run in catalog.runs_without_result(engine, experiment)]
        attempts = {key: self.begin(engine, experiment, key, self.to(2)) for key in keys}
        for attempt in list(attempts.values())[:2]:
            self.collect(engine, attempt, 0 if attempt % 2 else 1, self.to(3), 0.91)
        catalog.end_attempt(
            engine,
            attempts[keys[2]],
            "preempted",
            seconds=90.0,
            dollars=0.03,
            reason="node | taken <b>",
            now=self.to(3.5),
        )
        return attempts

    def afternoon(self, engine: Engine, attempts: dict[str, int]) -> None:
        """The open run is given up and yet brings its result; the preempted one is tried again. Nothing is decided at
        the first look."""
        third, fourth = list(attempts)[2:]
        catalog.end_attempt(
            engine, attempts[fourth], "lost", seconds=0.0, dollars=0.0, reason="no sign of life", now=self.to(5)
        )
        again = self.begin(engine, 1, third, self.to(6))
        self.collect(engine, again, 0, self.to(7), 0.24)
        self.collect(engine, attempts[fourth], 1, self.to(7), 0.26)
        undecided = judged("INCONCLUSIVE", 0.01, -0.02).model_copy(update={"next_look": 10})
        catalog.record_judgement(engine, 1, 1, undecided, "e" * 64, self.to(8))

    def night(self, engine: Engine) -> None:
        """No schedule runs. 008 is abandoned, overruled by a person and registered anew; 022 is begun. The verdict's
        clock is behind that of the last digest."""
        catalog.record_judgement(engine, 1, 1, judged("ABANDON", -0.12, 0.04), "f" * 64, self.to(10))
        catalog.overrule(engine, 1, "DEBUG", name="Ada", reason="the seeds share their data", now=self.to(20))
        samples.register(engine, samples.registration(s1="cos_log_linear.test_accuracy > 0.7"), self.to(21))
        failing = samples.register(engine, samples.registration("022-displacement-rank"), now=self.to(30))
        faulty = samples.start(engine, failing, code="beef", now=self.to(30))
        runs = [samples.key("cosformer", seed, "beef") for seed in (0, 1)]
        first, second = (self.begin(engine, faulty, run, self.to(31)) for run in runs)
        catalog.end_attempt(engine, first, "timed_out", seconds=600.0, dollars=0.4, reason="10 min", now=self.to(33))
        catalog.store_handle(engine, second, {"pid": 4711}, self.to(31))

    def begin(self, engine: Engine, experiment: int, key: str, at: datetime) -> int:
        attempt = catalog.begin_attempt(engine, experiment, key, **HERE, now=at)
        assert attempt is not None
        return attempt

    def collect(self, engine: Engine, attempt: int, seed: int, at: datetime, accuracy: float) -> None:
        from models.metrics import METRICS

        assert catalog.record_result(
            engine, attempt, samples.result(seed, accuracy), device="cpu: EPYC", versions={"torch": "2.13.0"},
            seconds=60.0, dollars=0.02, vocabulary=METRICS, now=at,
        )  # fmt: skip


def judged(verdict: VerdictName, first: float, second: float) -> Judgement:
    """With these margins of S1 and S2."""
    plain = samples.judgement(verdict, f"S1 is at {100 * first:+.0f} pp")
    changed: list[dict[str, Any]] = [
        {"margin": margin, "achieved": 0.8 + margin, "low": 0.75 + margin, "high": 0.85 + margin}
        for margin in (first, second)
    ]
    outcomes = [one.model_copy(update=fields) for one, fields in zip(plain.outcomes, changed, strict=False)]
    return plain.model_copy(update={"outcomes": (*outcomes, plain.outcomes[2])})


def as_expected(document: str) -> str:
    """A document without what belongs to a version of the schema, to be compared with a file of EXPECTED."""
    document = re.sub(r"`[0-9a-f]{12}`", "`SHA256`", document)
    return document.replace(f'catalog_revision: "{REVISIONS[-1]}"', 'catalog_revision: "NEWEST"')
