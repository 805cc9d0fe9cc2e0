"""`mve pages`: the catalog as a static site, which opens from disk."""

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.options import AsJson, Catalog, Root
from proposals.workspace import find_workspace


def pages(
    out: Annotated[Path | None, typer.Option(help="Folder of the site; else `site` in the workspace.")] = None,
    newest: Annotated[int, typer.Option(min=1, help="Proposals that get a page: those that were active last.")] = 200,
    show: Annotated[bool, typer.Option("--open", help="Open the index in a browser.")] = False,
    as_json: AsJson = False,
    workspace: Root = None,
    catalog: Catalog = None,
) -> None:
    """Write the catalog as pages: an index of all proposals, a page for each of the newest, an overview, the research
    log. They need no server and no network. Files that would say the same are left alone."""

    from tasks.site import write_site

    place = find_workspace(workspace, catalog)
    site = write_site(place, (out or place.root / "site").expanduser().resolve(), newest)
    index = site.root / "index.html"
    if as_json:
        typer.echo(json.dumps({"index": str(index), "files": len(site.files), "changed": site.changed}))
    else:
        typer.echo(f"{index}: {len(site.files)} files, {len(site.changed)} of them new or changed")
    if show:
        typer.launch(index.as_uri())
