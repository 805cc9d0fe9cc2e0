"""What a worker of a work pool carries out: one training or study, in a child process, in the folder that the executor
`pool` shares with it (tasks/executors/pool_folder.py). And its deployment.
"""

import asyncio
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.states import Cancelled, Completed, Failed

from models.code_version import version_of
from models.request import StudyRequest, TrainRequest
from tasks.executors import Fault, Finished, Handle, Request, Running
from tasks.executors.local import LocalProcess
from tasks.executors.pool_client import DEPLOYMENT, FLOW, NAME, prefect_client
from tasks.executors.pool_folder import Beat, beat, is_stopped, read_outcome, write_outcome

BEAT_SECONDS = 5.0
LOOK_SECONDS = 0.2
TOLD_TO_STOP = Fault("preempted", "its worker was told to stop; the checkpoint is kept")


@flow(name=FLOW, persist_result=False, validate_parameters=True)
async def carry_out(request: dict[str, Any], folder: str, seconds: float, code: str) -> State[None]:
    """Do what `request` asks for, for at most so many seconds, and leave in `folder` what came of it. The state is for
    people who look at Prefect's page.

    code: version of the code that whoever asks expects. Raises FileNotFoundError where that folder is not here, though
    whoever asks has made it.
    """
    began, place = time.monotonic(), Path(folder)
    if not place.is_dir():
        raise FileNotFoundError(
            f"{folder} is not on {platform.node()}. The workspace's folder `runs` must lie on a file system that all "
            "machines share, at the same path"
        )
    if is_stopped(place) or read_outcome(place) is not None:  # given up, or this flow run was started again
        return Cancelled(message="there is nothing to do any more")
    beat(place, Beat(platform.node(), os.getpid(), 0.0))
    kind = StudyRequest if request.get("kind") == "study" else TrainRequest
    asked: Request = kind.model_validate(request)
    if version_of(asked) == code:
        state = await _train(asked.model_copy(update={"device": _device()}), place, began, seconds)
    else:
        state = Fault("refused", f"{platform.node()} has other code of models/ than whoever asks: update it there")
    write_outcome(place, replace(state, seconds=time.monotonic() - began))
    if isinstance(state, Finished):
        return Completed(message="trained")
    kind_of_end = Cancelled if state.state == "cancelled" else Failed
    return kind_of_end(message=f"{state.state}: {state.reason}")


async def _train(request: Request, folder: Path, began: float, seconds: float) -> Finished | Fault:
    machine = LocalProcess(width=1)
    handle = machine.submit(request)
    try:
        state = await _end_of(machine, handle, folder, began, seconds)
    except Exception:  # of the disk, say
        machine.cancel(handle)
        raise
    except BaseException:  # SIGTERM: Prefect was asked to cancel it, or this machine goes down
        state = _stopped(machine, handle, TOLD_TO_STOP)
        write_outcome(folder, replace(state, seconds=time.monotonic() - began))
        raise
    return state


async def _end_of(
    machine: LocalProcess, handle: Handle, folder: Path, began: float, seconds: float
) -> Finished | Fault:
    heard = began
    while isinstance(state := machine.poll(handle), Running):
        now = time.monotonic()
        if is_stopped(folder):
            return _stopped(machine, handle, Fault("cancelled", "it was cancelled; the checkpoint is kept"))
        if now - began > seconds:
            return _stopped(
                machine, handle, Fault("timed_out", f"stopped after {seconds:.0f} s; the checkpoint is kept")
            )
        if now - heard >= BEAT_SECONDS:
            with suppress(OSError):  # the next one may succeed; who is silent for long is given up by whoever asks
                beat(folder, Beat(platform.node(), os.getpid(), now - began))
            heard = now
        await asyncio.sleep(LOOK_SECONDS)
    if isinstance(state, Fault) and state.state == "cancelled":  # the signal has reached the child before us
        return replace(TOLD_TO_STOP, log_tail=state.log_tail)
    return state


def _stopped(machine: LocalProcess, handle: Handle, because: Fault) -> Finished | Fault:
    """Its result, had it ended just before."""
    machine.cancel(handle)
    last = machine.poll(handle)
    if isinstance(last, Finished):
        return last
    return replace(because, log_tail=last.log_tail) if isinstance(last, Fault) else because


def _device() -> str:
    from torch import cuda  # takes more than a second

    return "cuda" if cuda.is_available() else "cpu"


# -- its deployment ------------------------------------------------------------------------------------------


def deploy(pool: str, say: Callable[[str], None]) -> None:
    """Make the deployment in the work pool of that name, or move it there; and the pool, where there is none, for
    workers that start processes. A pool of another type is made with `prefect work-pool create`."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.deployments.runner import RunnerDeployment
    from prefect.exceptions import ObjectNotFound
    from prefect.types.entrypoint import EntrypointType
    from prefect.workers.process import ProcessWorker

    with prefect_client() as client:
        try:
            kind = client.read_work_pool(pool).type
        except ObjectNotFound:
            kind, template = ProcessWorker.type, ProcessWorker.get_default_base_job_template()
            client.create_work_pool(WorkPoolCreate(name=pool, type=kind, base_job_template=template))
            say(f"the work pool {pool!r} is new, for workers that start processes")
    deployment = RunnerDeployment.from_flow(
        carry_out,
        name=NAME,
        work_pool_name=pool,
        description="One training of mve, in the folder of its run",
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment.apply()
    say(f"deployed as {DEPLOYMENT} in the work pool {pool!r}, of type {kind}")
    say(f"on each machine that is to train: prefect worker start --pool {pool} --limit 1")
    say("`mve run 008 --executor pool` trains there")
