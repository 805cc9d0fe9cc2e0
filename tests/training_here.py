"""Trainings within the test's own process, one after the other."""

from proposals.workspace import Workspace
from tasks.collect import record
from tasks.dispatch import dispatch_run
from tasks.executors import Finished
from tasks.executors.inprocess import InProcess
from tasks.plan import Planned


def train_here(place: Workspace, planned: Planned) -> None:
    """Everything that is missing, each to its recorded result."""
    executor = InProcess()
    for key, name in planned.missing.items():
        variant, seed = name.rsplit("-seed-", 1)
        begun = dispatch_run(place, planned.experiment, key, variant, int(seed), executor)
        state = executor.poll(begun.handle)
        assert isinstance(state, Finished)
        record(place, planned.experiment, begun.attempt, name, state)
