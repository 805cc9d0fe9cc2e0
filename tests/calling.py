"""How the tests call `mve` and `prefect`, and how they look at what came of it."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any


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


def deployment_of(name: str, api: str, workspace: Path) -> Any:
    """None as long as it is not registered, or is still the one that another test left on the server they share."""
    found = prefect_says(api, f"deployments/name/{name}")
    return found if found and found["parameters"].get("workspace") == str(workspace) else None


def run_deployment(name: str, api: str, workspace: Path) -> None:
    """Ask for a run, also where the deployment is registered only in a moment."""
    command = [sys.executable, "-m", "prefect", "deployment", "run", name]

    def accepted() -> bool:
        if deployment_of(name, api, workspace) is None:
            return False
        done = subprocess.run(command, env=environment(api=api), capture_output=True, text=True, timeout=60)
        print(done.stdout, done.stderr)  # shown where the test fails
        return done.returncode == 0

    until(accepted, 90, f"asking for a run of {name}")


def prefect_says(api: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Prefect's answer, None where there is no such thing. With a body: POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{api}/{path}", data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


def asked(root: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the catalog of the workspace `root`; none as long as there is no catalog."""
    catalog = root / "db" / "catalog.sqlite"
    if not catalog.exists():
        return []
    with contextlib.closing(sqlite3.connect(catalog)) as connection:
        return connection.execute(query).fetchall()


def until(happens: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `happens` gives once it is something. what: for the message where it does not come."""
    deadline = time.monotonic() + seconds
    while not (found := happens()):
        assert time.monotonic() < deadline, f"{what} took more than {seconds:.0f} s"
        time.sleep(0.1)
    return found
