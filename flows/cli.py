"""The command line, `mve`. Each command imports what it needs itself: a check must not wait for torch or Prefect."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.collect import collect
from flows.commands.digest import digest
from flows.commands.formalize import formalize
from flows.commands.gpu import deploy_gpu
from flows.commands.imports import import_reports
from flows.commands.list import list_proposals
from flows.commands.new import new
from flows.commands.pages import pages
from flows.commands.pool import deploy_pool
from flows.commands.show import show
from flows.commands.sql import sql
from flows.commands.status import status
from flows.options import AsJson, Catalog, Name, Root, find, make_console, numbers
from proposals.words import harmless
from proposals.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="From research proposals to verdicts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)

app.command()(formalize)
app.command()(new)
app.command("import")(import_reports)
app.command()(sql)
app.command("list")(list_proposals)
app.command()(show)
app.command()(status)
app.command()(digest)
app.command()(collect)
app.command()(pages)
app.command()(deploy_gpu)
app.command()(deploy_pool)


def main() -> None:
    """What a user can mend is one message on standard error and exit code 2; MVE_TRACEBACK=1 shows where it arose."""
    try:
        app()
    except (ValueError, FileNotFoundError, ConnectionError, PermissionError) as error:
        if os.environ.get("MVE_TRACEBACK"):
            raise
        print(f"mve: {harmless(str(error))}", file=sys.stderr)
        sys.exit(2)


@app.command()
def check(proposal: Name, as_json: AsJson = False, workspace: Root = None) -> None:
    """Read a proposal and say whether it can be decided. Exit code 0: fine; 1: refused; 2: could not be checked.

    \b
    Examples:
      mve check 008
      mve check drafts/031-an-idea.md --json
    """
    from flows.show import print_check
    from proposals.checks import check as check_proposal

    report = check_proposal(find(proposal, workspace))
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        print_check(report, make_console())
    raise typer.Exit(report.exit_code)


@app.command()
def run(
    proposals: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROPOSAL]...", help="Numbers, stems or paths, in this order.", autocompletion=numbers),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every proposal of the workspace.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="One seed, few epochs: a verdict marked as reduced.")] = False,
    executor: Annotated[
        str | None,
        typer.Option(help="Where to train: local, modal or pool; else the default in the workspace's mve.toml."),
    ] = None,
    wandb: Annotated[bool, typer.Option("--wandb", help="Mirror it to Weights & Biases; MVE_WANDB=1 always.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Pay for what is stated without being asked.")] = False,
    as_json: AsJson = False,
    workspace: Root = None,
    catalog: Catalog = None,
) -> None:
    """Train what is missing, decide, and write the results page. Exit code 0 whatever the verdict; of several proposals
    1 where one was refused or failed.

    \b
    Examples:
      mve run 008 --quick
      mve run 008 022 --wandb
      mve run --all --json > verdicts.json
    """
    from flows.server import configure_prefect, ensure_server
    from tasks.executors import check_ready
    from tasks.rates import PAID
    from tasks.settings import settings_of

    if every == bool(proposals):
        raise ValueError("name the proposals to run, such as `mve run 008`, or ask for all of them with --all")
    place = find_workspace(workspace, catalog)
    executor = executor or settings_of(place).executor.default
    api = configure_prefect(place.root)
    check_ready(executor)
    paths = _all_of(place) if every else [find(name, workspace) for name in proposals or ()]
    console = make_console(stderr=as_json)
    alone = len(paths) == 1 and not every and not as_json
    if alone:
        _refuse_early(paths[0], console)
    if executor in PAID:
        from flows.agreeing import agree

        agree(place, paths, quick=quick, executor=executor, yes=yes, alone=alone, console=console)
    ensure_server(api, say=console.print)
    if alone:
        from flows.progress import run_watched

        run_watched(place, paths[0], quick=quick, executor=executor, console=console, wandb=wandb)
        return
    from flows.batch import NO_VERDICT, run_several

    rows = run_several(place, paths, quick=quick, executor=executor, console=console, wandb=wandb)
    if as_json:
        print(json.dumps({"proposals": [asdict(row) for row in rows]}, indent=1))
    if any(row.verdict in NO_VERDICT for row in rows):
        raise typer.Exit(1)


@app.command()
def serve(workspace: Root = None, catalog: Catalog = None) -> None:
    """Start what is needed and offer every proposal: then `prefect deployment run mve/008` works in another shell."""
    from flows.serve import serve_proposals
    from flows.server import configure_prefect, ensure_server

    place = find_workspace(workspace, catalog)
    console = make_console()
    api = configure_prefect(place.root)
    ensure_server(api, say=console.print)
    console.print(f"Prefect at {api.removesuffix('/api')}")
    serve_proposals(place, say=console.print)


@app.command()
def judge(
    proposal: Name,
    metrics: Annotated[Path, typer.Option(help="JSON list of {variant, seed, metric, value, condition?}.")],
    as_json: AsJson = False,
    workspace: Root = None,
) -> None:
    """Judge measurements from elsewhere by the proposal's criteria. Trains nothing and writes nothing.

    \b
    Examples:
      mve judge 008 --metrics numbers.json
    """
    from flows.show import print_judgement
    from proposals.checks import freeze
    from proposals.judging.files import read_measurements
    from proposals.judging.judge import judge as judge_measurements
    from proposals.reading import read_proposal

    judgement = judge_measurements(freeze(read_proposal(find(proposal, workspace))), read_measurements(metrics))
    if as_json:
        print(judgement.model_dump_json(indent=2))
    else:
        print_judgement(judgement, make_console())


@app.command()
def verify(proposal: Name, as_json: AsJson = False, workspace: Root = None, catalog: Catalog = None) -> None:
    """Derive the stored verdict again from the catalog. Exit code 0: it matches; 1: it does not.

    \b
    Examples:
      mve verify 008
    """
    from proposals.reading import stem_of
    from tasks.verify import verify_verdict

    place = find_workspace(workspace, catalog)
    finding = verify_verdict(place, stem_of(find(proposal, workspace)))
    if as_json:
        print(json.dumps({"matches": finding.matches, "differences": list(finding.differences)}))
    else:
        console = make_console()
        console.print(finding.summary, soft_wrap=True)
        for difference in finding.differences:
            console.print(f"  {difference}", soft_wrap=True, markup=False)
    raise typer.Exit(0 if finding.matches else 1)


def _all_of(place: Workspace) -> list[Path]:
    from proposals.reading import list_proposals

    paths = list(list_proposals(place.proposals))
    if not paths:
        raise ValueError(f"there is no proposal in {place.proposals}. `mve new` begins one")
    return paths


def _refuse_early(path: Path, console: "Console") -> None:
    """Before a server is started or anything is written: what cannot be decided is not trained."""
    from flows.show import print_check
    from proposals.checks import check as check_proposal

    report = check_proposal(path)
    if report.exit_code:
        print_check(report, console)
        raise typer.Exit(report.exit_code)


if __name__ == "__main__":
    main()
