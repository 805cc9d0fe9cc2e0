"""The copy at W&B says what the catalog says, in wandb's own files; and nothing waits for it."""

import asyncio
import contextlib
import os
import random
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_proposals import TWO, write_proposal

from db.catalog import begin_attempt, log_of, record_result, results_of
from models.metrics import METRICS
from models.request import CurvePoint, SeedResult, Value
from proposals.workspace import Workspace
from tasks.judge import judge_experiment
from tasks.mirror import MirrorError, mirror_verdict, run_child
from tasks.place import catalog_of, now
from tasks.plan import plan_look
from tasks.register import register_proposal
from tasks.report import write_report

STEM = "101-small-recall"
EPOCHS = 200
KEY = "0123456789abcdef0123456789abcdef01234567"
"""Of the shape that wandb accepts, and nobody's."""


@pytest.fixture(autouse=True)
def _nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("WANDB_", "MVE_WANDB"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture
def judged(tmp_path: Path) -> tuple[Workspace, int, int]:
    """A workspace in which a verdict was reached on invented results: registration, experiment."""
    place = write_proposal(tmp_path / "workspace", seeds=TWO)
    registered = register_proposal(place, STEM)
    planned = plan_look(place, registered.id, 2, "local", False)
    draw = random.Random(7)
    with catalog_of(place) as engine:
        for key, name in planned.missing.items():
            attempt = begin_attempt(
                engine, planned.experiment, key, executor="local", host="here", boot_id="b", now=now()
            )
            assert attempt is not None
            record_result(
                engine, attempt, result_of(int(name[-1]), draw), device="cpu: here", versions={"torch": "2"},
                seconds=1.0, dollars=0.0, vocabulary=METRICS, now=now(),
            )  # fmt: skip
    judge_experiment(place, registered.id, planned.experiment)
    write_report(place, registered.id)
    return place, registered.id, planned.experiment


def result_of(seed: int, draw: random.Random) -> SeedResult:
    """Curves long enough that wandb's file has several blocks, with numbers that have all their digits."""
    curve = tuple(
        CurvePoint(epoch=epoch, step=2 * epoch, metric=metric, value=draw.random())
        for epoch in range(1, EPOCHS + 1)
        for metric in ("train_loss", "validation_accuracy", "lr")
    )
    values = (
        Value(metric="test_loss", value=draw.random()),
        Value(metric="test_accuracy", value=draw.random()),
        Value(metric="test_accuracy", value=draw.random(), condition={"length": 512, "gap": 0.5}),
        Value(metric="nan_count", value=0),
        Value(metric="state_memory", value=160, source="analytic"),
        Value(metric="peak_memory", value=None),
    )
    return SeedResult(
        seed=seed, values=values, curve=curve, data_sha256="d" * 64, epochs=EPOCHS, best_epoch=3, stopped="epochs",
        resumed=0,
    )  # fmt: skip


def test_every_point_and_number_of_the_catalog_is_in_the_file(
    judged: tuple[Workspace, int, int], tmp_path: Path
) -> None:
    pytest.importorskip("wandb", reason="wandb is an extra: pip install 'mve[wandb]'")
    from wandb_file import BLOCK, items, records

    place, registration, experiment = judged
    assert asyncio.run(mirror_verdict(place, registration))
    files = list((place.root / "wandb").rglob("*.wandb"))
    found = {}
    for path in files:
        assert path.stat().st_size > BLOCK, "a record that crosses blocks is part of the test"
        config, curves, summary, group, exits = {}, {}, {}, "", 0
        for record in records(path):
            match record.WhichOneof("record_type"):
                case "run":
                    config, group = items(record.run.config.update), record.run.run_group
                case "history":
                    row = items(record.history.item)
                    named = {name: value for name, value in row.items() if name.startswith("curves/")}
                    curves |= {(name[7:], row["step"], row["epoch"]): value for name, value in named.items()}
                case "summary":
                    summary |= items(record.summary.update)
                case "exit":
                    exits += 1
        assert exits == 1, "it was ended as runs are"
        found[config["variant"], config["seed"]] = (config, curves, summary, group)

    with catalog_of(place) as engine:
        stored = results_of(engine, experiment)
    assert len(files) == len(stored) == 4
    for run in stored:
        config, curves, summary, group = found[run.variant, run.result.seed]
        assert curves == {(one.metric, one.step, one.epoch): one.value for one in run.result.curve}
        assert len(curves) == 3 * EPOCHS
        finals = {one.metric: one.value for one in run.result.values if not one.condition}
        assert finals == {name: summary[name] for name in finals}
        assert {"test_loss", "test_accuracy", "nan_count", "state_memory", "cost"} <= set(finals)
        (under,) = [one.value for one in run.result.values if one.condition]
        assert summary["test_accuracy[gap=0.5, length=512]"] == under
        assert summary["verdict"] == "PROCEED"
        assert summary["criteria/S1"] == "holds"
        assert summary["results_page"] == f"experiments/{STEM}/results.md"
        assert (place.root / summary["results_page"]).is_file()
        assert config["run_key"] == run.key
        assert config["training"]["lr"] == 0.01
        assert config["mixer"]["mixer"] == {"attention": "softmax_attention", "linear": "linear_attention"}[run.variant]
        assert group.startswith(f"{STEM} ")

    page = write_report(place, registration).read_text()
    (line,) = [line for line in page.splitlines() if line.startswith("| W&B |")]
    pattern = line.split("`wandb sync ")[1].split("`")[0]
    assert len(list(place.root.glob(pattern))) == 4, "the command on the page names all of them"
    at_home = [path.name for path in (tmp_path / "home").rglob("*")]
    assert not [name for name in at_home if "wandb" in name or "netrc" in name], "matplotlib keeps its fonts there"
    assert not list((place.root / "wandb").rglob("requirements.txt"))
    assert not list((place.root / "wandb").rglob("job.json"))

    # once is enough
    assert not asyncio.run(mirror_verdict(place, registration))
    assert list((place.root / "wandb").rglob("*.wandb")) == files


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.slow
def test_a_server_that_hangs_costs_the_deadline_and_no_run(
    judged: tuple[Workspace, int, int], silent_server: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    pytest.importorskip("wandb", reason="wandb is an extra: pip install 'mve[wandb]'")
    for name, value in (("API_KEY", KEY), ("BASE_URL", silent_server)):
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.setenv("MVE_WANDB_SECONDS", "12")
    place, registration, _ = judged
    began = time.monotonic()
    assert asyncio.run(mirror_verdict(place, registration)), "what was written offline is there"
    assert time.monotonic() - began < 20
    assert "more than 12 s" in caplog.text
    assert len(list((place.root / "wandb").rglob("*.wandb"))) == 4
    with catalog_of(place) as engine:
        entry = log_of(engine, STEM)[-1]
    assert entry.kind == "mirrored"
    assert entry.refs["online"] is False
    assert "not brought online" in entry.text
    assert "`wandb sync wandb/" in write_report(place, registration).read_text()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_a_child_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    program = (
        "import signal, subprocess, sys, time, pathlib\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(tmp_path / 'inner')!r}).write_text(str(inner.pid))\n"
        "time.sleep(600)"
    )
    folder = tmp_path / "wandb" / STEM / "verdict-1"
    folder.mkdir(parents=True)

    async def wait() -> int:
        """How often something else had its turn meanwhile."""
        turns = 0
        child = asyncio.ensure_future(run_child(folder, [sys.executable, "-c", program], 3))
        while not child.done():
            await asyncio.sleep(0.05)
            turns += 1
        with pytest.raises(MirrorError, match="more than 3 s"):
            await child
        return turns

    began = time.monotonic()
    assert asyncio.run(wait()) > 10, "it holds nobody up"
    assert time.monotonic() - began < 30
    inner = int((tmp_path / "inner").read_text())
    deadline = time.monotonic() + 5
    while not gone(inner) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(inner)


def gone(process: int) -> bool:
    """No such process, or a dead one that nobody has asked after."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True


def test_what_fails_is_a_warning_and_a_line_in_the_log_without_the_key(
    judged: tuple[Workspace, int, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place, registration, _ = judged
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    program = f"import sys; print('a line', flush=True); sys.exit('refused: {KEY}')"
    monkeypatch.setattr("tasks.mirror.command_of", lambda folder: [sys.executable, "-c", program])
    assert not asyncio.run(mirror_verdict(place, registration))
    assert "refused: ***" in caplog.text
    assert KEY not in caplog.text
    with catalog_of(place) as engine:
        entry = log_of(engine, STEM)[-1]
    assert entry.kind == "not mirrored"
    assert "refused: ***" in entry.text
    assert "W&B" not in write_report(place, registration).read_text()


def test_without_wandb_it_says_what_to_install(
    judged: tuple[Workspace, int, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    place, registration, _ = judged
    assert not asyncio.run(mirror_verdict(place, registration))
    assert "pip install 'mve[wandb]'" in caplog.text


def test_only_the_child_imports_wandb() -> None:
    root = Path(__file__).parents[2]
    importing = [
        path.name
        for room in ("flows", "tasks", "db", "templates", "proposals", "models")
        for path in (root / room).rglob("*.py")
        if any(line.split()[:2] in (["import", "wandb"], ["from", "wandb"]) for line in path.read_text().splitlines())
    ]
    assert importing == ["mirror_child.py"]
