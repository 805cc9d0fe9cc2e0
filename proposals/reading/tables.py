"""Tables of criteria, row by row. A bar inside a formula or a code span is no border, and no row is cut in silence."""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from proposals.reading.blocks import Fragment, lines_of, part
from proposals.reading.document import Document

_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")

Kind = Literal["index", "role", "what", "bound", "remark", "unknown"]
_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("index", re.compile(r"(?:#|no\.?|nr\.?|id|s\.?no\.?|)$")),
    ("role", re.compile(r"(?:action|role|type|kind|verdict|decision|consequence|then)$")),
    ("remark", re.compile(r"(?:why|rationale|notes?|comments?|reason|remarks?|priority|explanation|interpretation)$")),
    ("what", re.compile(r"(?:model|variant|method|architecture|network|criterion|criteria|conditions?|metric|measure|"
                        r"measurement|test|check|what|if|quantity|property|success criteri\w+|failure criteri\w+|"
                        r"kill criteri\w+|name)$")),
    ("bound", re.compile(r"(?:threshold|target|bound|value|required|requirement|goal|limit|expected|pass|must be|"
                         r"result|range)$")),
)  # fmt: skip
_METRICS = {
    "test accuracy": "test_accuracy", "train accuracy": "train_accuracy", "training accuracy": "train_accuracy",
    "validation accuracy": "validation_accuracy", "accuracy": "test_accuracy", "perplexity": "perplexity",
    "step time": "step_time", "forward time": "forward_time", "throughput": "throughput",
    "peak memory": "peak_memory", "state memory": "state_memory", "parameters": "parameters", "test loss": "test_loss",
}  # fmt: skip


SETTING = re.compile(r"(?<![\w\\])(?:length|lengths|depth|distance|pairs|epoch|epochs|steps|[TLNd])\b\W{0,6}\d", re.I)
"""`at T = 512`: words beside a criterion that may narrow it."""


@dataclass(frozen=True)
class Row:
    """text: the row as written; given: what it says, its columns joined; cell: where a reading would be appended."""

    line: int
    text: str
    given: str = ""
    role: str = ""
    metric: str | None = None
    cells: list[Fragment] = field(default_factory=list)
    cell: Fragment | None = None
    refused: str | None = None
    broken: str | None = None
    """The cells do not fit the header: what was counted."""
    bare_bar: bool = False


def table_start(fragment: Fragment) -> int | None:
    """Number of the header's line in a paragraph that is a table, or ends in one."""
    if "|" not in fragment.text:
        return None
    lines = fragment.text.split("\n")
    for number in range(1, len(lines)):
        if "-" in lines[number] and "|" in lines[number - 1] and _DELIMITER.match(lines[number]):
            return number - 1
    return None


def rows(document: Document, fragment: Fragment, header: int) -> list[Row]:
    lines = lines_of(document, fragment)
    names = cells_of(lines[header].text, math=True)
    titles = [lines[header].text[start:end].strip().strip("*_").lower() for start, end in names]
    kinds = [_kind(title) for title in titles]
    found = []
    for line in lines[header + 2 :]:
        bounds, bare = _fitting(line.text, len(names))
        text = line.text.strip()
        if bounds is None:
            counted = len(cells_of(line.text, math=True))
            found.append(Row(line.line, text, broken=f"this row has {counted} cells, and the header has {len(names)}"))
            continue
        cells = [part(document, line, start, end) for start, end in bounds]
        found.append(_row(line.line, text, titles, kinds, cells, bare))
    return found


def _row(line: int, text: str, titles: list[str], kinds: list[Kind], cells: list[Fragment], bare: bool) -> Row:
    chosen: dict[Kind, list[int]] = {}
    for index, kind in enumerate(kinds):
        if cells[index].text.strip() or kind in ("what", "bound"):
            chosen.setdefault(kind, []).append(index)
    said = [*chosen.get("what", []), *chosen.get("bound", [])]
    words = [cells[index].text.strip() for index in said]
    metric = next((name for index in said if (name := _metric(titles[index]))), None)
    refused, pair = None, _pair(titles, chosen)
    if "unknown" in chosen:
        refused = f"what the column `{titles[chosen['unknown'][0]]}` says of it was not understood"
    elif any(SETTING.search(cells[index].text) for index in chosen.get("remark", [])):
        refused = "a remark of the row may be a condition of it: write it into the criterion"
    elif not pair and (len(chosen.get("what", [])) != 1 or len(chosen.get("bound", [])) > 1):
        refused = "which columns of the table make the criterion was not understood"
    elif not all(words):
        refused = "a cell of the row is empty"
    if pair:
        words = [f"{words[0]} {words[1]}", *words[2:]]
    role = cells[chosen["role"][0]].text.strip() if "role" in chosen else ""
    last = cells[said[-1]] if said else cells[-1]
    return Row(line, text, ": ".join(words), role, metric, cells, last, refused, bare_bar=bare)


def _pair(titles: list[str], chosen: dict[Kind, list[int]]) -> bool:
    """`| Model | Metric | Threshold |`: the first two together are what is compared."""
    named = [titles[index] for index in chosen.get("what", [])]
    whose = len(named) == 2 and named[0] in ("model", "variant", "method", "architecture", "network")
    return whose and named[1] in ("metric", "measure", "quantity") and len(chosen.get("bound", [])) == 1


def _kind(title: str) -> Kind:
    if _metric(title) is not None:
        return "bound"
    plain = _EXPECTED.sub("", title)
    return next((kind for kind, pattern in _KINDS if pattern.match(title) or pattern.match(plain)), "unknown")


_EXPECTED = re.compile(r"^(?:expected|target|required|minimum|maximum|min|max|final)\s+(?=\w)")


def _metric(title: str) -> str | None:
    """`expected accuracy`; nothing of `copy accuracy`, which is another metric."""
    return _METRICS.get(_EXPECTED.sub("", title))


def _fitting(line: str, count: int) -> tuple[list[tuple[int, int]] | None, bool]:
    """The cells that fit the header, first with formulas whole, then with every bar a border (`$0.50 | $0.60`)."""
    whole = cells_of(line, math=True)
    plain = cells_of(line, math=False)
    if len(whole) == count:
        return whole, len(plain) != len(whole)
    return (plain, False) if len(plain) == count else (None, False)


_PIECES = re.compile(r"\\.|`+[^`]*`+|\$[^$]*\$|\|", re.DOTALL)


def cells_of(line: str, math: bool) -> list[tuple[int, int]]:
    """Where each cell begins and ends. `\\|` is no border; `math`: nor is a bar in a formula or a code span."""
    bars = []
    at = 0
    while match := _PIECES.search(line, at):
        piece = match.group()
        if piece == "|":
            bars.append(match.start())
        at = match.end() if math or piece[0] not in "$`" else match.start() + 1
    begin = len(line) - len(line.lstrip())
    end = len(line.rstrip())
    if bars and bars[0] == begin:
        begin = bars.pop(0) + 1
    if bars and bars[-1] == end - 1:
        end = bars.pop()
    edges = [begin - 1, *bars, end]
    return [(left + 1, right) for left, right in pairwise(edges)]
