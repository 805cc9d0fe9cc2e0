"""How boldly a delta rule writes."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.delta_net import DeltaNet
from models.probes.watching import mixer_inputs


def beta(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Share of beta_t above 1, where the eigenvalue 1 - beta_t of the delta rule is negative, over tokens, heads and
    layers."""
    above = [(mixer.betas(x) > 1).flatten() for mixer, x in mixer_inputs(model, inputs) if isinstance(mixer, DeltaNet)]
    return {"beta_above_one": float(torch.cat(above).float().mean())} if above else {}
