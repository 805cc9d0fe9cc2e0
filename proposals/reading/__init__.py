"""Document -> Proposal. All problems of a document are found, not only the first.

read_proposal(path)            the proposal, or ProposalError with every problem
read_as_far_as_it_goes(path)   the same for documents that have problems: what could be read, and the problems
find_proposal(folder, name)    "008", a stem or a path -> path
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from models.options.probes import PROBE_METRICS
from proposals.errors import Problem, ProposalError
from proposals.language import Names
from proposals.reading.blocks import fences, position
from proposals.reading.criteria import criterion_of
from proposals.reading.document import Document, load, load_source
from proposals.reading.document import Section as Part
from proposals.reading.folder import clashes, find_proposal, home_of, list_proposals, number_of, path_of, stem_of
from proposals.reading.front import read_about
from proposals.reading.regions import FAILURE, SUCCESS, find_criteria
from proposals.reading.reported import read_reported
from proposals.reading.setup import NO_SETUP, SetupReading, read_setup
from proposals.reading.spans import formal_spans
from proposals.reading.statements import Found, Statement
from proposals.spec import AnySetup, Criterion, Proposal, Setup

if TYPE_CHECKING:
    from proposals.natural import KnownVariant

__all__ = [
    "Place",
    "Reading",
    "clashes",
    "find_proposal",
    "home_of",
    "list_proposals",
    "load_source",
    "names_of",
    "number_of",
    "path_of",
    "read_as_far_as_it_goes",
    "read_document",
    "read_proposal",
    "stem_of",
]

EXPERIMENT = re.compile(r"\bminim(?:um|al)[\s-]+viable\s+experiment\b|^\W*(?:\d+\W*)?MVE\b", re.IGNORECASE)
HYPOTHESIS = re.compile(r"^\W*hypothesis\b", re.IGNORECASE)
MOST = 1_000
"""Criteria of a document that are interpreted; nobody writes as many, and reading is to take seconds at any size."""
_SETUP_BLOCK = re.compile(r"[ \t>]*(?:[-*+][ \t]+)?(?:`{3,}|~{3,})[ \t]*yaml[ \t]+mve[ \t]*$")


@dataclass(frozen=True)
class Place:
    """Where a code span would be appended to a criterion: index of the line, and of the character in it."""

    line: int
    column: int


@dataclass(frozen=True)
class Reading:
    """problems: all that keeps the proposal from being decided. old_style: it never heard of our format, and the
    problems named in `missing` are only what that format asks for. harvested: names of variants that the text brought.
    """

    proposal: Proposal
    problems: tuple[Problem, ...]
    setup_lines: Mapping[str, int]
    """Where the keys of the setup block stand, for whoever has a complaint about one."""
    notes: tuple[Problem, ...] = ()
    old_style: bool = False
    missing: tuple[Problem, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    """Of the criteria without a code span, by id."""
    harvested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_proposal(path: Path) -> Proposal:
    """Raises ProposalError with all problems, or UnreadableError where the file is no text."""
    reading = read_as_far_as_it_goes(path)
    if reading.problems:
        raise ProposalError(*reading.problems)
    return reading.proposal


def read_as_far_as_it_goes(path: Path) -> Reading:
    """Raises UnreadableError only. What could not be read is absent from the proposal and in `problems`."""
    return read_document(load(path))


def names_of(setup: AnySetup) -> Names:
    """What the criteria of this setup may name."""
    aliases = {alias: name for name, variant in setup.variants.items() for alias in variant.aliases}
    unmeasured = {
        metric: f"Add `{probe}` to `probes` in the setup"
        for probe, metrics in PROBE_METRICS.items()
        for metric in metrics
        if isinstance(setup, Setup) and metric not in setup.vocabulary
    }
    return Names(tuple(setup.variants), setup.proposed, aliases, setup.vocabulary, unmeasured)


def read_document(document: Document) -> Reading:
    own_format = any("mve" in line and _SETUP_BLOCK.match(line) for line in document.lines)
    about = read_about(document, own_format)
    problems, missing, notes = list(about.problems), list(about.absent), list(about.notes)
    if document.repaired:
        notes.append(_repair(document))
    absent = problems if own_format else missing
    title = next((heading.title for heading in document.headings if heading.level == 1), "")
    title = title or ("" if own_format else about.values.get("title", ""))
    experiment = _only(document, document.sections(EXPERIMENT), "Minimum Viable Experiment", problems, absent)
    setup, found = NO_SETUP, Found()
    if experiment is not None:
        setup = _setup(document, experiment, problems, absent)
        found = find_criteria(document, experiment, own_format)
    elif not own_format:
        found = _without_experiment(document, notes)
    problems += found.problems
    notes += found.notes
    for pattern, side, name in ((SUCCESS, "success", "Success Criteria"), (FAILURE, "failure", "Failure Criteria")):
        sections = [] if experiment is None else document.sections(pattern, experiment)
        has = any(statement.side == side for statement in found.statements)
        if own_format or len(sections) > 1:
            section = None if experiment is None else _only(document, sections, name, problems, problems)
            if section is not None and not has:
                message = f"`{name}` holds no bullet"
                problems.append(document.problem(section.heading.line, message, "Add criteria as `- ` bullets"))
        elif not has:
            missing.append(document.problem(None, f"there are no {side} criteria", f"Add a heading `{name}`"))
    if not title:
        problems.append(document.problem(None, "the proposal has no title", "Add a line `# Title`"))
    names = None if setup.setup is None else names_of(setup.setup)
    prose = "" if experiment is None or own_format else document.text(experiment)[:100_000]
    criteria, places, harvested = _criteria(
        document, found, names, setup.setup, title, prose, own_format, problems, notes
    )
    hypothesis = document.sections(HYPOTHESIS)
    proposal = Proposal(
        stem=document.stem,
        number=number_of(document.stem),
        title=title,
        status=about.values.get("status", ""),
        priority=about.values.get("priority", ""),
        created=about.values.get("created", "") or about.values.get("date", ""),
        based_on=about.based_on,
        hypothesis=document.text(hypothesis[0]).strip() if hypothesis else "",
        setup=setup.setup,
        criteria=criteria,
        file=document.file,
        source_sha256=document.sha256,
        reported=read_reported(document, names, problems),
    )
    old_style = setup.setup is None and not own_format
    old_style = old_style or (setup.setup is not None and not any(one.formal is not None for one in criteria))
    wanted = problems if own_format else missing
    problems = [*problems, *(problem for problem in missing if wanted is missing or problem in about.absent)]
    return Reading(proposal, tuple(problems), setup.lines, tuple(notes), old_style, tuple(missing), places, harvested)


def _only(
    document: Document, sections: list[Part], title: str, problems: list[Problem], absent: list[Problem]
) -> Part | None:
    if len(sections) == 1:
        return sections[0]
    if sections:
        first, second = sections[0].heading, sections[1].heading
        if sections[1].end <= sections[0].end:
            return sections[0]  # a heading inside the section repeats its words
        message = f"there is a second section `{second.title}`, the first is in line {first.line + 1}"
        problems.append(document.problem(second.line, message, "Keep one of the two"))
    else:
        absent.append(document.problem(None, f"there is no section `{title}`", f"Add a heading `{title}`"))
    return None


def _without_experiment(document: Document, notes: list[Problem]) -> Found:
    """No heading names the experiment: sections of criteria count where there is one of each at most."""
    found = Found()
    for pattern in (SUCCESS, FAILURE):
        sections = document.sections(pattern)
        if len(sections) != 1:
            continue
        heading = sections[0].heading
        part = find_criteria(document, Part(heading, heading.line, sections[0].end), own_format=False)
        found.statements += part.statements
        found.problems += part.problems
        notes += part.notes
    return found


def _repair(document: Document) -> Problem:
    lines = sorted(line + 1 for line in document.repaired)
    listed = ", ".join(map(str, lines[:10])) + (f" and {len(lines) - 10} more" if len(lines) > 10 else "")
    message = f"the encoding of line {listed} was broken (UTF-8 read as cp1252) and is read as it was meant"
    return document.problem(lines[0] - 1, message, "The file is as it was; save it as UTF-8 to mend it")


# -- criteria ----------------------------------------------------------------------------------------------


def _criteria(
    document: Document, found: Found, names: Names | None, setup: AnySetup | None, title: str, prose: str,
    own_format: bool, problems: list[Problem], notes: list[Problem],
) -> tuple[tuple[Criterion, ...], dict[str, Place], dict[str, tuple[str, ...]]]:  # fmt: skip
    """Formal ones are read; the others get a suggestion."""
    criteria: list[Criterion] = []
    natural: list[tuple[int, Statement]] = []
    counts = {"success": 0, "failure": 0}
    for statement in found.statements:
        counts[statement.side] += 1
        id = f"{statement.side[0].upper()}{counts[statement.side]}"
        criterion, wrong = criterion_of(document, statement, id, names, own_format)
        if not wrong and statement.fragments and len(natural) < MOST:
            natural.append((len(criteria), statement))
        elif criterion.formal is None and not wrong and len(natural) >= MOST:
            criterion = criterion.model_copy(update={"reason": f"only the first {MOST:,} criteria are interpreted"})
        criteria.append(criterion)
        problems += wrong
    for fragment in found.loose:
        span = formal_spans([fragment], own_format)[0]
        line, column = position(document, fragment, span.start)
        message = "this criterion does not stand in a bullet, so it would not be read"
        problems.append(document.problem(line, message, "Begin its line with `- `", column))
    if all(criteria[index].formal is not None for index, _ in natural):
        return tuple(criteria), {}, {}
    from proposals.reading.suggesting import suggested, suggestions  # only where there is natural notation

    # those with a code span are read too: their prose names variants that the others mean
    read = suggestions([statement for _, statement in natural], setup, title, prose)
    places = {}
    for (index, statement), reading in zip(natural, read.readings, strict=True):
        if criteria[index].formal is not None:
            continue
        criteria[index] = suggested(criteria[index], statement, reading, own_format, setup is None)
        places[criteria[index].id] = Place(*statement.end)
    if read.harvested:
        notes.append(_names(document, read.harvested, read.why))
    return tuple(criteria), places, {one.name: one.aliases for one in read.harvested}


def _names(document: Document, harvested: "tuple[KnownVariant, ...]", why: str) -> Problem:
    listed = ", ".join(f"`{one.name}` ({', '.join(one.aliases)})" for one in harvested)
    idea = next((one.name for one in harvested if one.proposed), None)
    taken = "nothing says which is the idea" if idea is None else f"`{idea}` is taken for the idea: {why}"
    return document.problem(None, f"variants named in the text: {listed}; {taken}", "Declare them in a setup block")


# -- setup -------------------------------------------------------------------------------------------------


def _setup(document: Document, experiment: Part, problems: list[Problem], absent: list[Problem]) -> SetupReading:
    blocks = [(line, text) for info, line, text in fences(document, experiment) if info.split() == ["yaml", "mve"]]
    if not blocks:
        message = "the experiment has no setup block"
        remedy = "Add a fenced code block that begins with ```yaml mve"
        if absent is not problems:
            remedy += ", such as `mve new` writes; what the prose says of the setup is kept as text"
        absent.append(document.problem(experiment.heading.line, message, remedy))
        return NO_SETUP
    if len(blocks) > 1:
        message = f"there is a second setup block, the first is in line {blocks[0][0]}"
        problems.append(document.problem(blocks[1][0] - 1, message, "Keep one of the two"))
        return NO_SETUP
    line, text = blocks[0]
    read = read_setup(text, document.file, line + 1)
    problems += read.problems
    return read
