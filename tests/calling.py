"""The environment in which the tests call `mve` and `prefect`."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def environment(workspace: Path | None = None, api: str | None = None) -> dict[str, str]:
    found = dict(os.environ)
    if workspace is not None:
        found["MVE_WORKSPACE"] = str(workspace)
    if api is not None:
        found["PREFECT_API_URL"] = api
    return found


def start(*arguments: str, workspace: Path, api: str) -> subprocess.Popen[str]:
    """`mve` in the background, as from a terminal: Ctrl-C is heard, also where the tests themselves run in a
    background that ignores it."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=environment(workspace, api),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
