"""One run from dispatch to its result, with as many attempts as its faults allow."""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace

from prefect import task

from db.catalog import CapError, CatalogUnavailableError, runs_without_result
from proposals.workspace import Workspace
from tasks.collect import attempt_to_join, record, sweep_open
from tasks.dispatch import Dispatched, RunBusyError, dispatch_run, done_with
from tasks.executors import Executor, Fault, Finished, Running, State, UnreachableError, executor_named
from tasks.place import OPTIONS, catalog_of

MOST_ATTEMPTS = 3
"""Of one run in one sitting, where the infrastructure is at fault each time."""
MOST_PREEMPTIONS = 20
"""Beyond those: a machine that is taken away is nobody's fault, and training goes on from its checkpoint."""
POLL_SECONDS = 0.05
REMOTE_POLL_SECONDS = 0.2
"""What a service is asked goes over a network, and by way of a thread."""
WAIT_SECONDS = 2.0
"""Between two looks at what somebody else has to do first: bring a result, or release a reservation."""
AGAIN_SECONDS = 20.0
"""Between two tries to start something on a service that does not answer."""
STOP_SECONDS = 2.0
"""For which a service is asked how a call that was cancelled has ended, and after how long."""
PATIENCE_SECONDS = 600.0
"""For which a service may be out of reach before that is a fault."""
_starters = ThreadPoolExecutor(thread_name_prefix="dispatch")
"""Not asyncio's: where a loop ends, it forgets what its threads are about to start."""
log = logging.getLogger("mve.train")


class CrashError(RuntimeError):
    """Our own code failed in a training. Trying again would not help; the run counts as not measured."""


class InfrastructureError(RuntimeError):
    """The machines failed a training as often as is tried. Says nothing about the idea."""


async def train_run(place: Workspace, experiment: int, key: str, name: str, executor: Executor) -> None:
    """Train the run `key` and record what came of it. `name`: "<variant>-seed-<seed>".

    An attempt that is under way, of a flow that died, is waited for rather than begun again. A fault of the
    infrastructure is tried again from the checkpoint, up to MOST_ATTEMPTS times (preemptions: MOST_PREEMPTIONS); then
    InfrastructureError is raised. CrashError is raised at once. Raises CapError where a cap has no room for it, also
    after all that is reserved now has been released. Where this coroutine is cancelled, so is the training.
    """
    tried = preempted = 0
    while True:
        begun = await _begin(place, experiment, key, name, executor)
        if begun is None:
            return
        ended = await _ended(place, experiment, name, *begun)
        if isinstance(ended, Finished):
            return
        if ended.state == "failed":
            raise CrashError(f"{name}: {ended.reason}\n{ended.log_tail}".rstrip())
        preempted += ended.state == "preempted"
        tried += ended.state != "preempted"
        if not ended.retry or tried >= MOST_ATTEMPTS or preempted > MOST_PREEMPTIONS:
            times = tried + preempted
            after = f" in attempt {times}" if times > 1 else ""
            raise InfrastructureError(f"{name} was {ended.state}{after}: {ended.reason}")


# -- an attempt to wait for ----------------------------------------------------------------------------------


async def _begin(
    place: Workspace, experiment: int, key: str, name: str, executor: Executor
) -> tuple[Executor, Dispatched] | None:
    """An attempt and who trains it; None where the run has its result by now."""
    since, said = time.monotonic(), False
    while True:
        seconds = WAIT_SECONDS
        try:
            return executor, await _dispatched(place, experiment, key, name, executor)
        except RunBusyError:
            swept = await asyncio.to_thread(sweep_open, place)
            if _has_result(place, experiment, key):
                return None
            joined = attempt_to_join(place, key)
            if joined is not None and joined.handle is not None:
                log.info("%s is under way already; waiting for it", name)
                return executor_named(joined.executor), Dispatched(joined.attempt_id, joined.handle)
            if swept.silent and time.monotonic() - since > PATIENCE_SECONDS:
                raise InfrastructureError(f"{name} waits for one before it: {swept.silent[0]}") from None
        except CapError as refused:
            if not refused.may_clear:
                raise
            if not said:
                log.info("%s waits for money that is reserved: %s", name, refused)
        except CatalogUnavailableError as error:
            raise InfrastructureError(f"{name} could not be started: {error}") from error
        except UnreachableError as error:
            if time.monotonic() - since > PATIENCE_SECONDS:
                raise InfrastructureError(f"{name} could not be started: {error}") from error
            log.warning("%s cannot be started now: %s", name, error)
            seconds = AGAIN_SECONDS
        said = True
        await asyncio.sleep(seconds)


