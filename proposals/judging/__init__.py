"""Judging: `judge` makes a verdict of a registration and measurements. docs/verdicts.md explains how.

measurements.py, files.py   what was measured, and reading it from a file
looks.py                    how many seeds must agree
table.py, evaluate.py       the measurements by seed, and what a criterion says of one
subject.py, show.py         what a criterion is about, and numbers for people
estimate.py, aside.py       one criterion over the seeds, and what is no evidence
policy.py, judge.py         the six rules, and all of it together
"""

from proposals.judging.files import read_measurements
from proposals.judging.judge import judge
from proposals.judging.looks import boundaries, spent
from proposals.judging.measurements import Measurement
from proposals.judging.outcomes import CriterionOutcome, Judgement, SeedOutcome

__all__ = [
    "CriterionOutcome",
    "Judgement",
    "Measurement",
    "SeedOutcome",
    "boundaries",
    "judge",
    "read_measurements",
    "spent",
]
