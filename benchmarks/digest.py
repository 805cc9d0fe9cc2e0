"""What a digest costs in a large catalog: `python -m benchmarks.digest`.

In a catalog of 10,000 proposals and 100,000 runs (benchmarks/catalog_filler.py; `--scale 0.01` for a hundredth, or
`--catalog FILE` for a copy of one that was filled before): the first digest, of all that ever happened; one of what
happened since; and asking where nothing has. Catalog and research log lie in a temporary folder.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.catalog_filler import PROPOSALS, fill
from db import catalog
from db.engine import open_catalog
from proposals.workspace import find_workspace
from tasks.digest import write_digest

GOAL = 5.0
"""Seconds, of a digest."""
NEWS = 8
"""Verdicts that a person overrules between the first digest and the second."""
NOW = datetime(2027, 6, 1, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help=f"1: {PROPOSALS} proposals")
    parser.add_argument("--catalog", type=Path, help="a filled catalog, of which a copy is used")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.sqlite"
        if options.catalog:
            shutil.copyfile(options.catalog, path)
        else:
            fill(path, max(NEWS, round(PROPOSALS * options.scale)))
        took = digest_seconds(path)
    print("| a digest | seconds | goal |\n|---|---|---|")
    for what, seconds in took.items():
        print(f"| {what} | {seconds:.2f} | under {GOAL:g}{'' if seconds < GOAL else ', missed'} |")
    return 0 if all(seconds < GOAL for seconds in took.values()) else 1


def digest_seconds(path: Path) -> dict[str, float]:
    """Seconds of digests of the catalog at `path`, which is written to, with `research-log/` beside it."""
    (path.parent / "proposals").mkdir()
    place = find_workspace(path.parent, str(path))
    with open_catalog(path) as opened:
        first = timed(lambda: write_digest(place).id == 1)
        for registration in range(1, NEWS + 1):
            catalog.overrule(opened.engine, registration, "DEBUG", name="Ada", reason="to have news", now=NOW)
        second = timed(lambda: write_digest(place).id == 2)
        none = timed(lambda: write_digest(place).id is None)
    return {"of all that ever happened": first, f"of {NEWS} verdicts since": second, "nothing has changed": none}


def timed(do: Callable[[], bool]) -> float:
    began = time.perf_counter()
    assert do()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
