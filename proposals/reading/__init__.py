"""Document -> Proposal. All problems of a document are found, not only the first.

read_proposal(path)            the proposal, or ProposalError with every problem
read_as_far_as_it_goes(path)   the same for documents that have problems: what could be read, and the problems
find_proposal(folder, name)    "008", a stem or a path -> path
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proposals.errors import Problem, ProposalError
from proposals.language import Names
from proposals.reading import yaml_tree
from proposals.reading.criteria import FAILURE, SUCCESS, fences, read_criteria
from proposals.reading.document import Document, load
from proposals.reading.document import Section as Part
from proposals.reading.folder import clashes, find_proposal, list_proposals, number_of
from proposals.reading.setup import NO_SETUP, SetupReading, read_setup
from proposals.spec import Criterion, Proposal, Setup

__all__ = [
    "Reading",
    "clashes",
    "find_proposal",
    "list_proposals",
    "names_of",
    "read_as_far_as_it_goes",
    "read_proposal",
]

EXPERIMENT = re.compile(r"\bminimum\s+viable\s+experiment\b|^\W*MVE\b", re.IGNORECASE)
HYPOTHESIS = re.compile(r"^\W*hypothesis\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    proposal: Proposal
    problems: tuple[Problem, ...]
    setup_lines: Mapping[str, int]
    """Where the keys of the setup block stand, for whoever has a complaint about one."""


def read_proposal(path: Path) -> Proposal:
    """Raises ProposalError with all problems, or UnreadableError where the file is no text."""
    reading = read_as_far_as_it_goes(path)
    if reading.problems:
        raise ProposalError(*reading.problems)
    return reading.proposal


def read_as_far_as_it_goes(path: Path) -> Reading:
    """Raises UnreadableError only. What could not be read is absent from the proposal and in `problems`."""
    return _read(load(path))


def names_of(setup: Setup) -> Names:
    """What the criteria of this setup may name."""
    aliases = {alias: name for name, variant in setup.variants.items() for alias in variant.aliases}
    return Names(tuple(setup.variants), setup.proposed, aliases, setup.vocabulary)


def _read(document: Document) -> Reading:
    about, problems = _front_matter(document)
    experiment = _only(document, document.sections(EXPERIMENT), "Minimum Viable Experiment", problems)
    setup = NO_SETUP
    criteria: list[Criterion] = []
    if experiment is not None:
        setup = _setup(document, experiment, problems)
        names = None if setup.setup is None else names_of(setup.setup)
        for pattern, side, title in (
            (SUCCESS, "success", "Success Criteria"), (FAILURE, "failure", "Failure Criteria"),
        ):  # fmt: skip
            section = _only(document, document.sections(pattern, experiment), title, problems)
            if section is not None:
                found, wrong = read_criteria(document, section, side, names)  # type: ignore[arg-type]
                criteria += found
                problems += wrong
                if not found:
                    message = f"`{title}` holds no bullet"
                    problems.append(document.problem(section.heading.line, message, "Add criteria as `- ` bullets"))
    title = next((heading.title for heading in document.headings if heading.level == 1), "")
    if not title:
        problems.append(document.problem(None, "the proposal has no title", "Add a line `# Title`"))
    hypothesis = document.sections(HYPOTHESIS)
    proposal = Proposal(
        stem=document.stem,
        number=number_of(document.stem),
        title=title,
        status=about.get("status", ""),
        priority=about.get("priority", ""),
        created=about.get("created", ""),
        based_on=tuple(slug.strip() for slug in about.get("based_on", "").split(",") if slug.strip()),
        hypothesis=document.text(hypothesis[0]).strip() if hypothesis else "",
        setup=setup.setup,
        criteria=tuple(criteria),
        file=document.file,
        source_sha256=document.sha256,
    )
    return Reading(proposal, tuple(problems), setup.lines)


def _only(document: Document, sections: list[Part], title: str, problems: list[Problem]) -> Part | None:
    if len(sections) == 1:
        return sections[0]
    if sections:
        first, second = sections[0].heading, sections[1].heading
        if sections[1].end <= sections[0].end:
            return sections[0]  # a heading inside the section repeats its words
        message = f"there is a second section `{second.title}`, the first is in line {first.line + 1}"
        problems.append(document.problem(second.line, message, "Keep one of the two"))
    else:
        problems.append(document.problem(None, f"there is no section `{title}`", f"Add a heading `{title}`"))
    return None


# -- front matter ------------------------------------------------------------------------------------------


def _front_matter(document: Document) -> tuple[dict[str, str], list[Problem]]:
    """Every scalar as text: `id: 010` stays "010". A list becomes one text with commas."""
    if document.front_matter is None:
        remedy = f'Begin the file with `---`, `id: "{number_of(document.stem)}"`, `---`'
        return {}, [document.problem(0, "there is no front matter", remedy)]
    start, end = document.front_matter
    try:
        tree = yaml_tree.read_mapping("\n".join(document.lines[start:end]), document.file, start + 1)
    except ProposalError as refusal:
        return {}, list(refusal.problems)
    problems: list[Problem] = []
    about: dict[str, str] = {}
    for key, node in tree.items.items():
        match node:
            case yaml_tree.Scalar(_, text, plain):
                about[key] = "" if plain and text in {"null", "~"} else text
            case yaml_tree.Sequence(_, items):
                about[key] = ", ".join(item.text for item in items if isinstance(item, yaml_tree.Scalar))
    place = tree.keys.get("id")
    line = start if place is None else place.line - 1
    problems += _identity(document, about.get("id", ""), line)
    return about, problems


def _identity(document: Document, id: str, line: int) -> list[Problem]:
    """The stem is the identity; `id` repeats its number, so that a renamed file is noticed."""
    number = number_of(document.stem)
    remedy = f'Write `id: "{number}"`, or rename the file'
    if not id:
        return [document.problem(line, "the front matter has no `id`", f'Write `id: "{number}"`')]
    if "/" in id or "\\" in id or ".." in id:
        return [document.problem(line, f"the id `{id}` cannot hold a slash or `..`: it names folders", remedy)]
    if id not in {number, document.stem}:
        return [document.problem(line, f"the id is `{id}`, and the file's name begins with `{number}`", remedy)]
    return []


# -- setup -------------------------------------------------------------------------------------------------


def _setup(document: Document, experiment: Part, problems: list[Problem]) -> SetupReading:
    blocks = [(line, text) for info, line, text in fences(document, experiment) if info.split() == ["yaml", "mve"]]
    if not blocks:
        message = "the experiment has no setup block"
        remedy = "Add a fenced code block that begins with ```yaml mve"
        problems.append(document.problem(experiment.heading.line, message, remedy))
        return NO_SETUP
    if len(blocks) > 1:
        message = f"there is a second setup block, the first is in line {blocks[0][0]}"
        problems.append(document.problem(blocks[1][0] - 1, message, "Keep one of the two"))
        return NO_SETUP
    line, text = blocks[0]
    read = read_setup(text, document.file, line + 1)
    problems += read.problems
    return read
