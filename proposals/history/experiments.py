"""The experiments of a document: where each begins and ends, and what its header lines say of it.

Three shapes: a results page is one experiment; a log has dated entries, and those that name an experiment begin
one; a research log reports experiments as bullets, with what belongs to them nested below.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from proposals.history.blocks import Block
from proposals.history.quantities import plain

Shape = Literal["results", "log", "research_log"]

_RESULTS = re.compile(r"^experiment\s+(?P<number>\w{1,20})\s+results?\s*(?:[:\-–—]\s*(?P<title>.+))?$", re.IGNORECASE)
_ENTRY = re.compile(r"^\[(?P<when>[^\]]{1,40})\]\s*(?P<title>.*)$")
_NAMED = re.compile(r"^(?:\W*)experiment\s+(?P<number>\d\w{0,19})\s*[:\-–—]\s*(?P<title>.+)$", re.IGNORECASE)
_UPDATE = re.compile(
    r"^experiment\s+(?P<number>\d\w{0,19})\s*[:\-–—]\s*(?P<title>[^(]+?)\s*(?:\((?P<rest>.*)\).*)?$", re.IGNORECASE
)
_DATED = re.compile(r"^\d{4}-\d{2}-\d{2}\b")
_PROPOSAL = re.compile(r"\bproposal\s+#?(?P<number>\d\w{0,9})", re.IGNORECASE)
_LABEL = re.compile(r"^\s*(?:[-*]\s+)?\*\*(?P<label>[^*:]{1,60}?)\s*:?\*\*\s*:?\s*(?P<value>.*)$")
_MODAL = re.compile(r"(?<![\w-])ap-[A-Za-z0-9]{15,30}(?![\w-])")
_WANDB = re.compile(r"https?://(?:www\.)?wandb\.ai/[\w./-]{1,200}")
_MONEY = re.compile(r"(?P<about>[~≈<]\s?)?\$\s?(?P<dollars>\d{1,9}(?:\.\d{1,6})?)(?![\d,]|\s?[-–—]\s?\$?\d)")
_DEVICE = re.compile(r"\b(T4|L4|L40S|A10G?|A100(?:-\d+GB)?|H100|H200|B200|V100|P100|RTX \d{4}|CPU)\b")
_SECONDS = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,3})?)\s?(?P<unit>s|sec(?:onds?)?|min(?:utes?)?|h(?:ours?)?)\b")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?\b")
_DECIDES = re.compile(r"^(?:final )?(?:decision|verdict)$", re.IGNORECASE)
_VERDICT = re.compile(r"^\W*(PROCEED|ABANDON|DEBUG|INCONCLUSIVE)(?:ED)?\b")


@dataclass(frozen=True)
class Line:
    """A value with the line it stands in."""

    line: int
    text: str


@dataclass
class Part:
    """The blocks of one experiment, and what they say of it. `labels`: bold labels, the first of each name."""

    number: str
    title: str
    line: int
    blocks: list[Block]
    status: str = ""
    labels: dict[str, Line] = field(default_factory=dict)
    decision: Line | None = None

    @property
    def verdict(self) -> str | None:
        """The verdict as written, where the decision begins with one of ours; "maybe PROCEED" is none."""
        match = _VERDICT.match(plain(self.decision.text)) if self.decision else None
        return match[1] if match else None

    @property
    def proposal(self) -> str:
        """The stem of the proposal's file, or what the report says in its place."""
        said = self.labels.get("proposal") or self.labels.get("id")
        return re.sub(r"^.*/|\.md$", "", plain(said.text)) if said else ""

    @property
    def date(self) -> str:
        said = self.labels.get("date")
        places = ([said.text] if said else []) + [block.text for block in self.blocks[:2]]
        return next((found[0] for text in places if (found := _DATE.search(text))), "")

    @property
    def dollars(self) -> float | None:
        """Of the label cost; an estimate is no cost."""
        said = self.labels.get("cost")
        found = _MONEY.search(said.text) if said else None
        return float(found["dollars"]) if found else None

    @property
    def device(self) -> str:
        said = self.labels.get("cost")
        found = _DEVICE.search(said.text) if said else None
        return found[1] if found else ""

    @property
    def seconds(self) -> float | None:
        said = self.labels.get("runtime")
        found = _SECONDS.search(said.text) if said else None
        if not found:
            return None
        return float(found["number"]) * {"s": 1, "m": 60, "h": 3600}[found["unit"][0]]

    def ids(self) -> tuple[Line, ...]:
        """Modal apps and W&B pages, wherever they are named."""
        found: dict[str, int] = {}
        for block in self.blocks:
            for offset, text in enumerate(block.text.split("\n")):
                for match in [*_MODAL.finditer(text), *_WANDB.finditer(text)]:
                    found.setdefault(match[0].rstrip(".,/"), block.line + offset)
        return tuple(Line(line, text) for text, line in found.items())


@dataclass(frozen=True)
class Idea:
    """A proposal that a research log speaks of: what its bullet and those below it say."""

    line: int
    number: str
    title: str
    labels: dict[str, Line]


