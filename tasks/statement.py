"""What is said before anything is paid for: what will be run, where, for how long and for how much at most, and what is
there already. Reads the proposal, the catalog and the rates; registers and reserves nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from db.catalog import (
    CapError,
    Caps,
    Money,
    finished_runs,
    latest_experiment,
    latest_judgement,
    money_of,
    open_attempts,
    registration_with,
)
from proposals.checks import decide_on_paper
from proposals.checks.rates import cents_up
from proposals.reading import read_as_far_as_it_goes, read_proposal
from proposals.spec import AnySetup, Registration, StudySetup
from proposals.workspace import Workspace
from tasks.executors import executor_named
from tasks.executors.modal_client import is_local
from tasks.ledger import ask_for, caps_for
from tasks.place import catalog_of, now
from tasks.plan import runs_of
from tasks.rates import PAID
from tasks.register import registration_of
from tasks.settings import settings_of

SQLITE = "sqlite:///"
NOBODY = 0
"""No experiment has this id: nothing was spent on it."""
NOTHING = Money(0.0, 0.0)
HAIR = 1e-9
"""Dollars, as in the ledger."""


class NoRoomError(ValueError):
    """The proposal's own budget has no room for a single run."""


@dataclass(frozen=True)
class Cap:
    """`name`: experiment, day or workspace; `limit`: dollars."""

    name: str
    limit: float
    money: Money

    @property
    def room(self) -> float:
        return max(0.0, self.limit - self.money.spent - self.money.reserved)


@dataclass(frozen=True)
class Statement:
    """Of one proposal. looks: seeds per variant of each look; missing: runs that each of them adds and that nobody has
    begun or brought to a result; kept: runs that have one; under_way: runs with an open attempt, which are waited for,
    and whose money is reserved. seconds: of one attempt, at most; least: of which there must be room. on_paper:
    arithmetic decides it. local: a server on this machine stands for the service, and nobody is billed."""

    number: str
    title: str
    variants: int
    looks: tuple[int, ...]
    missing: tuple[int, ...]
    kept: int
    under_way: int
    on_paper: bool
    gpu: str | None
    at_once: int
    seconds: float
    least: float
    dollars_per_hour: float
    basis: str
    caps: tuple[Cap, ...]
    local: bool

    @property
    def runs(self) -> int:
        return sum(self.missing)

    @property
    def most(self) -> float:
        """Dollars that the caps leave, whatever has to be tried again; 0 where nothing is left to pay for."""
        return min(cap.room for cap in self.caps) if self.runs and self.dollars_per_hour else 0.0

    @property
    def once(self) -> float:
        """Dollars where every run takes its whole time limit and none is tried again, as far as the caps allow."""
        return min(self.most, self.runs * self.seconds / 3600 * self.dollars_per_hour)


def statement_of(place: Workspace, path: Path, quick: bool, executor: str) -> Statement:
    """Of the proposal at `path`, on machines that are paid for.

    Raises ProposalError where it is refused, RateError where a machine's rate is not known, NoRoomError and CapError
    where what is spent leaves a cap too little for one run.
    """
    assert executor in PAID, "what costs nothing needs no statement"
    proposal = read_proposal(path)
    registration = registration_of(proposal, quick)
    setup, settings = registration.setup, settings_of(place)
    asked = ask_for(setup, executor, settings)
    on_paper = decide_on_paper(registration) is not None
    missing, kept, under_way, money = _what_is_there(place, registration)
    stated = Statement(
        number=proposal.number,
        title=proposal.title,
        variants=len(setup.variants),
        looks=setup.seeds,
        missing=(0,) * len(setup.seeds) if on_paper else missing,
        kept=kept,
        under_way=under_way,
        on_paper=on_paper,
        gpu=setup.compute.gpu,
        at_once=1 if isinstance(setup, StudySetup) else executor_named(executor).width,
        seconds=asked.seconds,
        least=asked.least_seconds,
        dollars_per_hour=asked.dollars_per_hour,
        basis=asked.basis,
        caps=_caps(caps_for(setup, settings), money),
        local=is_local(),
    )
    if stated.runs:
        _refuse_without_room(stated, path, setup)
    return stated


def _what_is_there(place: Workspace, registration: Registration) -> tuple[tuple[int, ...], int, int, dict[str, Money]]:
    """Missing runs by look, how many runs have a result or are under way, and the money under each cap."""
    setup = registration.setup
    looks = [{key for key, *_ in runs_of(setup, seeds)} for seeds in setup.seeds]
    added = [look - before for look, before in zip(looks, [set(), *looks], strict=False)]
    file = place.catalog_url.removeprefix(SQLITE)
    if file != place.catalog_url and not Path(file).exists():  # whoever says no has no catalog made for it
        return tuple(len(look) for look in added), 0, 0, {}
    with catalog_of(place) as engine:
        done = finished_runs(engine, looks[-1])
        under_way = {attempt.key for attempt in open_attempts(engine)} & looks[-1] - done
        missing = [len(look - done - under_way) for look in added]
        known = registration_with(engine, registration.sha256)
        if known is not None and looks[0] <= done and _is_decided(engine, known):
            missing = [0] * len(missing)
        experiment = NOBODY if known is None else latest_experiment(engine, known) or NOBODY
        return tuple(missing), len(done), len(under_way), money_of(engine, experiment, now())


def _is_decided(engine: Engine, registration: int) -> bool:
    stored = latest_judgement(engine, registration)
    return stored is not None and stored.judgement.next_look is None


