"""Synthetics by their name in a setup block. A new one is a file of that name here and an entry below."""

from collections.abc import Callable
from typing import Any

from models.options import SyntheticOptions
from models.synthetics.base import Data, Split
from models.synthetics.mqar import mqar

SYNTHETICS: dict[str, Callable[[Any, int], Data]] = {
    "mqar": mqar,
}


def build_data(options: SyntheticOptions, seed: int) -> Data:
    """The data of one seed, whatever the variant."""
    return SYNTHETICS[options.name](options, seed)


__all__ = ["SYNTHETICS", "Data", "Split", "build_data"]
