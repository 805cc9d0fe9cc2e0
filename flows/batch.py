"""Several proposals, each to its verdict. One that is refused or fails does not stop the others.

Where the machines are elsewhere, many flows are under way at once, in one event loop. On this machine they go one after
the other: the trainings of one fill its cores, and a study is timed alone. Killed anywhere and started again, it goes
on: what has a result in the catalog is not trained again, and a training that was under way goes on.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from db.catalog import StoredJudgement, facts_of, latest_judgement, registration_with, results_of
from flows.progress import Position, bars_of_all, run_flow
from flows.show import STYLES, decisive
from proposals.checks import check
from proposals.reading import number_of, stem_of
from proposals.workspace import Workspace
from tasks.executors import executor_named
from tasks.place import catalog_of
from tasks.room import room_of

NO_VERDICT = ("refused", "failed")


@dataclass(frozen=True)
class Row:
    """What became of a proposal. `verdict`: or "refused" or "failed"; `because`: the criterion that decided it, or the
    reason why there is no verdict. minutes: of training, over all runs. seconds: of this call."""

    number: str
    title: str
    verdict: str
    because: str
    seconds: float = 0.0
    seeds: int = 0
    minutes: float = 0.0
    fidelity: str = "–"


FLOWS = 16
"""At most so many flows are under way at once: enough to keep all machines busy while others register or report, and
few enough for Prefect's server, which begins to refuse where more start at the same moment."""
TRIES = 3
WAIT_SECONDS = 5.0
"""Between the tries of a flow whose Prefect server did not answer."""


def run_several(
    place: Workspace, paths: Sequence[Path], *, quick: bool, executor: str, console: Console, wandb: bool = False
) -> list[Row]:
    """Bring the proposals to their verdicts; say of each what became of it, and show a table at the end. Returns its
    rows, in the order of `paths`."""
    # takes more than a second
    from prefect.utilities.engine import capture_sigterm

    with capture_sigterm():  # of many flows the first to end would let go of the signal for all
        rows = asyncio.run(_all(place, list(dict.fromkeys(paths)), quick, executor, console, wandb))
    console.print()
    console.print(_table(rows))
    reached = sum(row.verdict not in NO_VERDICT for row in rows)
    console.print(f"{reached} of {len(rows)} reached a verdict")
    return rows


async def _all(
    place: Workspace, paths: Sequence[Path], quick: bool, executor: str, console: Console, wandb: bool
) -> list[Row]:
    from prefect.context import AsyncClientContext, SyncClientContext

    machine = executor_named(executor)
    bound = asyncio.Semaphore(FLOWS if machine.remote else 1)
    rows: dict[int, Row] = {}

    async def one(index: int, path: Path) -> None:
        position = Position(index, len(paths), stem_of(path))
        async with bound:
            row = await _run(place, path, quick, executor, wandb, None if machine.remote else console, position)
        rows[index] = row
        word = Text(row.verdict, style=STYLES.get(row.verdict, "red"))
        line = Text.assemble(f"{position}: ", word, f"  {row.because}  ({row.seconds:.0f} s)")
        console.print(line, soft_wrap=True)

    # one catalog and one client of each kind for all flows
    async with AsyncClientContext.get_or_create():
        with SyncClientContext.get_or_create(), catalog_of(place):
            # flows that go one after the other have bars of their own
            bars = bars_of_all(console, rows, len(paths), room_of(machine)) if machine.remote else nullcontext()
            with bars:
                # a group: where this is cancelled, so is every flow, and each training says so in the catalog
                async with asyncio.TaskGroup() as group:
                    for index, path in enumerate(paths, start=1):
                        group.create_task(one(index, path))
    return [rows[index] for index in sorted(rows)]


async def _run(
    place: Workspace, path: Path, quick: bool, executor: str, wandb: bool, console: Console | None, position: Position
) -> Row:
    """console: where its own progress is shown, if anywhere."""
    number, stem = number_of(stem_of(path)), stem_of(path)
    report = check(path)
    if report.exit_code:
        return Row(number, stem, "refused", str(report.problems[0]))
    began = time.monotonic()
    for left in reversed(range(TRIES)):
        try:
            sha256 = await run_flow(
                place, path, quick=quick, executor=executor, wandb=wandb, console=console, position=position
            )
            return _found(place, sha256, time.monotonic() - began)
        except Exception as error:  # whatever it is, the others are to be run; the catalog and the log have its details
            if not left or not _of_the_server(error):
                return Row(number, stem, "failed", _said(error), time.monotonic() - began)
        await asyncio.sleep(WAIT_SECONDS)
    raise AssertionError("the last try returns")


def _of_the_server(error: BaseException) -> bool:
    """Is it Prefect's server that does not answer? A flow that is begun anew goes on where it stood."""
    import httpx

    if isinstance(error, BaseExceptionGroup):
        return all(_of_the_server(one) for one in error.exceptions)
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


def _found(place: Workspace, sha256: str, seconds: float) -> Row:
    with catalog_of(place) as engine:
        registration = registration_with(engine, sha256)
        stored: StoredJudgement | None = None if registration is None else latest_judgement(engine, registration)
        assert stored is not None, "a flow that ends well leaves a verdict"
        facts = facts_of(engine, stored.experiment_id)
        runs = results_of(engine, stored.experiment_id)
    return Row(
        facts.number,
        facts.title,
        stored.judgement.verdict,
        decisive(stored.judgement),
        seconds,
        len({run.result.seed for run in runs}),
        sum(run.seconds for run in runs) / 60,
        facts.fidelity,
    )


def _said(error: BaseException) -> str:
    """The first line of each error; of a group, of those in it."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_said(one) for one in error.exceptions)
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None)
    for name in ("", "Title", "Verdict", "Decided by", "Seeds", "Training, min", "Fidelity"):
        table.add_column(
            name, overflow="fold", no_wrap=name in ("", "Verdict"), justify="right" if "min" in name else "left"
        )
    for row in rows:
        reached = row.verdict not in NO_VERDICT
        table.add_row(
            row.number,
            Text(row.title),
            Text(row.verdict, style=STYLES.get(row.verdict, "red")),
            Text(row.because),
            str(row.seeds) if reached else "–",
            f"{row.minutes:.1f}" if reached else "–",
            row.fidelity,
        )
    return table
