"""The research log as pages: each Markdown file of `research-log/`, the newest first."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from markupsafe import Markup

from proposals.errors import ProposalError
from proposals.reading.document import load
from proposals.reading.yaml_tree import may_explode
from tasks.site.prose import FRONT_MATTER, Links, to_html

FACTS = ("proposals", "experiments", "tricks", "source")
"""What the front matter of an update may say of it, beside title and date."""

LONGEST = 20_000
"""Letters of a front matter."""


class Entry(NamedTuple):
    """name: of its file, without `.md`."""

    name: str
    title: str
    date: str
    facts: tuple[tuple[str, str], ...]
    source: Path


def entries(folder: Path) -> list[Entry]:
    """Those with a date in their front matter; an index has none, and we write our own."""
    found = [entry for path in sorted(folder.glob("*.md")) if (entry := _entry(path))]
    return sorted(found, key=lambda entry: (entry.date, entry.name), reverse=True)


def body(entry: Entry, page: Path, known: Mapping[Path, Path]) -> Markup:
    links = Links(entry.source.parent, page, known)
    return to_html(_text(entry.source), 2, links)


def _text(path: Path) -> str:
    """With a broken encoding mended, as proposals are read."""
    return "\n".join(load(path).lines)


def _said(front: str) -> Any:
    """None where it is no YAML, too long, or could stand for more than it is."""
    try:
        return None if len(front) > LONGEST or may_explode(front) else yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError):  # a date such as 2026-99-99 is a ValueError
        return None


def _entry(path: Path) -> Entry | None:
    try:
        front = FRONT_MATTER.match(_text(path))
    except ProposalError:
        return None
    said = _said(front[0].strip().strip("-.")) if front else None
    if not isinstance(said, dict) or "date" not in said:
        return None
    moment = said["date"]
    when = f"{moment:%Y-%m-%d %H:%M}" if isinstance(moment, datetime) else str(moment)
    when = f"{moment:%Y-%m-%d}" if isinstance(moment, date) and not isinstance(moment, datetime) else when
    facts = tuple((name, str(said[name])) for name in FACTS if name in said)
    return Entry(path.stem, str(said.get("title", path.stem)), when, facts, path)
