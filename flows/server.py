"""A Prefect server to report to: the one that is configured, else one of this workspace, started when needed.

Prefect without a server starts a temporary one in every process, which is slow and loses task runs when two are up
at once. So there is one per workspace, in the background, with its files in `<workspace>/.prefect`; it stays until
`prefect server stop`. This must be settled before anything imports prefect.
"""

import fcntl
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

DEFAULT_API = "http://127.0.0.1:4200/api"
START_SECONDS = 60


def configure_prefect(root: Path) -> str:
    """Point Prefect at the server of the workspace `root`, unless the environment names another. Returns its URL."""
    assert "prefect" not in sys.modules, "settings are read when prefect is imported"
    home = root / ".prefect"
    api = os.environ.setdefault("PREFECT_API_URL", _named_in(root / "prefect.toml") or DEFAULT_API)
    os.environ.setdefault("PREFECT_HOME", str(home))
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
    os.environ.setdefault("PREFECT_UI_API_URL", api)
    os.environ.setdefault("PREFECT_RUNNER_POLL_FREQUENCY", "1")
    # the terminal shows our own progress; Prefect's lines still reach its server
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "WARNING")
    return api


def _named_in(path: Path) -> str | None:
    if not path.exists():
        return None
    import tomllib

    url = tomllib.loads(path.read_text()).get("api", {}).get("url")
    return str(url) if url else None


def ensure_server(api: str, say: Callable[[str], None] = lambda _: None) -> bool:
    """Wait until the server at `api` answers, starting it if it is ours to start. True where it was started here.

    Raises ConnectionError, with the remedy, where it is on another machine, or its port belongs to something else.
    """
    if answers(api):
        return False
    url = urlparse(api)
    host, port = url.hostname or "", url.port or 80
    if host not in ("127.0.0.1", "localhost", "::1"):
        raise ConnectionError(
            f"no Prefect server answers at {api}. Start it there, or unset PREFECT_API_URL to use one of this machine"
        )
    home = Path(os.environ["PREFECT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    with (home / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs that begin together start one server
        if answers(api):
            return False
        say(f"starting a Prefect server at {api.removesuffix('/api')} (it stays; `prefect server stop` ends it)")
        _start(host, port, home)
        _wait_for(api, home)
    return True


def answers(api: str, seconds: float = 2.0) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=seconds) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _start(host: str, port: int, home: Path) -> None:
    with (home / "server.log").open("ab") as log:
        # a session of its own: it outlives this process and does not hear its Ctrl-C
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", str(port)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=home,
        )  # fmt: skip
    (home / "server.pid").write_text(str(server.pid))  # where `prefect server stop` looks


def _wait_for(api: str, home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if answers(api, seconds=1.0):
            return
        if not _running(home):
            break
        time.sleep(0.1)
    tail = "\n".join((home / "server.log").read_text(errors="replace").splitlines()[-5:])
    raise ConnectionError(
        f"the Prefect server did not come up at {api}. If something else holds its port, set PREFECT_API_URL to "
        f"another one, such as http://127.0.0.1:4201/api. Its last words, from {home / 'server.log'}:\n{tail}"
    )


def _running(home: Path) -> bool:
    try:
        return os.waitpid(int((home / "server.pid").read_text()), os.WNOHANG) == (0, 0)
    except (ChildProcessError, ValueError, OSError):
        return False
