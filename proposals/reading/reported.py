"""`## Reported before`: what the source of a proposal reported, as a small table, to be set beside our own results.

It decides nothing and is not frozen with the registration. The rest of the section says what differs.
"""

import re

from proposals.errors import Problem, ProposalError
from proposals.language import Names, read
from proposals.language.expressions import Comparison, MetricRef
from proposals.reading.blocks import Fragment, blocks, lines_of
from proposals.reading.document import Document
from proposals.reading.tables import cells_of, table_start
from proposals.spec import Reported, ReportedBefore

HEADING = re.compile(r"^\W*Reported before\b", re.IGNORECASE)
_COLUMNS = ("metric", "reported")


def read_reported(document: Document, names: Names | None, problems: list[Problem]) -> ReportedBefore | None:
    """None where there is no such section, or no setup whose variants could be named."""
    sections = document.sections(HEADING)
    if not sections or names is None:
        return None
    rows: list[Reported] = []
    prose: list[str] = []
    for block in blocks(document, sections[0]):
        header = table_start(block) if isinstance(block, Fragment) else None
        if isinstance(block, Fragment) and header is not None:
            rows += _rows(document, block, header, names, problems)
        elif isinstance(block, Fragment):
            prose.append(" ".join(block.text.split()))
    if not rows and not problems:
        line = sections[0].heading.line
        remedy = "Write a table with the columns `metric`, `reported` and, if you like, `where`"
        problems.append(document.problem(line, "the section `Reported before` has no table", remedy))
    return ReportedBefore(rows=tuple(rows), prose=tuple(prose))


def _rows(document: Document, table: Fragment, header: int, names: Names, problems: list[Problem]) -> list[Reported]:
    lines = lines_of(document, table)
    titles = [title.lower() for title in _cells(lines[header].text)]
    if tuple(titles[:2]) != _COLUMNS or titles[2:] not in ([], ["where"]):
        remedy = "Write `| metric | reported |` or `| metric | reported | where |`"
        problems.append(document.problem(lines[header].line, f"these columns are {', '.join(titles)}", remedy))
        return []
    found = []
    for line in lines[header + 2 :]:
        cells = _cells(line.text)
        if len(cells) != len(titles):
            problems.append(document.problem(line.line, f"this row has {len(cells)} cells", f"Write {len(titles)}"))
            continue
        try:
            ref = _metric(cells[0], names)
        except ProposalError as fault:
            first = fault.problems[0]
            problems.append(document.problem(line.line, first.message, first.remedy))
            continue
        where = cells[2] if len(cells) > 2 else ""
        found.append(
            Reported(variant=ref.variant, metric=ref.metric, condition=ref.condition, reported=cells[1], where=where)
        )
    return found


def _metric(cell: str, names: Names) -> MetricRef:
    if len(cell) < 3 or cell[0] != "`" or cell[-1] != "`":
        raise ProposalError(Problem(f"`{cell}` is no metric of a variant", "Write a code span: `variant.metric`"))
    tree = read(f"{cell.strip('`')} > 0", names)
    if isinstance(tree, Comparison) and isinstance(tree.operands[0], MetricRef):
        return tree.operands[0]
    raise ProposalError(Problem(f"{cell} is more than one metric", "Write a code span such as `variant.test_accuracy`"))


def _cells(line: str) -> list[str]:
    return [line[start:end].strip() for start, end in cells_of(line, math=True)]
