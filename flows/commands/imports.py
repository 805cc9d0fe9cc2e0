"""`mve import`: reports of earlier experiments into the catalog, and what was made of each, for people or as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.options import AsJson, Catalog, Root, make_console
from proposals.workspace import find_workspace

if TYPE_CHECKING:
    from rich.console import Console

    from proposals.history.telling import DocumentReport, ExperimentReport

AGREES = {True: "as written", False: "not as written", None: "not compared"}


def import_reports(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Reports, or folders of them.")],
    as_json: AsJson = False,
    workspace: Root = None,
    catalog: Catalog = None,
) -> None:
    """Take reports of earlier experiments into the catalog, each judged again. Exit code 1: a file was refused."""
    from tasks.import_history import import_documents

    report = import_documents(find_workspace(workspace, catalog), paths)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        console = make_console()
        for document in report.documents:
            _print_document(document, console)
        for refused in report.refused:
            for reason in refused.reasons:
                _say(console, f"refused  {reason}", "red")
        told = f"{len(report.documents)} documents, {sum(len(one.experiments) for one in report.documents)} experiments"
        _say(console, f"{told}, {len(report.refused)} refused")
    raise typer.Exit(1 if report.refused else 0)


def _say(console: "Console", line: str, style: str = "") -> None:
    from rich.text import Text

    console.print(Text(line, style=style), soft_wrap=True)


def _print_document(document: "DocumentReport", console: "Console") -> None:
    kept = ", ".join(f"{count} {kind}" for kind, count in document.kept.items())
    state = {True: "new", False: "known already", None: ""}[document.new]
    _say(console, f"{document.file}: {document.shape}, {state}", "bold")
    _say(console, f"  kept as written: {kept}")
    if document.repaired_lines:
        _say(console, f"  encoding repaired in {len(document.repaired_lines)} lines")
    for experiment in document.experiments:
        _print_experiment(experiment, console)
    if document.ideas:
        _say(console, f"  ideas without an experiment: {'; '.join(document.ideas)}")
    for line in document.not_understood:
        _say(console, f"  not understood  {line}", "yellow")
    console.print()


def _print_experiment(one: "ExperimentReport", console: "Console") -> None:
    from flows.show import STYLES

    cost = "" if one.dollars is None else f", ${one.dollars:.2f}"
    _say(console, f"  {' '.join(filter(None, [one.number, one.title]))} (line {one.line}{cost})", "bold")
    proposed = ", ".join(one.proposed) or "none known"
    _say(console, f"    the idea: {proposed} ({one.proposed_because}); {one.measurements} measurements")
    rule = f" by rule {one.rule}" if one.rule is not None else ""
    ours = one.verdict or "none"
    verdict = f"    written: {one.written_verdict or 'none'}; ours: {ours}{rule}; {AGREES[one.agrees]}"
    _say(console, verdict, STYLES.get(ours, ""))
    for reason in one.reasons:
        _say(console, f"      {reason}")
    for caveat in one.caveats:
        _say(console, f"      caveat: {caveat}", "yellow")
    for criterion in one.criteria:
        if criterion.contradiction:
            _say(console, f"      {criterion.id} (line {criterion.line}): {criterion.contradiction}", "yellow")
