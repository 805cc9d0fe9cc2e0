"""A study that takes a second: the real reader, the real study and the real judge."""

from pathlib import Path

from proposals.workspace import Workspace, find_workspace

STUDY = """---
id: "102"
status: proposed
priority: low
created: 2026-11-22
based_on: [delta-net]
---
# A small study

## Hypothesis

Chunks are the recurrence.

## Minimum Viable Experiment

### Setup

```yaml mve
study: {name: delta_forward, length: 64, width: 8, repeats: 3, warmup: 1}
variants:
  block: {form: block, chunk: 32, block: 8, proposed: true}
  recurrence: {form: recurrence}
seeds: [5]
compute: {minutes: 1, dollars: 0}
```

### Success Criteria

- They agree: `block.max_error[values=normal] < 1e-2`
- *sanity*: the recurrence agrees with itself: `recurrence.max_error[values=normal] < 1e-2`

### Failure Criteria

- **Kill**: it takes a minute: `block.forward_time > 60 s`
"""


def write_study(root: Path, stem: str = "102-small-study") -> Workspace:
    folder = root / "proposals"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.md").write_text(STUDY.replace('"102"', f'"{stem[:3]}"'))
    return find_workspace(root, str(root / "db" / "catalog.sqlite"))