async def _dispatched(place: Workspace, experiment: int, key: str, name: str, executor: Executor) -> Dispatched:
    variant, seed = name.rsplit("-seed-", 1)
    given = (place, experiment, key, variant, int(seed), executor)
    if not executor.remote:
        return dispatch_run(*given)
    here = copy_context()
    starting = _starters.submit(lambda: here.run(dispatch_run, *given))
    try:
        return await asyncio.wrap_future(starting)
    except Exception:
        raise
    except BaseException:  # told to stop, more than once it may be. A thread cannot be stopped: what it starts is
        if not starting.cancel() and starting.exception() is None:
            _stop(place, experiment, name, executor, starting.result())
        raise


# -- until it has ended --------------------------------------------------------------------------------------


async def _ended(
    place: Workspace, experiment: int, name: str, machine: Executor, attempt: Dispatched
) -> Finished | Fault:
    """Wait for it and record what came of it; stop it where this coroutine is told to stop."""
    try:
        state = await _end_of(machine, attempt)
        return record(place, experiment, attempt.attempt, name, state)
    except CatalogUnavailableError as error:  # it stays open, and a later flow asks after it
        raise InfrastructureError(f"what became of {name} could not be written down: {error}") from error
    except Exception:
        raise  # it could not be asked after: it stays open too
    except BaseException:  # cancelled, Ctrl-C, or Prefect's own on SIGTERM, which may arise anywhere in this thread
        _stop(place, experiment, name, machine, attempt)
        raise
    finally:
        done_with(place, attempt.attempt)


async def _end_of(machine: Executor, attempt: Dispatched) -> Finished | Fault:
    heard = time.monotonic()
    while True:
        try:
            state = await _asked(machine, attempt)
            heard = time.monotonic()
        except OSError as error:  # out of reach for the moment
            if time.monotonic() - heard > PATIENCE_SECONDS:
                raise InfrastructureError(f"attempt {attempt.attempt} could not be asked after: {error}") from error
            log.warning("attempt %d cannot be asked after: %s", attempt.attempt, error)
            await asyncio.sleep(WAIT_SECONDS)
            continue
        if not isinstance(state, Running):
            return state
        await asyncio.sleep(REMOTE_POLL_SECONDS if machine.remote else POLL_SECONDS)


async def _asked(machine: Executor, attempt: Dispatched) -> State:
    if machine.remote:
        return await asyncio.to_thread(machine.poll, attempt.handle)
    return machine.poll(attempt.handle)


def _stop(place: Workspace, experiment: int, name: str, machine: Executor, attempt: Dispatched) -> None:
    """Cancel it and say so in the catalog. One whose service cannot be told stays open, and `mve collect` asks."""
    try:
        state = _cancelled(machine, attempt)
    except OSError as error:
        log.error("%s may still run, since it could not be cancelled: %s. `mve collect` asks after it", name, error)
        return
    finally:
        done_with(place, attempt.attempt)
    record(place, experiment, attempt.attempt, name, state)


def _cancelled(machine: Executor, attempt: Dispatched) -> Finished | Fault:
    """Stop it. Its result, had it ended just before."""
    machine.cancel(attempt.handle)
    last: State = Running()
    until = time.monotonic() + (STOP_SECONDS if machine.remote else 0)
    with suppress(OSError):
        while isinstance(last := machine.poll(attempt.handle), Running) and time.monotonic() < until:
            time.sleep(REMOTE_POLL_SECONDS)
    if isinstance(last, Finished):
        return last
    fault = Fault("cancelled", "the flow was cancelled; the checkpoint is kept")
    return fault if isinstance(last, Running) else replace(last, state=fault.state, reason=fault.reason)


def _has_result(place: Workspace, experiment: int, key: str) -> bool:
    with catalog_of(place) as engine:
        return all(run.key != key for run in runs_without_result(engine, experiment))


train = task(name="train", **OPTIONS)(train_run)
