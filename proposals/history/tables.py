"""Results tables: which cells are measurements, of which variant, of which metric, under which condition."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from models.metrics import METRICS
from proposals.errors import Problem
from proposals.history.blocks import Block, Row
from proposals.history.cast import Cast, core, slug
from proposals.history.nouns import Vocabulary, direction_of, is_learned, words_of
from proposals.history.quantities import Condition, Quantity, conditions, plain, quantities
from proposals.judging.measurements import Measurement

Shape = Literal["criteria", "by_row", "by_column", ""]

_VARIANTS = frozenset([
    "model", "models", "variant", "variants", "method", "methods", "config", "configuration",
    "architecture", "name", "mixer", "approach", "system"
])  # fmt: skip
_METRICS = frozenset(["metric", "metrics", "measure", "measurement", "quantity", "statistic", "property"])
TARGETS = frozenset(["target", "targets", "threshold", "goal", "required", "expected", "requirement"])
ACHIEVED = frozenset(["achieved", "actual", "result", "measured", "value", "observed", "got"])
STATUS = frozenset(["status", "pass", "passed", "verdict", "met", "outcome", "ok"])
_ASIDE = frozenset([
    "change", "difference", "delta", "improvement", "notes", "note", "comment", "comments", "unit",
    "units", "winner", "better"
])  # fmt: skip
_BLANK = frozenset({"", "-", "–", "—", "n/a", "na", "none", "tbd", "?"})
_UNIT = re.compile(r"\((%|ms|us|µs|s|min|h|KB|MB|GB|KiB|MiB|GiB|tok/s|x|×)\)", re.IGNORECASE)


@dataclass(frozen=True)
class Reported:
    """A measurement with the cell it came from."""

    line: int
    text: str
    measurement: Measurement

    @property
    def key(self) -> tuple[str, str, Condition, int | None]:
        one = self.measurement
        return one.variant, one.metric, tuple(sorted(one.condition.items())), one.seed


@dataclass
class Figures:
    """What was measured, each once; what could not be read, with its line."""

    found: dict[tuple[str, str, Condition, int | None], Reported] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    by_metric: dict[tuple[str, str], dict[Condition, float]] = field(default_factory=dict)

    def of(self, variant: str, metric: str) -> dict[Condition, float]:
        """Values by condition; the first seed stands for all where there are several."""
        return self.by_metric.get((variant, metric), {})

    def add(self, one: Reported, section: str) -> Reported:
        """The same value twice is one measurement. Another value for the same thing was measured under another
        condition that the report does not spell out: the heading it stands under."""
        known = self.found.get(one.key)
        if known and known.measurement.value != one.measurement.value:
            condition = {**one.measurement.condition, "section": slug(section) or f"line_{one.line}"}
            one = replace(one, measurement=one.measurement.model_copy(update={"condition": condition}))
            known = self.found.get(one.key)
            if known and known.measurement.value != one.measurement.value:
                self.problems.append(
                    Problem(
                        f"two values for {one.measurement.variant} {one.measurement.metric}: {known.text!r} in line "
                        f"{known.line} and {one.text!r}",
                        "The first is taken; both are kept as written.",
                        line=one.line,
                    )
                )
        variant, metric, condition_key, _ = one.key
        if one.measurement.value is not None:
            self.by_metric.setdefault((variant, metric), {}).setdefault(condition_key, one.measurement.value)
        return self.found.setdefault(one.key, one)


def shape_of(table: Block) -> Shape:
    heads = [_head(cell) for cell in table.header]
    if len(heads) < 2:
        return ""
    if any(head & TARGETS for head in heads[1:]) and any(
        head & (ACHIEVED | STATUS) or _is_variant_column(cell)
        for head, cell in zip(heads[1:], table.header[1:], strict=True)
    ):
        return "criteria"
    if heads[0] & _VARIANTS:
        return "by_row"
    return "by_column" if heads[0] & _METRICS else ""


def trimmed(table: Block) -> Block:
    """Without a first column that only counts the rows."""
    if len(table.header) < 3 or core(table.header[0]) not in {"", "id", "no", "nr"}:
        return table
    rows = tuple(replace(row, cells=row.cells[1:]) for row in table.rows)
    return replace(table, header=table.header[1:], rows=rows)


def column(table: Block, meaning: frozenset[str]) -> int | None:
    """The first column after the first whose header is one of these words."""
    return next((n for n, cell in enumerate(table.header) if n and _head(cell) & meaning), None)


def variant_columns(table: Block) -> list[int]:
    """Columns that stand for variants, in a table with one metric per row."""
    if shape_of(table) == "criteria" and column(table, ACHIEVED) is not None:
        return []
    return [n for n, cell in enumerate(table.header) if n and _is_variant_column(cell)]


def _is_variant_column(cell: str) -> bool:
    return bool(core(cell)) and not _head(cell) & (TARGETS | ACHIEVED | STATUS | _ASIDE)


def labels_in(tables: Iterable[Block]) -> dict[str, tuple[str, ...]]:
    """What the tables call the variants, with other names for each: `Full (Baseline)` is also "Baseline"."""
    found: dict[str, tuple[str, ...]] = {}
    for table in tables:
        match shape_of(table):
            case "by_row":
                named = zip(table.rows, _row_labels(table), strict=True)
                names = list(dict.fromkeys(pair for row, pair in named if row.cells))
            case "by_column" | "criteria":
                names = [(plain(table.header[n]), ()) for n in variant_columns(table)]
            case _:
                continue
        for label, others in names:
            known = _known(label, found)
            if core(label) and known is None:
                inside = re.search(r"\(([^()]{1,30})\)\s*$", label)
                found[label] = (*others, *([inside[1]] if inside else ()))
            elif known is not None:
                found[known] = tuple(dict.fromkeys((*found[known], *others)))
    return found


def _known(label: str, found: dict[str, tuple[str, ...]]) -> str | None:
    wanted = core(label)
    for name, others in found.items():
        if wanted in {core(name), *(core(other) for other in others)}:
            return name
    bare = [name for name in found if core(re.sub(r"\([^()]*\)\s*$", "", name)) == wanted]
    return bare[0] if len(bare) == 1 else None


def _row_labels(table: Block) -> list[tuple[str, tuple[str, ...]]]:
    """A label for every row. Where several rows bear one name, the next column that tells them apart belongs to it."""
    labels = [plain(row.cells[0]) if row.cells else "" for row in table.rows]
    shared = Counter(core(label) for label, row in zip(labels, table.rows, strict=True) if row.cells)
    if all(count == 1 for count in shared.values()):
        return [(label, ()) for label in labels]
    place = next((n for n in range(1, len(table.header)) if not _is_seed(table.header[n])), None)
    seeded = any(_is_seed(head) for head in table.header[1:])
    # a column of measurements tells no rows apart: then they are runs of one variant
    if place is None or _telling(words_of(table.header[place])) or (seeded and place > 1):
        return [(label, ()) for label in labels]
    found: list[tuple[str, tuple[str, ...]]] = []
    for label, row in zip(labels, table.rows, strict=True):
        if not row.cells:
            found.append((label, ()))
            continue
        setting = f"{plain(table.header[place])}={re.split(r'[ (]', plain(row.cells[place]))[0]}"
        found.append((f"{label} ({setting})", (setting,)))
    return found


def _is_seed(cell: str) -> bool:
    return core(cell) in {"seed", "run"}


def _telling(words: tuple[str, ...]) -> bool:
    """Do these words name something that is measured, rather than a setting or a count of epochs?"""
    return bool(words) and (direction_of(words) != "neither" or is_learned(words) or "ratio" in words)


def measure(tables: Iterable[Block], cast: Cast, vocabulary: Vocabulary) -> Figures:
    figures = Figures()
    labels = labels_in(tables := tuple(tables))
    by_label = {one.label: one.name for one in cast.variants}
    for table in tables:
        shape = shape_of(table)
        section = table.under[-1] if table.under else ""
        if not shape:
            figures.problems.append(
                Problem("a table whose columns are not understood", "It is kept as written.", line=table.line)
            )
        row_labels = _row_labels(table) if shape == "by_row" else [("", ())] * len(table.rows)
        for row, row_label in zip(table.rows, row_labels, strict=True):
            if not row.cells:
                figures.problems.append(
                    Problem(
                        f"this row has another number of cells than the header's {len(table.header)}",
                        "It is kept as written; write a `|` inside a cell as `\\|`.",
                        line=row.line,
                    )
                )
                continue
            for label, noun, cell, seed in _cells(table, row, shape, row_label):
                variant = by_label.get(_known(label, labels) or "")
                if variant is None:
                    continue
                for one in _read(noun, cell, section, vocabulary):
                    if one is None:
                        text = f"{plain(noun)!r} of {label!r} is {plain(cell)!r}, which is no number with a unit"
                        figures.problems.append(Problem(text, "It is kept as written.", line=row.line))
                        continue
                    metric, quantity, condition = one
                    # what is computed on paper has no seed
                    analytic = metric in METRICS and METRICS[metric].source == "analytic"
                    entry = Measurement(
                        variant=variant,
                        metric=metric,
                        value=quantity.value,
                        condition=dict(condition),
                        seed=None if analytic else seed,
                        source="analytic" if analytic else "measured",
                    )
                    figures.add(Reported(row.line, quantity.text, entry), section)
    return figures


def _cells(
    table: Block, row: Row, shape: Shape, row_label: tuple[str, tuple[str, ...]]
) -> Iterator[tuple[str, str, str, int | None]]:
    """Label of the variant, the words of the metric, the cell, the seed."""
    if shape == "by_row":
        label, others = row_label
        at = next((n for n, cell in enumerate(table.header) if n and _is_seed(cell)), None)
        seed = int(row.cells[at]) if at is not None and re.fullmatch(r"\d{1,9}", row.cells[at]) else None
        for place, head in enumerate(table.header):
            if place and place != at and not any(core(head) == core(o.split("=")[0]) for o in others):
                yield label, head, row.cells[place], seed
    elif shape in {"by_column", "criteria"}:
        for place in variant_columns(table):
            yield plain(table.header[place]), row.cells[0], row.cells[place], None


def _read(
    noun: str, cell: str, section: str, vocabulary: Vocabulary
) -> Iterator[tuple[str, Quantity, Condition] | None]:
    """None for a cell that holds something and is not read."""
    if plain(cell).casefold() in _BLANK or re.fullmatch(r"[✅❌⚠️✓✗\s]+", cell):
        return
    words = words_of(noun)
    unit = _UNIT.search(noun)
    found = quantities(cell, unit[1] if unit else "")
    if not found:
        yield None
    for quantity in found:
        if quantity.unit == "number" and not _telling(words):
            continue  # a setting or a count of epochs: kept in the table, no metric
        metric = vocabulary.name(words, quantity.unit, quantity.value)
        given = {**dict(conditions(section)), **dict(conditions(noun)), **dict(quantity.condition)}
        yield None if metric is None else (metric, quantity, tuple(sorted(given.items())))


def _head(cell: str) -> set[str]:
    text = re.sub(r"\([^()]*\)", " ", plain(cell).casefold())
    found = set(re.findall(r"[^\W\d_]+", text))
    return found if len(found) <= 2 else set()
