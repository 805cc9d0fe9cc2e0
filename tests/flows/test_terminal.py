"""What the terminal shows of a workspace: in a table, in a pipe, as JSON; quickly, and as the manual says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from calling import environment
from small_proposals import TWO, write_proposal
from terminal import in_terminal
from typer.testing import CliRunner

from db.catalog import begin_attempt, end_attempt, record_result, store_handle
from models.metrics import METRICS
from models.request import SeedResult, Value
from proposals.workspace import REPOSITORY, Workspace
from tasks.judge import judge_experiment, judge_on_paper
from tasks.place import catalog_of, now
from tasks.plan import plan_look
from tasks.register import register_proposal
from tasks.report import write_report

MANUAL = (REPOSITORY / "docs" / "commands.md").read_text()
ACCURACY = {"attention": (0.9, 0.7), "linear": (0.3, 0.2)}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """101 proceeds after a fault, 102 is decided on paper, 103 is under way, 104 was never registered."""
    root = tmp_path_factory.mktemp("terminal")
    for stem in ("101-small-recall", "103-under-way", "104-never-registered"):
        write_proposal(root, stem=stem, seeds=TWO)
    place = write_proposal(root, stem="102-on-paper", target="`attention.state_memory < 0.2 * linear.state_memory`")
    document = place.proposals / "102-on-paper.md"
    document.write_text(document.read_text().replace("[linear-attention]", "[linear-attention, thrift]"))
    other = place.proposals / "103-under-way.md"  # other runs than those of 101
    other.write_text(other.read_text().replace("lr: 1e-2", "lr: 2e-2"))
    _train(place, "101-small-recall")
    decided = register_proposal(place, "102-on-paper")
    assert judge_on_paper(place, decided.id, quick=False) is not None
    started = register_proposal(place, "103-under-way")
    planned = plan_look(place, started.id, 2, "local", False)
    with catalog_of(place) as engine:
        key = next(iter(planned.missing))
        attempt = begin_attempt(
            engine, planned.experiment, key, executor="local", host="far-away", boot_id="b", now=now()
        )
        assert attempt is not None
        store_handle(engine, attempt, {"pid": 1, "started": "1", "directory": str(root)}, now())
    return place


def _train(place: Workspace, stem: str) -> None:
    registered = register_proposal(place, stem)
    planned = plan_look(place, registered.id, 2, "local", False)
    given = {"executor": "local", "host": "here", "boot_id": "b"}
    with catalog_of(place) as engine:
        first = next(iter(planned.missing))
        lost = begin_attempt(engine, planned.experiment, first, **given, now=now())
        end_attempt(engine, lost, "lost", seconds=60.0, dollars=0.5, reason="node taken", now=now())
        for key, name in planned.missing.items():
            variant, seed = name.rsplit("-seed-", 1)
            accuracy = ACCURACY[variant][int(seed)]
            values = (Value(metric="test_accuracy", value=accuracy), Value(metric="test_loss", value=2 - accuracy))
            result = SeedResult(
                seed=int(seed), values=(*values, Value(metric="nan_count", value=0)), curve=(), data_sha256="d" * 64,
                epochs=2, best_epoch=1, stopped="epochs", resumed=0,
            )  # fmt: skip
            attempt = begin_attempt(engine, planned.experiment, key, **given, now=now())
            record_result(
                engine, attempt, result, device="cpu: here", versions={}, seconds=30.0, dollars=0.25,
                vocabulary=METRICS, now=now(),
            )  # fmt: skip
    judge_experiment(place, registered.id, planned.experiment)
    write_report(place, registered.id)


def shown(place: Workspace, *arguments: str) -> str:
    """Standard output of `mve` in this process, as into a pipe: a second saved for each that needs no other."""
    from flows.cli import app

    done = CliRunner().invoke(app, arguments, env={"MVE_WORKSPACE": str(place.root)}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return str(done.stdout)


def test_the_list_in_a_pipe_is_plain_and_whole(mve: Any, place: Workspace) -> None:
    done = mve("list", workspace=place.root)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert not re.search("[─│╭┃━]", done.stdout)
    rows = [re.split(r"  +", line.strip()) for line in done.stdout.splitlines()]
    # 60 s were lost and four runs took 30 s each; half a dollar was lost and four runs cost a quarter
    today = f"{now():%Y-%m-%d}"
    assert rows[1] == ["101", "A small recall", "PROCEED", "specified", "2", "3.0", "1.50", today]
    assert rows[2][:4] == ["102", "A small recall", "ABANDON", "specified"]
    assert rows[3][2] == "–"
    assert rows[3][-1] == "1 running"
    assert rows[4][-1] == "not run"
    assert rows[5] == ["4 proposals: 1 PROCEED, 1 ABANDON, 2 without a verdict"]


def test_filters(mve: Any, place: Workspace) -> None:
    def stems(*options: str) -> list[str]:
        found = json.loads(shown(place, "list", "--json", *options))
        assert sum(found["counts"].values()) == len(found["proposals"])
        return [one["stem"][:3] for one in found["proposals"]]

    assert stems("--verdict", "abandon") == ["102"]
    assert stems("--verdict", "none") == ["103", "104"]
    assert stems("--trick", "linear-attention") == ["101", "102", "103", "104"]
    assert stems("--trick", "thrift", "--verdict", "PROCEED") == []
    wrong = mve("list", "--trick", "thrif", workspace=place.root)
    assert wrong.returncode == 2
    assert "Did you mean thrift?" in wrong.stderr
    assert "INCONCLUSIVE" in mve("list", "--verdict", "perhaps", workspace=place.root).stderr


def test_show_tells_the_whole_story(place: Workspace) -> None:
    text = shown(place, "show", "101")
    assert "Attention recalls three pairs." in text
    assert re.search(r"^S1 +target +attention.test_loss < 20 .*\+\S+ +holds$", text, re.MULTILINE)
    assert re.search(r"^F1 +kill .* fails$", text, re.MULTILINE)
    assert re.search(r"^attention +2/2 +3 +80.0 % +70.0 % +90.0 % +cpu: here$", text, re.MULTILINE)
    assert re.search(r"^linear +2/2 +2 +25.0 % +20.0 % +30.0 %", text, re.MULTILINE)
    assert "attempt 1: lost, node taken" in text
    assert "PROCEED by rule 6" in text
    page = text.strip().splitlines()[-1]
    assert (place.root / page).is_file()
    never = shown(place, "show", "104")
    assert "`mve run 104` tests it" in never
    assert never.count("not judged") == 3


def test_what_is_not_there_is_answered_with_the_nearest(mve: Any, place: Workspace) -> None:
    done = mve("show", "105", workspace=place.root)
    assert done.returncode == 2
    assert re.search(r"there is no proposal `105`. Did you mean 10\d\?", done.stderr)
    assert "101-small-recall" in mve("show", "101-smal-recall", workspace=place.root).stderr


def test_status(mve: Any, place: Workspace) -> None:
    done = mve("status", "--json", workspace=place.root, api="http://127.0.0.1:9/api")
    found = json.loads(done.stdout)
    assert set(found) == keys("status")
    (attempt,) = found["open"]
    assert (attempt["stem"], attempt["host"], attempt["state"]) == ("103-under-way", "far-away", "elsewhere")
    assert found["prefect"] == {"api": "http://127.0.0.1:9/api", "reachable": False}
    waiting = {one["number"]: one["reason"] for one in found["waiting"]}
    assert waiting == {"103": "registered, no verdict: 0 of 4 runs have results", "104": "never registered"}
    text = mve("status", workspace=place.root, api="http://127.0.0.1:9/api").stdout
    assert "Prefect at http://127.0.0.1:9 does not answer" in text


def test_there_is_no_catalog_yet(mve: Any, tmp_path: Path) -> None:
    write_proposal(tmp_path)
    assert "1 proposal: 1 without a verdict" in mve("list", workspace=tmp_path).stdout
    assert "Not registered" in mve("show", "101", workspace=tmp_path).stdout
    assert "No attempt is open." in mve("status", workspace=tmp_path, api="http://127.0.0.1:9/api").stdout
    assert not (tmp_path / "db").exists(), "looking creates nothing"


def test_in_a_terminal_verdicts_have_their_colour(place: Workspace) -> None:
    settings = {**environment(place.root), "TERM": "xterm-256color", "COLUMNS": "120"}
    done = in_terminal([sys.executable, "-m", "flows.cli", "list"], settings)
    assert done.returncode == 0, done.stderr
    assert "\x1b[1;32mPROCEED" in done.stdout


JSON = {
    "list": ("list",),
    "show": ("show", "101"),
    "sql": ("sql", "SELECT stem FROM verdicts"),
    "check": ("check", "101"),
    "verify": ("verify", "101"),
}


@pytest.mark.parametrize("command", JSON)
def test_json_has_the_keys_of_the_manual(place: Workspace, command: str) -> None:
    found = json.loads(shown(place, *JSON[command], "--json"))
    assert set(found) == keys(command)


def test_keys_of_a_listed_proposal_are_those_of_the_manual(place: Workspace) -> None:
    (inner,) = re.findall(r"`proposals` \(each with (.*?)\)", _section("list"), re.DOTALL)
    for one in json.loads(shown(place, "list", "--json"))["proposals"]:
        assert set(re.findall(r"`(\w+)`", inner)) == set(one)


def keys(command: str) -> set[str]:
    """Of the JSON object itself, not of what lies in it."""
    (stated,) = re.findall(r"^JSON: (.*?)\n\n", _section(command) + "\n\n", re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`(\w+)`", re.sub(r"\([^()]*\)", "", stated)))


def _section(command: str) -> str:
    return MANUAL.split(f"### mve {command}\n")[1].split("\n### ")[0].split("\n## ")[0]


def test_the_manual_has_every_command_with_an_example() -> None:
    from flows.cli import app

    named = [(one.name, one.callback) for one in app.registered_commands]
    listed = {name or (call.__name__.replace("_", "-") if call else "") for name, call in named}
    assert set(re.findall(r"^### mve ([\w-]+)$", MANUAL, re.MULTILINE)) == listed
    help_text = CliRunner().invoke(app, ["--help"]).stdout
    for command in listed:
        assert re.search(rf"^│ {command} ", help_text, re.MULTILINE), command
        assert re.search(rf"^    mve {command}\b", _section(command), re.MULTILINE), f"{command} has no example"


def test_options_of_the_examples_exist() -> None:
    from flows.cli import app

    for line in re.findall(r"^    (mve .*)$", MANUAL, re.MULTILINE):
        command, options = line.split()[1], re.findall(r" (--[a-z-]+)", line)
        if options:
            told = CliRunner().invoke(app, [command, "--help"]).stdout
            assert [option for option in options if option not in told] == [], line


@pytest.mark.server
@pytest.mark.slow
def test_a_run_as_json_with_its_mirror(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is an extra: pip install 'mve[wandb]'")
    place = write_proposal(tmp_path, seeds=TWO)
    done = mve("run", "101", "--json", "--wandb", workspace=tmp_path, api=prefect_api)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["proposals"]
    (inner,) = re.findall(r"`proposals` \(each with (.*?)\)", _section("run"), re.DOTALL)
    assert set(re.findall(r"`(\w+)`", inner)) == set(row)
    assert (row["number"], row["verdict"], row["seeds"]) == ("101", "PROCEED", 2)
    assert "1 of 1 reached a verdict" in done.stderr
    page = (place.experiments / "101-small-recall" / "results.md").read_text()
    assert "| W&B | 4 runs, offline; `wandb sync wandb/" in page
    assert len(list((tmp_path / "wandb").rglob("*.wandb"))) == 4
    assert "mirrored: 4 runs to W&B" in shown(place, "show", "101")


def _complete(words: str, place: Workspace) -> list[str]:
    given = {"_MVE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    program = "import sys; sys.argv = ['mve']; from flows.cli import app; app(prog_name='mve')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**environment(place.root), **given}, capture_output=True, text=True
    )
    return done.stdout.split()


def test_the_shell_completes_numbers_and_stems(place: Workspace) -> None:
    assert _complete("mve show 10", place) == ["101", "102", "103", "104"]
    assert _complete("mve run 103", place) == ["103"]
    assert _complete("mve check 103-", place) == ["103-under-way"]
    assert "status" in _complete("mve st", place)


def test_listing_and_completing_import_nothing_heavy(place: Workspace) -> None:
    program = (
        "import sys\nfrom flows.cli import app\nfrom flows.options import numbers\n"
        "assert numbers('10')\nlight = set(sys.modules)\nsys.argv = ['mve', 'list']\n"
        "try: app()\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'prefect', 'matplotlib', 'wandb'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert not {'sqlalchemy', 'pydantic', 'lark', 'rich.table'} & light, sorted(light)"
    )
    done = subprocess.run([sys.executable, "-c", program], env=environment(place.root), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_they_are_quick(place: Workspace) -> None:
    """Processor time, which does not depend on who else is at work."""
    before = os.times()
    _complete("mve show 10", place)
    between = os.times()
    subprocess.run([sys.executable, "-m", "flows.cli", "list"], env=environment(place.root), stdout=subprocess.DEVNULL)
    after = os.times()
    assert between.children_user - before.children_user < 0.5
    assert after.children_user - between.children_user < 1.5
