"""What all options have in common. No torch in this folder: checking a proposal is quick."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Immutable; an option that does not exist is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def added(default: Any, **more: Any) -> Any:
    """A field that came after the first registrations: left out of JSON at its default, so that what was frozen
    and hashed before keeps its hash, and its runs their keys."""
    return Field(default=default, exclude_if=lambda value: bool(value == default), **more)
