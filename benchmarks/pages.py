"""What the pages of a large catalog cost: `python -m benchmarks.pages`.

A catalog with 10,000 proposals, 100,000 runs and 5 million metric rows is made in a temporary folder
(benchmarks/catalog_filler.py; `--scale 0.01` for a hundredth), or taken where it lies with `--catalog`. Each writing is
a process of its own, as `mve pages` is.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.catalog_filler import PROPOSALS, fill

NEWEST = 200
SECONDS, INDEX_MB = 60.0, 2.0
"""What is asked: of writing the newest pages, and of the index with all that it loads."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help=f"1: {PROPOSALS} proposals")
    parser.add_argument("--catalog", type=Path, help="one that was made before")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "proposals").mkdir()
        path = options.catalog or root / "catalog.sqlite"
        if options.catalog is None:
            fill(path, max(1, round(PROPOSALS * options.scale)))
        first, _ = write(root, path)
        again, stated = write(root, path)
        assert stated["changed"] == []
        site = root / "site"
        loaded = sum((site / name).stat().st_size for name in ("index.html", "proposals.js", "filter.js", "style.css"))
        largest = max(page.stat().st_size for page in (site / "proposals").iterdir())
        whole = sum(file.stat().st_size for file in site.rglob("*") if file.is_file())
    print("| what | figure | goal |\n|---|---|---|")
    print(f"| pages of the {NEWEST} newest, index, overview | {first:.1f} s | under {SECONDS:g} |")
    print(f"| the same again, nothing changed | {again:.1f} s | |")
    print(f"| index with its data, script and style | {loaded / 1e6:.2f} MB | under {INDEX_MB:g} |")
    print(f"| largest page of a proposal | {largest / 1e3:.0f} KB | |")
    print(f"| the whole site, {stated['files']} files | {whole / 1e6:.1f} MB | |")
    return 0 if first < SECONDS and loaded < 1e6 * INDEX_MB else 1


def write(root: Path, catalog: Path) -> tuple[float, dict[str, Any]]:
    command = [sys.executable, "-m", "flows.cli", "pages", "--json", "--newest", str(NEWEST), "--workspace", str(root)]
    began = time.perf_counter()
    done = subprocess.run([*command, "--catalog", str(catalog)], check=True, capture_output=True, text=True)
    return time.perf_counter() - began, json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
