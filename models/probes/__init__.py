"""Looks into a trained model, each in a file of its name and with an entry below. What a probe finds is named in
`models.options.probes`."""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone

Probe = Callable[
    [Backbone, Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]], dict[str, float]
]
"""(model, inputs) -> numbers by metric. The model is that of one seed, at its best epoch, in evaluation mode and
without gradients; the inputs are up to 256 sequences of the test split. A probe that does not apply to the model's
mixer gives {}."""

PROBES: dict[str, Probe] = {}
