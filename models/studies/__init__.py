"""Experiments without training by their name in a setup block. A new one is a file of that name here and an entry
below; its options and forms are in `models.options.studies`."""

from collections.abc import Callable
from typing import Any

import torch

from models.studies.delta_forward import delta_forward
from models.studies.measure import Studied
from models.studies.resolvent import resolvent

STUDIES: dict[str, Callable[[Any, Any, int, torch.device], Studied]] = {
    "delta_forward": delta_forward,
    "resolvent": resolvent,
}
"""(study, form, seed, device) -> values and the hash of the inputs, which depend on the study and the seed alone."""

__all__ = ["STUDIES", "Studied"]
