"""What a large catalog costs to ask and to write: `python -m benchmarks.catalog`.

A catalog with 10,000 proposals, 100,000 runs and 5 million metric rows is made in a temporary folder
(benchmarks/catalog_filler.py; `--scale 0.01` for a hundredth). Then: each example of docs/catalog.md, all its rows
fetched; recording a result with its 200-epoch curves; and MLflow's SQLite store beside ours, logging and searching the
same runs, number by number. MLflow is no dependency: its part runs in an environment of its own, made in the temporary
folder, or given by `--mlflow /elsewhere/bin/python`; `--mlflow none` leaves it out.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, text

from benchmarks.catalog_filler import EPOCHS, METRICS_OF_A_RUN, PROPOSALS, VARIANTS, about, fill, frozen
from db import catalog
from db.engine import open_catalog, reading
from models.metrics import METRICS
from models.request import CurvePoint, SeedResult, Value
from proposals.spec import Proposal

REPOSITORY = Path(__file__).resolve().parent.parent
MLFLOW = ("mlflow-skinny==3.17.2", "sqlalchemy", "alembic")
COMPARED = 100
"""Runs that both stores log and search."""
CURVES = ("lr", "train_accuracy", "train_loss", "validation_accuracy", "validation_loss")
NOW = datetime(2027, 6, 1, tzinfo=UTC)


class Figure(NamedTuple):
    what: str
    value: float
    unit: str
    goal: float | None = None
    """At most; of a ratio, at least."""

    @property
    def reached(self) -> bool:
        if self.goal is None:
            return True
        return self.value >= self.goal if self.unit == "x" else self.value <= self.goal


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help=f"1: {PROPOSALS} proposals")
    parser.add_argument("--mlflow", default="", help="a Python that has MLflow; none: leave it out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.sqlite"
        figures = filling(path, max(1, round(PROPOSALS * options.scale)))
        figures += views(path)
        figures += curves(path)
        if options.mlflow != "none":
            figures += beside_mlflow(Path(folder), options.mlflow, max(2, round(COMPARED * min(1.0, options.scale))))
    print("| what | figure | goal |\n|---|---|---|")
    for figure in figures:
        goal = "" if figure.goal is None else f"{'at least' if figure.unit == 'x' else 'under'} {figure.goal:g}"
        print(f"| {figure.what} | {figure.value:.3g} {figure.unit} | {goal}{'' if figure.reached else ', missed'} |")
    return 0 if all(figure.reached for figure in figures) else 1


# -- figures -----------------------------------------------------------------------------------------------


def filling(path: Path, proposals: int) -> list[Figure]:
    took, size = timed(lambda: fill(path, proposals))
    what = (
        f"{size.proposals:,} proposals, {size.runs:,} runs, {size.metrics:,} metric rows, {size.curve_points:,} points"
    )
    return [Figure(f"making {what}", took, "s"), Figure("its file", path.stat().st_size / 1e6, "MB")]


def views(path: Path) -> list[Figure]:
    """The example of each view, and the questions that a progress display keeps asking; the best of five, which says
    more than the median where the machine has other things to do."""
    figures = []
    with open_catalog(path, read_only=True) as opened:
        for view, example in examples():
            took = best(5, partial(ask, opened.engine, example))
            figures.append(Figure(f"example of `{view}`, all rows", took, "s", 1.0))
        figures.append(Figure("states of one experiment", best(5, lambda: catalog.run_states(opened.engine, 1)), "s"))
        figures.append(Figure("spend of one registration", best(5, lambda: catalog.spend_of(opened.engine, 1)), "s"))
    return figures


def curves(path: Path) -> list[Figure]:
    """A run's result with its curves, into the large catalog."""
    with open_catalog(path) as opened:
        record = recorder(opened.engine, runs=10)
        took = median(10, record)
    return [Figure(f"recording a result with {len(CURVES)} curves of {EPOCHS} epochs", 1000 * took, "ms", 50)]


