"""Whether a permutation of the coordinates of a state is more than another name for them."""

from copy import deepcopy

from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.dplr import Dplr


def absorption(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """The largest difference, over the largest output, to the same model with P^T B and C P in the place of B and C and
    no permutation: 0 but for rounding where A = P M P^T is a change of coordinates. {} without a permutation."""
    absorbed, found = deepcopy(model), False
    for mixer in absorbed.mixers:
        if isinstance(mixer, Dplr) and (p := mixer.permutation()) is not None:
            mixer.b.copy_(p.mT @ mixer.b)
            mixer.c.copy_(mixer.c @ p)
            mixer.fixed = mixer.scores = None
            found = True
    if not found:
        return {}
    y = model(inputs)
    return {"absorption_error": float((absorbed(inputs) - y).abs().max() / y.abs().max())}
