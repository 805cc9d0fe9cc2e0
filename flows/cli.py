"""The command line, `mve`. Each command imports what it needs itself: a check must not wait for torch or Prefect."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from proposals.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="From research proposals to verdicts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)

Name = Annotated[str, typer.Argument(metavar="PROPOSAL", help="A number such as 008, a file's stem, or a path.")]
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


def main() -> None:
    """What a user can mend is one message on standard error and exit code 2; MVE_TRACEBACK=1 shows where it arose."""
    try:
        app()
    except (ValueError, FileNotFoundError, ConnectionError, PermissionError) as error:
        if os.environ.get("MVE_TRACEBACK"):
            raise
        print(f"mve: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def check(proposal: Name, as_json: AsJson = False, workspace: Root = None) -> None:
    """Read a proposal and say whether it can be decided. Exit code 0: fine; 1: refused; 2: could not be checked."""
    from flows.show import print_check
    from proposals.checks import check as check_proposal

    report = check_proposal(_find(proposal, workspace))
    if as_json:
        print(report.model_dump_json(indent=2))
    else:
        print_check(report, _console())
    raise typer.Exit(report.exit_code)


@app.command()
def run(
    proposal: Name,
    quick: Annotated[bool, typer.Option("--quick", help="One seed, few epochs: a verdict marked as reduced.")] = False,
    executor: Annotated[str, typer.Option(help="Where to train: local.")] = "local",
    workspace: Root = None,
    catalog: Catalog = None,
) -> None:
    """Train what is missing, decide, and write the results page. Exit code 0 whatever the verdict."""
    from flows.server import configure_prefect, ensure_server

    place = find_workspace(workspace, catalog)
    path = _find(proposal, workspace)
    console = _console()
    _refuse_early(path, console)
    ensure_server(configure_prefect(place.root), say=console.print)

    from flows.progress import run_watched

    run_watched(place, path, quick=quick, executor=executor, console=console)


@app.command()
def serve(workspace: Root = None, catalog: Catalog = None) -> None:
    """Start what is needed and offer every proposal: then `prefect deployment run mve/008` works in another shell."""
    from flows.serve import serve_proposals
    from flows.server import configure_prefect, ensure_server

    place = find_workspace(workspace, catalog)
    console = _console()
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
    """Judge measurements from elsewhere by the proposal's criteria. Trains nothing and writes nothing."""
    from flows.show import print_judgement
    from proposals.checks import freeze
    from proposals.judging.files import read_measurements
    from proposals.judging.judge import judge as judge_measurements
    from proposals.reading import read_proposal

    judgement = judge_measurements(freeze(read_proposal(_find(proposal, workspace))), read_measurements(metrics))
    if as_json:
        print(judgement.model_dump_json(indent=2))
    else:
        print_judgement(judgement, _console())


@app.command()
def verify(proposal: Name, as_json: AsJson = False, workspace: Root = None, catalog: Catalog = None) -> None:
    """Derive the stored verdict again from the catalog. Exit code 0: it matches; 1: it does not."""
    from tasks.verify import verify_verdict

    place = find_workspace(workspace, catalog)
    finding = verify_verdict(place, _find(proposal, workspace).stem)
    if as_json:
        print(json.dumps({"matches": finding.matches, "differences": list(finding.differences)}))
    else:
        console = _console()
        console.print(finding.summary, soft_wrap=True)
        for difference in finding.differences:
            console.print(f"  {difference}", soft_wrap=True, markup=False)
    raise typer.Exit(0 if finding.matches else 1)


def _refuse_early(path: Path, console: "Console") -> None:
    """Before a server is started or anything is written: what cannot be decided is not trained."""
    from flows.show import print_check
    from proposals.checks import check as check_proposal

    report = check_proposal(path)
    if report.exit_code:
        print_check(report, console)
        raise typer.Exit(report.exit_code)


def _find(proposal: str, workspace: str | None) -> Path:
    from proposals.reading import find_proposal

    if proposal.endswith(".md") and Path(proposal).is_file():
        return Path(proposal)
    place: Workspace = find_workspace(workspace)
    return find_proposal(place.proposals, proposal)


def _console() -> "Console":
    from rich.console import Console

    # a pipe has no width: rows are to stay whole there
    return Console(highlight=False, width=None if sys.stdout.isatty() else 150)


if __name__ == "__main__":
    main()
