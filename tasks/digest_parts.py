"""What the parts of a digest share: lists cut at a length, the proposal behind an experiment, and words made safe."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from db.catalog import Frozen, Story
from proposals.judging.show import show
from tasks.page import NONE
from templates.render import no_block

LISTED = 40
"""Of each list; how many more there are is said."""
WORDS = 240
"""Letters of a text that is quoted."""
T = TypeVar("T")


class Part(NamedTuple):
    """A list as far as it is shown. `more`: how many others there are."""

    rows: list[dict[str, Any]]
    more: int


class Owners:
    """Which registration and proposal an experiment is of."""

    def __init__(self, story: Story) -> None:
        self.registrations = {one.id: one for one in story.registrations}
        self.experiments = {one.id: one for one in story.experiments}

    def of_experiment(self, experiment: int) -> Frozen:
        return self.registrations[self.experiments[experiment].registration_id]


def cut(items: Sequence[T], row: Callable[[T], dict[str, Any]]) -> Part:
    """The rows of the first of them."""
    return Part([row(item) for item in items[:LISTED]], max(0, len(items) - LISTED))


def named(owners: Owners, experiment: int) -> dict[str, Any]:
    of = owners.of_experiment(experiment)
    return {"stem": escaped(of.stem), "fidelity": of.fidelity, "experiment": experiment}


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def in_dollars(value: float) -> str:
    return show(value, "dollars")


def in_minutes(value: float) -> str:
    return f"{value:.1f} min"


def estimate(dollars: float | None, minutes: float | None) -> str:
    return NONE if dollars is None or minutes is None else f"{in_dollars(dollars)}, {in_minutes(minutes)}"


def escaped(text: object) -> str:
    """Words on one line in which Markdown and HTML find nothing to do, cut where they go on for too long. Within a
    line, or in a cell; `beginning` is for where a line begins."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in str(text)).split())
    if len(line) > WORDS:
        line = line[:WORDS].rstrip() + " …"
    line = line.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_{}\[\]()#|~!$])", r"\\\1", line)


def beginning(text: object) -> str:
    """`escaped` where a line or an entry of a list begins: no quotation, list or rule begins there."""
    return no_block(escaped(text))
