"""`mve collect`: bring in what nobody waited for, and finish what a dead flow left."""

import asyncio
import json

import typer

from flows.options import AsJson, Catalog, Root, make_console
from proposals.workspace import find_workspace


def collect(as_json: AsJson = False, workspace: Root = None, catalog: Catalog = None) -> None:
    """Ask after every run that was started and never collected, and bring to its verdict what a dead flow left. Exit
    code 1 where one of these could not be finished."""
    from flows.server import configure_prefect, ensure_server

    place = find_workspace(workspace, catalog)
    console = make_console(stderr=as_json)
    ensure_server(configure_prefect(place.root), say=console.print)
    from flows.collect import collect as collect_flow
    from flows.parameters import catalog_parameter

    found = asyncio.run(collect_flow(str(place.root), catalog_parameter(place)))
    if as_json:
        typer.echo(json.dumps(found.as_json()))
    swept = found.swept
    console.print(
        f"{swept.open} open attempts: {swept.collected} collected, {swept.faults} ended without a result, "
        f"{swept.running} still running, {swept.others} of flows that are alive"
    )
    for reason in swept.silent:
        console.print(f"nothing was heard of {reason}", soft_wrap=True, markup=False)
    for stem, verdict in found.taken_up.items():
        console.print(f"{stem}: taken up, {verdict}", soft_wrap=True, markup=False)
    for stem, reason in found.failed.items():
        console.print(f"{stem}: {reason}", soft_wrap=True, markup=False)
    raise typer.Exit(1 if found.failed else 0)
