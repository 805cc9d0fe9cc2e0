"""Starting the server: in this process (`serve`), or in a child that ends with the tests (`started`)."""

import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent.parent


async def serve(port: int, root: Path, width: int, grace: float, ready: Any) -> None:
    """Until SIGTERM or SIGINT. `ready` is called with the environment variables of a client."""
    from aiohttp import web
    from grpclib.server import Server

    from tests.modal_server.blobs import Service
    from tests.modal_server.faults import Faults
    from tests.modal_server.state import State

    for folder in ("blobs", "uploads", "volumes", "containers"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    service = Service()
    service.state, service.faults, service.stamps = State(root, width), Faults(), {}
    service.grace, service.tasks = grace, set()

    server = Server([service])
    await server.start("127.0.0.1", port)
    assert server._server is not None
    port = server._server.sockets[0].getsockname()[1]
    service.address = f"http://127.0.0.1:{port}"
    runner = web.AppRunner(service.application(), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.http = f"http://127.0.0.1:{runner.addresses[0][1]}"

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    service.background(service.watch_time())
    ready(variables(service.address, root), service.http)
    await ended.wait()
    service.state.ending = True
    await service.state.notify()
    for container in list(service.state.containers.values()):
        if container.process is not None and container.process.returncode is None:
            container.process.kill()
    for task in list(service.tasks):
        task.cancel()
    await asyncio.gather(*service.tasks, return_exceptions=True)
    await runner.cleanup()
    server.close()
    service.state.close()


def variables(address: str, root: Path) -> dict[str, str]:
    """What a client is to find in its environment."""
    return {
        "MODAL_SERVER_URL": address,
        "MODAL_TOKEN_ID": "ak-local",
        "MODAL_TOKEN_SECRET": "as-local",
        "MODAL_CONFIG_PATH": str(root / "no-config"),
        "MODAL_ENVIRONMENT": "main",
    }


# -- from tests ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A server in a child process."""

    root: Path
    variables: dict[str, str]
    http: str

    def fault(self, do: str, **more: Any) -> dict[str, Any]:
        body = json.dumps({"do": do, **more}).encode()
        asked = urllib.request.Request(f"{self.http}/fault", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read())

    def journal(self, event: str | None = None) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in (self.root / "journal.jsonl").read_text().splitlines()]
        return [line for line in lines if event in (None, line["event"])]


@contextlib.contextmanager
def started(root: Path, width: int = 8, grace: float = 5.0) -> Iterator[Running]:
    """A server of its own on a free port, ended with the block."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "server.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.modal_server", "--port", "0", "--root", str(root),
             "--containers", str(width), "--grace", str(grace), "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY, env={**os.environ},
        )  # fmt: skip
    assert child.stdout is not None
    try:
        readable, _, _ = select.select([child.stdout], [], [], 60)
        line = child.stdout.readline() if readable else b""
        assert line, f"the local Modal server did not start: {(root / 'server.log').read_text()}"
        told = json.loads(line)
        yield Running(root, told["variables"], told["http"])
    finally:
        child.terminate()
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()
