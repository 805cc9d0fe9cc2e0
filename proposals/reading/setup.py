"""The `yaml mve` block -> Setup. Every complaint of pydantic is led back to the line of its key."""

import json
import re
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from models.metrics import METRICS
from proposals.errors import Problem, ProposalError
from proposals.language.names import is_name, nearest
from proposals.reading import yaml_tree
from proposals.reading.brought import fill_in
from proposals.reading.measured import Complaint, complaints
from proposals.reading.yaml_tree import Mapping, Place
from proposals.spec import AnySetup, Setup, StudySetup


@dataclass(frozen=True)
class SetupReading:
    """`lines`: where the keys of the block stand in the file, from 1."""

    setup: AnySetup | None
    problems: tuple[Problem, ...]
    lines: dict[str, int]


LONGEST_NAME = 200
"""Bytes of a variant's name."""
NO_SETUP = SetupReading(None, (), {})


def read_setup(text: str, file: str, first_line: int) -> SetupReading:
    """`first_line`: of the block's first line of YAML in the file, from 1."""
    try:
        tree = yaml_tree.read_mapping(text, file, first_line)
    except ProposalError as refusal:
        return SetupReading(None, refusal.problems, {})
    lines = {name: place.line for name, place in tree.keys.items()}
    problems: list[Problem] = []
    data = yaml_tree.value(tree, file, problems)
    problems += _placed(fill_in(data, Path(file).parent), tree, file)
    setup: AnySetup | None = None
    kind: type[Setup] | type[StudySetup] = StudySetup if "study" in data else Setup
    if not problems:
        try:
            # as JSON, because strict JSON takes a list for a tuple and still refuses "8" for 8
            setup = kind.model_validate_json(json.dumps(data), strict=True)
            problems = [*_clashing_names(setup, tree, file), *_placed(complaints(setup), tree, file)]
        except ValidationError as fault:
            problems = [_explained(error, tree, file, kind) for error in fault.errors(include_url=False)]
    return SetupReading(None if problems else setup, tuple(problems), lines)


# -- names -------------------------------------------------------------------------------------------------


def _clashing_names(setup: AnySetup, tree: Mapping, file: str) -> list[Problem]:
    """A criterion names variants and metrics: each name must be writable and mean one thing."""
    problems = []

    def refuse(path: Sequence[str | int], message: str, remedy: str) -> None:
        place, _ = _find(tree, path)
        problems.append(Problem(message, remedy, file, place.line, place.column))

    taken: dict[str, str] = {name: f"the metric `{name}`" for name in setup.vocabulary}
    for name in setup.metrics:
        if name in METRICS:
            refuse(("metrics", name), f"`{name}` is a common metric already", "Give yours another name")
        elif name in setup.measured:
            refuse(
                ("metrics", name), f"`{name}` is measured already, with unit and direction", "Give yours another name"
            )
        elif not is_name(name):
            refuse(("metrics", name), f"`{name}` cannot be written in a criterion", _AS_NAME)
    for name in setup.variants:
        if not is_name(name):
            refuse(("variants", name), f"`{name}` cannot be written in a criterion", _AS_NAME)
        elif name in taken:
            refuse(("variants", name), f"`{name}` is also {taken[name]}", "Rename the variant")
        elif len(name.encode()) > LONGEST_NAME:
            refuse(("variants", name), f"`{name[:40]}...` is too long to name a folder", "Rename the variant")
        taken.setdefault(name, f"the variant `{name}`")
    for name, variant in setup.variants.items():
        for alias in variant.aliases:
            if '"' in alias or "\n" in alias or not alias.strip():
                refuse(
                    ("variants", name, "aliases"),
                    f"`{alias}` cannot be an alias",
                    "Leave out quotes and line breaks",
                )
            elif alias in taken and alias != name:
                refuse(
                    ("variants", name, "aliases"),
                    f"the alias `{alias}` is also {taken[alias]}",
                    "Delete one of the two",
                )
            taken.setdefault(alias, f"an alias of `{name}`")
    return problems


_AS_NAME = "Use letters, digits and `_`, beginning with a letter; how it is called in prose can go into `aliases`"


def _placed(found: Iterable[Complaint], tree: Mapping, file: str) -> Iterator[Problem]:
    for path, message, remedy in found:
        place, _ = _find(tree, path)
        yield Problem(message, remedy, file, place.line, place.column)


