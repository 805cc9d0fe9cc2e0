"""Training through a Prefect work pool: on machines of one's own, by whatever kind of worker the pool has.

A submitted request is a flow run of the deployment that `mve deploy-pool` made; a worker carries it out
(flows/pool.py). Prefect says who works on what. What came of it is in files (pool_folder.py) in the run's folder,
which lies on a file system that all machines share: a server that is out of reach hides no result, and a machine that
is gone for ever, whose flow runs Prefect shows as running, is known by its silence.
"""

import time
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from models.code_version import version_of
from models.request import TrainRequest
from tasks.executors import pool_client
from tasks.executors.base import (
    Fault,
    Finished,
    Handle,
    Machine,
    NotReadyError,
    Request,
    Running,
    State,
    UnreachableError,
)
from tasks.executors.pool_folder import folder_of, last_beat, read_outcome, stop

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.objects import State as PrefectState

ASK_SECONDS = 1.0
"""Between two questions to Prefect about one flow run; its files are looked at each time."""
SILENT_SECONDS = 60.0
"""After which a flow run that is said to run, and whose heartbeat has stopped, is lost."""
PENDING_SECONDS, PROCESS_SECONDS = 900.0, 120.0
"""After which one that a worker took and never began is lost: a cluster may have an image to fetch first, and a worker
that starts processes has not."""
UNUSED = "Unused"
"""Name of the state of a flow run that was made so that none is ever started under its ticket."""


class Pool:
    name = "pool"
    width = 8  # what its workers have no room for waits there, and costs nothing
    remote = True

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}

    def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
        if machine is None:
            raise ValueError("a run in a work pool needs its time limit")
        ticket = ticket or uuid4().hex
        folder = folder_of(request.directory, ticket)
        folder.mkdir(exist_ok=True)
        run = pool_client.create(_parameters(request, folder, machine.seconds), ticket, _name(request))
        return _handle(run, folder)

    def recover(self, directory: str, seed: int, machine: Machine, ticket: str) -> Handle | None:
        """Prefect knows a flow run by its ticket. Where there is none, one that is cancelled already takes the ticket:
        a submission that is still on its way then finds that one, and starts nothing."""
        from prefect.states import Cancelled

        folder = folder_of(directory, ticket)
        run = pool_client.under(ticket)
        if run is None:
            unused: PrefectState[Any] = Cancelled(name=UNUSED, message="whoever was to start it died before")
            nothing = {"request": {}, "folder": str(folder), "seconds": 0.0, "code": ""}
            try:
                run = pool_client.create(nothing, ticket, f"unused-seed-{seed}", unused)
            except UnreachableError:
                raise
            except NotReadyError:  # it is deployed no longer, so nothing can come
                return None
        return None if run.state_name == UNUSED else _handle(run, folder)

    def poll(self, handle: Handle) -> State:
        flow_run, folder = str(handle["flow_run"]), Path(handle["directory"])
        if not folder.is_dir():  # whoever does not see it can say nothing of what happens in it
            raise UnreachableError(
                f"{folder} is not here. Ask on a machine that shares the folder `runs`; or make it, if it was deleted"
            )
        told = read_outcome(folder)
        if told is not None and not _interrupted(told):
            return told
        now = time.monotonic()
        if now - self._asked.get(flow_run, -inf) < ASK_SECONDS:
            return Running()
        self._asked[flow_run] = now
        run = pool_client.read(flow_run)
        told = read_outcome(folder)  # it may have ended since
        if told is None:
            state = _without_outcome(run, folder)
            if isinstance(state, Fault):
                _give_up(run, folder)
        else:
            state = _why(told, run) if _interrupted(told) else told
        if not isinstance(state, Running):
            self._asked.pop(flow_run, None)
        return state

    def cancel(self, handle: Handle) -> None:
        """The file stops it wherever it is, also where its worker is gone and cannot be told by Prefect."""
        from prefect.states import Cancelling

        stop(Path(handle["directory"]))
        pool_client.set_state(pool_client.read(str(handle["flow_run"])), Cancelling())


def _parameters(request: Request, folder: Path, seconds: float) -> dict[str, Any]:
    if isinstance(request, TrainRequest):  # it stops itself and reports, a little before it would be stopped
        request = request.model_copy(update={"max_seconds": max(0.9 * seconds, seconds - 60) or None})
    return {
        "request": request.model_dump(mode="json"),
        "folder": str(folder),
        "seconds": seconds,
        "code": version_of(request),
    }


def _name(request: Request) -> str:
    """For people who look at Prefect's page."""
    if isinstance(request, TrainRequest):
        return f"{request.mixer.mixer}-seed-{request.seeds[0]}-{Path(request.directory).name[:8]}"
    return f"{request.study.name}-seed-{request.seed}-{Path(request.directory).name[:8]}"


def _handle(run: "FlowRun", folder: Path) -> Handle:
    return {"flow_run": str(run.id), "directory": str(folder)}


# -- what became of it ---------------------------------------------------------------------------------------


def _interrupted(told: Finished | Fault) -> bool:
    """It was told to stop; by whom, only Prefect knows."""
    return isinstance(told, Fault) and told.state == "preempted"


def _why(told: Finished | Fault, run: "FlowRun | None") -> Finished | Fault:
    state = None if run is None else run.state
    if isinstance(told, Fault) and state is not None and (state.is_cancelled() or state.is_cancelling()):
        reason = "its flow run was cancelled in Prefect; the checkpoint is kept"
        return Fault("cancelled", reason, told.log_tail, told.seconds)
    return told


def _without_outcome(run: "FlowRun | None", folder: Path) -> State:
    """What Prefect's state means where no outcome is there."""
    beat = last_beat(folder)
    seconds = beat[0].seconds if beat and beat[0] else None
    if run is None or run.state is None:
        if beat is not None and beat[1] <= SILENT_SECONDS:
            return Running()
        return Fault("lost", "Prefect does not know its flow run any more", seconds=seconds)
    state, since = run.state, (datetime.now(UTC) - run.state.timestamp).total_seconds()
    said = f": {state.message}" if state.message else ""
    if state.is_cancelled():
        return Fault("cancelled", f"its flow run was cancelled in Prefect{said}", seconds=seconds)
    if state.is_failed():
        return Fault("crashed", f"its worker could not carry it out{said}", seconds=seconds)
    if state.is_crashed():
        return Fault("lost", f"its flow run crashed{said}", seconds=seconds)
    if state.is_scheduled():
        return Running()
    if state.is_pending():
        here = run.labels.get("prefect.worker.type") == "process"
        reason = f"a worker took it {since:.0f} s ago and never began it"
        longest = PROCESS_SECONDS if here else PENDING_SECONDS
        return Fault("lost", reason, seconds=0.0) if since > longest else Running()
    if state.is_completed():  # its file may come into sight here a little later
        reason = "its flow run ended, and left no outcome here: do all machines share the folder of runs?"
        return Fault("lost", reason, seconds=seconds) if since > SILENT_SECONDS else Running()
    silent = since if beat is None else min(since, beat[1])
    if silent <= SILENT_SECONDS:
        return Running()
    reason = f"nothing was heard for {silent:.0f} s of the worker that carries it out"
    return Fault("cancelled" if state.is_cancelling() else "lost", reason, seconds=seconds)


def _give_up(run: "FlowRun | None", folder: Path) -> None:
    """Nobody works on it from now on, and Prefect does not show it as running for ever."""
    from prefect.states import Crashed

    stop(folder)
    pool_client.set_state(run, Crashed(message="given up: see `mve show`"), force=True)
