"""How large a state becomes."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.delta_net import DeltaNet, scan_heads
from models.mixers.pd_ssm import PdSsm
from models.probes.watching import mixer_inputs


def state_norm(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """The largest Frobenius norm of the state of a head, over time, sequences, heads and layers."""
    largest = [
        scan_heads(*mixer.recurrence(x)).square().sum((-2, -1)).sqrt().max()
        for mixer, x in mixer_inputs(model, inputs)
        if isinstance(mixer, DeltaNet | PdSsm)
    ]
    return {"largest_state_norm": float(torch.stack(largest).max())} if largest else {}
