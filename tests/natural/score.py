"""How many of the test notations are read right, refused or read wrong: `python -m tests.natural.score`."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proposals.natural import Context, KnownVariant, Suggestion, suggest
from tests.natural import documents
from tests.natural.equivalence import same

HERE = Path(__file__).parent
RIGHT, REFUSED, WRONG = "right", "refused", "wrong"


@dataclass(frozen=True)
class Case:
    """`canonical` None: there is no reading, and refusing is right."""

    origin: str
    text: str
    role: str
    class_: str
    canonical: str | None
    got: Suggestion

    @property
    def outcome(self) -> str:
        if self.got.canonical is None:
            return RIGHT if self.canonical is None else REFUSED
        return RIGHT if same(self.got.canonical, self.canonical) else WRONG


def held_out(name: str = "sentences") -> Iterator[Case]:
    """`sentences`, or `traps`: written after the forms, but without looking at them."""
    folder = HERE / "held_out"
    known = json.loads((folder / "contexts.json").read_text("utf-8"))
    for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines():
        given = json.loads(line)
        setup = given.get("context", "ring")
        variants = () if setup == "open" else _variants(known[setup]["variants"])
        context = Context(given["section"], variants)
        yield Case(
            "held out",
            given["text"],
            given["role"],
            given["class"],
            given["canonical"],
            suggest(given["text"], context),
        )


def corpus() -> Iterator[Case]:
    for path in sorted((HERE / "corpus").glob("*.json")):
        yield from document(path)


def document(path: Path) -> Iterator[Case]:
    """The criteria of one document in order, each with those before it as siblings."""
    sidecar = json.loads(path.read_text("utf-8"))
    variants = _variants(sidecar["variants"])
    siblings: list[Suggestion] = []
    harvested: tuple[KnownVariant, ...] = ()
    for given in sidecar["criteria"]:
        context = Context(
            given["section"],
            () if sidecar["open"] else variants,
            harvested=variants if sidecar["open"] else harvested,
            metric=given.get("metric"),
            role=given.get("role_before"),
            siblings=tuple(siblings),
        )
        got = suggest(given["given"], context)
        siblings.append(got)
        yield Case(path.stem, given["given"], given["role"], given["class"], given["canonical"], got)


def _variants(given: list[dict[str, Any]]) -> tuple[KnownVariant, ...]:
    return tuple(KnownVariant(v["name"], tuple(v["aliases"]), v["proposed"]) for v in given)


def table(cases: list[Case]) -> str:
    """Of each class: readings that exist and were found, refused or wrong; and texts that have none."""
    lines = [
        "| class | with a reading | right | refused | wrong | without a reading | rightly refused | wrongly read |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in [*sorted({case.class_ for case in cases}), "all"]:
        chosen = [case for case in cases if name in (case.class_, "all")]
        has = Counter(case.outcome for case in chosen if case.canonical is not None)
        none = Counter(case.outcome for case in chosen if case.canonical is None)
        lines.append(
            f"| {name} | {has.total()} | {has[RIGHT]} | {has[REFUSED]} | {has[WRONG]} "
            f"| {none.total()} | {none[RIGHT]} | {none[WRONG]} |"
        )
    return "\n".join(lines)


SETS = {"sentences": "Sentences", "traps": "Traps", "field": "Phrases of the field"}
PAGE = HERE.parent.parent / "docs" / "natural-notation.md"
BEGIN, END = "<!-- score -->", "<!-- end -->"


def sets() -> dict[str, list[Case]]:
    return {
        **{title: list(held_out(name)) for name, title in SETS.items()},
        "Criteria of the documents": list(corpus()),
    }


def report(chosen: dict[str, list[Case]]) -> str:
    """The table of all classes, then the sum of each set."""
    everything = [case for cases in chosen.values() for case in cases]
    by_set = [table(cases).splitlines()[-1].replace("| all |", f"| {title} |") for title, cases in chosen.items()]
    head = table([]).splitlines()[:2]
    whole = (
        table(list(whole_documents())).splitlines()[-1].replace("| all |", "| Documents, as `mve check` reads them |")
    )
    return "\n".join([table(everything), "", head[0].replace("class", "set", 1), head[1], *by_set, whole])


def whole_documents() -> Iterator[Case]:
    """The documents of the corpus without their sidecars' setup: what is a criterion, and whose names are harvested."""
    for pair in documents.everything():
        one, given = pair.found, pair.given
        got = Suggestion(one.suggested, pair.canonical, given["class"], given["role"], "low", one.reason or "")
        yield Case(pair.document, one.text, given["role"], given["class"], given["canonical"], got)


def main() -> None:
    chosen = sets()
    text = report(chosen)
    print(text)
    for case in (case for cases in chosen.values() for case in cases):
        if case.outcome == WRONG:
            print(f"\nWRONG {case.origin}: {case.text}\n  expected {case.canonical}\n  read     {case.got.canonical}")
    if "--write" in sys.argv:
        page = PAGE.read_text("utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
