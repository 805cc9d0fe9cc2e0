"""The bytes of somebody else's document as text, with its line numbers kept and its broken encoding repaired."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from proposals.errors import Problem, UnreadableError

LARGEST = 4 * 1024 * 1024
MOST_LINES = 100_000
"""Bytes and lines. A results page has ten thousand bytes; four hundred times as many is some other file."""

DAMAGED = {"âŒ": "❌", "âš\u00a0ï¸": "⚠️"}
"""Marks of which cp1252 dropped a byte it does not know (9D, 8F), and what they must have been."""
_LOST = re.compile(f"({'|'.join(map(re.escape, DAMAGED))})")


@dataclass(frozen=True)
class Repair:
    """One line whose encoding was broken, before and after."""

    line: int
    before: str
    after: str


@dataclass(frozen=True)
class Source:
    """`sha256` and `original` are of the bytes as they came; `text` has `\\n` line ends and repaired lines."""

    file: str
    original: bytes
    sha256: str
    text: str
    repairs: tuple[Repair, ...] = ()

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


def load(path: Path | str) -> Source:
    """Raises UnreadableError where this is no file, too large, or not UTF-8."""
    path = Path(path)
    try:
        if not path.is_file():
            raise _unreadable(path, "there is no such file", "Give the path of a Markdown document.")
        size = path.stat().st_size
        if size > LARGEST:
            raise _unreadable(
                path,
                f"{size / 1e6:,.0f} MB are too many for a report (at most {LARGEST / 1e6:.0f} MB)",
                "Split it into one document per experiment.",
            )
        # read one byte more than is allowed: the file may have grown since it was measured
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _unreadable(path, f"cannot be read: {error.strerror}", "Check the path and its permissions.") from None
    return decode(data, str(path))


def decode(data: bytes, file: str = "") -> Source:
    if len(data) > LARGEST:
        raise _unreadable(
            file, f"more than {LARGEST / 1e6:.0f} MB are too many for a report", "Split it into one document each."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start} is 0x{data[error.start]:02x}"
        at = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(file, message, "Save it as UTF-8.", at) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > MOST_LINES:
        message = f"{len(lines):,} lines are too many for a report (at most {MOST_LINES:,})"
        raise _unreadable(file, message, "Split it into one document per experiment.")
    repairs = []
    for number, line in enumerate(lines, start=1):
        fixed = _repaired(line)
        if fixed != line:
            repairs.append(Repair(number, line, fixed))
            lines[number - 1] = fixed
    return Source(file, data, hashlib.sha256(data).hexdigest(), "\n".join(lines), tuple(repairs))


def _repaired(line: str) -> str:
    """UTF-8 that was read as cp1252 and saved again. Only the encoding: quotes and ligatures are the author's."""
    if line.isascii():
        return line
    from ftfy import fix_encoding

    # a mark that lost a byte is kept as it is: repaired, it would become another character
    fixed = "".join(
        part if part in DAMAGED or part.isascii() else str(fix_encoding(part)) for part in _LOST.split(line)
    )
    # a repair that makes a line break would shift every line number after it
    return line if "\n" in fixed or "\r" in fixed else fixed


def _unreadable(path: Path | str, message: str, remedy: str, line: int | None = None) -> UnreadableError:
    return UnreadableError(Problem(message, remedy, str(path), line))
