"""The Markdown of a section as blocks: headings, paragraphs, and lists as trees. Each piece knows where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from proposals.reading.document import Document, Section


@dataclass(frozen=True)
class Fragment:
    """Lines of a paragraph as Markdown sees them, and where they stand."""

    line: int
    """Index of the first line in the document."""
    text: str
    columns: tuple[int, ...] | None = None
    """Where each of its lines begins in the document's; None: each is the tail of its line."""


@dataclass(frozen=True)
class Title:
    level: int
    text: str
    line: int


@dataclass
class Item:
    """A list item: its own text, and the items below it in order."""

    line: int
    fragments: list[Fragment] = field(default_factory=list)
    children: list["Item"] = field(default_factory=list)
    quotes: bool = False
    """A line in it begins with `>`, which Markdown takes for a quotation and not for a comparison."""

    @property
    def text(self) -> str:
        return joined(self.fragments)

    def everything(self) -> list[Fragment]:
        """Its own fragments and those below it, in order of the lines."""
        below = [fragment for child in self.children for fragment in child.everything()]
        return sorted([*self.fragments, *below], key=lambda fragment: fragment.line)


@dataclass(frozen=True)
class Listing:
    items: list[Item]


Block = Title | Fragment | Listing


def joined(fragments: list[Fragment]) -> str:
    return " ".join(" ".join(fragment.text.split()) for fragment in fragments)


def blocks(document: Document, section: Section) -> list[Block]:
    """Quotations, code and HTML are left out."""
    found: list[Block] = []
    open_items: list[Item] = []
    heading: Token | None = None
    quoted = 0
    for token in parsed(document.text(section)):
        line = section.start + (token.map[0] if token.map else 0)
        if token.type == "blockquote_open":
            quoted += 1
            for item in open_items:
                item.quotes = True
        elif token.type == "blockquote_close":
            quoted -= 1
        elif token.type == "heading_open":
            heading = token
        elif token.type in ("bullet_list_open", "ordered_list_open") and not open_items and not quoted:
            found.append(Listing([]))
        elif token.type == "list_item_open" and (open_items or not quoted):
            item = Item(line)
            if open_items:
                open_items[-1].children.append(item)
            else:
                listing = found[-1]
                assert isinstance(listing, Listing)
                listing.items.append(item)
            open_items.append(item)
        elif token.type == "list_item_close" and open_items:
            open_items.pop()
        elif token.type == "inline" and token.map is not None:
            if open_items:
                open_items[-1].fragments.append(Fragment(line, token.content))
            elif heading is not None:
                found.append(Title(int(heading.tag[1:]), token.content, line))
            elif not quoted:
                found.append(Fragment(line, token.content))
            heading = None
    return found


def parsed(text: str) -> list[Token]:
    """Paragraphs, lists and fences; the inside of a paragraph stays text."""
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser.parse(text)


def fences(document: Document, section: Section) -> Iterator[tuple[str, int, str]]:
    """Of each fenced block: info string, index of its first line of content, content."""
    for token in parsed(document.text(section)):
        if token.type == "fence" and token.map is not None:
            yield token.info.strip(), section.start + token.map[0] + 1, token.content


def position(document: Document, fragment: Fragment, at: int) -> tuple[int, int]:
    """Index of the line in the document, and column from 1, of a character of the fragment."""
    before = fragment.text[:at]
    number = before.count("\n")
    line = fragment.line + number
    start = before.rfind("\n") + 1
    if fragment.columns is not None:
        return line, fragment.columns[number] + at - start + 1
    end = fragment.text.find("\n", start)
    shown = fragment.text[start : len(fragment.text) if end < 0 else end].rstrip()
    # Markdown takes markers and indentation from the front of a line, so what is left is its tail
    offset = len(document.lines[line].rstrip()) - len(shown)
    return line, offset + at - start + 1


def lines_of(document: Document, fragment: Fragment) -> list[Fragment]:
    """Each line of a paragraph by itself."""
    if fragment.columns is not None:
        texts = fragment.text.split("\n")
        return [Fragment(fragment.line + n, text, (fragment.columns[n],)) for n, text in enumerate(texts)]
    found = []
    for number, text in enumerate(fragment.text.split("\n"), start=fragment.line):
        column = len(document.lines[number].rstrip()) - len(text.rstrip())
        found.append(Fragment(number, text, (column,)))
    return found


def together(lines: list[Fragment]) -> Fragment:
    """Lines that follow each other as one paragraph again."""
    columns = tuple(column for line in lines for column in line.columns or ())
    return Fragment(lines[0].line, "\n".join(line.text for line in lines), columns)


def part(document: Document, fragment: Fragment, start: int, end: int) -> Fragment:
    """A piece of a paragraph, such as one sentence, that still knows where it stands."""
    text = fragment.text[start:end]
    line, column = position(document, fragment, start)
    following = [
        position(document, fragment, start + index + 1)[1] - 1 for index, mark in enumerate(text) if mark == "\n"
    ]
    return Fragment(line, text, (column - 1, *following))