def beside_mlflow(folder: Path, python: str, runs: int) -> list[Figure]:
    """Both log the same runs, each by its own interface, and find the twenty best by test accuracy."""
    store = folder / "mlflow.sqlite"
    command = [python or with_mlflow(folder), str(REPOSITORY / "benchmarks" / "mlflow_side.py"), f"sqlite:///{store}"]
    stated = json.dumps({"metrics": [list(row) for row in values()], "points": points(), "runs": runs})
    done = subprocess.run(command, input=stated, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"MLflow's part failed:\n{done.stderr[-2000:]}")
    theirs = json.loads(done.stdout.splitlines()[-1])

    with open_catalog(folder / "beside.sqlite") as opened:
        record = recorder(opened.engine, runs)
        logging, _ = timed(lambda: [record() for _ in range(runs)])
        query = "SELECT stem, variant, seed, test_accuracy FROM runs ORDER BY test_accuracy DESC LIMIT 20"
        searching = median(5, lambda: ask(opened.engine, query))
    rows = runs * (METRICS_OF_A_RUN + len(points()))
    return [
        Figure(f"logging {runs} runs, {rows:,} numbers: ours", logging, "s"),
        Figure("the same, MLflow's SQLite store", theirs["logging"], "s"),
        Figure("MLflow's time to ours, logging", theirs["logging"] / logging, "x", 5),
        Figure("the 20 best of them: ours", 1000 * searching, "ms"),
        Figure("the same, MLflow's SQLite store", 1000 * theirs["searching"], "ms"),
        Figure("MLflow's time to ours, searching", theirs["searching"] / searching, "x", 5),
    ]


# -- parts -------------------------------------------------------------------------------------------------


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    done = do()
    return time.perf_counter() - began, done


def median(times: int, do: Callable[[], Any]) -> float:
    return statistics.median(timed(do)[0] for _ in range(times))


def best(times: int, do: Callable[[], Any]) -> float:
    return min(timed(do)[0] for _ in range(times))


def ask(engine: Engine, query: str) -> int:
    with reading(engine) as session:
        return len(session.connection().execute(text(query)).all())


def examples() -> list[tuple[str, str]]:
    """(view, query) as docs/catalog.md has them."""
    manual = (REPOSITORY / "docs" / "catalog.md").read_text(encoding="utf-8")
    section = manual.split("\n## Views\n")[1].split("\n## ")[0]
    return re.findall(r"^### `(\w+)`\n.*?```sql\n(.*?)```", section, re.DOTALL | re.MULTILINE)


def values() -> list[tuple[str, str, float]]:
    """(metric, condition as JSON, value) of one run."""
    return [(name, condition, value) for name, condition, value, *_ in about()]


def points() -> list[tuple[str, int, float]]:
    return [(metric, epoch, 1.0 / epoch) for metric in CURVES for epoch in range(1, EPOCHS + 1)]


def recorder(engine: Engine, runs: int) -> Callable[[], None]:
    """Each call begins an attempt and records its result, as `mve run` does; for so many runs."""
    proposal = Proposal(
        stem="99999-recorded", number="99999", title="Recorded", status="", priority="", created="", based_on=(),
        hypothesis="", setup=None, criteria=(), file="", source_sha256="a" * 64,
    )  # fmt: skip
    catalog.record_proposal(engine, proposal, NOW)
    frozen_here = frozen().model_copy(update={"stem": proposal.stem})
    registered = catalog.register(
        engine, frozen_here, git_commit=None, git_dirty=False, estimate_dollars=0, estimate_minutes=1, now=NOW
    )
    experiment = catalog.start_experiment(
        engine, registered.id, executor="local", profile="full", git_commit=None, git_dirty=False, now=NOW
    )
    keys = [f"recorded-{seed}".rjust(64, "0") for seed in range(runs)]
    catalog.plan_runs(engine, experiment, [(key, VARIANTS[0], seed, "{}") for seed, key in enumerate(keys)], NOW)
    left = iter(enumerate(keys))
    curve = tuple(
        CurvePoint.model_validate({"metric": metric, "epoch": epoch, "step": epoch, "value": value})
        for metric, epoch, value in points()
    )
    numbers = tuple(
        Value(metric=name, value=value, condition=json.loads(condition) if condition else {})
        for name, condition, value in values()
    )

    def record() -> None:
        seed, key = next(left)
        attempt = catalog.begin_attempt(engine, experiment, key, executor="local", host="here", boot_id="b", now=NOW)
        assert attempt is not None
        result = SeedResult(
            seed=seed, values=numbers, curve=curve, data_sha256="d" * 64, epochs=EPOCHS, best_epoch=EPOCHS,
            stopped="epochs", resumed=0,
        )  # fmt: skip
        assert catalog.record_result(
            engine, attempt, result, device="cpu", versions={}, seconds=60, dollars=0.02, vocabulary=METRICS, now=NOW
        )

    return record


def with_mlflow(folder: Path) -> str:
    """An environment of its own: MLflow wants other versions than we do."""
    home = folder / "mlflow"
    venv.create(home, with_pip=True)
    python = str(home / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", *MLFLOW], check=True, capture_output=True)
    return python


if __name__ == "__main__":
    sys.exit(main())
