"""A document from elsewhere, whole: what it says, kept verbatim, and what of it was understood.

    bytes -> source.py -> blocks.py -> experiments.py -> tables.py, statements.py -> reading.py, roles.py -> rederive.py

Pure but for reading the file. Nothing in the text is ever evaluated; what is not understood is named with its line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from proposals.errors import Problem, UnreadableError
from proposals.history.blocks import Block, blocks_of
from proposals.history.cast import Cast, assemble, mentions
from proposals.history.experiments import Idea, Part, Shape, split
from proposals.history.nouns import Vocabulary, is_inside
from proposals.history.quantities import NUMBER, plain
from proposals.history.reading import Reading, opposite, read_statement
from proposals.history.rederive import Criterion, rederive
from proposals.history.roles import role_of
from proposals.history.source import Repair, Source, load
from proposals.history.statements import Statement, statements
from proposals.history.tables import Figures, Reported, labels_in, measure, trimmed
from proposals.judging.measurements import Measurement
from proposals.judging.outcomes import Judgement
from proposals.language.canonical import canonical
from proposals.reading.yaml_tree import may_explode

READING = 1
"""Version of the rules by which documents are understood. Raise it when a rule changes what comes out."""

MOST_ROWS = 1_000
MOST_COLUMNS = 60
MOST_VARIANTS = 200
MOST_STATEMENTS = 500
"""Per experiment; whatever is beyond is kept verbatim and named, but not interpreted."""

_FLAT = re.compile(
    r"\b(?P<whose>(?:train(?:ing)?|val(?:idation)?|test|eval(?:uation)?)\s+)?loss\b(?P<between>[^.;:→\d]{0,80}?(?:\d{1,6}\s+epochs?\s*)?)"
    rf"\(?(?:from\s+)?(?P<before>{NUMBER})\s*(?:→|->|to)\s*(?P<after>{NUMBER})(?!\s?[%\w])",
    re.IGNORECASE,
)
_SEVERAL_SEEDS = re.compile(
    r"\b(?:over|across|mean of|average of|averaged over|with)\s+(\d{1,3})\s+(?:random\s+)?seeds\b", re.I
)
_REDUCED = re.compile(
    r"\b(?:reduc(?:ed|tion)s?|scaled[- ]down|smaller|deviat(?:es|ions?|ed))\b.{0,30}\bproposal\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Experiment:
    """One experiment of a document. judgement: None where it reports nothing that can be judged, for `why_none`."""

    part: Part
    cast: Cast
    vocabulary: Vocabulary
    measurements: tuple[Reported, ...]
    criteria: tuple[Criterion, ...]
    judgement: Judgement | None
    why_none: str
    problems: tuple[Problem, ...]

    @property
    def contradictions(self) -> tuple[Criterion, ...]:
        return tuple(one for one in self.criteria if one.contradiction)


@dataclass(frozen=True)
class Document:
    source: Source
    stem: str
    shape: Shape
    title: str
    front_matter: dict[str, str]
    blocks: tuple[Block, ...]
    experiments: tuple[Experiment, ...]
    ideas: tuple[Idea, ...]
    problems: tuple[Problem, ...]

    @property
    def repairs(self) -> tuple[Repair, ...]:
        return self.source.repairs


def read_document(path: Path | str) -> Document:
    """Raises UnreadableError where the file is no report of an experiment."""
    source = load(path)
    return understand(source, Path(path).stem)


def understand(source: Source, stem: str) -> Document:
    blocks = blocks_of(source.text)
    shape, parts, ideas = split(blocks, stem)
    if shape is None:
        raise UnreadableError(
            Problem(
                "no report of an experiment was recognised",
                "A results page is titled `Experiment 012 Results: ...`, an experiment log has entries such as "
                "`## [2026-02-16 01:15] Experiment 012: ...`, a research log has headings such as `## 2026-02-16`.",
                source.file,
            )
        )
    front, problems = _front_matter(blocks, source.file)
    heading = next((plain(block.text) for block in blocks if block.kind == "heading"), "")
    # the heading of a document about one experiment may name the idea more fully than the entry does
    also = heading if len(parts) == 1 and shape != "research_log" else ""
    experiments = tuple(_experiment(part, also, blocks, source.file) for part in parts)
    title = front.get("title") or heading
    if shape != "results" and not experiments:
        problems = (*problems, Problem("it reports no experiment", "It is kept as written.", source.file))
    return Document(source, stem, shape, title, front, blocks, experiments, tuple(ideas), problems)


def _experiment(part: Part, also: str, document: Sequence[Block], file: str) -> Experiment:
    problems: list[Problem] = []
    tables, rows = [], 0
    for block in part.blocks:
        if block.kind == "table":
            rows += len(block.rows)
            if rows > MOST_ROWS:
                problems.append(_beyond(f"more than {MOST_ROWS} rows in tables", file, block.line))
                break
            if len(block.header) > MOST_COLUMNS:
                problems.append(_beyond(f"a table of more than {MOST_COLUMNS} columns", file, block.line))
                continue
            tables.append(trimmed(block))
    labels = labels_in(tables)
    if len(labels) > MOST_VARIANTS:
        problems.append(_beyond(f"more than {MOST_VARIANTS} variants", file, part.line))
        labels = dict(list(labels.items())[:MOST_VARIANTS])
    cast, vocabulary = assemble(labels, part.title, f"{part.proposal} {also}"), Vocabulary()
    figures = measure(tables, cast, vocabulary)
    _losses(part, cast, figures)
    claims = [*(block for block in part.blocks if block.kind == "bullet"), *tables]
    said = list(statements(sorted(claims, key=lambda block: block.line), document))
    if len(said) > MOST_STATEMENTS:
        problems.append(_beyond(f"more than {MOST_STATEMENTS} criteria", file, said[MOST_STATEMENTS].line))
        said = said[:MOST_STATEMENTS]
    stated = _criteria(said, cast, vocabulary, figures, problems)
    problems += figures.problems
    problems = [replace(one, file=file) for one in problems]
    common = (part, cast, vocabulary)
    if not figures.found and not stated:
        return Experiment(*common, (), (), None, "no results are reported", tuple(problems))
    text = [plain(block.text) for block in part.blocks if block.kind in {"paragraph", "bullet", "heading"}]
    reduced = any(_REDUCED.search(one[:400]) for one in text)
    seeds = next((found[0] for one in text if (found := _SEVERAL_SEEDS.search(one))), "")
    notes = [f"the report says {seeds!r}; the seeds are not given one by one"] if seeds else []
    criteria, judgement = rederive(stated, cast, vocabulary, figures, "reduced" if reduced else "specified", notes)
    measured = tuple(figures.found.values())
    return Experiment(*common, measured, criteria, judgement, "", tuple(problems))


def _beyond(message: str, file: str, line: int) -> Problem:
    return Problem(message, "What is beyond is kept as written and not interpreted.", file, line)


def _losses(part: Part, cast: Cast, figures: Figures) -> None:
    """`Loss was flat across all 50 epochs (0.8544 → 0.8544)`: first and last loss of the training."""
    for block in part.blocks:
        if block.kind not in {"paragraph", "bullet"}:
            continue
        for offset, text in enumerate(block.text.split("\n")):
            found = _FLAT.search(plain(text))
            if not found or (found["whose"] or "train").strip().lower()[:5] != "train":
                continue
            named = mentions(plain(text), cast)
            variant = named[0].variant if named else cast.idea if cast.why else None
            if variant is None or len({mention.variant for mention in named}) > 1:
                continue
            for metric, group in (("initial_train_loss", "before"), ("train_loss", "after")):
                value = float(found[group].replace(",", "").replace("−", "-").replace("$", ""))
                if not figures.of(variant, metric):
                    entry = Measurement(variant=variant, metric=metric, value=value)
                    figures.add(Reported(block.line + offset, found[0], entry), "")


def _criteria(
    said: list[Statement], cast: Cast, vocabulary: Vocabulary, figures: Figures, problems: list[Problem]
) -> list[Criterion]:
    """Every statement as a criterion. The verdict rests on the sections of criteria where there are any; a target
    elsewhere in the report, and one that only repeats what was specified, is evaluated beside them."""
    origins = {one.origin for one in said}
    decisive = {"success", "failure"} & origins or {"specified"} & origins or {"elsewhere"}
    readings = [(one, read_statement(one, cast, vocabulary, figures)) for one in said]
    outcome = any(reading.formulas and not is_inside(reading.words) for _, reading in readings)
    found: dict[object, Criterion] = {}
    counts = {"S": 0, "F": 0, "X": 0}
    # those that decide first, so that a row elsewhere that says the same joins them
    for one, reading in sorted(readings, key=lambda pair: pair[0].origin not in decisive):
        casting = role_of(one, reading, cast, outcome)
        formulas = opposite(reading.formulas) if casting.turned else reading.formulas
        if one.origin == "specified" and one.origin not in decisive:
            _compare(one, reading, readings, problems)
            continue
        key: object = (casting.role, tuple(formula.tree for formula in formulas)) if formulas else one.line
        if key in found:
            first = found[key]
            found[key] = replace(first, lines=(*first.lines, one.line))
            continue
        section = "F" if one.origin == "failure" else "S" if one.origin in decisive else "X"
        counts[section] += 1
        formal = " | ".join(canonical(formula.tree) for formula in formulas) or None
        found[key] = Criterion(
            id=f"{section}{counts[section]}",
            section="failure" if one.origin == "failure" else "success",
            statement=one,
            casting=casting,
            formulas=formulas,
            canonical=formal,
            reason=reading.reason or "; ".join(dict.fromkeys(f.note for f in formulas if f.note)),
            judged=bool(formulas) and not casting.doubt and one.origin in decisive,
            lines=(one.line,),
        )
    return list(found.values())


def _compare(
    one: Statement, reading: Reading, readings: list[tuple[Statement, Reading]], problems: list[Problem]
) -> None:
    """What was specified beside what was checked in the end: a changed bound is named."""
    if not reading.formulas:
        return
    checked = [
        other
        for statement, other in readings
        if statement.origin == "success" and other.variant == reading.variant and other.metric == reading.metric
    ]
    trees = {formula.tree for other in checked for formula in other.formulas}
    if trees and not trees & {formula.tree for formula in reading.formulas}:
        text = f"specified as {one.subject!r}, checked as {', '.join(sorted(map(canonical, trees)))}"
        problems.append(Problem(text, "The report's own check is judged.", line=one.line))


def _front_matter(blocks: Sequence[Block], file: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Keys with their text as written: "010" is not 8, and a date stays what its author wrote."""
    if not blocks or blocks[0].kind != "front_matter":
        return {}, ()
    text = blocks[0].text
    problem = Problem("the front matter is no plain YAML", "It is kept as written.", file, 1)
    if len(text) > 20_000:
        return {}, (problem,)
    try:
        if may_explode(text):
            return {}, (problem,)
        # the base loader makes text, lists and mappings, and nothing else
        found = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}, (problem,)
    if not isinstance(found, dict):
        return {}, (problem,) if found else ()
    return {str(key): value if isinstance(value, str) else str(value) for key, value in found.items()}, ()
