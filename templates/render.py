"""Rendering. A name that the context lacks is an error, never an empty space.

Text from documents goes in as values and is not looked at for template code. Nothing here computes a result.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent


def render(template: str, **context: Any) -> str:
    """The file `template` of this folder with `context` filled in. Ends in one newline.

    Raises jinja2.UndefinedError where the template names something that `context` lacks.
    """
    return _environment().get_template(template).render(**context).strip() + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # what is written is Markdown; `cell` and `line` keep text from breaking it
    )
    environment.filters.update(cell=cell, line=one_line)
    return environment


def one_line(text: object) -> str:
    return " ".join(str(text).split())


def cell(text: object) -> str:
    """Text that cannot break the row of a Markdown table: a bare `|` would end its cell without a word."""
    return one_line(text).replace("\\|", "|").replace("|", "\\|")
