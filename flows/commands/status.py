"""`mve status`: what is open. Attempts that have not ended, who is at work, what waits, and whether Prefect answers."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from flows.options import AsJson, Catalog, Root
from proposals.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from db.catalog import OpenRun, Owner

SECONDS = 1.0
"""For Prefect's server to answer."""


@dataclass(frozen=True)
class OpenAttempt:
    """An attempt that has not ended. state: running; or ended, where nobody has collected it yet; or elsewhere, where
    only the machine that began it can say."""

    stem: str
    variant: str
    seed: int
    attempt: int
    state: str
    executor: str
    host: str
    submitted_at: datetime


@dataclass(frozen=True)
class Waits:
    """A proposal that waits, and what for."""

    stem: str
    number: str
    reason: str


@dataclass(frozen=True)
class Orchestrator:
    """A process that tests a proposal, or did: where it is not alive, its experiment is left to whoever comes next."""

    stem: str
    host: str
    process: int
    alive: bool
    since: datetime


def status(as_json: AsJson = False, workspace: Root = None, catalog: Catalog = None) -> None:
    """Show what is open: attempts under way or never collected, who is at work, what waits, whether Prefect answers.

    \b
    Examples:
      mve status
      mve status --json | jq '.open | length'
    """
    from flows.server import answers, configure_prefect

    place = find_workspace(workspace, catalog)
    api = configure_prefect(place.root)
    open_attempts, working, waits = _asked(place)
    reachable = answers(api, SECONDS)
    if as_json:
        told = {
            "open": [asdict(one) for one in open_attempts],
            "at_work": [asdict(one) for one in working],
            "waiting": [asdict(one) for one in waits],
            "prefect": {"api": api, "reachable": reachable},
        }
        typer.echo(json.dumps(told, indent=1, default=datetime.isoformat))
        return
    _print(open_attempts, working, waits)
    answer = "answers" if reachable else "does not answer; `mve run` and `mve serve` start it"
    typer.echo(f"\nPrefect at {api.removesuffix('/api')} {answer}")


def _asked(place: Workspace) -> tuple[list[OpenAttempt], list[Orchestrator], list[Waits]]:
    from db.catalog import facts_of, leases, open_runs, waiting
    from flows.commands.list import lines_of
    from flows.reading import catalog_if_any
    from proposals.reading import number_of

    with catalog_if_any(place) as engine:
        begun = [] if engine is None else open_runs(engine)
        frozen = [] if engine is None else waiting(engine)
        held = [] if engine is None else leases(engine, _alive)
        working = [
            Orchestrator(
                facts_of(engine, one.experiment_id).stem, one.owner.host, one.owner.pid, one.alive, one.taken_at
            )
            for one in held
            if engine is not None
        ]
    found = [
        OpenAttempt(run.stem, run.variant, run.seed, run.attempt, _state(run), run.executor, run.host, run.submitted_at)
        for run in begun
    ]
    waits = [
        Waits(
            one.stem, number_of(one.stem), f"registered, no verdict: {one.collected} of {one.planned} runs have results"
        )
        for one in frozen
    ]
    new = [
        Waits(line.stem, line.number, "never registered")
        for line in lines_of(place)
        if line.registered_at is None and line.file is not None
    ]
    return found, working, [*waits, *new]


def _state(run: "OpenRun") -> str:
    from tasks.executors import Running, executor_named

    if run.state == "submitted":
        return "submitted"
    if run.host != os.uname().nodename:
        return "elsewhere"
    assert run.handle is not None, "a running attempt has a handle"
    try:
        return "running" if isinstance(executor_named(run.executor).poll(run.handle), Running) else "ended"
    except (ValueError, OSError):
        return "elsewhere"


def _alive(owner: "Owner") -> bool | None:
    from tasks.leases import look  # with Prefect behind it, so only where there is a lease

    return look(owner)


def _print(open_attempts: list[OpenAttempt], working: list[Orchestrator], waits: list[Waits]) -> None:
    from flows.columns import print_rows

    if open_attempts:
        rows = [
            (one.stem, one.variant, str(one.seed), str(one.attempt), one.state, f"{one.executor} on {one.host}",
             f"{one.submitted_at:%Y-%m-%d %H:%M} UTC")
            for one in open_attempts
        ]  # fmt: skip
        typer.echo("Open attempts")
        print_rows(("Proposal", "Variant", "Seed", "Attempt", "State", "Where", "Since"), rows)
        if any(one.state == "ended" for one in open_attempts):
            typer.echo("`mve collect` brings in what has ended.")
    else:
        typer.echo("No attempt is open.")
    for one in working:
        who = f"process {one.process} on {one.host}"
        left = f"{one.stem} was left by {who}, which is gone; `mve collect` finishes it"
        typer.echo(f"{one.stem} is tested by {who}" if one.alive else left)
    if waits:
        typer.echo("\nWaiting")
        print_rows(("", "Proposal", "Why"), [(one.number, one.stem, one.reason) for one in waits])
