"""The statement before a paid dispatch, and the rates in it: what is counted, what is refused, what is left out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from modal_server.serving import started
from small_proposals import write_proposal
from small_study import write_study

from db.catalog import CapError, begin_attempt, load_registration
from proposals.errors import ProposalError
from proposals.workspace import Workspace
from tasks.collect import record
from tasks.dispatch import dispatch_run, done_with
from tasks.dry_run import DryRunError, run_dry
from tasks.executors import Fault, executor_named, modal_client
from tasks.executors.inprocess import InProcess
from tasks.judge import judge_experiment
from tasks.ledger import ask_for
from tasks.place import catalog_of, now
from tasks.plan import Planned, plan_look
from tasks.rates import NO_QUOTE, Quote, RateError, rate_of, rate_of_device, read_quote
from tasks.register import register_proposal
from tasks.settings import settings_of
from tasks.statement import NoRoomError, Statement, lines_of, statement_of, table_of

STEM = "101-small-recall"
OWN = "[rates]\ncpu = 0.36\nT4 = 3.6\n"
"""A cent takes 100 s, or 10 s; and nobody has to be asked for a rate."""


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """Twenty runs, in two looks, within 20 minutes: a minute each, up to four, at six tenths of a cent a minute."""
    place = write_proposal(tmp_path, seeds="[5, 10]")
    change(place, "{minutes: 1, dollars: 0}", "{minutes: 20, dollars: 0.5}")
    (tmp_path / "mve.toml").write_text(OWN)
    return place


def change(place: Workspace, old: str, new: str) -> None:
    document = place.proposals / f"{STEM}.md"
    assert old in document.read_text()
    document.write_text(document.read_text().replace(old, new))


def stated(place: Workspace, quick: bool = False) -> Statement:
    return statement_of(place, place.proposals / f"{STEM}.md", quick, "modal")


def test_of_what_was_never_run(place: Workspace) -> None:
    one = stated(place)
    assert (one.looks, one.missing, one.kept) == ((5, 10), (10, 10), 0)
    assert (one.seconds, one.least, one.dollars_per_hour, one.at_once) == (240, 60, 0.36, 8)
    assert one.most == 0.5
    assert one.once == pytest.approx(20 * 240 / 3600 * 0.36)
    assert not (place.root / "db").exists(), "to state is not to register"
    quick = stated(place, quick=True)
    assert (quick.looks, quick.missing) == ((1,), (2,))


def test_what_is_there_is_left_out_and_what_was_spent_is_no_longer_to_spend(place: Workspace) -> None:
    registered = register_proposal(place, STEM)
    planned = plan_look(place, registered.id, 5, "modal", quick=False)
    keys = list(planned.missing)
    for key in keys[:2]:
        variant, seed = planned.missing[key].rsplit("-seed-", 1)
        machine = InProcess()
        begun = dispatch_run(place, planned.experiment, key, variant, int(seed), machine)
        record(place, planned.experiment, begun.attempt, "it", machine.poll(begun.handle))
        done_with(place, begun.attempt)
    with catalog_of(place) as engine:
        setup = load_registration(engine, registered.id).setup
        asked = ask_for(setup, "modal", settings_of(place))
        given = {"executor": "modal", "host": "here", "boot_id": "b", "now": now(), "reserve": asked}
        lost = begin_attempt(engine, planned.experiment, keys[2], **given)
        begin_attempt(engine, planned.experiment, keys[3], **given)
    assert lost is not None
    record(place, planned.experiment, lost, "it", Fault("lost", "gone", seconds=100.0))
    one = stated(place)
    assert (one.missing, one.kept, one.under_way) == ((7, 10), 2, 1)
    # a hundred seconds are spent, and four minutes reserved
    assert one.most == pytest.approx(0.5 - 0.01 - 0.024)
    text = " ".join(" ".join(lines_of(one)).split())
    assert "2 have their result, and are neither trained nor paid for again" in text
    assert "1 under way: waited for, with the money that is reserved" in text
    assert "at most $0.47, which the cap per experiment of $0.50 leaves ($0.01 spent, $0.03 reserved)" in text
    (place.root / "mve.toml").write_text(f"{OWN}[caps]\nworkspace = 0.04\nday = 3\n")
    assert stated(place).most == pytest.approx(0.04 - 0.01 - 0.024)
    assert "which the cap per workspace of $0.04 leaves" in " ".join(lines_of(stated(place)))


def test_of_what_is_decided_nothing_is_left_to_pay(place: Workspace) -> None:
    change(place, "seeds: [5, 10]", "seeds: [2, 5]\nerror: 0.4")
    registered = register_proposal(place, STEM)
    planned = plan_look(place, registered.id, 2, "inprocess", quick=False)
    for key, name in planned.missing.items():
        machine, (variant, seed) = InProcess(), name.rsplit("-seed-", 1)
        begun = dispatch_run(place, planned.experiment, key, variant, int(seed), machine)
        record(place, planned.experiment, begun.attempt, name, machine.poll(begun.handle))
        done_with(place, begun.attempt)
    assert stated(place).missing == (0, 6), "nobody has judged yet"
    judgement = judge_experiment(place, registered.id, planned.experiment)
    one = stated(place)
    assert judgement.next_look is None, judgement.reasons
    assert one.missing == (0, 0)
    assert lines_of(one)[1] == "  runs   none: 4 runs have their result, and nothing more is paid"
    assert (one.most, one.once) == (0, 0)


def test_what_arithmetic_decides_is_not_paid_for(place: Workspace) -> None:
    change(place, "`attention.test_loss < 20`", "`attention.state_memory < 0.2 * linear.state_memory`")
    change(place, "dollars: 0.5", "dollars: 0")
    one = stated(place)
    assert one.runs == 0
    assert "arithmetic decides it" in lines_of(one)[1]


def test_without_room_for_one_run_it_is_refused_with_the_line(place: Workspace) -> None:
    change(place, "dollars: 0.5", "dollars: 0.005")
    line = (place.proposals / f"{STEM}.md").read_text().split("compute:")[0].count("\n") + 1
    # a minute at 36 cents an hour
    told = rf"{STEM}.md:{line}: `dollars: 0.005` leaves no room .* at least \$0.006000, 1.0 min .* to \$0.12 for all"
    with pytest.raises(NoRoomError, match=told):
        stated(place)
    change(place, "dollars: 0.005", "dollars: 0.006")
    assert stated(place).runs == 20, "just enough for one is no refusal"
    (place.root / "mve.toml").write_text(f"{OWN}[caps]\nexperiment = 0.001\n")
    with pytest.raises(CapError, match=r"`experiment` under \[caps\] in mve.toml"):
        stated(place)
    (place.root / "mve.toml").write_text(f"{OWN}[caps]\nday = 0.001\n")
    with pytest.raises(CapError, match="cap per day"):
        stated(place)
    assert not (place.root / "db").exists()


def test_what_is_refused_anyway_has_no_statement(place: Workspace) -> None:
    change(place, "minutes: 20", "gpu: B300, minutes: 20")
    with pytest.raises(RateError, match="B300"):
        stated(place)
    change(place, "`attention.nan_count == 0`", "`attention.nan_count == `")
    with pytest.raises(ProposalError):
        stated(place)


def test_several_have_one_sum_within_the_caps_that_they_share(place: Workspace) -> None:
    change(place, "minutes: 20", "gpu: T4, minutes: 20")
    study = write_study(place.root)
    document = study.proposals / "102-small-study.md"
    document.write_text(document.read_text().replace("dollars: 0", "dollars: 0.3"))
    one, other = stated(place), statement_of(place, document, False, "modal")
    assert other.at_once == 1, "what is timed has the machine to itself"
    rows = table_of([("101", one), ("102", other), ("103", "refused: it is no proposal")])
    assert rows[0].split() == ["runs", "later", "there", "machine", "min", "each", "once", "at", "most"]
    assert rows[1].split() == ["101", "10", "10", "0", "T4", "4.0", "$0.50", "$0.50"]
    assert rows[2].split()[:5] == ["102", "10", "0", "0", "CPU"]
    assert rows[3] == "103  refused: it is no proposal"
    assert rows[4].split()[-1] == "$0.80"
    assert rows[5:] == ["where: Modal", "rate: $3.6 an hour (T4: mve.toml)", "rate: $0.36 an hour (cpu: mve.toml)"]
    (place.root / "mve.toml").write_text(f"{OWN}[caps]\nworkspace = 0.7\n")
    both = [("101", stated(place)), ("102", statement_of(place, document, False, "modal"))]
    assert table_of(both)[3].split()[-1] == "$0.70"


def test_an_app_that_would_not_go_up_is_found_before_anything_is_dispatched(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(modal_client, "MOST_UPLOAD", 1000)
    with pytest.raises(DryRunError, match=r"what trains on Modal is broken.*would go up"):
        run_dry(place, Planned(1, {}, 0), executor_named("modal"))


# -- rates ---------------------------------------------------------------------------------------------------


def test_what_modal_says_goes_before_the_table_and_after_the_workspace() -> None:
    told = {"gpu_hour_cost_t4": "0.61", "gpu_hour_cost_a100_80gb": "2.5", "gpu_hour_cost_b300": "7.1"}
    noise = {"mem_gib_hour_cost": "0.008", "gpu_hour_cost_h100": "free", "gpu_hour_cost_l4": "nan", "t4": "9"}
    quote = Quote(read_quote({**told, **noise, "cpu_hour_cost": "0.0473"}), "Modal's rates call, 2026-11-22")
    assert len(quote.rates) == 4
    assert rate_of("modal", "T4", {}, quote) == (0.61, "T4: Modal's rates call, 2026-11-22")
    assert rate_of("modal", "T4", {"T4": 0.5}, quote) == (0.5, "T4: mve.toml")
    assert rate_of("modal", "B300", {}, quote).dollars_per_hour == 7.1
    assert rate_of("modal", None, {}, quote).dollars_per_hour == 0.0473
    told_by_table = "H100: third-party pages, May 2026, estimates (it is not in Modal's rates call, 2026-11-22)"
    assert rate_of("modal", "H100", {}, quote) == (3.95, told_by_table)
    silent = NO_QUOTE._replace(basis="Modal's rates call gave none: UnreachableError")
    assert rate_of("modal", "T4", {}, silent).basis.endswith("(Modal's rates call gave none: UnreachableError)")
    assert rate_of("local", "T4", {}, quote).dollars_per_hour == 0
    assert rate_of_device("Tesla T4", 9.0, {}, quote) == 0.61
    assert rate_of_device("NVIDIA A100-SXM4-80GB", 9.0, {"A100-80GB": 2.0}, quote) == 2.0


ASK = "from tasks.quotes import quote_of; print(len(quote_of('modal').rates), quote_of('modal').basis)"


def test_modal_is_asked_once_and_its_silence_is_told(tmp_path: Path) -> None:
    def answer() -> str:
        done = subprocess.run(
            [sys.executable, "-c", ASK], env={**os.environ, **server.variables}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with started(tmp_path / "modal") as server:
        assert answer().startswith(f"6 Modal's rates call, {now():%Y}-")
        assert len(server.journal("rates")) == 1, "two questions, one call"
        server.fault("rates", rates={"gpu_hour_cost_t4": "0.62"})
        assert answer().startswith("1 Modal's rates call, ")
        server.fault("rates")
        assert answer().startswith("0 Modal's rates call gave none: ")
        server.fault("rates", rates={"an_hour_of_anything": "1"})
        assert "gave none that could be read" in answer()
