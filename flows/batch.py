"""Several proposals one after the other, each to its verdict. One that is refused or fails does not stop the others.

Killed anywhere and started again, it goes on: what has a result in the catalog is not trained again, and a training
that was under way goes on from its checkpoint.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from db.catalog import StoredJudgement, facts_of, latest_judgement, open_catalog, registration_with, results_of
from flows.progress import Position, watch
from flows.show import STYLES, decisive
from proposals.checks import check
from proposals.reading import number_of, stem_of
from proposals.workspace import Workspace

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


def run_several(
    place: Workspace, paths: Sequence[Path], *, quick: bool, executor: str, console: Console, wandb: bool = False
) -> list[Row]:
    """Run the proposals in this order, with one display and a table at the end."""
    rows: list[Row] = []
    for index, path in enumerate(paths, start=1):
        position = Position(index, len(paths), stem_of(path))
        rows.append(_run(place, path, position, quick, executor, console, wandb))
        word = Text(rows[-1].verdict, style=STYLES.get(rows[-1].verdict, "red"))
        console.print(
            Text.assemble(f"{position}: ", word, f"  {rows[-1].because}  ({rows[-1].seconds:.0f} s)"), soft_wrap=True
        )
    console.print()
    console.print(_table(rows))
    reached = sum(row.verdict not in NO_VERDICT for row in rows)
    console.print(f"{reached} of {len(rows)} reached a verdict")
    return rows


def _run(
    place: Workspace, path: Path, position: Position, quick: bool, executor: str, console: Console, wandb: bool
) -> Row:
    number, stem = number_of(stem_of(path)), stem_of(path)
    report = check(path)
    if report.exit_code:
        return Row(number, stem, "refused", str(report.problems[0]))
    began = time.monotonic()
    try:
        sha256 = watch(place, path, quick=quick, executor=executor, console=console, position=position, wandb=wandb)
    except Exception as error:  # whatever it is, the others are to be run; the catalog and the log have its details
        return Row(number, stem, "failed", _said(error), time.monotonic() - began)
    return _found(place, sha256, time.monotonic() - began)


def _found(place: Workspace, sha256: str, seconds: float) -> Row:
    with open_catalog(place.catalog_url, read_only=True) as catalog:
        registration = registration_with(catalog.engine, sha256)
        stored: StoredJudgement | None = (
            None if registration is None else latest_judgement(catalog.engine, registration)
        )
        assert stored is not None, "a flow that ends well leaves a verdict"
        facts = facts_of(catalog.engine, stored.experiment_id)
        runs = results_of(catalog.engine, stored.experiment_id)
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
