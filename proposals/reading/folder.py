"""A folder of proposals, each known by its file's stem and by the number at its head."""

import re
from pathlib import Path

from proposals.errors import Problem, ProposalError, UnreadableError
from proposals.language.names import nearest

_NUMBER = re.compile(r"[0-9]+")


def number_of(stem: str) -> str:
    """Digits at the head of the stem, as text; the stem itself where it begins with none."""
    match = _NUMBER.match(stem)
    return match[0] if match else stem


def list_proposals(folder: Path) -> tuple[Path, ...]:
    """The Markdown files whose names begin with a number, in order of their names."""
    return tuple(sorted(path for path in folder.glob("*.md") if _NUMBER.match(path.stem) and path.is_file()))


def clashes(path: Path) -> tuple[Problem, ...]:
    """Other proposals in the folder of `path` that bear its number."""
    number = number_of(path.stem)
    others = [p.name for p in list_proposals(path.parent) if number_of(p.stem) == number and p.stem != path.stem]
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
    stems = {path.stem: path for path in list_proposals(folder)}
    if name in stems:
        return stems[name]
    matching = [path for stem, path in stems.items() if number_of(stem) == name]
    if len(matching) > 1:
        raise ProposalError(
            Problem(
                f"the number {name} is that of {', '.join(path.name for path in matching)}",
                "Give one of them another number, or name the file",
                str(folder),
            )
        )
    if not matching:
        raise ProposalError(Problem(f"there is no proposal `{name}`", _known(folder, name), str(folder)))
    return matching[0]


def _known(folder: Path, name: str) -> str:
    stems = [path.stem for path in list_proposals(folder)]
    if not stems:
        return "The folder has no proposals"
    same_value = [number_of(stem) for stem in stems if number_of(stem).lstrip("0") == name.lstrip("0")]
    close = same_value[0] if same_value else nearest(name, [*map(number_of, stems), *stems])
    listed = ", ".join(stems[:8]) + (", ..." if len(stems) > 8 else "")
    return (f"Did you mean {close}? " if close else "") + f"Known: {listed}"
