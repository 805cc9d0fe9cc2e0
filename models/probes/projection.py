"""What is lost when a learned permutation becomes one."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.dplr import Dplr


def projection(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """The share of sequences whose answer at the last position is the same before and after the doubly stochastic
    matrices are projected, and the mean over their rows of the largest entry, 1 for a permutation. {} where no
    permutation is learned."""
    learned = [mixer for mixer in model.mixers if isinstance(mixer, Dplr) and mixer.scores is not None]
    if not learned:
        return {}
    after = model(inputs)[:, -1].argmax(-1)
    for mixer in learned:
        mixer.train()
    soft = [p for mixer in learned if (p := mixer.permutation()) is not None]
    before = model(inputs)[:, -1].argmax(-1)
    for mixer in learned:
        mixer.eval()
    return {
        "projection_agreement": float((before == after).float().mean()),
        "permutation_hardness": float(torch.cat(soft).amax(-1).mean()),
    }
