"""What a token's transition can do to a state."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.delta_net import DeltaNet
from models.mixers.pd_ssm import PdSsm
from models.probes.watching import mixer_inputs


def transitions(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Of the matrices A_t of h_t = A_t h_{t-1} + b_t: the smallest real part of an eigenvalue, and the 2-norm, which is
    how much longer a state can become in one step; means over tokens, heads and layers. Below zero the first shows
    a reflection or a rotation by more than a right angle."""
    found = [
        mixer.recurrence(x)[0].flatten(0, 2)
        for mixer, x in mixer_inputs(model, inputs)
        if isinstance(mixer, DeltaNet | PdSsm)
    ]
    if not found:
        return {}
    matrices = torch.cat(found)
    return {
        "smallest_eigenvalue": float(torch.linalg.eigvals(matrices).real.amin(-1).mean()),
        "transition_norm": float(torch.linalg.matrix_norm(matrices, ord=2).mean()),
    }
