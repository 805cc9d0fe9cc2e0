"""Markdown of documents as HTML. Documents are other people's text: no HTML of theirs passes, nothing is loaded from
elsewhere, and links lead to http, https or a file of ours."""

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

COMMENT = re.compile(r"^[ \t]*<!--(?:(?!-->).)*-->[ \t]*$", re.MULTILINE)
"""On a line of its own, such as the marks around the notes of a digest."""
FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*\n", re.DOTALL)


def to_html(markdown: str, lowest: int, links: "Links") -> Markup:
    """The text below its front matter. lowest: the level of its highest heading on the page."""
    parser = _parser()
    tokens = parser.parse(COMMENT.sub("", FRONT_MATTER.sub("", markdown.replace("\r\n", "\n"))))
    _lower(tokens, lowest)
    for token in tokens:
        _mend(token.children or (), links)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def in_line(markdown: str) -> Markup:
    """Text within a sentence: emphasis and code, no blocks, no links."""
    parser = _parser()
    tokens = parser.parseInline(" ".join(markdown.split()))
    for token in tokens:
        _mend(token.children or (), None)
    return Markup(parser.renderer.render(tokens, parser.options, {}))


class Links:
    """Where the links of a document lead from its page. folder: the document's; page: the folder of the HTML. known:
    file -> page that shows it."""

    def __init__(self, folder: Path, page: Path, known: Mapping[Path, Path]) -> None:
        self.folder, self.page, self.known = folder, page, known

    def target(self, link: str) -> str | None:
        """None where the file is shown by no page: a site is copied about without the files around it."""
        parts = urlsplit(link)
        if parts.scheme:
            return link
        target = self.known.get(Path(os.path.normpath(self.folder / unquote(parts.path))))
        return Path(os.path.relpath(target, self.page)).as_posix() if target and parts.path else None


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.validateLink = _allowed  # type: ignore[method-assign, assignment]
    parser.add_render_rule("image", _image)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


def _allowed(link: str) -> bool:
    """Called with the link as the browser would get it. `//host/` is elsewhere too."""
    try:
        parts = urlsplit(link.strip())
    except ValueError:  # such as http://[
        return False
    return parts.scheme in ("http", "https") or (not parts.scheme and not parts.netloc and ":" not in parts.path)


def _lower(tokens: Sequence[Token], lowest: int) -> None:
    levels = [int(token.tag[1]) for token in tokens if token.type == "heading_open"]
    shift = lowest - min(levels, default=lowest)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + shift)}"


def _mend(children: Sequence[Token], links: Links | None) -> None:
    """Relative links lead to the page that shows the file, or become plain text."""
    kept: list[bool] = []
    for token in children:
        if token.type == "link_open":
            target = links.target(str(token.attrs["href"])) if links else None
            kept.append(target is not None)
            if target is None:
                token.tag, token.attrs = "span", {}
            else:
                token.attrs = {"href": target}
        elif token.type == "link_close" and not kept.pop():
            token.tag = "span"


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    """What it shows, in words: a page asks nobody for a picture."""
    return f'<span class="image">image: {escape(tokens[index].content)}</span>'


def _table_open(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    return '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>'


def _table_close(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any) -> str:
    return "</table></div>"
