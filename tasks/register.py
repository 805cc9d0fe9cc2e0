"""Freeze a proposal before anything runs: its criteria and its setup, hashed, with the commit and the time."""

import subprocess
from dataclasses import dataclass

from prefect import task

from db.catalog import deviations_of, record_proposal, register
from proposals.checks import freeze
from proposals.quick import reduced
from proposals.reading import path_of, read_proposal
from proposals.spec import Proposal, Registration
from proposals.workspace import REPOSITORY, Workspace
from tasks.place import OPTIONS, catalog_of, note, now

CODE = ("models", "proposals", "tasks", "flows", "db", "templates")


@dataclass(frozen=True)
class Registered:
    """`id`: of the registration in the catalog. `first_look`: seeds per variant to train first."""

    id: int
    stem: str
    number: str
    sha256: str
    first_look: int
    new: bool


def register_proposal(place: Workspace, stem: str, quick: bool = False) -> Registered:
    """Read, check and freeze `stem`. An unchanged proposal is found again; an edited one becomes a registration of
    its own, with what changed and whether results had been seen.

    Raises ProposalError where it is refused.
    """
    proposal = read_proposal(path_of(place.proposals, stem))
    registration = registration_of(proposal, quick)
    commit, dirty = code_commit()
    with catalog_of(place) as engine:
        record_proposal(engine, proposal, now())
        found = register(
            engine,
            registration,
            git_commit=commit,
            git_dirty=dirty,
            estimate_dollars=registration.setup.compute.dollars,
            estimate_minutes=registration.setup.compute.minutes,
            now=now(),
        )
        if found.new:
            changed = deviations_of(engine, found.id)
            seen = " after results had been seen" if any(change.results_seen for change in changed) else ""
            differs = f"; differs from the registration before it in {len(changed)} fields{seen}" if changed else ""
            text = f"registered as {registration.sha256[:12]}, fidelity {registration.fidelity}{differs}"
            note(engine, stem, "registered", text, registration=found.id)
    return Registered(found.id, stem, proposal.number, registration.sha256, registration.setup.seeds[0], found.new)


def registration_of(proposal: Proposal, quick: bool) -> Registration:
    frozen = freeze(proposal)
    return reduced(frozen) if quick else frozen


def code_commit() -> tuple[str | None, bool]:
    """Commit of this code, and whether what is on disk differs from it; (None, False) outside a checkout."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None, False
    return commit, bool(_git("status", "--porcelain", "--", *(f"{room}/*.py" for room in CODE)))


def _git(*arguments: str) -> str | None:
    if not (REPOSITORY / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(REPOSITORY), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


freeze_proposal = task(name="register", **OPTIONS)(register_proposal)
