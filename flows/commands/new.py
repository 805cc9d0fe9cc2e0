"""`mve new`: a proposal from a template, by flags or by asking. What does not pass `mve check` is not written."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from flows.options import Root
from proposals.errors import Problem, ProposalError
from proposals.workspace import find_workspace


def new(
    number: Annotated[str | None, typer.Argument(help="Such as 012; the next free one unless given.")] = None,
    title: Annotated[str | None, typer.Option(help="What the idea is called.")] = None,
    hypothesis: Annotated[str | None, typer.Option(help="What you believe, and why it would matter.")] = None,
    mixer: Annotated[str | None, typer.Option(help="Mixer of the idea, such as log_linear.")] = None,
    baseline: Annotated[str | None, typer.Option(help="Mixer that it is compared with.")] = None,
    above: Annotated[float | None, typer.Option(help="Test accuracy that it has to exceed, in percent.")] = None,
    margin: Annotated[float | None, typer.Option(help="Lead over the baseline that is too little, in points.")] = None,
    based_on: Annotated[str, typer.Option(help="Slugs with commas.")] = "",
    priority: Annotated[str, typer.Option()] = "medium",
    gpu: Annotated[str | None, typer.Option(help="Such as T4; a CPU unless given.")] = None,
    minutes: Annotated[float, typer.Option(help="What all of it may take.")] = 20,
    dollars: Annotated[float, typer.Option(help="What all of it may cost.")] = 0,
    slug: Annotated[str | None, typer.Option(help="Of the file's name; from the title unless given.")] = None,
    workspace: Root = None,
) -> None:
    """Begin a proposal: asks what was not given by flags, and writes proposals/NUMBER-slug.md."""
    folder = find_workspace(workspace).proposals
    number = _number(folder, number)
    title = title or typer.prompt("What is the idea called?")
    hypothesis = hypothesis or typer.prompt("What do you believe, and why would it matter?")
    mixer = mixer or typer.prompt("Mixer of the idea", default="log_linear")
    baseline = baseline or typer.prompt("Mixer of the baseline", default="linear_attention")
    above = typer.prompt("Test accuracy that it has to exceed, in percent", default=80.0) if above is None else above
    margin = typer.prompt("Lead that is too little, in points", default=5.0) if margin is None else margin
    stem = f"{number}-{_slug(slug or title)}"

    from templates.render import render

    text = render(
        "proposal.md.j2", number=number, title=title, hypothesis=_prose(hypothesis), mixer=mixer, baseline=baseline,
        above=f"{above:g}", margin=f"{margin:g}", gpu=gpu, minutes=f"{minutes:g}", dollars=f"{dollars:g}",
        priority=_word(priority, "priority"), created=datetime.now(UTC).date().isoformat(),
        based_on=[_word(one.strip(), "based-on") for one in based_on.split(",") if one.strip()],
    )  # fmt: skip
    path = folder / f"{stem}.md"
    _refuse_faulty(text, path)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    typer.echo(f"{path} is written. Say what the setup and the criteria should be, then `mve check {number}`.")


def _number(folder: Path, number: str | None) -> str:
    """A number as text that no proposal of the folder bears. "10" and "010" are two, and too easily confused."""
    from proposals.reading import list_proposals, number_of, stem_of

    taken = {int(number_of(stem_of(path))): str(path.relative_to(folder)) for path in list_proposals(folder)}
    if number is None:
        return f"{max(taken, default=0) + 1:03d}"
    if not re.fullmatch(r"[0-9]{1,9}", number):
        message = f"`{number}` cannot be a proposal's number: it is part of folder names"
        raise ProposalError(Problem(message, "Write digits, such as 012"))
    if int(number) in taken:
        message = f"the number {number} is that of {taken[int(number)]}"
        raise ProposalError(Problem(message, f"The next free one is {max(taken) + 1:03d}", str(folder)))
    return number


def _slug(text: str) -> str:
    if "/" in text or "\\" in text or ".." in text:
        message = f"`{text}` cannot be part of a file's name: it holds a slash or `..`"
        raise ProposalError(Problem(message, "Give a plain name with --slug"))
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")
    if not slug:
        raise ProposalError(Problem(f"`{text}` has no letters for a file's name", "Give a plain name with --slug"))
    return slug


def _word(text: str, option: str) -> str:
    if not re.fullmatch(r"[\w.() -]{1,100}", text):
        raise ProposalError(Problem(f"`{text}` cannot stand in the front matter", f"Use plain words for --{option}"))
    return text


def _prose(text: str) -> str:
    """A hypothesis that begins like a heading or a fence would become one."""
    return re.sub(r"^(?=[#`~>=-])", r"\\", " ".join(text.split()))


def _refuse_faulty(text: str, path: Path) -> None:
    """Before anything is written: a mixer that does not exist is found here."""
    from proposals.checks import rules
    from proposals.reading import read_document
    from proposals.reading.document import parse

    reading = read_document(parse(text.encode(), str(path), path.stem))
    problems = [
        *reading.problems,
        *rules.without_reading(reading),
        *rules.problems(reading, rules.findings_of(reading)),
    ]
    if problems:
        raise ProposalError(*problems)
