"""What checking and orchestration cost, training apart: `python -m benchmarks.orchestration`.

Prefect's part is the difference between `mve run` with nothing left to train and the same steps called as plain
functions, each in a process of its own: once with a fresh home, where a server has to be started, and with one up.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PLAIN = """
from proposals.workspace import find_workspace
from tasks.collect import sweep_open
from tasks.judge import judge_experiment
from tasks.plan import plan_look
from tasks.register import register_proposal
from tasks.report import write_report
place = find_workspace()
registered = register_proposal(place, "101-small-recall")
sweep_open(place)
planned = plan_look(place, registered.id, registered.first_look, "local", False)
assert not planned.missing
judge_experiment(place, registered.id, planned.experiment)
write_report(place, registered.id)
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        check = median(5, ["-m", "flows.cli", "check", "008"], os.environ | {"MVE_WORKSPACE": str(REPOSITORY)})
        _small_workspace(root)
        settings = os.environ | {"MVE_WORKSPACE": str(root), "PREFECT_HOME": str(root / "up")}
        settings |= {"PREFECT_API_URL": _free_api(), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
        run = ["-m", "flows.cli", "run", "101"]
        try:
            timed(run, settings)  # trains, and starts the server
            up = median(5, run, settings)
            plain = median(5, ["-c", PLAIN], settings)
            fresh_settings = settings | {"PREFECT_HOME": str(root / "fresh"), "PREFECT_API_URL": _free_api()}
            fresh = timed(run, fresh_settings)
        finally:
            for home in ("up", "fresh"):
                subprocess.run(
                    [sys.executable, "-m", "prefect", "server", "stop"],
                    env=settings | {"PREFECT_HOME": str(root / home)}, capture_output=True,
                )  # fmt: skip
    print("| what | seconds | goal |\n|---|---|---|")
    print(f"| `mve check 008`, median of 5 | {check:.2f} | < 1.5 |")
    print(f"| run without Prefect, nothing to train, median of 5 | {plain:.2f} | |")
    print(f"| Prefect adds, server up, median of 5 | {up - plain:.2f} | < 5 |")
    print(f"| Prefect adds, fresh home, once | {fresh - plain:.2f} | < 15 |")


def timed(arguments: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=True, cwd=REPOSITORY)
    return time.perf_counter() - began


def median(times: int, arguments: list[str], environment: dict[str, str]) -> float:
    return statistics.median(timed(arguments, environment) for _ in range(times))


def _small_workspace(root: Path) -> None:
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from small_proposals import write_proposal

    write_proposal(root)


def _free_api() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/api"


if __name__ == "__main__":
    main()
