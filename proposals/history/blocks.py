"""Markdown as a flat list of blocks with their lines: headings, paragraphs, bullets, tables.

Every line that is not blank lies in at least one block; what Markdown itself would swallow (link definitions,
lists nested too deeply) becomes a block of kind "other". So nothing can be lost between here and the catalog.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

Kind = Literal["front_matter", "heading", "paragraph", "bullet", "table", "code", "other"]

_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Row:
    """`cells` is empty where their number is not the header's: a stray `|` would shift every number."""

    line: int
    text: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """`line` and `end`: first and last line, from 1. `text`: as written, without the marks that make it a block.

    level: of a heading 1 to 6, of a bullet its depth from 1. under: the headings above it, outermost first.
    within: the bullets it is nested in, outermost first, as positions in the list of blocks.
    """

    kind: Kind
    line: int
    end: int
    text: str
    level: int = 0
    under: tuple[str, ...] = ()
    within: tuple[int, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()


def blocks_of(text: str) -> tuple[Block, ...]:
    lines = text.split("\n")
    front = _front_matter(lines)
    body = "\n".join([""] * front.end + lines[front.end :]) if front else text
    found = list(_Walk(lines).blocks(_parser().parse(body)))
    return _with_what_is_missing(([front] if front else []) + found, lines, shift=1 if front else 0)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # inline markup is read by us, where it matters; without it parsing is linear and keeps the text as written
    return MarkdownIt("commonmark").enable("table").disable(["inline", "reference"])


def _front_matter(lines: list[str]) -> Block | None:
    if lines[0].rstrip() != "---":
        return None
    for number, line in enumerate(lines[1:401], start=2):
        if line.rstrip() in {"---", "..."}:
            return Block("front_matter", 1, number, "\n".join(lines[1 : number - 1]))
    return None


class _Walk:
    """One pass over the tokens, knowing under which headings and in which bullets it stands."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.headings: list[tuple[int, str]] = []
        self.items: list[int | None] = []  # of every open list item the position of its block, once it has one
        self.count = 0

    def blocks(self, tokens: list[Token]) -> Iterator[Block]:
        index = 0
        while index < len(tokens):
            token = tokens[index]
            made: Block | None = None
            match token.type:
                case "list_item_open":
                    self.items.append(None)
                case "list_item_close":
                    self.items.pop()
                case "heading_open":
                    made = self._heading(token, tokens[index + 1])
                case "paragraph_open":
                    made = self._text(token, tokens[index + 1])
                case "fence" | "code_block":
                    made = self._block("code", token, token.content)
                case "html_block":
                    made = self._block("other", token, token.content)
                case "table_open":
                    made, index = self._table(tokens, index)
            if made:
                yield made
                self.count += 1
            index += 1

    def _block(self, kind: Kind, token: Token, text: str) -> Block:
        first, after = token.map or (0, 1)
        while after > first + 1 and not self.lines[after - 1].strip():
            after -= 1
        under = tuple(title for _, title in self.headings)
        within = tuple(item for item in self.items if item is not None)
        return Block(kind, first + 1, after, text.strip("\n"), under=under, within=within)

    def _heading(self, token: Token, inline: Token) -> Block:
        level = int(token.tag[1])
        self.headings = [(own, title) for own, title in self.headings if own < level]
        block = replace(self._block("heading", token, inline.content), level=level)
        self.headings.append((level, inline.content))
        return block

    def _text(self, token: Token, inline: Token) -> Block:
        """The first paragraph of a list item is the bullet itself."""
        if not self.items or self.items[-1] is not None:
            return self._block("paragraph", token, inline.content)
        block = replace(self._block("bullet", token, inline.content), level=len(self.items))
        self.items[-1] = self.count
        return block

    def _table(self, tokens: list[Token], index: int) -> tuple[Block, int]:
        opening = tokens[index]
        read: list[tuple[int, list[str]]] = []
        while tokens[index].type != "table_close":
            token = tokens[index]
            if token.type == "tr_open" and token.map:
                read.append((token.map[0], []))
            elif token.type == "inline":
                read[-1][1].append(token.content.strip())
            index += 1
        rows = [Row(line + 1, self.lines[line].strip(), tuple(cells)) for line, cells in read]
        header = rows[0].cells if rows else ()
        checked = [row if _cells(row.text) == len(header) else replace(row, cells=()) for row in rows[1:]]
        first, after = opening.map or (0, 1)
        text = "\n".join(self.lines[first:after]).rstrip("\n")
        return replace(self._block("table", opening, text), header=header, rows=tuple(checked)), index


def _cells(line: str) -> int:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return len(_BAR.split(inner))


def _with_what_is_missing(found: list[Block], lines: list[str], shift: int) -> tuple[Block, ...]:
    """The blocks and, between them, the lines that none of them holds. `within` follows the new positions."""
    covered = bytearray(len(lines) + 2)
    for block in found:
        covered[block.line : block.end + 1] = b"\x01" * (block.end + 1 - block.line)
    extra: list[Block] = []
    run: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        if number <= len(lines) and line.strip() and not covered[number]:
            run.append(line)
        elif run:
            extra.append(Block("other", number - len(run), number - 1, "\n".join(run)))
            run = []
    if shift == 0 and not extra:
        return tuple(found)
    order = sorted(range(len(found) + len(extra)), key=lambda place: _line(place, found, extra))
    new = {old: position for position, old in enumerate(order)}
    every = found + extra
    return tuple(replace(every[old], within=tuple(new[item + shift] for item in every[old].within)) for old in order)


def _line(place: int, found: list[Block], extra: list[Block]) -> int:
    return found[place].line if place < len(found) else extra[place - len(found)].line