# -- complaints --------------------------------------------------------------------------------------------


def _find(tree: Mapping, path: Sequence[str | int]) -> tuple[Place, str]:
    """Where the key is that `path` leads to, and its name. Parts that stand in no file, such as the tags of a
    union, are skipped."""
    node: yaml_tree.Node = tree
    place, name = tree.place, ""
    for part in path:
        if isinstance(node, Mapping) and part in node.items:
            assert isinstance(part, str)
            place, name = node.keys[part], part
            child = node.items[part]
        elif isinstance(node, yaml_tree.Sequence) and isinstance(part, int) and part < len(node.items):
            child = node.items[part]
            place = child.place
        else:
            continue
        if not isinstance(child, yaml_tree.Scalar):
            node = child
    return place, name


def _explained(error: Any, tree: Mapping, file: str, kind: type[BaseModel]) -> Problem:
    path: tuple[str | int, ...] = error["loc"]
    last = str(path[-1]) if path else ""
    place, name = _find(tree, path)
    given = str(error.get("input"))[:60]
    where = f" of `{'.'.join(str(part) for part in _shown(tree, path[:-1]))}`" if len(path) > 1 else ""
    match error["type"]:
        case "missing":
            message, remedy = f"`{last}`{where} is missing", "Add it"
            if path in {("synthetic",), ("backbone",), ("training",)}:
                remedy = "Add it; or, where nothing is trained, a `study` in the place of synthetic, backbone, training"
        case "extra_forbidden" if kind is StudySetup and len(path) == 1 and last in Setup.model_fields:
            message, remedy = f"a study trains nothing, so `{last}` has no place beside it", "Delete one of the two"
        case "extra_forbidden":
            message = f"`{last}`{where} is no option"
            remedy = _choices(last, _options(path, kind))
        case "union_tag_invalid":
            field = error["ctx"]["discriminator"].strip("'")
            place, name = _find(tree, (*path, field))
            message = f"`{error['ctx']['tag']}` is no {field}"
            remedy = _choices(str(error["ctx"]["tag"]), re.findall(r"'([^']*)'", error["ctx"]["expected_tags"]))
        case "union_tag_not_found":
            field = error["ctx"]["discriminator"].strip("'")
            message, remedy = f"`{name}` names no {field}", f"Add `{field}: ...`"
        case "literal_error":
            message = f"`{given}` is no {name}"
            remedy = _choices(given, re.findall(r"'([^']*)'", error["ctx"]["expected"]))
        case "bool_type":
            message, remedy = f"`{name}` is {given}, which is neither true nor false", "Write true or false"
        case "value_error":
            message, remedy = str(error["ctx"]["error"]), "Change one of the values"
        case _:
            wanted = error["msg"].removeprefix("Input should be ")
            message = f"`{name or last}` is {given}, and should be {wanted}"
            remedy = "Write such a value"
    return Problem(message, remedy, file, place.line, place.column)


def _shown(tree: Mapping, path: Sequence[str | int]) -> list[str | int]:
    """The parts of `path` that stand in the file."""
    node: yaml_tree.Node = tree
    shown: list[str | int] = []
    for part in path:
        child = node.items.get(str(part)) if isinstance(node, Mapping) else None
        if isinstance(child, Mapping):
            shown.append(part)
            node = child
    return shown


def _choices(given: str, known: Sequence[str]) -> str:
    close = nearest(given, known)
    return (f"Did you mean `{close}`? " if close else "") + f"Known: {', '.join(known)}"


def _options(path: Sequence[str | int], kind: Any) -> list[str]:
    """Names of the fields beside the one that `path` leads to, from the model `kind` on."""
    variant = False
    for part in path[:-1]:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(str(part))
            variant = variant or part == "variants"
            kind = None if field is None else field.annotation
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            kind = _tagged(kind, str(part)) or kind
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [
        *kind.model_fields,
        *(("proposed", "aliases") if variant and {"mixer", "form"} & set(kind.model_fields) else ()),
    ]


def _tagged(kind: Any, tag: str) -> type[BaseModel] | None:
    """The member of a union whose discriminator is `tag`."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) not in {Union, types.UnionType, typing.Union}:
        return None
    for member in get_args(kind):
        if isinstance(member, type) and issubclass(member, BaseModel):
            literals = [get_args(field.annotation) for field in member.model_fields.values()]
            if any(tag in choices for choices in literals):
                return member
    return None