def split(blocks: Sequence[Block], stem: str) -> tuple[Shape | None, list[Part], list[Idea]]:
    """The shape of the document, its experiments, and the proposals it mentions. Shape None: none that is known."""
    updates = [n for n, block in enumerate(blocks) if _top_bullet(block) and _UPDATE.match(_bold_head(block))]
    dated = any(block.kind == "heading" and _DATED.match(plain(block.text)) for block in blocks)
    if dated:
        return "research_log", [_update(n, blocks) for n in updates], _ideas(blocks, set(updates))
    entries = [n for n, block in enumerate(blocks) if block.kind == "heading" and _ENTRY.match(block.text)]
    if entries:
        return "log", _log(blocks, entries, stem), []
    heads = [block for block in blocks if block.kind == "heading"]
    if not heads:
        return None, [], []
    match = _RESULTS.match(plain(heads[0].text)) or _NAMED.match(plain(heads[0].text))
    about = any(re.search(r"\b(?:results?|success criteria|decision)\b", block.text, re.I) for block in heads)
    if not match and not about:
        return None, [], []
    number = match["number"] if match else _digits(stem)
    title = (match["title"] if match and match["title"] else plain(heads[0].text)).strip()
    return "results", [_described(Part(number, title, heads[0].line, list(blocks)))], []


def _log(blocks: Sequence[Block], entries: list[int], stem: str) -> list[Part]:
    """Entries that name another experiment begin one; the others belong to the one before them."""
    parts: list[Part] = []
    by_number: dict[str, Part] = {}
    current: Part | None = None
    for place, start in enumerate(entries):
        end = entries[place + 1] if place + 1 < len(entries) else len(blocks)
        entry = _ENTRY.match(blocks[start].text)
        assert entry
        named = _NAMED.match(plain(entry["title"]))
        if named:
            current = by_number.get(named["number"])
            if current is None:
                current = Part(named["number"], named["title"].strip(), blocks[start].line, [])
                by_number[current.number] = current
                parts.append(current)
        elif current is None:
            head = _NAMED.match(plain(blocks[0].text).removeprefix("Experiment Log").strip())
            title = head["title"] if head else plain(blocks[0].text)
            current = Part(_digits(stem), title, blocks[start].line, [])
            by_number[current.number] = current
            parts.append(current)
        current.blocks.extend(blocks[start:end])
    return [_described(part) for part in parts]


def _update(place: int, blocks: Sequence[Block]) -> Part:
    match = _UPDATE.match(_bold_head(blocks[place]))
    assert match
    # the positions in `within` are those of the document: the bullets above them need not be in this part
    own = [blocks[place], *_below(place, blocks)]
    status = re.search(r"status\s*:\s*([^)]+)", plain(blocks[place].text), re.IGNORECASE)
    part = Part(match["number"], match["title"].strip(), blocks[place].line, own, status[1].strip() if status else "")
    return _described(part)


def _ideas(blocks: Sequence[Block], experiments: set[int]) -> list[Idea]:
    found = []
    for place, block in enumerate(blocks):
        above = " / ".join(block.under)
        if not _top_bullet(block) or place in experiments or not re.search(r"\bproposals?\b", above, re.IGNORECASE):
            continue
        title = re.match(r"\*\*(?P<title>[^*]{1,200})\*\*", block.text)
        if not title:
            continue
        number = _PROPOSAL.search(plain(block.text))
        labels = _labels(list(_below(place, blocks)))
        found.append(Idea(block.line, number["number"] if number else "", title["title"].strip(), labels))
    return found


def _below(place: int, blocks: Sequence[Block]) -> Iterator[Block]:
    """What is nested in the bullet; it follows it without a gap."""
    for block in islice(blocks, place + 1, None):
        if place not in block.within:
            return
        yield block


def _described(part: Part) -> Part:
    part.labels = _labels(part.blocks)
    part.decision = _decision(part)
    return part


def _labels(blocks: Sequence[Block]) -> dict[str, Line]:
    found: dict[str, Line] = {}
    for block in blocks:
        if block.kind in {"paragraph", "bullet"}:
            for offset, text in enumerate(block.text.split("\n")):
                match = _LABEL.match(text[:2000])
                if match and match["value"].strip():
                    found.setdefault(
                        plain(match["label"]).casefold(), Line(block.line + offset, match["value"].strip())
                    )
    return found


def _decision(part: Part) -> Line | None:
    """What stands first below a heading "Decision", or behind that word in bold."""
    for place, block in enumerate(part.blocks[:-1]):
        below = part.blocks[place + 1]
        if block.kind == "heading" and _DECIDES.match(plain(block.text)) and below.kind != "heading":
            return Line(below.line, below.text)
    return part.labels.get("decision") or part.labels.get("verdict")


def _top_bullet(block: Block) -> bool:
    return block.kind == "bullet" and block.level == 1


def _bold_head(block: Block) -> str:
    return plain(block.text.split("\n")[0])


def _digits(stem: str) -> str:
    found = re.search(r"\d{1,9}", stem)
    return found[0] if found else ""
