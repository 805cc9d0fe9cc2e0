"""Who a proposal says it is: YAML front matter with its traps, or a header of bold lines. Every value is text."""

import re
from dataclasses import dataclass, field

from proposals.errors import Problem, ProposalError
from proposals.reading import yaml_tree
from proposals.reading.document import Document
from proposals.reading.folder import number_of


@dataclass
class About:
    """`absent`: what our own format asks for and an older document need not have."""

    values: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    absent: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    @property
    def based_on(self) -> tuple[str, ...]:
        return tuple(slug for slug in map(_slug, _split(self.values.get("based_on", ""))) if slug)


def read_about(document: Document, own_format: bool) -> About:
    about = About()
    line = 0
    if document.front_matter is None:
        about.values = _bold_header(document)
        remedy = f'Begin the file with `---`, `id: "{number_of(document.stem)}"`, `---`'
        about.absent.append(document.problem(0, "there is no front matter", remedy))
    else:
        line = _front_matter(document, about, own_format)
    if not about.values.get("based_on"):
        about.values["based_on"] = ", ".join(_below_title(document))
    if document.front_matter is not None and not about.problems:
        _identity(document, about, line)
    return about


def _front_matter(document: Document, about: About, own_format: bool) -> int:
    """Every scalar as text: `id: 010` stays "010". A list becomes one text with commas. Where `id` stands."""
    assert document.front_matter is not None
    start, end = document.front_matter
    lines = document.lines[start:end]
    try:
        tree = yaml_tree.read_mapping("\n".join(lines), document.file, start + 1)
    except ProposalError as refusal:
        if own_format or not (values := _line_by_line(lines)):
            about.problems += refusal.problems
            return start
        about.values = values
        reason = refusal.problems[0]
        about.notes.append(
            document.problem(
                (reason.line or start + 1) - 1,
                f"the front matter was read line by line, because {reason.message}",
                reason.remedy,
            )
        )
        return start
    for key, node in tree.items.items():
        match node:
            case yaml_tree.Scalar(_, text, plain):
                about.values[key] = "" if plain and text in {"null", "~"} else text
            case yaml_tree.Sequence():
                about.values[key] = ", ".join(_texts(node))
    place = tree.keys.get("id")
    return start if place is None else place.line - 1


def _texts(node: yaml_tree.Node) -> list[str]:
    """`[a, b]`, and `[[a], [b]]` or `[[a]]` as some note-taking programs write their links."""
    match node:
        case yaml_tree.Scalar(_, text, _):
            return [text]
        case yaml_tree.Sequence(_, items):
            return [text for item in items for text in _texts(item)]
        case _:
            return []


def _identity(document: Document, about: About, line: int) -> None:
    """The stem is the identity; `id` repeats its number, so that a renamed file is noticed."""
    id, number = about.values.get("id", ""), number_of(document.stem)
    remedy = f'Write `id: "{number}"`, or rename the file'
    if not id:
        about.absent.append(document.problem(line, "the front matter has no `id`", f'Write `id: "{number}"`'))
    elif "/" in id or "\\" in id or ".." in id:
        message = f"the id `{id}` cannot hold a slash or `..`: it names folders"
        about.problems.append(document.problem(line, message, remedy))
    elif id not in {number, document.stem}:
        message = f"the id is `{id}`, and the file's name begins with `{number}`"
        about.problems.append(document.problem(line, message, remedy))


_KEY = re.compile(r"([A-Za-z_][\w -]{0,40}?)\s*:(?:\s+(.*))?$")


def _line_by_line(lines: tuple[str, ...]) -> dict[str, str]:
    """Front matter that is no YAML, such as `title: Gates: a study` or `based_on: [a], [b]`."""
    values: dict[str, str] = {}
    key = ""
    for line in lines:
        if match := _KEY.match(line[:2000]):
            key = match[1].lower()
            values.setdefault(key, _unquoted((match[2] or "").strip()))
        elif key and (item := re.match(r"\s*[-*]\s+(.{1,2000})$", line)):
            values[key] = ", ".join(filter(None, [values[key], _unquoted(item[1].strip())]))
    return values


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


# -- without YAML ----------------------------------------------------------------------------------------------

_BOLD = re.compile(r"\s*(?:[-*+]\s+)?(?:\*\*|__)([A-Za-z][\w /-]{1,30}?)\s*:?\s*(?:\*\*|__)\s*:?\s*(.*)$")
_KEYS = {
    "id": "id", "status": "status", "priority": "priority", "created": "created", "date": "created",
    "based on": "based_on", "based_on": "based_on", "builds on": "based_on", "tricks": "based_on", "title": "title",
}  # fmt: skip


def _bold_header(document: Document) -> dict[str, str]:
    """`**Status**: proposed` between the title and the first heading below it."""
    end = next((heading.line for heading in document.headings if heading.level > 1), len(document.lines))
    values: dict[str, str] = {}
    for line in document.lines[: min(end, 80)]:
        match = _BOLD.match(line[:2000])
        key = _KEYS.get(match[1].strip().lower()) if match else None
        if match and key and match[2].strip():
            values.setdefault(key, match[2].strip().strip("`"))
    return values


def _below_title(document: Document) -> list[str]:
    """Bare slugs as the bullets right under the title, where `based_on` is empty."""
    title = next((heading for heading in document.headings if heading.level == 1), None)
    if title is None:
        return []
    found: list[str] = []
    for line in document.lines[title.line + 1 : title.line + 60]:
        if not line.strip() and not found:
            continue
        match = re.match(r"\s*[-*+]\s+(\S{1,100}(?: \(\d+\))?)\s*$", line)
        if match is None or not re.search(r"[a-z]", match[1]):
            break
        found.append(match[1])
    return found


def _split(text: str) -> list[str]:
    """At commas and semicolons outside of brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char in ",;" and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    if len(parts) == 1 and text.startswith("[") and not text.startswith("[["):
        inner = re.fullmatch(r"\[(.*)\]", text.strip())
        return _split(inner[1]) if inner and "[" not in inner[1] else parts
    return parts


def _slug(text: str) -> str:
    """`[[slug]]`, `[slug](page.md)`, `"slug"` and `slug (127)`: brackets of links go, the number stays."""
    text = re.sub(r"\[\[([^\[\]|]*)(?:\|[^\[\]]*)?\]\]", r"\1", text.strip().strip("`\"'"))
    text = re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", text)
    return re.sub(r"^\[([^\[\]]*)\]", r"\1", text).strip().strip("`\"'").strip()
