"""What a learned routing does with the state's numbers."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.delta_net import RoutedDeltaNet
from models.mixers.pd_ssm import PdSsm
from models.probes.watching import mixer_inputs


def routing(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Of the maps P_t over tokens and heads: the mean over columns of the largest entry that the softmax behind P_t
    has, 1 where the choice is sharp; the share that are permutations; how many different ones there are, in the layer
    with the most."""
    sharp, permutations, different = [], [], []
    for mixer, x in mixer_inputs(model, inputs):
        if isinstance(mixer, RoutedDeltaNet | PdSsm):
            soft = (mixer.routing.logits(x) / mixer.routing.temperature).softmax(-1)
            sharp.append(soft.amax(-1).flatten())
            places = soft.argmax(-1)
            reached = torch.zeros_like(soft).scatter(-1, places.unsqueeze(-1), 1.0)
            permutations.append((reached.sum(-2) == 1).all(-1).float().flatten())
            different.append(len({tuple(map_) for map_ in places.flatten(0, 2).tolist()}))
    if not sharp:
        return {}
    return {
        "routing_hardness": float(torch.cat(sharp).mean()),
        "permutation_share": float(torch.cat(permutations).mean()),
        "different_maps": float(max(different)),
    }
