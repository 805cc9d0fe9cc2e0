"""The names that a criterion may use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from models.metrics import METRICS, Metric

KEYWORDS = frozenset({"and", "or", "not", "in", "than", "faster", "slower"})
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Names:
    """Variants in the order of the setup, which of them are proposed, their names in prose (alias ->
    variant), and the metrics by name."""

    variants: tuple[str, ...]
    proposed: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    """Metrics that exist and that this setup does not measure -> what would measure them."""

    def variant(self, name: str) -> str | None:
        return name if name in self.variants else self.aliases.get(name)


def is_name(text: str) -> bool:
    """Can it stand in a criterion without quotes: letters, digits and `_`, not beginning with a digit."""
    return bool(_IDENTIFIER.fullmatch(text)) and text not in KEYWORDS


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant: equal but for case and separators, else the closest."""
    by_core = {_core(candidate): candidate for candidate in known}
    wanted = _core(name[:100])  # difflib's time grows with the square of the length
    if wanted in by_core:
        return by_core[wanted]
    close = get_close_matches(wanted, by_core, n=1, cutoff=0.6)
    return by_core[close[0]] if close else None


def suggestion(name: str, known: Iterable[str], kind: str) -> str:
    """A remedy: the nearest name if there is one, and what is known."""
    names = list(known)
    close = nearest(name, names)
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    guess = f"Did you mean `{close}`? " if close else ""
    return f"{guess}Known {kind}: {listed}"


def _core(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
