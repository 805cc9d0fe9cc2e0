"""One run from dispatch to its result, with as many attempts as its faults allow."""

import asyncio

from prefect import task

from proposals.workspace import Workspace
from tasks.collect import record
from tasks.dispatch import dispatch_run
from tasks.executors import Executor, Fault, Finished, Running
from tasks.place import OPTIONS

MOST_ATTEMPTS = 3
"""Of one run in one sitting, where the infrastructure is at fault each time."""
POLL_SECONDS = 0.05


class CrashError(RuntimeError):
    """Our own code failed in a training. Trying again would not help; the run counts as not measured."""


class InfrastructureError(RuntimeError):
    """The machines failed a training as often as is tried. Says nothing about the idea."""


async def train_run(place: Workspace, experiment: int, key: str, name: str, executor: Executor) -> None:
    """Train the run `key` and record what came of it. `name`: "<variant>-seed-<seed>".

    A fault of the infrastructure is tried again from the checkpoint, up to MOST_ATTEMPTS times; then
    InfrastructureError is raised. CrashError is raised at once. Where this coroutine is cancelled, so is the training.
    """
    variant, seed = name.rsplit("-seed-", 1)
    for number in range(1, MOST_ATTEMPTS + 1):
        begun = dispatch_run(place, experiment, key, variant, int(seed), executor)
        try:
            while isinstance(state := executor.poll(begun.handle), Running):
                await asyncio.sleep(POLL_SECONDS)
        except asyncio.CancelledError:
            executor.cancel(begun.handle)
            fault = Fault("cancelled", "the flow was cancelled; the checkpoint is kept")
            record(place, experiment, begun.attempt, name, fault)
            raise
        record(place, experiment, begun.attempt, name, state)
        if isinstance(state, Finished):
            return
        if state.state == "failed":
            raise CrashError(f"{name}: {state.reason}\n{state.log_tail}".rstrip())
        if not state.retry or number == MOST_ATTEMPTS:
            raise InfrastructureError(f"{name} was {state.state} {number} times, the last time: {state.reason}")


train = task(name="train", **OPTIONS)(train_run)
