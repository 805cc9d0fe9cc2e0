"""YAML as a tree that knows its lines, read event by event so that nothing is converted behind our back.

YAML 1.1 reads `010` as 8, `no` as False, `1:30` as 90 and `5e-4` as text. Here every scalar is text first;
numbers and booleans are made by `value`, and what could be meant in two ways is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from proposals.errors import Problem, ProposalError

LONGEST = 100_000
DEEPEST = 12


@dataclass(frozen=True)
class Place:
    """From 1, in the file."""

    line: int
    column: int


@dataclass(frozen=True)
class Scalar:
    place: Place
    text: str
    plain: bool
    """Without quotes."""


@dataclass(frozen=True)
class Sequence:
    place: Place
    items: list["Node"] = field(default_factory=list)


@dataclass(frozen=True)
class Mapping:
    place: Place
    items: dict[str, "Node"] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping


def read_mapping(text: str, file: str, first_line: int) -> Mapping:
    """`first_line`: where the text begins in the file, from 1. Raises ProposalError."""
    reader = _Reader(file, first_line)
    if len(text) > LONGEST:
        raise reader.refused(Place(first_line, 1), f"this YAML is longer than {LONGEST} characters", "Shorten it")
    try:
        node = reader.document(iter(yaml.parse(text, Loader=yaml.SafeLoader)))
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = Place(first_line, 1) if mark is None else reader.place(mark)
        raise reader.refused(
            place,
            f"this is no YAML: {fault.problem or fault.context}",
            "Mind the indentation, colons and brackets",
        ) from None
    except yaml.reader.ReaderError as fault:
        line = first_line + text.count("\n", 0, fault.position)
        raise reader.refused(Place(line, 1), "this YAML holds a control character", "Delete it") from None
    if not isinstance(node, Mapping):
        raise reader.refused(Place(first_line, 1), "this YAML is no mapping", "Write `name: value` lines")
    return node


def may_explode(text: str) -> bool:
    """Whether a few lines of YAML could stand for more than they are, or take long to read: aliases, deep nesting.
    Raises yaml.YAMLError."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST or isinstance(event, yaml.AliasEvent):
            return True
    return False


class _Reader:
    def __init__(self, file: str, first_line: int) -> None:
        self.file = file
        self.first_line = first_line

    def place(self, mark: Any) -> Place:
        return Place(self.first_line + mark.line, mark.column + 1)

    def refused(self, place: Place, message: str, remedy: str) -> ProposalError:
        return ProposalError(Problem(message, remedy, self.file, place.line, place.column))

    def document(self, events: Iterator[Any]) -> Node | None:
        """The tree of the only document; None where there is none. A stack of ours, no recursion."""
        root: Node | None = None
        open_nodes: list[Sequence | Mapping] = []
        pending: list[Scalar | None] = []  # of each open mapping: the key whose value comes next
        for event in events:
            if isinstance(event, yaml.CollectionEndEvent):
                open_nodes.pop()
                pending.pop()
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            place = self.place(event.start_mark)
            self._only_plain_things(event, place)
            node: Node
            if isinstance(event, yaml.ScalarEvent):
                node = Scalar(place, event.value, plain=event.style is None)
            else:
                node = Sequence(place) if isinstance(event, yaml.SequenceStartEvent) else Mapping(place)
            if not open_nodes:
                if root is not None:
                    raise self.refused(place, "this YAML holds a second document", "Keep one")
                root = node
            else:
                self._attach(open_nodes[-1], node, pending)
            if not isinstance(node, Scalar):
                open_nodes.append(node)
                pending.append(None)
                if len(open_nodes) > DEEPEST:
                    raise self.refused(place, f"this YAML nests more than {DEEPEST} levels", "Flatten it")
        return root

    def _only_plain_things(self, event: Any, place: Place) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self.refused(place, "anchors and aliases (& and *) are not read", "Write the value out, or quote it")
        if event.tag is not None:
            raise self.refused(
                place, f"the tag `{event.tag[:40]}` is not read", "Write plain values, or quote the text"
            )

    def _attach(self, parent: Sequence | Mapping, node: Node, pending: list[Scalar | None]) -> None:
        if isinstance(parent, Sequence):
            parent.items.append(node)
            return
        key = pending[-1]
        if key is not None:
            parent.items[key.text] = node
            pending[-1] = None
            return
        if not isinstance(node, Scalar):
            raise self.refused(node.place, "a key must be a name", "Write `name: value`")
        if node.text in parent.items:
            first = parent.keys[node.text].line
            raise self.refused(
                node.place, f"`{node.text}` is given twice, first in line {first}", "Keep one of the two"
            )
        parent.items[node.text] = node  # replaced by its value, which comes next
        parent.keys[node.text] = node.place
        pending[-1] = node


_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+(?:_[0-9]+)*)?(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_BOTH_WAYS = frozenset({"yes", "no", "on", "off", "y", "n"})


def value(node: Node, file: str, problems: list[Problem]) -> Any:
    """Plain data of a tree: `true`, `false`, `null`, numbers; else text. Ambiguities go to `problems`."""
    match node:
        case Mapping(_, items, _):
            return {key: value(item, file, problems) for key, item in items.items()}
        case Sequence(_, items):
            return [value(item, file, problems) for item in items]
        case Scalar(_, text, False):
            return text
        case Scalar(place, text, True):
            return _plain(text, file, place, problems)


def _plain(text: str, file: str, place: Place, problems: list[Problem]) -> Any:
    def refuse(message: str, remedy: str) -> str:
        problems.append(Problem(message, remedy, file, place.line, place.column))
        return text

    if text in {"", "null", "~"}:
        return None
    if text in {"true", "false"}:
        return text == "true"
    if text.lower() in _BOTH_WAYS | {"true", "false"}:
        return refuse(
            f"`{text}` is text to some readers of YAML and a truth value to others",
            f'Write true or false, or "{text}" in quotes',
        )
    if len(text) <= 20 and _INTEGER.fullmatch(text):
        return int(text)
    if _LEADING_ZERO.fullmatch(text):
        digits = text.replace("_", "").lstrip("+-").lstrip("0") or "0"
        return refuse(
            f"`{text}` begins with a zero, which YAML readers take for octal",
            f'Write {digits}, or "{text}" in quotes if it is text',
        )
    if any(digit in text for digit in "0123456789") and _FLOAT.fullmatch(text):
        number = float(text)
        return number if abs(number) < 1e300 else refuse(f"`{text[:40]}` is out of range", "Write a smaller number")
    return text
