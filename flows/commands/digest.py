"""`mve digest`: what has happened since the last one, as an update of the research log."""

import json
from typing import Annotated

import typer

from flows.options import AsJson, Catalog, Root
from proposals.workspace import find_workspace


def digest(
    again: Annotated[
        int | None, typer.Option("--again", metavar="ID", help="Render this digest once more; its notes stay.")
    ] = None,
    as_json: AsJson = False,
    workspace: Root = None,
    catalog: Catalog = None,
) -> None:
    """Write what has happened since the last digest into research-log/, from the catalog; nothing where nothing has."""
    from tasks.digest import write_again, write_digest

    place = find_workspace(workspace, catalog)
    if again is not None:
        path = write_again(place, again)
        typer.echo(json.dumps({"digest": again, "path": str(path)}) if as_json else str(path))
        return
    written = write_digest(place)
    if as_json:
        stated = {
            "digest": written.id,
            "path": None if written.path is None else str(written.path),
            "summary": written.summary,
            "restored": [str(restored) for restored in written.restored],
        }
        typer.echo(json.dumps(stated))
        return
    for restored in written.restored:
        typer.echo(f"mve: {restored} was missing and has been made again", err=True)
    if written.path is None:
        typer.echo("mve: nothing has changed since the last digest", err=True)
    else:
        typer.echo(str(written.path))
