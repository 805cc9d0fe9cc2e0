"""`mve formalize`: accepted suggestions become code spans of the file."""

from typing import Annotated

import typer

from flows.options import Name, Root, find, make_console


def formalize(
    proposal: Name,
    write: Annotated[bool, typer.Option("--write/--dry-run", help="Change the file; else only show the diff.")] = False,
    accept: Annotated[str | None, typer.Option(help="Ids such as S1,F2; else every suggestion.")] = None,
    workspace: Root = None,
) -> None:
    """Write suggested readings into the proposal as code spans; nothing else of the file changes. Exit code 1: nothing
    to write."""
    from rich.text import Text

    from proposals.formalize import formalize as formalized
    from proposals.reading import load_source, stem_of

    path = find(proposal, workspace)
    chosen = None if accept is None else [id.strip() for id in accept.split(",") if id.strip()]
    done = formalized(load_source(path), str(path), stem_of(path), chosen)
    console = make_console()
    for line in done.diff.splitlines():
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        console.print(Text(line, style=style), soft_wrap=True)
    for problem in done.left:
        console.print(Text(f"left     {problem}", style="yellow"), soft_wrap=True)
    for one in done.written:
        if one.role == "failure":
            text = f"note     {one.id} does not say what it does, and kills; write *pause* or *debug* if it should not"
            console.print(Text(text, style="yellow"), soft_wrap=True)
    if not done.written:
        console.print(f"{path}: there is nothing to write", soft_wrap=True, markup=False)
        raise typer.Exit(1)
    if write:
        path.write_bytes(done.after)
    what = "written" if write else "would be written; look at each reading, then add --write"
    ids = ", ".join(one.id for one in done.written)
    console.print(f"{path}: {ids} {what}", soft_wrap=True, markup=False)
