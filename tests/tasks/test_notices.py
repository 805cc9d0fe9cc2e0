"""Notices reach a real server, once for each verdict and fault; where they cannot, nothing else notices."""

import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from db import catalog
from db.engine import open_catalog
from proposals.workspace import Workspace, find_workspace
from tasks.collect import sweep_open
from tasks.judge import judge_experiment
from tasks.notices import SETTING, notify
from tasks.settings import LARGEST

sys.path.insert(0, str(Path(__file__).parents[1] / "db"))

import catalog_samples as samples

SECRET = "hunter2"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise's own imports


class Inbox(HTTPServer):
    """Keeps what is posted to it; answers with `status`."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Answering)

    @property
    def url(self) -> str:
        return f"json://ada:{SECRET}@127.0.0.1:{self.server_port}/notices"


class _Answering(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (tmp_path / "proposals").mkdir()
    monkeypatch.delenv(SETTING, raising=False)
    return find_workspace(tmp_path, str(tmp_path / "catalog.sqlite"))


def delivered() -> None:
    """Wait for the threads that send."""
    for thread in threading.enumerate():
        if thread.name == "mve-notice":
            thread.join(timeout=30)
            assert not thread.is_alive()


def test_off_by_default(place: Workspace) -> None:
    assert notify(place, "title", "body") is None


def test_a_verdict_is_told_once_and_a_fault_when_it_is_found(
    place: Workspace, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, inbox.url)
    with open_catalog(place.catalog_url) as opened:
        engine = opened.engine
        registration = samples.register(engine)
        experiment = samples.start(engine, registration)
        samples.train_all(engine, experiment)
        again = samples.start(engine, samples.register(engine, samples.registration("022-other")), code="beef")
        run = samples.key("cosformer", 1, "beef")
        assert catalog.begin_attempt(engine, again, run, **samples.HERE, now=samples.NOW)  # and its orchestrator died
        assert judge_experiment(place, registration, experiment).next_look == 5, "no verdict yet"
        assert samples.start(engine, registration, seeds=10) == experiment
        samples.train_all(engine, experiment)
    for ended in (1, 0):
        judgement = judge_experiment(place, registration, experiment)
        assert judgement.next_look is None
        assert sweep_open(place).faults == ended
    delivered()
    assert sorted((notice["title"], notice["message"]) for notice in inbox.received) == [
        (f"{samples.STEM}: {judgement.verdict}", "\n".join(judgement.reasons)),
        (
            f"022-other: run {run[:12]} lost",
            "its orchestrator died before it was started\nThis says nothing about the idea.",
        ),
    ]


def test_the_workspace_can_name_the_url_and_the_variable_overrides_it(
    place: Workspace, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.root / "mve.toml").write_text(f'[notices]\nurl = "{inbox.url}"\n')
    notify(place, "a", "b")
    delivered()
    assert [notice["title"] for notice in inbox.received] == ["a"]
    monkeypatch.setenv(SETTING, "")
    assert notify(place, "c", "d") is None


def _unreachable() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"json://ada:{SECRET}@127.0.0.1:{free.getsockname()[1]}/{SECRET}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("unreachable", "could not be delivered (json)"),
        (f"nosuchservice://{SECRET}/x", "apprise does not know (nosuchservice)"),
        (f"{SECRET}", "(what is no URL)"),
        ("refused", "could not be delivered (json)"),
    ],
)
def test_what_cannot_be_delivered_is_a_line_without_secrets(
    url: str,
    says: str,
    place: Workspace,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    inbox.status = 500
    monkeypatch.setenv(SETTING, {"refused": inbox.url, "unreachable": _unreachable()}.get(url, url))
    with caplog.at_level(logging.INFO):
        notify(place, "title", "body")
        delivered()
    assert says in caplog.text
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


def test_settings_that_cannot_be_read_are_a_line_and_nothing_else(
    place: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    url = '[notices]\nurl = "json://x"\n'
    for text in ("not toml [", 'notices = "x"', "\0", url + "#" * LARGEST, url + "[caps]\nday = -1\n"):
        (place.root / "mve.toml").write_text(text)
        assert notify(place, "title", "body") is None
    assert caplog.text.count("notices are off") == 5
