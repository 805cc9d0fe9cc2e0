"""What goes in and what comes out of reading a criterion in natural notation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from models.metrics import METRICS, Metric

Section = Literal["success", "failure"]
Role = Literal["target", "expectation", "sanity", "guard", "diagnostic", "kill", "pause", "debug", "failure"]
Class = Literal[
    "constant", "ordering", "ratio", "margin", "compound", "agreement", "event", "band", "expression", "trend",
    "deadline", "other",
]  # fmt: skip
Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True)
class KnownVariant:
    """`aliases`: the names it bears in prose."""

    name: str
    aliases: tuple[str, ...] = ()
    proposed: bool = False


@dataclass(frozen=True)
class Introduced:
    """A metric that the criterion needs and the vocabulary does not have."""

    name: str
    metric: Metric


@dataclass(frozen=True)
class Suggestion:
    """`formal` and `canonical` are None together. `reason` says why it is read so, or what is missing."""

    formal: str | None
    canonical: str | None
    class_: Class
    role: Role
    confidence: Confidence
    reason: str
    variants: tuple[KnownVariant, ...] = ()
    """Harvested: not in the context. The original spelling is the alias. Of what has no reading too."""
    metrics: tuple[Introduced, ...] = ()
    metric: str | None = None
    """The metric that a following criterion without a noun inherits."""


@dataclass(frozen=True)
class Context:
    """`variants` empty: no setup is known, and names are harvested from the text. `harvested`: those that earlier
    criteria brought, beside which further ones may appear. `role`: the word of the author, if one was found
    outside the text. `metric`: what a heading or a table says the numbers are."""

    section: Section
    variants: tuple[KnownVariant, ...] = ()
    harvested: tuple[KnownVariant, ...] = ()
    metrics: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    role: Role | None = None
    metric: str | None = None
    siblings: tuple[Suggestion, ...] = ()

    @property
    def open(self) -> bool:
        return not self.variants

    @property
    def known(self) -> tuple[KnownVariant, ...]:
        return (*self.variants, *self.harvested)


class Refused(Exception):  # noqa: N818 - it is the expected way out, not an error
    """There is no reading that accounts for every word; the message says what is missing."""

    def __init__(self, reason: str, class_: Class = "other") -> None:
        super().__init__(reason)
        self.reason = reason
        self.class_: Class = class_
