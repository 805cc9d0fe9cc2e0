"""Run the flow with its progress in the terminal: a bar per variant, or a line per finished run where there is no
terminal. What is shown of one proposal is read from the catalog and from the progress files of the trainings."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sized
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from db.catalog import (
    RunState,
    facts_of,
    latest_experiment,
    latest_judgement,
    load_registration,
    open_catalog,
    registration_with,
    run_states,
)
from flows.parameters import catalog_parameter
from flows.show import print_judgement
from proposals.reading import home_of, read_proposal, stem_of
from proposals.spec import Registration, StudySetup
from proposals.workspace import Workspace
from tasks.place import catalog_of, experiment_folder, run_directory
from tasks.register import registration_of
from tasks.room import Room

REFRESH_SECONDS = 0.5


@dataclass(frozen=True)
class Position:
    """Of a proposal among several that are run."""

    index: int
    total: int
    stem: str

    def __str__(self) -> str:
        return f"[{self.index}/{self.total}] {self.stem}"


def run_watched(
    place: Workspace, path: Path, *, quick: bool, executor: str, console: Console, wandb: bool = False
) -> None:
    """Run the flow `mve` on the proposal at `path` and show what it does and what it found."""
    before = _judged(place, registration_of(read_proposal(path), quick).sha256)
    began = time.monotonic()
    flow = run_flow(place, path, quick=quick, executor=executor, wandb=wandb, console=console)
    _print_result(place, asyncio.run(flow), console, time.monotonic() - began, before)


async def run_flow(
    place: Workspace, path: Path, *, quick: bool, executor: str, wandb: bool = False, console: Console | None = None,
    position: Position | None = None,
) -> str:  # fmt: skip
    """Run the flow `mve` on the proposal at `path`. Returns the hash of the registration that now has a verdict.

    console: where its progress is shown, if anywhere. position: where the proposal stands among several.
    """
    from flows.mve import mve

    if home_of(path).resolve() != place.proposals.resolve():
        raise ValueError(
            f"{path} is not in {place.proposals}. Copy it there, or name its workspace with --workspace, so that its "
            "results have a place"
        )
    frozen = registration_of(read_proposal(path), quick)
    with (
        catalog_of(place),  # it is there before anyone looks into it
        nullcontext() if console is None else _watching(place, frozen, console, position),
    ):
        await mve(stem_of(path), str(place.root), catalog_parameter(place), quick, executor, wandb)
    return frozen.sha256


def _print_result(place: Workspace, sha256: str, console: Console, seconds: float, before: int | None) -> None:
    with open_catalog(place.catalog_url, read_only=True) as catalog:
        registration = registration_with(catalog.engine, sha256)
        assert registration is not None
        stored = latest_judgement(catalog.engine, registration)
        assert stored is not None
        frozen = load_registration(catalog.engine, registration)
        # a later call with nothing to train is an experiment too, with the same runs
        states = run_states(catalog.engine, latest_experiment(catalog.engine, registration) or stored.experiment_id)
        facts = facts_of(catalog.engine, stored.experiment_id)
    if not states:
        console.print("Nothing was trained: arithmetic decides it, for $0.00.")
    elif before == stored.verdict_id:
        console.print(
            f"Nothing was trained: all {len(states)} runs of registration {sha256[:12]} have results since "
            f"{stored.judged_at:%Y-%m-%d %H:%M} UTC, and neither the proposal nor the code that trains has changed."
        )
    console.print()
    print_judgement(stored.judgement, console, heading=f"{facts.number}: {facts.title}")
    folder = experiment_folder(place, frozen.stem)
    page = folder / "results.md" if frozen.fidelity == "specified" else folder / frozen.fidelity / "results.md"
    console.print(f"\n{page}  ({seconds:.0f} s)", soft_wrap=True)


@contextmanager
def bars_of_all(console: Console, over: Sized, total: int, room: Room) -> Iterator[None]:
    """Where there is a terminal: a bar for the proposals, of which those in `over` are over, and one for the runs of
    the flows that have begun. Within an event loop."""
    if not console.is_terminal:
        yield
        return
    with _progress(console) as progress:
        proposals, runs = (progress.add_task(name, total=None, note="") for name in ("proposals", "runs"))

        async def look() -> None:
            while True:
                progress.update(proposals, total=total, completed=len(over))
                progress.update(runs, total=room.planned or None, completed=room.ended)
                await asyncio.sleep(REFRESH_SECONDS)

        looking = asyncio.ensure_future(look())
        try:
            yield
        finally:
            looking.cancel()


def _judged(place: Workspace, sha256: str) -> int | None:
    """The verdict that stood before this run, if any: where it is still the same one, nothing was trained."""
    with open_catalog(place.catalog_url) as catalog:
        registration = registration_with(catalog.engine, sha256)
        stored = None if registration is None else latest_judgement(catalog.engine, registration)
    return None if stored is None else stored.verdict_id


@contextmanager
def _watching(place: Workspace, frozen: Registration, console: Console, position: Position | None) -> Iterator[None]:
    """Show progress from a thread of its own while the block runs."""
    done = threading.Event()
    show = _bars if console.is_terminal else _lines
    epochs = 1 if isinstance(frozen.setup, StudySetup) else frozen.setup.training.epochs
    given = (place, frozen.sha256, epochs, console, done, position)
    watcher = threading.Thread(target=show, args=given, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join(timeout=5)


def _bars(
    place: Workspace, sha256: str, epochs: int, console: Console, done: threading.Event, position: Position | None
) -> None:
    with _progress(console) as progress:
        bars: dict[str, int] = {}
        if position is not None:
            progress.add_task("proposals", total=position.total, completed=position.index - 1, note=position.stem)
        while not done.wait(REFRESH_SECONDS):
            for variant, states in _by_variant(place, sha256).items():
                finished = sum(state.state == "collected" for state in states)
                under_way = [epoch for s in states if s.state == "running" and (epoch := _last_epoch(place, s))]
                if variant not in bars:
                    bars[variant] = progress.add_task(variant, total=len(states), note="")
                progress.update(
                    bars[variant],  # type: ignore[arg-type]
                    total=len(states),
                    completed=round(finished + sum(epoch for epoch, _ in under_way) / epochs, 1),
                    note=_note(states, [accuracy for _, accuracy in under_way]),
                )


def _progress(console: Console) -> Progress:
    columns = (
        TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    return Progress(*columns, console=console, transient=True)


def _lines(
    place: Workspace, sha256: str, epochs: int, console: Console, done: threading.Event, position: Position | None
) -> None:
    said: set[str] = set()
    total = 0
    while True:
        last = done.wait(REFRESH_SECONDS)
        states = [state for states in _by_variant(place, sha256).values() for state in states]
        if not total:  # what had a result before this run began is no news
            said = {state.run_key for state in states if state.state == "collected"}
        total = len(states)
        for state in states:
            if state.state == "collected" and state.run_key not in said:
                said.add(state.run_key)
                where = "" if position is None else f"{position} "
                what = f"{state.variant}, seed {state.seed}: {_came_to(state)}, {state.seconds:.1f} s"
                console.print(f"{where}{len(said)}/{total} {what}", markup=False, soft_wrap=True)
        if last:
            return


def _came_to(state: RunState) -> str:
    if state.stopped == "diverged":
        return "diverged"
    return "done" if state.test_accuracy is None else f"test accuracy {100 * state.test_accuracy:.1f} %"


def _by_variant(place: Workspace, sha256: str) -> dict[str, list[RunState]]:
    found: dict[str, list[RunState]] = {}
    with open_catalog(place.catalog_url, read_only=True) as catalog:
        registration = registration_with(catalog.engine, sha256)
        experiment = None if registration is None else latest_experiment(catalog.engine, registration)
        if experiment is not None:
            for state in run_states(catalog.engine, experiment):
                found.setdefault(state.variant, []).append(state)
    return found


def _note(states: list[RunState], under_way: list[float]) -> str:
    """Test accuracies of the seeds that are done, and validation accuracies, in brackets, of those that train."""
    done = [f"{100 * state.test_accuracy:.0f}" for state in states if state.test_accuracy is not None]
    now = [f"({100 * accuracy:.0f})" for accuracy in under_way]
    return " ".join([*done, *now, "%"]) if done or now else ""


def _last_epoch(place: Workspace, state: RunState) -> tuple[int, float] | None:
    """Epoch and validation accuracy in the last whole line of the run's progress file."""
    path = run_directory(place, state.run_key) / "progress.jsonl"
    try:
        last = path.read_bytes().rsplit(b"\n", 2)[-2]
        line = json.loads(last)
        return int(line["epoch"]), float(line["seeds"][0].get("validation_accuracy", 0.0))
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return None
