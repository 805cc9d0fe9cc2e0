"""Measurements from elsewhere: a JSON list of {variant, seed, metric, value, condition?}."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proposals.errors import Problem, ProposalError, UnreadableError
from proposals.judging.measurements import Measurement

LARGEST = 64 * 1024 * 1024
"""Bytes. Five variants with 200 seeds and a hundred metrics need a fifth of it; more is some other file."""
SHOWN = 10
_SHAPE = 'a list such as [{"variant": "a", "seed": 0, "metric": "test_accuracy", "value": 0.91}]'


def read_measurements(path: Path | str) -> list[Measurement]:
    """Raises UnreadableError where the file is no such list, ProposalError where entries of it are wrong."""
    path = Path(path)
    entries = _entries(path)
    found: list[Measurement] = []
    problems: list[Problem] = []
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            problems.append(
                Problem(
                    f"entry {number} is {_kind(entry)}",
                    f"Each entry is an object; write {_SHAPE}.",
                    str(path),
                )
            )
            continue
        try:
            found.append(Measurement.model_validate(entry))
        except ValidationError as error:
            problems += [_problem(number, one, str(path)) for one in error.errors()]
    if len(problems) > SHOWN:
        rest = Problem(f"and {len(problems) - SHOWN} more problems of this kind", "Correct these first.", str(path))
        problems = [*problems[:SHOWN], rest]
    if problems:
        raise ProposalError(*problems)
    return found


def _entries(path: Path) -> list[Any]:
    def unreadable(message: str, remedy: str, line: int | None = None, column: int | None = None) -> UnreadableError:
        return UnreadableError(Problem(message, remedy, str(path), line, column))

    try:
        if not path.is_file():
            raise unreadable("there is no such file", "Give the path of a JSON file with measurements.")
        size = path.stat().st_size
        if size > LARGEST:
            raise unreadable(
                f"{size / 1e6:,.0f} MB are too many for measurements (at most {LARGEST / 1e6:.0f} MB)",
                "One entry per variant, seed and metric is wanted, not a learning curve.",
            )
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(
            f"not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}", "Save it as UTF-8."
        ) from None
    except OSError as error:
        raise unreadable(f"cannot be read: {error.strerror}", "Check the path and its permissions.") from None
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise unreadable(f"not JSON: {error.msg}", f"Write {_SHAPE}.", error.lineno, error.colno) from None
    except (RecursionError, ValueError):
        raise unreadable(
            "not JSON that can be read: nested too deeply, or a number too long", f"Write {_SHAPE}."
        ) from None
    if not isinstance(data, list):
        raise unreadable(f"the file holds {_kind(data)}, not a list", f"Write {_SHAPE}.")
    if not data:
        raise unreadable("the list is empty, so there is nothing to judge", f"Write {_SHAPE}.")
    return data


def _problem(number: int, error: Any, file: str) -> Problem:
    field = ".".join(str(part) for part in error["loc"][:2])
    match error["type"]:
        case "missing":
            remedy = "A value that was not measured is written as null." if field == "value" else f"Write {_SHAPE}."
            return Problem(f"entry {number} has no {field!r}", remedy, file)
        case "extra_forbidden":
            known = ", ".join(Measurement.model_fields)
            return Problem(f"entry {number} has an unknown key {field!r}", f"Known are {known}.", file)
        case _:
            said = error["msg"][:1].lower() + error["msg"][1:]
            given = repr(error["input"])
            shown = given if len(given) <= 60 else given[:57] + "..."
            return Problem(f"entry {number}: {field!r} is {shown}", f"It must be otherwise: {said}.", file)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
