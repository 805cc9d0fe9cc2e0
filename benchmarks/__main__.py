"""Every benchmark, one after the other: `python -m benchmarks`. Figures are those of this machine, at this moment."""

import subprocess
import sys

BENCHMARKS = (
    "benchmarks.training",
    "benchmarks.mixers",
    "benchmarks.orchestration",
    "benchmarks.scale",
    "benchmarks.checking",
    "benchmarks.calibration",
    "benchmarks.catalog",
    "benchmarks.pages",
    "benchmarks.digest",
)


def main() -> None:
    for name in BENCHMARKS:
        print(f"\n## python -m {name}\n", flush=True)
        subprocess.run([sys.executable, "-m", name], check=True)


if __name__ == "__main__":
    main()
