"""A proposal that trains in a second, in a workspace of its own. Not a mock: the real reader, trainer and judge."""

from pathlib import Path

from proposals.workspace import Workspace, find_workspace

TWO = "[2]\nerror: 0.3"
"""Two seeds of two variants: four runs of a proposal, for tests that are not about its verdict."""

DOCUMENT = """---
id: "101"
status: proposed
priority: low
created: 2026-11-22
based_on: [linear-attention]
---
# A small recall

## Hypothesis

Attention recalls three pairs.

## Minimum Viable Experiment

### Setup

```yaml mve
synthetic: {name: mqar, pairs: 2, length: 8, vocabulary: 10, train: 64, validation: 20, test: 20}
backbone: {layers: 1, width: 8, heads: 2}
variants:
  attention: {mixer: softmax_attention, proposed: true}
  linear: {mixer: linear_attention}
training: {epochs: 2, batch: 32, lr: 1e-2}
seeds: SEEDS
compute: {minutes: 1, dollars: 0}
```

### Success Criteria

- TARGET
- *guard*: `attention.nan_count == 0`

### Failure Criteria

- **Kill**: `attention.test_loss > linear.test_loss + 5`
"""


def write_proposal(
    root: Path, stem: str = "101-small-recall", seeds: str = "[5]", target: str = "`attention.test_loss < 20`"
) -> Workspace:
    """A workspace at `root` with one small proposal."""
    folder = root / "proposals"
    folder.mkdir(parents=True, exist_ok=True)
    text = DOCUMENT.replace("SEEDS", seeds).replace("TARGET", target).replace('"101"', f'"{stem[:3]}"')
    (folder / f"{stem}.md").write_text(text)
    return find_workspace(root, str(root / "db" / "catalog.sqlite"))
