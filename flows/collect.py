"""Bring in what nobody waited for, and take up what a dead flow left: `mve serve` does so every ten minutes, and
`mve collect` by hand.

A flow that ends, however it ends, gives its lease back. A lease whose owner is dead is therefore an experiment that
nobody brought to its end: it is taken up where it stood, with what was frozen then. One that fails again has ended.
"""

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger

from db.catalog import (
    Lease,
    add_log,
    facts_of,
    latest_registration,
    leases,
    load_registration,
    registration_of_experiment,
    release_lease,
)
from flows.mve import settle
from proposals.workspace import Workspace, find_workspace
from tasks.collect import Swept, sweep
from tasks.leases import look
from tasks.lock import BusyError, only_one
from tasks.place import catalog_of, now
from tasks.register import Registered
from tasks.settings import settings_of

EVERY = timedelta(minutes=10)


@dataclass(frozen=True)
class Collected:
    """What a collection found. taken_up: the verdict of each experiment that was finished, by stem; failed: why others
    could not be, or need not."""

    swept: Swept
    taken_up: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@flow(name="collect", validate_parameters=True, persist_result=False)
async def collect(workspace: str | None = None, catalog: str | None = None) -> Collected:
    """Ask after every submitted attempt, record what has ended, and bring to its verdict what a dead flow left."""
    place = find_workspace(workspace, catalog)
    settings_of(place)  # a wrong one is said before anything is done
    log = get_run_logger()
    found = Collected(await asyncio.to_thread(sweep, place))  # services are asked, and take their time
    with catalog_of(place) as engine:
        dead = [lease for lease in leases(engine, look) if not lease.alive]
    for lease in dead:
        stem = await _take_up(place, lease, found)
        log.info("%s: %s", stem, found.taken_up.get(stem) or found.failed.get(stem, "another process has it by now"))
    return found


async def _take_up(place: Workspace, lease: Lease, found: Collected) -> str:
    """Go on with the experiment of a dead flow. Returns its stem, and adds to `found` what came of it."""
    with catalog_of(place) as engine:
        facts = facts_of(engine, lease.experiment_id)
        registration = registration_of_experiment(engine, lease.experiment_id)
        first_look = load_registration(engine, registration).setup.seeds[0]
        current = latest_registration(engine, facts.stem, facts.fidelity) == registration
    stem = facts.stem
    try:
        with only_one(place, stem):
            if current:
                _note(place, lease, stem, "taken up: the process that ran it is gone")
                frozen = Registered(registration, stem, facts.number, facts.sha256, first_look, new=False)
                judgement = await settle(place, frozen, facts.executor, quick=facts.profile == "quick")
                found.taken_up[stem] = str(judgement.verdict)
            else:
                found.failed[stem] = "not taken up: the proposal was registered anew since"
                _note(place, lease, stem, found.failed[stem])
    except BusyError:
        return stem
    except Exception as error:  # the other experiments are to be taken up whatever becomes of this one
        found.failed[stem] = f"{type(error).__name__}: {error}"
    with catalog_of(place) as engine:
        release_lease(engine, lease.experiment_id, lease.owner)
    return stem


def _note(place: Workspace, lease: Lease, stem: str, text: str) -> None:
    owner = lease.owner
    with catalog_of(place) as engine:
        refs = {"experiment": lease.experiment_id, "host": owner.host, "pid": owner.pid}
        add_log(engine, stem, "collect", text, now(), refs)
