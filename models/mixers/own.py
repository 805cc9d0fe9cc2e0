"""A mixer that a proposal brought along, from the text of its file."""

from types import ModuleType
from typing import Any

from pydantic import ValidationError

from models import options
from models.mixers.base import Mixer


def own_mixer(given: options.OwnMixer, width: int, heads: int, length: int) -> Mixer:
    """Run the file's text as a module and make its `Mixer` with its `Options`.

    Raises ValueError, naming the file, where one of the two classes is missing or is no such subclass, and where
    `Options` does not take the options given. Whatever the file itself raises passes through.
    """
    module = ModuleType(given.file.removesuffix(".py"))
    module.__file__ = given.file
    exec(compile(given.source, given.file, "exec"), module.__dict__)  # the point of bringing a file
    kind = _of(module, "Options", options.Options, given.file)
    mixer = _of(module, "Mixer", Mixer, given.file)
    try:
        chosen = kind(**given.options)
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{given.file}: option `{where}`: {first['msg']}") from None
    made: Mixer = mixer(chosen, width, heads, length)
    return made


def _of(module: ModuleType, name: str, parent: type, file: str) -> Any:
    found = getattr(module, name, None)
    if not (isinstance(found, type) and issubclass(found, parent) and found is not parent):
        raise ValueError(f"{file} must define a class `{name}` that is a subclass of {parent.__module__}.{name}")
    return found
