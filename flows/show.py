"""What the terminal shows of a check, a judgement and a run."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proposals.checks import CheckReport
from proposals.judging.outcomes import CriterionOutcome, Judgement
from proposals.judging.show import show, show_interval

STYLES = {
    "PROCEED": "bold green",
    "ABANDON": "bold red",
    "DEBUG": "bold yellow",
    "INCONCLUSIVE": "bold blue",
    "holds": "green",
    "fails": "red",
    "undecided": "yellow",
    "set aside": "dim",
}


def print_check(report: CheckReport, console: Console) -> None:
    """Readings first, then what is wrong, then what is doubtful."""
    if report.criteria:
        table = Table("", "Line", "Role", "Reading", title=report.stem, title_justify="left", box=None)
        for criterion in report.criteria:
            reading = criterion.canonical or f"no reading: {criterion.reason}"
            table.add_row(criterion.id, str(criterion.line), criterion.role, Text(reading))
        console.print(table)
    for problem in report.problems:
        console.print(Text(f"refused  {problem}", style="red"), soft_wrap=True)
    for note in report.notes:
        console.print(Text(f"note     {note}", style="yellow"), soft_wrap=True)
    outcome = ("fine: it can be decided", "refused", "could not be checked")[report.exit_code]
    console.print(Text(f"{report.file}: {outcome}", style="green" if report.exit_code == 0 else "red"), soft_wrap=True)


def print_judgement(judgement: Judgement, console: Console, heading: str = "") -> None:
    """Every criterion with its outcome, then the verdict, its reasons and its caveats."""
    console.print(criteria_table(judgement.outcomes, heading))
    console.print(Text(judgement.verdict, style=STYLES[judgement.verdict]))
    for reason in judgement.reasons:
        console.print(Text(f"  {reason}"), soft_wrap=True)
    for caveat in judgement.caveats:
        console.print(Text(f"  caveat: {caveat}", style="yellow"), soft_wrap=True)


def criteria_table(outcomes: Sequence[CriterionOutcome], title: str = "") -> Table:
    table = Table(title=title or None, title_justify="left", box=None)
    for name in ("", "Role", "Criterion", "Achieved", "Interval", "Seeds", "Outcome"):
        table.add_column(name, overflow="fold", no_wrap=name != "Criterion")
    for outcome in outcomes:
        word = outcome.decision.replace("_", " ")
        agreeing = sum(seed.holds is True for seed in outcome.seeds)
        table.add_row(
            outcome.id,
            outcome.role,
            Text(outcome.canonical),
            show(outcome.achieved, outcome.unit),
            show_interval(outcome.low, outcome.high, outcome.unit),
            f"{agreeing}/{len(outcome.seeds)}" if outcome.seeds else "–",
            Text(word, style=STYLES[word]),
        )
    return table
