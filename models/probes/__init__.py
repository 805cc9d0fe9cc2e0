"""Looks into a trained model, each in a file of its name and with an entry below. What a probe finds is named in
`models.options.probes`."""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.probes.absorption import absorption
from models.probes.beta import beta
from models.probes.blocks import blocks
from models.probes.cauchy_matvec import cauchy_matvec
from models.probes.displacement import displacement
from models.probes.monarch_gates import monarch_gates
from models.probes.oscillation import oscillation
from models.probes.projection import projection
from models.probes.routing import routing
from models.probes.spectrum import spectrum
from models.probes.state_norm import state_norm
from models.probes.transfer import transfer
from models.probes.transitions import transitions

Probe = Callable[
    [Backbone, Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]], dict[str, float]
]
"""(model, inputs) -> numbers by metric. The model is that of one seed, at its best epoch, in evaluation mode and
without gradients; the inputs are up to 256 sequences of the test split. A probe that does not apply to the model's
mixer gives {}."""

PROBES: dict[str, Probe] = {
    "monarch_gates": monarch_gates,
    "transfer": transfer,
    "beta": beta,
    "transitions": transitions,
    "state_norm": state_norm,
    "routing": routing,
    "absorption": absorption,
    "projection": projection,
    "spectrum": spectrum,
    "oscillation": oscillation,
    "blocks": blocks,
    "displacement": displacement,
    "cauchy_matvec": cauchy_matvec,
}
