"""What trials share: one Prefect server, one local Modal server with our app deployed, and what has hit so far."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.faults.machines import PrefectServer
from proposals.workspace import REPOSITORY
from tests.modal_server.serving import Running, started

CONTAINERS = 3


@dataclass
class World:
    """What trials share. `hits`: injections by kind. serving: one trial at a time has a worker, since the scheduled
    deployments of two would have the same names. ending: the campaign is called off."""

    prefect: PrefectServer
    modal: Running
    hits: Counter[str] = field(default_factory=Counter)
    serving: threading.Lock = field(default_factory=threading.Lock)
    ending: threading.Event = field(default_factory=threading.Event)


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    """Both servers, with their files in `folder`; they end with the block."""
    prefect = PrefectServer(folder / "prefect")
    try:
        with started(folder / "modal", width=CONTAINERS) as modal:
            prefect.start()
            subprocess.run(
                [sys.executable, "-m", "flows.cli", "deploy-gpu"],
                env={**os.environ, **modal.variables}, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            yield World(prefect, modal)
    finally:
        prefect.kill()
