"""Templates of the pages, and writing what they give. Unlike the Markdown ones (templates/render.py) these escape every
value: text of documents is shown and never obeyed."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from templates.render import FOLDER, environment

TEMPLATES = FOLDER / "site"


class Written:
    """The files of a site as they are written. `files`: paths within it. `changed`: those whose bytes are new."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[str] = []
        self.changed: list[str] = []

    def put(self, name: str, text: str) -> None:
        """One that says the same already is left alone, so that copying a site copies what is new."""
        path, content = self.root / name, text.encode()
        self.files.append(name)
        if path.is_file() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(content)
        beside.replace(path)
        self.changed.append(name)


def render_page(template: str, **context: Any) -> str:
    """Raises jinja2.UndefinedError where the template names something that `context` lacks."""
    return _environment().get_template(template).render(**context).strip() + "\n"


@cache
def _environment() -> Environment:
    found = environment(TEMPLATES, autoescape=True)
    found.filters.update(day=day, moment=moment, money=money, spaced=spaced)
    return found


def day(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d}"


def moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def money(dollars: float) -> str:
    return f"${dollars:,.2f}"


def spaced(word: str) -> str:
    """ "set_aside" as people write it."""
    return word.replace("_", " ")
