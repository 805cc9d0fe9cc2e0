"""What `mve run` says before it pays for machines, and whom it asks. The server is the local one, under an address that
`modal_client.is_local` does not know: so what is done is what is done where it costs money."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from calling import environment, prefect_says
from modal_server.serving import Running as Server
from modal_server.serving import started
from small_proposals import write_proposal

BROKEN = """
from models import options
from models.mixers.base import Mixer


class Options(options.Options):
    gain: float = 1.0


class Broken(Mixer):
    def __init__(self, given, width, heads, length):
        super().__init__()

    def forward(self, x, at=None):
        raise RuntimeError("it cannot be trained")

    def state_elements(self):
        return 1


Mixer = Broken
"""
Mve = Callable[..., CompletedProcess[str]]
RUN = ("run", "101", "--executor", "modal")
NOWHERE = "http://prefect.invalid:4200/api"
"""A Prefect server that is not there: the run that goes on ends here, before anything is registered."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the app deployed."""
    with started(tmp_path_factory.mktemp("modal")) as running:
        deploy = "from tasks.executors import modal_client; modal_client.deploy(print)"
        subprocess.run([sys.executable, "-c", deploy], env={**os.environ, **running.variables}, check=True)
        yield running


@pytest.fixture
def paid(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value.replace("//127.0.0.1:", "//127.1:"))
    return server


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with a proposal that may spend something, and one that may not."""
    root = tmp_path / "workspace"
    write_proposal(root, stem="102-for-nothing")
    path = write_proposal(root, seeds="[5, 10]").proposals / "101-small-recall.md"
    path.write_text(path.read_text().replace("minutes: 1, dollars: 0", "minutes: 20, dollars: 0.5"))
    return root


def nothing_began(place: Path) -> bool:
    """Not even a catalog is there, and there is no call without an attempt in it."""
    return not (place / "db").exists()


def test_without_a_terminal_and_without_yes_nothing_is_begun(paid: Server, place: Path, mve: Mve) -> None:
    ran = mve(*RUN, workspace=place, api=NOWHERE)
    assert ran.returncode == 2
    assert "Run it again with --yes" in ran.stderr
    said = " ".join(ran.stdout.split())
    assert "101: A small recall" in said
    assert "runs 10 of 2 variants x 5 seeds; 10 more where those decide nothing, up to 10 seeds" in said
    assert "where one CPU each, on Modal, at most 8 at once" in said
    assert "time at most 4.0 min each" in said
    assert "at most $0.50, which the cap per experiment of $0.50 leaves ($0.00 spent, $0.00 reserved)" in said
    assert "at $0.0473 an hour (cpu: Modal's rates call, 20" in said
    assert nothing_began(place)


def test_with_yes_nothing_is_asked(paid: Server, place: Path, mve: Mve) -> None:
    ran = mve(*RUN, "--yes", workspace=place, api=NOWHERE)
    assert "at most $0.50" in ran.stdout
    assert "no Prefect server answers" in ran.stderr, "it went on"


def test_against_a_server_on_this_machine_nothing_is_asked(
    server: Server, place: Path, mve: Mve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
    ran = mve(*RUN, workspace=place, api=NOWHERE)
    assert "a server on this machine that speaks Modal's protocol" in ran.stdout
    assert "nobody is billed" in ran.stdout
    assert "no Prefect server answers" in ran.stderr, "it went on"


def test_a_budget_of_nothing_is_told_before_anything_is_registered(paid: Server, place: Path, mve: Mve) -> None:
    ran = mve("run", "102", "--executor", "modal", "--yes", workspace=place, api=NOWHERE)
    assert ran.returncode == 2
    lines = (place / "proposals" / "102-for-nothing.md").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if text.startswith("compute:"))
    assert f"102-for-nothing.md:{line}: `dollars: 0` leaves no room" in ran.stderr
    assert "Raise `dollars` under `compute`, to $0.01" in ran.stderr
    assert nothing_began(place)


def test_several_proposals_have_one_statement_with_their_sum(paid: Server, place: Path, mve: Mve) -> None:
    other = place / "proposals" / "103-another.md"
    text = (place / "proposals" / "101-small-recall.md").read_text()
    other.write_text(text.replace('"101"', '"103"').replace("[5, 10]", "[5]").replace("0.5}", "0.25}"))
    ran = mve("run", "--all", "--executor", "modal", workspace=place, api=NOWHERE)
    assert ran.returncode == 2
    rows = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}
    assert rows["101"][:5] == ["10", "10", "0", "CPU", "4.0"]
    assert rows["103"][:5] == ["10", "0", "0", "CPU", "8.0"]
    assert rows["sum"][:3] == ["20", "10", "0"]
    assert (rows["101"][-1], rows["103"][-1], rows["sum"][-1]) == ("$0.50", "$0.25", "$0.75")
    assert rows["102"][0] == "refused:"
    assert ran.stderr.count("--yes") == 1
    assert nothing_began(place)


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("", 1), ("y", 2)])
def test_on_a_terminal_it_is_asked(paid: Server, place: Path, answer: str, code: int) -> None:
    status, shown = typed(place, answer)
    assert shown.count("go on? [y/N]") == 1, shown
    assert shown.index("at most $0.50") < shown.index("go on?")
    assert status == code, shown
    assert ("no Prefect server answers" in shown) == (answer == "y")
    assert ("nothing was registered or started" in shown) == (answer != "y")
    assert nothing_began(place)


def typed(place: Path, answer: str) -> tuple[int, str]:
    """Exit code, and what a terminal showed, of a run where somebody types an answer."""
    ours, terminal = pty.openpty()
    settings = {**environment(place, NOWHERE), "TERM": "xterm-256color", "COLUMNS": "200"}
    child = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *RUN], env=settings, stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown, answered = b"", False
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
        if b"[y/N]" in shown and not answered:
            os.write(ours, f"{answer}\n".encode())
            answered = True
    status = child.wait(timeout=60)
    os.close(ours)
    return status, shown.decode(errors="replace")


@pytest.mark.slow
@pytest.mark.server
def test_what_is_there_is_not_paid_again_and_not_asked_for(
    paid: Server, place: Path, mve: Mve, prefect_api: str
) -> None:
    before = len(paid.journal("called"))
    ran = mve(*RUN, "--yes", workspace=place, api=prefect_api)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    called = len(paid.journal("called")) - before
    assert called >= 10
    newest = {"limit": 200, "sort": "TIMESTAMP_DESC"}
    logged = [entry["message"] for entry in prefect_says(prefect_api, "logs/filter", newest)]
    assert any("which the cap per experiment of $0.50 leaves" in message for message in logged), logged
    again = mve(*RUN, workspace=place, api=prefect_api)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "have their result, and nothing more is paid" in again.stdout
    assert len(paid.journal("called")) - before == called


@pytest.mark.slow
@pytest.mark.server
def test_what_cannot_train_at_all_is_not_paid_for_not_even_quickly(
    paid: Server, place: Path, mve: Mve, prefect_api: str
) -> None:
    folder = place / "proposals" / "104-broken"
    folder.mkdir()
    text = (place / "proposals" / "101-small-recall.md").read_text().replace('"101"', '"104"')
    own = "{mixer: own, file: broken.py, options: {gain: 2.0}, proposed: true}"
    (folder / "proposal.md").write_text(text.replace("{mixer: softmax_attention, proposed: true}", own))
    (folder / "broken.py").write_text(BROKEN)
    before = len(paid.journal("called"))
    ran = mve("run", "104", "--quick", "--executor", "modal", "--yes", workspace=place, api=prefect_api)
    assert ran.returncode != 0
    assert "the dry run of attention failed, so nothing was trained" in ran.stdout + ran.stderr
    assert len(paid.journal("called")) == before
