"""What became of every proposal, which terminal and pages both ask; and what is open. A statement each."""

import json
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, text
from sqlalchemy.types import Float, Integer, String

from db.columns import Utc
from db.engine import reading


class ProposalLine(NamedTuple):
    """A proposal and the verdict that stands (its newest at the best fidelity that it was run at), if any.

    seeds: that the verdict rests on. registered_at, started_at: its newest registration and experiment. minutes,
    dollars: of all attempts at all of its registrations. open: attempts that nobody has ended.
    """

    stem: str
    number: str
    title: str
    tricks: tuple[str, ...]
    first_seen: datetime
    registered_at: datetime | None
    started_at: datetime | None
    verdict: str | None
    overruled_by: str | None
    fidelity: str | None
    seeds: int | None
    judged_at: datetime | None
    registration_id: int | None
    minutes: float
    dollars: float
    open: int

    @property
    def state(self) -> str:
        """How far it came."""
        if self.verdict:
            return "judged"
        return "under way" if self.started_at else "registered" if self.registered_at else "not registered"

    @property
    def active_at(self) -> datetime:
        """When something last happened to it; its attempts do not count."""
        return max(at for at in (self.first_seen, self.registered_at, self.started_at, self.judged_at) if at)


class OpenRun(NamedTuple):
    """An attempt without an end. state: submitted until its handle is stored, running from then on."""

    stem: str
    variant: str
    seed: int
    state: str
    attempt: int
    executor: str
    host: str
    handle: dict[str, object] | None
    submitted_at: datetime


class Waiting(NamedTuple):
    """A proposal whose newest registration has no verdict. planned, collected: runs of its newest experiment."""

    stem: str
    registered_at: datetime
    planned: int
    collected: int


class RunNumber(NamedTuple):
    """A run with the number that is looked at first, None where it was not measured."""

    variant: str
    seed: int
    state: str
    attempts: int
    value: float | None
    unit: str | None
    seconds: float | None
    device: str | None


LINES = """
SELECT proposal.stem, proposal.number, proposal.title, proposal.first_seen, begun.registered_at, begun.started_at,
       verdicts.verdict, verdicts.overruled_by, verdicts.fidelity, verdicts.seeds, verdicts.judged_at,
       verdicts.registration_id,
       COALESCE(spent.seconds, 0) / 60.0 AS minutes, COALESCE(spent.dollars, 0) AS dollars,
       COALESCE(spent.open, 0) AS open
FROM proposal
LEFT JOIN verdicts ON verdicts.stem = proposal.stem AND verdicts.stands
LEFT JOIN (
    SELECT registration.stem, MAX(registration.registered_at) AS registered_at, MAX(experiment.started_at) AS started_at
    FROM registration LEFT JOIN experiment ON experiment.registration_id = registration.id
    GROUP BY registration.stem
) AS begun ON begun.stem = proposal.stem
LEFT JOIN (
    SELECT registration.stem, SUM(attempt_end.seconds) AS seconds, SUM(attempt_end.dollars) AS dollars,
           SUM(CASE WHEN attempt_end.attempt_id IS NULL THEN 1 ELSE 0 END) AS open
    FROM attempt
    JOIN experiment ON experiment.id = attempt.experiment_id
    JOIN registration ON registration.id = experiment.registration_id
    LEFT JOIN attempt_end ON attempt_end.attempt_id = attempt.id
    GROUP BY registration.stem
) AS spent ON spent.stem = proposal.stem
ORDER BY proposal.stem
"""

OPEN = """
SELECT stem, variant, seed, CASE WHEN handle IS NULL THEN 'submitted' ELSE 'running' END AS state,
       attempt_number AS attempt, executor, host, handle, submitted_at
FROM uncollected ORDER BY submitted_at, attempt_id
"""

# newest.id: of the registrations of a stem, the last one
WAITING = """
SELECT registration.stem, registration.registered_at,
       (SELECT COUNT(*) FROM experiment_run WHERE experiment_run.experiment_id = started.id) AS planned,
       (SELECT COUNT(*) FROM experiment_run JOIN run_result ON run_result.run_id = experiment_run.run_id
        WHERE experiment_run.experiment_id = started.id) AS collected
FROM registration
JOIN (SELECT MAX(id) AS id FROM registration GROUP BY stem) AS newest ON newest.id = registration.id
LEFT JOIN (
    SELECT registration_id, MAX(id) AS id FROM experiment GROUP BY registration_id
) AS started ON started.registration_id = registration.id
WHERE NOT EXISTS (SELECT 1 FROM verdict WHERE verdict.registration_id = registration.id)
ORDER BY registration.registered_at, registration.stem
"""

NUMBERS = """
SELECT runs.variant, runs.seed, runs.state, runs.attempts, metric.value, metric.unit, runs.seconds, runs.device
FROM runs
LEFT JOIN metric ON metric.run_id = runs.run_id AND metric.name = :metric AND metric.condition = ''
WHERE runs.registration_id = :registration
ORDER BY runs.variant, runs.seed
"""


def proposal_lines(engine: Engine) -> list[ProposalLine]:
    """Every proposal that the catalog knows, by stem."""
    asked = text(LINES).columns(
        stem=String, number=String, title=String, first_seen=Utc, registered_at=Utc, started_at=Utc, verdict=String,
        overruled_by=String, fidelity=String, seeds=Integer, judged_at=Utc, registration_id=Integer, minutes=Float,
        dollars=Float, open=Integer,
    )  # fmt: skip
    with reading(engine) as session:
        tricks: dict[str, list[str]] = {}
        for stem, trick in session.connection().execute(text("SELECT stem, trick FROM based_on ORDER BY trick")):
            tricks.setdefault(stem, []).append(trick)
        rows = session.connection().execute(asked).mappings().all()
    return [ProposalLine(tricks=tuple(tricks.get(row["stem"], ())), **row) for row in rows]


def open_runs(engine: Engine) -> list[OpenRun]:
    """What was begun and has not ended, oldest first."""
    asked = text(OPEN).columns(
        stem=String, variant=String, seed=Integer, state=String, attempt=Integer, executor=String, host=String,
        handle=String, submitted_at=Utc,
    )  # fmt: skip
    with reading(engine) as session:
        rows = session.connection().execute(asked).mappings().all()
    return [OpenRun(**{**row, "handle": None if row["handle"] is None else json.loads(row["handle"])}) for row in rows]


def waiting(engine: Engine) -> list[Waiting]:
    """Registrations that were frozen and never judged, of each proposal its newest, oldest first."""
    asked = text(WAITING).columns(stem=String, registered_at=Utc, planned=Integer, collected=Integer)
    with reading(engine) as session:
        return [Waiting(*row) for row in session.connection().execute(asked)]


def run_numbers(engine: Engine, registration_id: int, *metrics: str) -> tuple[str, list[RunNumber]]:
    """The runs of a registration by variant and seed, with the first of `metrics` that any of them measured."""
    asked = text(NUMBERS)
    with reading(engine) as session:
        for metric in metrics:
            given = {"metric": metric, "registration": registration_id}
            rows = [RunNumber(*row) for row in session.connection().execute(asked, given)]
            if any(row.value is not None for row in rows):
                return metric, rows
    return metrics[0], rows
