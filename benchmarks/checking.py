"""How long it takes to read and check a folder of proposals: `python -m benchmarks.checking`.

Writes generated proposals of three kinds to a temporary folder: in our format, in natural notation (LaTeX bullets, no
code spans, no setup block) and in older styles (bold header lines, tables, numbered lists, sentences). All are read
and checked with what `mve check` runs, one after the other in this process.
"""

import argparse
import cProfile
import json
import pstats
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from proposals.checks import check_folder

COUNT = 1000
GOAL = 30.0
"""Seconds for all of them."""

PROSE = (
    "Linear attention packs a whole prefix into one matrix, and what came first is written over by what comes later. "
    "We believe that the two remedies act in different places, so that together they recall what neither recalls alone."
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="proposals in the folder")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kinds = write_proposals(Path(folder), options.count)
        profile = cProfile.Profile()
        if options.profile:
            profile.enable()
        figures = measure(Path(folder), kinds)
        profile.disable()
    if options.profile:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(40)
    if options.json:
        print(json.dumps(figures))
    else:
        for kind, (count, seconds) in figures["kinds"].items():
            print(f"{kind:10} {count:5} proposals  {seconds:6.2f} s  {1000 * seconds / count:6.2f} ms each")
        print(f"in all {figures['seconds']:.2f} s for {options.count} proposals; the goal is under {GOAL:g} s")
        print(f"exit codes {figures['exit_codes']}, {figures['readings']} of {figures['criteria']} criteria read")
    return 0 if figures["seconds"] < GOAL else 1


def measure(folder: Path, kinds: dict[str, str]) -> dict[str, Any]:
    seconds: defaultdict[str, float] = defaultdict(float)
    codes: Counter[int] = Counter()
    criteria = readings = 0
    start = time.perf_counter()
    for report in check_folder(folder):
        now = time.perf_counter()
        seconds[kinds[report.stem]] += now - start
        codes[report.exit_code] += 1
        criteria += len(report.criteria)
        readings += sum(one.canonical is not None or one.suggested is not None for one in report.criteria)
        start = time.perf_counter()
    counts = Counter(kinds.values())
    return {
        "kinds": {kind: (counts[kind], seconds[kind]) for kind in counts},
        "seconds": sum(seconds.values()),
        "exit_codes": dict(codes),
        "criteria": criteria,
        "readings": readings,
    }


def write_proposals(folder: Path, count: int) -> dict[str, str]:
    """`count` documents; the kind of each by its stem, the same ones each time."""
    writers = {"ours": _ours, "natural": _natural, "older": _older}
    kinds = {}
    for number in range(1, count + 1):
        kind = list(writers)[number % len(writers)]
        path = folder / f"{number:04}-{kind}-proposal.md"
        path.write_text(writers[kind](random.Random(number), f"{number:04}"), encoding="utf-8")
        kinds[path.stem] = kind
    return kinds


# -- our format --------------------------------------------------------------------------------------------


def _ours(draw: random.Random, number: str) -> str:
    idea = draw.choice(["ours", "wide", "cos_log_linear", "gated", "hss"])
    base, cosformer, softmax = "base", "cosformer", "softmax"
    high, low = draw.randrange(60, 96), draw.randrange(20, 55)
    success = [
        f"- It recalls: `{idea}.test_accuracy > {high}%`",
        f"- *expected*: one state runs out: `{base}.test_accuracy < {low}%`",
        f"- *expected*: `{cosformer}.test_accuracy in {low}% .. {low + 10}%`",
        f"- *guard*: `{idea}.nan_count == 0 and not {idea}.diverged`",
        f"- *guard*: not much slower: `{idea}.step_time < {draw.randrange(2, 6)}x {base}.step_time`",
        f"- *sanity*: the test can tell: `{softmax}.test_accuracy > 90%`",
        f"- It is small: `{idea}.state_memory < {draw.choice([0.2, 1.5, 9])} * {softmax}.state_memory`",
        f"- *diagnostic*: `all({base}, {cosformer}).train_loss <= {idea}.train_loss + 0.5`",
        f"- `{idea}.test_accuracy > best({base}, {cosformer}).test_accuracy + {draw.randrange(1, 9)} pp`",
    ]
    failure = [
        f"- **Kill**: no better: `{idea}.test_accuracy - {base}.test_accuracy <= {draw.randrange(1, 6)} pp`",
        f"- **Kill**: `{idea}.test_accuracy < {draw.randrange(20, 60)}%`",
        f"- **Pause**: `{idea}.step_time > {draw.randrange(5, 12)}x {base}.step_time`",
        f"- **Debug**: `{idea}.nan_count > 0 or {idea}.diverged`",
    ]
    chosen = [success[0], *draw.sample(success[1:], draw.randrange(2, len(success)))]
    return f"""---
id: "{number}"
status: proposed
priority: {draw.choice(["high", "medium", "low"])}
created: 2026-0{draw.randrange(1, 9)}-15
based_on: [linear-attention, log-linear-attention]
---
# Proposal {number}

## Hypothesis

{PROSE}

## Method

{_padding(draw)}

## Minimum Viable Experiment

### Setup

```yaml mve
synthetic: {{name: mqar, pairs: {draw.choice([4, 8])}, length: {draw.choice([64, 128, 256])}, vocabulary: 64, train: 4000, validation: 500, test: 1000}}
backbone: {{layers: {draw.randrange(1, 4)}, width: {draw.choice([32, 64])}, heads: {draw.choice([1, 2, 4])}}}
variants:
  {idea}: {{mixer: log_linear, kernel: {draw.choice(["elu", "cosine"])}, proposed: true, aliases: [Our Idea]}}
  base: {{mixer: linear_attention}}
  cosformer: {{mixer: linear_attention, kernel: cosine, aliases: [cosFormer]}}
  softmax: {{mixer: softmax_attention}}
training: {{epochs: {draw.randrange(10, 200)}, batch: 64, lr: 1e-3}}
seeds: {draw.choice(["[5, 10]", "[5]", "[3]", "[7, 12, 20]"])}
compute: {{gpu: {draw.choice(["T4", "H100"])}, minutes: {draw.randrange(5, 60)}, dollars: 0.50}}
```

### Success Criteria

{chr(10).join(chosen)}

### Failure Criteria

{chr(10).join(draw.sample(failure, draw.randrange(1, len(failure) + 1)))}

## Risks

{_padding(draw)}
"""  # noqa: E501


