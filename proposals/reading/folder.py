"""A folder of proposals, each known by its file's stem and by the number at its head."""

import re
from pathlib import Path

from proposals.errors import Problem, ProposalError, UnreadableError
from proposals.language.names import nearest

DOCUMENT = "proposal.md"
LONGEST_STEM = 200
"""Bytes: a name of a file has 255 at most, and ours get endings."""
_NUMBER = re.compile(r"[0-9]+")
_STEM = re.compile(r"\w(?:[\w ,+=@()-]|\.(?!\.))*")


def _has_own_folder(path: Path) -> bool:
    return path.name == DOCUMENT and bool(_NUMBER.match(path.absolute().parent.name))


def number_of(stem: str) -> str:
    """Digits at the head of the stem, as text; the stem itself where it begins with none."""
    match = _NUMBER.match(stem)
    return match[0] if match else stem


def check_stem(stem: str) -> None:
    """The stem names folders, files and deployments, and stands in links and tables. Raises ProposalError where it
    could be more than a name."""
    if not _STEM.fullmatch(stem) or len(stem.encode("utf-8", "replace")) > LONGEST_STEM:
        shown = ascii(stem if len(stem) <= 60 else stem[:60] + "...")
        raise ProposalError(
            Problem(
                f"{shown} cannot be a proposal's name: it is part of folder names and of links",
                f"Name the file with letters, digits, `-` and `_`, in {LONGEST_STEM} bytes, such as 008-my-idea.md",
            )
        )


def stem_of(path: Path) -> str:
    """The identity of the proposal at `path`: the file's name without `.md`, or, of a `proposal.md` with its own files
    beside it, the name of their folder."""
    return path.absolute().parent.name if _has_own_folder(path) else path.stem


def home_of(path: Path) -> Path:
    """The folder of proposals that the one at `path` belongs to."""
    return path.absolute().parent.parent if _has_own_folder(path) else path.absolute().parent


def path_of(folder: Path, stem: str) -> Path:
    """Where the proposal with this stem lies, or would lie. Raises ProposalError where it can be no stem."""
    check_stem(stem)
    in_its_own = folder / stem / DOCUMENT
    return in_its_own if in_its_own.is_file() else folder / f"{stem}.md"


def list_proposals(folder: Path) -> tuple[Path, ...]:
    """The Markdown files whose names begin with a number, and each `proposal.md` in a folder of such a name, in order
    of their names."""
    found = [path for path in folder.glob("*.md") if _NUMBER.match(path.stem)]
    found += [path for path in folder.glob(f"*/{DOCUMENT}") if _has_own_folder(path)]
    return tuple(sorted(path for path in found if path.is_file()))


def clashes(path: Path) -> tuple[Problem, ...]:
    """Other proposals in the folder of `path` that bear its number."""
    home, number = home_of(path), number_of(stem_of(path))
    bearing = [other for other in list_proposals(home) if number_of(stem_of(other)) == number]
    others = [str(other.relative_to(home)) for other in bearing if other.resolve() != path.resolve()]
    if not others:
        return ()
    message = f"the number {number} is also that of {', '.join(others)}"
    return (Problem(message, "Give one of them another number", str(path)),)


def find_proposal(folder: Path, name: str) -> Path:
    """The proposal called `name`: a number as text, a stem, or a path to any .md file.

    Raises ProposalError where the name fits none or several, UnreadableError where a path leads nowhere.
    """
    if name.endswith(".md"):
        for path in (Path(name), folder / name):
            if path.is_file():
                return path
        raise UnreadableError(Problem("there is no such file", _known(folder, Path(name).stem), name))
    if "/" in name or "\\" in name or ".." in name or not name.strip():
        raise ProposalError(
            Problem(
                f"`{name}` cannot be a proposal's id: it is part of folder names",
                'Write a number such as 008, or a path that ends in ".md"',
            )
        )
    known = list_proposals(folder)
    matching = [path for path in known if stem_of(path) == name]
    matching = matching or [path for path in known if number_of(stem_of(path)) == name]
    if len(matching) > 1:
        listed = ", ".join(str(path.relative_to(folder)) for path in matching)
        raise ProposalError(
            Problem(
                f"the number {name} is that of {listed}" if name == number_of(name) else f"there are two: {listed}",
                "Give one of them another number, or name the file",
                str(folder),
            )
        )
    if not matching:
        raise ProposalError(Problem(f"there is no proposal `{name}`", _known(folder, name), str(folder)))
    return matching[0]


def _known(folder: Path, name: str) -> str:
    stems = [stem_of(path) for path in list_proposals(folder)]
    if not stems:
        return "The folder has no proposals"
    same_value = [number_of(stem) for stem in stems if number_of(stem).lstrip("0") == name.lstrip("0")]
    close = same_value[0] if same_value else nearest(name, [*map(number_of, stems), *stems])
    listed = ", ".join(stems[:8]) + (", ..." if len(stems) > 8 else "")
    return (f"Did you mean {close}? " if close else "") + f"Known: {listed}"
