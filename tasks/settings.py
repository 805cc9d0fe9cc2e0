"""What a workspace has settled for itself, in its `mve.toml`: caps on money, rates of machines, where to train.

    [executor]
    default = "local"       # where `mve run` trains unless --executor says otherwise

    [caps]                  # dollars; leave one out for no cap
    experiment = 5.00       # of any one registration, beside the `dollars` of its own `compute`
    day = 20.00             # in UTC
    workspace = 200.00

    [rates]                 # dollars per hour, in place of those in tasks/rates.py
    H100 = 3.95
    local = 0.05            # an hour of one training on this machine, if it is to be counted

A workspace without that file has no caps but those of its proposals, the rates of the table, and trains locally.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proposals.workspace import Workspace

FILE = "mve.toml"
LARGEST = 64 * 1024
"""Bytes."""

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CapSettings(Section):
    experiment: Dollars | None = None
    day: Dollars | None = None
    workspace: Dollars | None = None


class ExecutorSettings(Section):
    default: str = "local"


class Settings(Section):
    """`notices` are read by tasks/notices.py, for whom a wrong one is no reason to stop."""

    caps: CapSettings = CapSettings()
    rates: dict[str, Dollars] = {}
    executor: ExecutorSettings = ExecutorSettings()
    notices: dict[str, Any] = {}


class SettingsError(ValueError):
    """The workspace's mve.toml cannot be used. The message names file and line."""


def settings_of(place: Workspace) -> Settings:
    """Raises SettingsError, with one line for each thing that is wrong."""
    path = place.root / FILE
    if not path.is_file():
        return Settings()
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # names the line itself
        raise SettingsError(f"{path} is not TOML: {error}") from error
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        said = [f"{path}:{_line(text, one['loc'])}: {_reason(one)}" for one in error.errors()]
        raise SettingsError("\n".join(said)) from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise SettingsError(f"{path} has more than {LARGEST // 1024} KiB, and settings are a few lines")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _reason(error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = CapSettings if error["loc"][0] == "caps" else ExecutorSettings
        among = (known if len(error["loc"]) > 1 else Settings).model_fields
        return f"{name} is not known; there are {', '.join(among)}"
    # where notices go holds a token
    given = "" if error["loc"][0] == "notices" else f", not {error['input']!r}"
    return f"{name}: {error['msg'].lower()}{given}"


def _line(text: str, where: tuple[int | str, ...]) -> int:
    """Of the key in its section, of the section where there is no such line, else 1."""
    section, key = str(where[0]), str(where[1]) if len(where) > 1 else None
    found, inside = 1, False
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([^\]\s]+)\s*\]", line):
            inside = header[1].strip("\"'") == section
            found = number if inside else found
        elif named := re.match(r"\s*([^=#]+?)\s*=", line):
            name = named[1].replace('"', "").replace("'", "").replace(" ", "")
            if name in (section, f"{section}.{key}") or (inside and name == key):
                return number
    return found