def _caps(caps: Caps, money: dict[str, Money]) -> tuple[Cap, ...]:
    limits = caps._asdict().items()
    return tuple(Cap(name, limit, money.get(name, NOTHING)) for name, limit in limits if limit is not None)


def _refuse_without_room(stated: Statement, path: Path, setup: AnySetup) -> None:
    """What is reserved may yet be released, and dispatch waits for it; what is spent stays so."""
    least = stated.least / 3600 * stated.dollars_per_hour
    for cap in stated.caps:
        if least <= 0 or cap.money.spent + least <= cap.limit + HAIR:
            continue
        if cap.name != "experiment" or cap.limit < setup.compute.dollars:
            raise CapError(cap.name, cap.limit, cap.money, least)
        reading = read_as_far_as_it_goes(path)
        where = f"{reading.proposal.file}:{reading.setup_lines.get('compute', 1)}"
        whole = stated.variants * stated.looks[-1] * least
        raise NoRoomError(
            f"{where}: `dollars: {setup.compute.dollars:g}` leaves no room for a run that is paid for: "
            f"{_money(cap.money.spent)} is spent, and one takes at least {_money(least)}, {_minutes(stated.least)} at "
            f"{_rate(stated)}. Nothing was registered or started. Raise `dollars` under `compute`, to "
            f"${cents_up(cap.money.spent + whole)} for all runs together, or train here with --executor local"
        )


# -- for people ----------------------------------------------------------------------------------------------


def lines_of(stated: Statement) -> list[str]:
    """One proposal, a line for each question."""
    lines = [f"{stated.number}: {stated.title}"]
    if not stated.runs:
        there = f"{stated.kept} runs have their result" + (
            f", {stated.under_way} are under way" * bool(stated.under_way)
        )
        return [
            *lines,
            f"  runs   none: {'arithmetic decides it' if stated.on_paper else there}, and nothing more is paid",
        ]
    lines.append(f"  runs   {_runs(stated)}")
    if stated.kept:
        lines.append(f"  there  {stated.kept} have their result, and are neither trained nor paid for again")
    if stated.under_way:
        lines.append(f"  there  {stated.under_way} under way: waited for, with the money that is reserved for them")
    lines.append(f"  where  {_where(stated)}, at most {stated.at_once} at once")
    lines.append(f"  time   at most {_minutes(stated.seconds)} each")
    cap = min(stated.caps, key=lambda one: one.room)
    lines.append(
        f"  money  at most {_money(stated.most)}, which the cap per {cap.name} of {_money(cap.limit)} leaves "
        f"({_money(cap.money.spent)} spent, {_money(cap.money.reserved)} reserved)"
    )
    if stated.once < stated.most - HAIR:
        lines.append(f"         at most {_money(stated.once)} of it unless a run has to be tried again")
    lines.append(f"         at {_rate(stated)}")
    if stated.local:
        lines.append("         and nobody is billed: the ledger counts what the service would ask")
    return lines


def table_of(rows: Sequence[tuple[str, Statement | str]]) -> list[str]:
    """Several proposals: a row each, their sum, and the rates. A row is a stem with its statement, or with the reason
    why there is none."""
    stated = [one for _, one in rows if isinstance(one, Statement)]
    cells: list[tuple[str, ...]] = [("", "runs", "later", "there", "machine", "min each", "once", "at most")]
    for stem, one in rows:
        cells.append(_cells(one) if isinstance(one, Statement) else (stem, one))
    shared = [cap.room for one in stated[:1] for cap in one.caps if cap.name != "experiment"]
    most = min([sum(one.most for one in stated), *shared])
    first, later = sum(one.missing[0] for one in stated), sum(sum(one.missing[1:]) for one in stated)
    once = min(most, sum(one.once for one in stated))
    kept = sum(one.kept for one in stated)
    cells.append(("sum", str(first), str(later), str(kept), "", "", _money(once), _money(most)))
    widths = [max(len(row[index]) for row in cells if len(row) == 8) for index in range(8)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in cells]
    places = dict.fromkeys(_where(one, machine=False) for one in stated if one.runs)
    rates = dict.fromkeys(f"{_rate(one)}" for one in stated if one.runs)
    lines += [f"where: {where}" for where in places] + [f"rate: {rate}" for rate in rates]
    return lines


def _cells(stated: Statement) -> tuple[str, ...]:
    later = sum(stated.missing[1:])
    machine, minutes = (stated.gpu or "CPU", f"{stated.seconds / 60:.1f}") if stated.runs else ("", "")
    money = (_money(stated.once), _money(stated.most))
    return (stated.number, str(stated.missing[0]), str(later), str(stated.kept), machine, minutes, *money)


def _runs(stated: Statement) -> str:
    seeds = "1 seed" if stated.looks[0] == 1 else f"{stated.looks[0]} seeds"
    text = f"{stated.missing[0]} of {stated.variants} variants x {seeds}"
    for look, more in zip(stated.looks[1:], stated.missing[1:], strict=True):
        text += f"; {more} more where those decide nothing, up to {look} seeds"
    return text


def _where(stated: Statement, machine: bool = True) -> str:
    place = "a server on this machine that speaks Modal's protocol" if stated.local else "Modal"
    return f"one {stated.gpu or 'CPU'} each, on {place}" if machine else place


def _rate(stated: Statement) -> str:
    return f"${stated.dollars_per_hour:g} an hour ({stated.basis})"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


def _money(dollars: float) -> str:
    """Cents, rounded up, or as many places as a small amount needs."""
    return f"${cents_up(round(dollars, 9))}" if dollars > 0.01 - HAIR or dollars == 0 else f"${dollars:.6f}"
