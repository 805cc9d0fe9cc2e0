"""Synthetics by their name in a setup block. A new one is a file of that name here and an entry below."""

from collections.abc import Callable
from typing import Any

from models.options import SyntheticOptions
from models.synthetics.base import Data, Split
from models.synthetics.composition import composition
from models.synthetics.compression import compression
from models.synthetics.damped_oscillation import damped_oscillation
from models.synthetics.delayed_copy import delayed_copy
from models.synthetics.fuzzy_in_context_recall import fuzzy_in_context_recall
from models.synthetics.hierarchical_copy import hierarchical_copy
from models.synthetics.in_context_recall import in_context_recall
from models.synthetics.memorization import memorization
from models.synthetics.mqar import mqar
from models.synthetics.noisy_in_context_recall import noisy_in_context_recall
from models.synthetics.parity import parity
from models.synthetics.selective_copying import selective_copying

SYNTHETICS: dict[str, Callable[[Any, int], Data]] = {
    "mqar": mqar,
    "composition": composition,
    "parity": parity,
    "delayed_copy": delayed_copy,
    "hierarchical_copy": hierarchical_copy,
    "selective_copying": selective_copying,
    "damped_oscillation": damped_oscillation,
    "in_context_recall": in_context_recall,
    "noisy_in_context_recall": noisy_in_context_recall,
    "fuzzy_in_context_recall": fuzzy_in_context_recall,
    "memorization": memorization,
    "compression": compression,
}


def build_data(options: SyntheticOptions, seed: int) -> Data:
    """The data of one seed, whatever the variant."""
    return SYNTHETICS[options.name](options, seed)


__all__ = ["SYNTHETICS", "Data", "Split", "build_data"]
