"""A file -> its front matter, its headings and its lines, each with the place where it stands.

Only the section of the experiment is parsed as Markdown (criteria.py, setup.py). The outline is found line by
line, so that a long document costs little.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from proposals.errors import Problem, UnreadableError
from proposals.reading.encoding import repaired
from proposals.reading.folder import check_stem, stem_of

LARGEST = 20_000_000


@dataclass(frozen=True)
class Heading:
    level: int
    title: str
    line: int
    """From 0, as an index into the document's lines."""


@dataclass(frozen=True)
class Section:
    """`lines[start:end]` of the document, without the heading itself."""

    heading: Heading
    start: int
    end: int


@dataclass(frozen=True)
class Document:
    file: str
    stem: str
    sha256: str
    lines: tuple[str, ...]
    headings: tuple[Heading, ...]
    front_matter: tuple[int, int] | None
    """Lines between the two `---`, as indices; None where there are none."""
    repaired: frozenset[int] = frozenset()
    """Lines whose encoding was broken: `lines` has what they say, the hash is that of the bytes as they are."""

    def sections(self, title: re.Pattern[str], within: Section | None = None) -> list[Section]:
        """The sections whose heading matches, down to the next heading of the same level or a higher one."""
        found = []
        for index, heading in enumerate(self.headings):
            inside = within is None or within.start <= heading.line < within.end
            if inside and title.search(heading.title):
                found.append(Section(heading, heading.line + 1, self._end(index)))
        return found

    def _end(self, index: int) -> int:
        """Of the section under the heading of that index."""
        for later in range(index + 1, len(self.headings)):
            if self.headings[later].level <= self.headings[index].level:
                return self.headings[later].line
        return len(self.lines)

    def text(self, section: Section) -> str:
        return "\n".join(self.lines[section.start : section.end])

    def problem(self, line: int | None, message: str, remedy: str, column: int | None = None) -> Problem:
        """`line` is an index into the lines; a problem counts from 1."""
        return Problem(message, remedy, self.file, None if line is None else line + 1, column)


def load(path: Path) -> Document:
    """Raises UnreadableError where the file is not there or is no UTF-8 text, ProposalError where its name is none."""
    check_stem(stem_of(path))
    return parse(load_source(path), str(path), stem_of(path))


def load_source(path: Path) -> bytes:
    """The bytes of the file. Raises UnreadableError where it is not there or too large."""
    file = str(path)
    try:
        if path.exists() and not path.is_file():  # a device has no end, and a pipe no beginning
            raise _unreadable(file, "the file cannot be read (it is no regular file)", "Check its path")
        with path.open("rb") as opened:
            source = opened.read(LARGEST + 1)
    except UnreadableError:
        raise
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or "its name is impossible"
        raise _unreadable(file, f"the file cannot be read ({reason})", "Check its path") from None
    if len(source) > LARGEST:
        raise _unreadable(file, f"the file is larger than {LARGEST // 1_000_000} MB", "Is this a proposal?")
    return source


def parse(source: bytes, file: str, stem: str) -> Document:
    """Bytes of a file as a document. A byte order mark and carriage returns are tolerated."""
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        offset = fault.start
        line = source.count(b"\n", 0, offset) + 1
        message = f"the file is not UTF-8: byte {offset} is 0x{source[offset]:02x}"
        raise UnreadableError(Problem(message, "Save it as UTF-8", file, line)) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnreadableError(Problem("the file holds a zero byte, so it is no text", "Save it as text", file, line))
    written = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    mended = repaired(written)
    lines = tuple(mended.get(index, line) for index, line in enumerate(written))
    front_matter = _front_matter(lines)
    headings = _headings(lines, 0 if front_matter is None else front_matter[1] + 1)
    return Document(
        file, stem, hashlib.sha256(source).hexdigest(), lines, tuple(headings), front_matter, frozenset(mended)
    )


def _unreadable(file: str, message: str, remedy: str) -> UnreadableError:
    return UnreadableError(Problem(message, remedy, file))


def _front_matter(lines: tuple[str, ...]) -> tuple[int, int] | None:
    if lines[0].rstrip() != "---":
        return None
    for index, line in enumerate(lines[1:1000], start=1):
        if line.rstrip() in {"---", "..."}:
            return 1, index
    return None


_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+|>[ \t]?)*(`{3,}|~{3,})(.*)$")
_NO_PARAGRAPH = re.compile(r"\s*(?:$|[-*+>|#=]|\d+[.)]\s|```|~~~)")


def _headings(lines: tuple[str, ...], first: int) -> list[Heading]:
    """Headings outside code fences. Lines beyond 1,000 characters are none: the patterns stay quick."""
    found: list[Heading] = []
    fence = ""
    for index in range(first, len(lines)):
        line = lines[index]
        if len(line) > 1000 or not (stripped := line.lstrip(" \t")):
            continue
        if ("```" in line or "~~~" in line) and (match := _FENCE.match(line)):
            mark, rest = match.groups()
            if not fence and not (mark[0] == "`" and "`" in rest):
                fence = mark
                continue
            if fence and mark[0] == fence[0] and len(mark) >= len(fence) and not rest.strip():
                fence = ""
                continue
        if fence:
            continue
        if stripped[0] == "#" and (match := _ATX.match(line)):
            found.append(Heading(len(match[1]), (match[2] or "").strip(), index))
        elif stripped[0] in "=-" and index > first and (match := _UNDERLINE.match(line)):
            above = lines[index - 1]
            if len(above) <= 1000 and not _NO_PARAGRAPH.match(above):
                found.append(Heading(1 if match[1][0] == "=" else 2, above.strip(), index))
    return found
