"""The documents as `mve check` reads them, compared with their sidecars.

The sidecars were written for a setup that names the variants; the documents have none, so that their names are
harvested. A name is taken for that of the sidecar where one of its spellings is an alias there.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proposals.checks import CheckReport, check
from proposals.reading import read_as_far_as_it_goes
from proposals.spec import Criterion
from tests.natural.equivalence import same

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))


@dataclass(frozen=True)
class Pair:
    """`canonical`: of the criterion that was found, in the names of the sidecar."""

    document: str
    given: dict[str, Any]
    found: Criterion
    canonical: str | None

    @property
    def outcome(self) -> str:
        if self.canonical is None:
            return "right" if self.given["canonical"] is None else "refused"
        return "right" if same(self.canonical, self.given["canonical"]) else "wrong"


def pairs(sidecar: Path) -> tuple[CheckReport, list[Pair]]:
    expected = json.loads(sidecar.read_text("utf-8"))
    path = sidecar.with_suffix(".md")
    report = check(path)
    renamed = _renamed(expected, read_as_far_as_it_goes(path).harvested)
    found = [
        Pair(sidecar.stem, given, one, None if one.canonical is None else _in_names(one.canonical, renamed))
        for given, one in zip(expected["criteria"], report.criteria, strict=True)
    ]
    return report, found


def everything() -> Iterator[Pair]:
    for sidecar in CORPUS:
        yield from pairs(sidecar)[1]


def _renamed(expected: dict[str, Any], harvested: Any) -> dict[str, str]:
    names = {_core(alias): one["name"] for one in expected["variants"] for alias in (one["name"], *one["aliases"])}
    return {
        name: next((names[_core(alias)] for alias in (name, *aliases) if _core(alias) in names), name)
        for name, aliases in harvested.items()
    }


def _in_names(canonical: str, renamed: dict[str, str]) -> str:
    return re.sub(r"(?<![\w.])([A-Za-z_]\w*)(?=\.[a-z])", lambda match: renamed.get(match[1], match[1]), canonical)


def _core(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
