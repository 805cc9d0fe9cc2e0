"""What came from a training is data of somebody else: a child that ran an own mixer, a container, an older version. It
is looked at before it is written down, so that whatever it says the catalog takes it, or says why not."""

from dataclasses import replace

from models.request import SeedResult, TrainResult
from proposals.words import harmless
from tasks.executors import Fault, Finished

MOST_VALUES = 2_000
MOST_POINTS = 1_000_000
MOST_VERSIONS = 50
LONGEST_NAME = 200
LONGEST_REASON = 2_000
LONGEST_LOG = 20_000
MOST = 2**53
"""Of counts, and of seconds: whole numbers beyond are exact nowhere."""


def accepted(state: Finished | Fault) -> Finished | Fault:
    """The same with harmless words, cut where they go on for too long; a fault where the result cannot be one, or is of
    a training that its time limit cut short: on a faster machine it would be another, so it says nothing."""
    if isinstance(state, Fault):
        return in_plain_words(state)
    wrong = why_not(state.result)
    if wrong is not None:
        return in_plain_words(Fault("failed", f"what it left is no result: {wrong}", seconds=state.seconds))
    if any(seed.stopped == "time" for seed in state.result.seeds):
        return in_plain_words(_cut_short(state))
    return state


def _cut_short(state: Finished) -> Fault:
    result = state.result
    reason = (
        f"its time was over after {result.seconds:.0f} s, in epoch {result.seeds[0].epochs}; the checkpoint is kept. "
        "With more `minutes` under `compute` in the proposal it goes on from there"
    )
    return Fault("timed_out", reason, seconds=state.seconds, device=result.device)


def in_plain_words(fault: Fault) -> Fault:
    device = None if fault.device is None else harmless(fault.device[:LONGEST_NAME])
    reason, log = harmless(fault.reason[:LONGEST_REASON]), harmless(fault.log_tail[-LONGEST_LOG:])
    return replace(fault, reason=reason, log_tail=log, device=device)


def why_not(result: TrainResult) -> str | None:
    """What is wrong with a result that has the right shape; None where nothing is."""
    if len(result.seeds) != 1:
        return f"it is of {len(result.seeds)} seeds, and a run has one"
    if not 0 <= result.seconds <= MOST:
        return f"it took {result.seconds:g} s"
    if len(result.versions) > MOST_VERSIONS:
        return f"it names {len(result.versions)} versions"
    words = [result.device, *result.versions, *result.versions.values()]
    if any(len(word) > LONGEST_NAME or harmless(word) != word for word in words):
        return "its device or its versions are no names"
    return _why_not_seed(result.seeds[0])


def _why_not_seed(one: SeedResult) -> str | None:
    counts = [
        one.epochs,
        one.resumed,
        one.best_epoch or 0,
        *(n for point in one.curve for n in (point.step, point.epoch)),
    ]
    if any(not 0 <= count <= MOST for count in counts):
        return "its epochs and steps are no counts"
    if len(one.values) > MOST_VALUES or len(one.curve) > MOST_POINTS:
        return f"it has {len(one.values):,} values and {len(one.curve):,} points of curves"
    if len({(point.metric, point.step) for point in one.curve}) != len(one.curve):
        return "its curve has two values at one step"
    names = [one.data_sha256, *(value.metric for value in one.values)]
    names += [str(part) for value in one.values for item in value.condition.items() for part in item]
    if any(len(name) > LONGEST_NAME or harmless(name) != name for name in names):
        return "its metrics or their conditions are no names"
    if any(value.spread is not None and value.spread < 0 for value in one.values):
        return "one of its spreads is negative"
    return None
