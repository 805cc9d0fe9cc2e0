"""Rendering. A name that the context lacks is an error, never an empty space.

Text from documents goes in as values and is not looked at for template code. Nothing here computes a result.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from proposals.words import harmless

FOLDER = Path(__file__).parent


def render(template: str, **context: Any) -> str:
    """The file `template` of this folder with `context` filled in. Ends in one newline.

    Raises jinja2.UndefinedError where the template names something that `context` lacks.
    """
    return _environment().get_template(template).render(**context).strip() + "\n"


@cache
def _environment() -> Environment:
    # what is written is Markdown; `cell` and `line` keep text from breaking it
    found = environment(FOLDER, autoescape=False)
    found.filters.update(cell=cell, line=one_line, begin=at_the_beginning, code=in_code)
    return found


def environment(folder: Path, autoescape: bool) -> Environment:
    """For the templates of a folder."""
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=autoescape,
    )


# -- words of documents, machines and people among our own Markdown -------------------------------------------

_CODE = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)")
# entities, since a backslash before one that is there already would take its effect away
_OPENS = (
    (re.compile(r"<(?=[A-Za-z/!?])"), "&lt;"),  # HTML, and links in angle brackets
    (re.compile("`"), "&#96;"),  # one that begins no code here could do so with what stands beside it
    (re.compile(r"!(?=\[)"), "&#33;"),  # a picture is loaded from elsewhere
    (re.compile(r"\](?=\((?!https?://))"), "&#93;"),  # a link that leads to neither http nor https
)
_PIPE = re.compile(r"\\*\|")
_BLOCK = re.compile(
    r"#{1,6}(?=\s|$)|[-+*](?=\s|$)|>|={2,}\s*$|([-*_][ \t]*){3,}$|`{3}|~{3}|\|"
    r"|(?P<number>\d{1,9})(?=[.)](?:\s|$))|\[(?=[^\]]*\]:)"
)


def one_line(text: object) -> str:
    """Words on one line, with their emphasis, code and links to the web: no HTML, pictures, control characters."""
    line = " ".join(harmless(str(text)).split())
    pieces, at = [], 0
    # with a backslash before it, a backtick may or may not begin code: then nothing is taken for code
    for code in () if "\\`" in line else _CODE.finditer(line):
        pieces += [_plain(line[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*pieces, _plain(line[at:])])


def _plain(text: str) -> str:
    for opening, written in _OPENS:
        text = opening.sub(written, text)
    return text


def at_the_beginning(text: object) -> str:
    """`one_line` where a line begins: no heading, list, quotation, fence, table or link definition begins there."""
    return no_block(one_line(text))


def no_block(line: str) -> str:
    """The same words, read as words also where they begin a line."""
    block = _BLOCK.match(line)
    if block is None:
        return line
    if line.startswith("`"):
        return _plain(line)
    at = len(block["number"] or "")
    return f"{line[:at]}\\{line[at:]}"


def cell(text: object) -> str:
    """`one_line` that cannot break the row of a Markdown table: a bare `|` would end its cell without a word."""
    return _PIPE.sub(r"\\|", one_line(text))


def in_code(text: object) -> str:
    """Text for a code span in a row of a table, which neither ends."""
    line = " ".join(harmless(str(text)).split()).replace("`", "'")
    return _PIPE.sub(r"\\|", line)
