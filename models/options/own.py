"""A mixer that a proposal brings along."""

from typing import Literal

from pydantic import Field

from models.options.base import Options


class OwnMixer(Options):
    """A mixer in a Python file beside the proposal. The file defines two classes: `Options`, a subclass of
    `models.options.Options` with the options it takes, and `Mixer`, a subclass of `models.mixers.Mixer` that is made
    as `Mixer(options, width, heads, length)`.

    file: its name, in the proposal's folder. options: what `Options` is made from. source: the file's text, filled in
    when the proposal is read, so that it is frozen and travels with every request.
    """

    mixer: Literal["own"]
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*\.py$")
    options: dict[str, str | int | float | bool] = Field(default={})
    source: str = ""
