"""What several commands take, and how they find the proposal that is meant. No torch, no Prefect."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proposals.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from rich.console import Console


def numbers(incomplete: str) -> list[tuple[str, str]]:
    """What the shell completes to: numbers with their stems; stems, once more than the digits are typed. It looks at
    names of files only, since somebody waits for it."""
    try:
        folder = find_workspace().proposals
    except FileNotFoundError:
        return []
    stems = sorted(path.stem for path in folder.glob("[0-9]*.md"))
    stems = sorted([*stems, *(path.parent.name for path in folder.glob("[0-9]*/proposal.md"))])
    named = [(stem.split("-")[0], stem) for stem in stems]
    found = [(number, stem) for number, stem in named if number.startswith(incomplete)]
    return found or [(stem, "") for _, stem in named if stem.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(metavar="PROPOSAL", help="A number such as 008, a file's stem, or a path.", autocompletion=numbers),
]
Root = Annotated[
    str | None, typer.Option("--workspace", help="Folder with proposals/; else MVE_WORKSPACE, else this repository.")
]
Catalog = Annotated[
    str | None,
    typer.Option(
        "--catalog", help="SQLAlchemy URL or path; else MVE_CATALOG, else db/catalog.sqlite in the workspace."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def find(proposal: str, workspace: str | None) -> Path:
    from proposals.reading import find_proposal

    if proposal.endswith(".md") and Path(proposal).is_file():
        return Path(proposal)
    place: Workspace = find_workspace(workspace)
    return find_proposal(place.proposals, proposal)


def make_console(stderr: bool = False) -> "Console":
    from flows.terminal import PlainConsole

    # a pipe has no width: rows are to stay whole there
    stream = sys.stderr if stderr else sys.stdout
    return PlainConsole(width=None if stream.isatty() else 150, stderr=stderr)
