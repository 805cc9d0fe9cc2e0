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
        console.print(readings_table(report))
    label = "missing" if report.exit_code == 2 and report.criteria else "refused"
    for problem in report.problems:
        console.print(Text(f"{label}  {problem}", style="red"), soft_wrap=True)
    for note in report.notes:
        console.print(Text(f"note     {note}", style="yellow"), soft_wrap=True)
    for fact in report.facts:
        console.print(Text(f"fact     {fact}"), soft_wrap=True)
    outcome = ("fine: it can be decided", "refused", "could not be checked")[report.exit_code]
    if report.verdict and report.exit_code == 0:
        outcome = f"decided without training, for $0.00: {report.verdict.name} (rule {report.verdict.rule})"
    if any(criterion.formal is None and criterion.suggested is not None for criterion in report.criteria):
        outcome += "; `mve formalize` writes the suggestions into the file"
    console.print(Text(f"{report.file}: {outcome}", style="green" if report.exit_code == 0 else "red"), soft_wrap=True)


def readings_table(report: CheckReport) -> Table:
    """A suggestion is shown as one, with its confidence and why it is read so; it decides nothing."""
    guessed = any(criterion.formal is None for criterion in report.criteria)
    table = Table(title=report.stem, title_justify="left", box=None)
    for name in ("", "Line", "Role", "Reading", *(("Confidence", "Why") if guessed else ())):
        table.add_column(name, overflow="fold", no_wrap=name in ("", "Line", "Role", "Confidence"))
    for one in report.criteria:
        formal = one.formal is not None
        reading = Text(one.canonical or ("no reading: " + (one.reason or "") if formal else "none"))
        if not formal and one.canonical is not None:
            reading = Text(f"suggested: {one.canonical}", style="cyan")
        why = "" if formal else one.reason or ""
        sure = "the author's" if formal else one.confidence or "–"
        table.add_row(one.id, str(one.line), one.role, reading, *((sure, Text(why)) if guessed else ()))
    return table


def print_judgement(judgement: Judgement, console: Console, heading: str = "") -> None:
    """Every criterion with its outcome, then the verdict, its reasons and its caveats."""
    console.print(criteria_table(judgement.outcomes, heading))
    console.print(Text(judgement.verdict, style=STYLES[judgement.verdict]))
    for reason in judgement.reasons:
        console.print(Text(f"  {reason}"), soft_wrap=True)
    for caveat in judgement.caveats:
        console.print(Text(f"  caveat: {caveat}", style="yellow"), soft_wrap=True)


def decisive(judgement: Judgement) -> str:
    """The criterion that the verdict rests on first, or the reason where it is no criterion."""
    reason = judgement.reasons[0]
    found = next((one for one in judgement.outcomes if reason.startswith(f"{one.id} (")), None)
    return reason if found is None else f"{found.id} {found.canonical}: {found.decision.replace('_', ' ')}"


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
