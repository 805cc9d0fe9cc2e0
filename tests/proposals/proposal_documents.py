"""A small proposal that is fine, and the means to break it in one place."""

from pathlib import Path

from proposals.checks import CheckReport, check
from proposals.errors import Problem

GOOD = """---
id: "012"
status: proposed
priority: high
created: 2026-03-01
based_on: [one-trick, another-trick]
---
# Title of it

## Hypothesis

It works.

## Minimum Viable Experiment

### Setup

```yaml mve
synthetic: {name: mqar, pairs: 4, length: 32, vocabulary: 16, train: 100, validation: 10, test: 10}
backbone: {layers: 1, width: 16, heads: 2}
variants:
  ours: {mixer: log_linear, kernel: cosine, proposed: true, aliases: [Our Idea]}
  base: {mixer: linear_attention}
  softmax: {mixer: softmax_attention}
training: {epochs: 2, batch: 8, lr: 5e-4}
seeds: [5]
compute: {minutes: 5, dollars: 0}
```

### Success Criteria

- It recalls: `ours.test_accuracy > 80%`
- *sanity*: the test can tell: `softmax.test_accuracy > 90%`

### Failure Criteria

- **Kill**: no better: `ours.test_accuracy - base.test_accuracy <= 5 pp`
"""


def written(folder: Path, text: str | bytes = GOOD, name: str = "012-title.md") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def checked(folder: Path, old: str = "", new: str = "") -> CheckReport:
    """The report on the document with one piece replaced."""
    assert old in GOOD, old
    return check(written(folder, GOOD.replace(old, new, 1) if old else GOOD))


def line_of(piece: str, text: str = GOOD) -> int:
    return text[: text.index(piece)].count("\n") + 1


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]