def _padding(draw: random.Random) -> str:
    """Prose of the length that proposals have."""
    return "\n\n".join(f"{PROSE} Here $\\lambda_t^{{({n})}} \\ge 0$, `w(t, s)`." for n in range(draw.randrange(3, 12)))


# -- natural notation --------------------------------------------------------------------------------------

SUCCESS = [
    "Cos-LogLinear achieves $> {high}\\%$ test accuracy on MQAR with 8 pairs",
    "cosFormer stays below {low}% accuracy",
    "Log-linear reaches $60$-$70\\%$ accuracy",
    "Forward pass time $< {times}\\times$ the vanilla linear attention baseline",
    "No NaN/Inf during training",
    "Memory usage $\\leq {part}\\times$ dense baseline",
    "Gap to softmax attention is less than {points}%",
    "Training converges within {steps} steps",
    "Relative error $\\|y - \\hat{{y}}\\|_2 / \\|y\\|_2 < 10^{{-{digits}}}$",
    "Throughput at least {times}x that of cosFormer while accuracy stays above {high}%",
    "Cos-LogLinear outperforms cosFormer by more than {points}%",
    "Perplexity is at most {times}.5",
]
FAILURE = [
    "**Kill the idea if**: cos-LogLinear is no better than cosFormer ($< {points}\\%$ gap)",
    "Accuracy below {low}%",
    "**Pause**: more than {times}x slower than the baseline",
    "Training diverges or produces NaN",
    "If cosFormer matches or exceeds cos-LogLinear",
    "Accuracy drops below ${low}\\%$ at $T = 512$",
]


def _natural(draw: random.Random, number: str) -> str:
    return f"""---
experiment_number: {number}
status: proposed
created: 2026-02-1{draw.randrange(0, 9)}
based_on: linear-attention (127), log-linear-attention (31)
---

# Cosine-reweighted log-linear attention, take {number}

## Hypothesis

{PROSE}

## Method

{_padding(draw)}

## Minimum Viable Experiment

### Setup

- **Model**: 2 layers, d = 32, 2 heads
- **Task**: MQAR, 8 pairs, length 128
- **Baselines**: cosFormer, log-linear attention, vanilla linear attention

### Success Criteria

{_bullets(draw, SUCCESS, 6)}

### Failure Criteria

{_bullets(draw, FAILURE, 3)}

## Expected outcome

{_padding(draw)}
"""


def _bullets(draw: random.Random, templates: list[str], most: int, mark: str = "- ") -> str:
    chosen = draw.sample(templates, draw.randrange(2, most + 1))
    return "\n".join(mark + _filled(draw, template) for template in chosen)


def _filled(draw: random.Random, template: str) -> str:
    return template.format(
        high=draw.randrange(60, 99),
        low=draw.randrange(20, 60),
        times=draw.randrange(2, 6),
        points=draw.randrange(1, 9),
        part=draw.choice(["0.2", "0.5", "0.75"]),
        steps=draw.randrange(100, 2000),
        digits=draw.randrange(2, 6),
    )


# -- older styles ------------------------------------------------------------------------------------------


def _older(draw: random.Random, number: str) -> str:
    high, low = draw.randrange(60, 99), draw.randrange(20, 60)
    setup = draw.choice([
        "| Parameter | Value |\n|---|---|\n| Layers | 2 |\n| Width | 64 |\n| Sequences | 10K |",
        "1. Two layers of width 64\n2. S5 composition, length 20\n3. Budget: $0.50, under 10 min",
    ])  # fmt: skip
    table = f"""| Model | Expected Accuracy |
|---|---|
| **HSS (r=8)** | > {high}% |
| Dense linear attention | $\\geq {high}\\%$ |
| Diagonal SSM | < {low}% |"""
    return f"""# 🔬 HSS linear attention, version {number}

**Status**: proposed
**Priority**: high
**Based on**: hss-matrices, linear-attention

## Hypothesis

{PROSE}

## Minimum Viable Experiment (MVE)

### Setup

{setup}

### Success Criteria

{draw.choice([table, _bullets(draw, SUCCESS, 5, "1. "), "The idea works if accuracy exceeds " + str(high) + "%."])}

### Failure Criteria

{_bullets(draw, FAILURE, 4, draw.choice(["1. ", "* ", "- ❌ "]))}

## Risks

{_padding(draw)}
"""


if __name__ == "__main__":
    sys.exit(main())
