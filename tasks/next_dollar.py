"""What has become of ideas by the tricks they are built on, and which open question would tell most for its price.

The chance that an idea proceeds is guessed from its tricks: for each the rule of succession, (proceeded + 1) /
(proceeded + abandoned + 2), and their mean; 1/2 for an idea that names none. The information in its verdict is the
entropy of that chance, at most one bit. It is divided by the estimated dollars, or, where no money is asked, by the
estimated minutes. This orders questions by how uncertain their answer is, not by how much it matters.
"""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from db.catalog import Frozen, Story, Version

FIDELITIES = ("specified", "reduced", "proxy")
"""Best first."""
DECISIVE = ("PROCEED", "ABANDON")


class Standing(NamedTuple):
    """The newest verdict of a proposal at the best fidelity it was run at."""

    verdict: str
    fidelity: str


class Record(NamedTuple):
    """Of the ideas built on a trick. Those neither proceeded nor abandoned, though judged, are undecided."""

    ideas: int = 0
    judged: int = 0
    proceeded: int = 0
    abandoned: int = 0

    @property
    def chance(self) -> float:
        """That the next one proceeds, by the rule of succession."""
        return (self.proceeded + 1) / (self.proceeded + self.abandoned + 2)


class Question(NamedTuple):
    """An open proposal. bits: of information in its verdict. dollars, minutes: None where nobody has estimated them.
    rate: bits per dollar, or per minute where the dollars are 0; None where that is 0 too, or nothing is estimated."""

    stem: str
    title: str
    chance: float
    bits: float
    dollars: float | None
    minutes: float | None
    rate: float | None

    @property
    def free(self) -> bool:
        return self.dollars == 0


def newest_versions(story: Story) -> dict[str, Version]:
    return {version.stem: version for version in story.versions}


def standing_verdicts(story: Story) -> dict[str, Standing]:
    """By stem."""
    registrations = {one.id: one for one in story.registrations}
    standing: dict[str, Standing] = {}
    for verdict in story.verdicts:
        of = registrations[verdict.registration_id]
        before = standing.get(of.stem)
        if before is None or FIDELITIES.index(of.fidelity) <= FIDELITIES.index(before.fidelity):
            standing[of.stem] = Standing(verdict.verdict, of.fidelity)
    return standing


def track_records(story: Story) -> dict[str, Record]:
    """By trick. Each idea counts once, with the verdict that stands."""
    standing = standing_verdicts(story)
    records: dict[str, Record] = {}
    for stem, version in newest_versions(story).items():
        verdict = standing[stem].verdict if stem in standing else None
        for trick in version.tricks:
            so_far = records.get(trick, Record())
            records[trick] = Record(
                so_far.ideas + 1,
                so_far.judged + (verdict is not None),
                so_far.proceeded + (verdict == "PROCEED"),
                so_far.abandoned + (verdict == "ABANDON"),
            )
    return records


def chance_of(tricks: Iterable[str], records: Mapping[str, Record]) -> float:
    chances = [records.get(trick, Record()).chance for trick in tricks]
    return math.fsum(chances) / len(chances) if chances else 0.5


def entropy(chance: float) -> float:
    """H(p) = -p log2 p - (1 - p) log2 (1 - p), in bits."""
    return -sum(p * math.log2(p) for p in (chance, 1 - chance) if p > 0)


def open_questions(story: Story) -> list[Question]:
    """Proposals that have neither PROCEED nor ABANDON as specified, best first: those that cost no money by bits per
    minute, then the others by bits per dollar, then those that nobody has estimated."""
    records, standing = track_records(story), standing_verdicts(story)
    registered = {one.stem: one for one in story.registrations if one.fidelity == "specified"}
    questions = []
    for stem, version in newest_versions(story).items():
        if stem in standing and standing[stem].verdict in DECISIVE and standing[stem].fidelity == "specified":
            continue
        chance = chance_of(version.tricks, records)
        dollars, minutes = _estimate(version, registered.get(stem))
        price = minutes if dollars == 0 else dollars
        bits = entropy(chance)
        rate = bits / price if price else None
        questions.append(Question(stem, version.title, chance, bits, dollars, minutes, rate))
    return sorted(questions, key=_place)


def _estimate(version: Version, registered: Frozen | None) -> tuple[float | None, float | None]:
    """Of the document, which may have been edited since it was registered; else of its registration."""
    if version.estimate_dollars is None and registered is not None:
        return registered.estimate_dollars, registered.estimate_minutes
    return version.estimate_dollars, version.estimate_minutes


def _place(question: Question) -> tuple[int, float, str]:
    group = 3 if question.dollars is None else 2 if not question.free else 0 if question.rate is None else 1
    return (group, -(question.rate or 0.0), question.stem)
