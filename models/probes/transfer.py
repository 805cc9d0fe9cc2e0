"""What a compressed transfer between chunks loses."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.nystrom import Nystrom
from models.mixers.orthogonal import cayley
from models.probes.watching import mixer_inputs

SEQUENCES = 64
"""A decomposition for each chunk, layer and sequence: a quarter of the sequences tells as much."""


def transfer(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """With T what carries the state from chunk to chunk and T' what stands for it, means over boundaries, layers and
    sequences: |T - T'| / |T| (Frobenius); the same for the best matrix of rank m (Eckart and Young); |(T - T') h| /
    |T h| on the states h that enter chunks, as a ratio of sums of squares under a root; the median condition of P T P^T
    where landmarks are used; and the numbers that T' keeps for one boundary, counted from its tensors."""
    found: dict[str, list[Tensor]] = {}

    def add(name: str, value: Tensor) -> None:
        found.setdefault(name, []).append(value.flatten().double())

    for mixer, x in mixer_inputs(model, inputs[:SEQUENCES]):
        if not isinstance(mixer, Nystrom):
            continue
        carry, inside = (part[:, :, -1] for part in mixer.chunks(x))
        mixing, states = cayley(mixer.mixing), mixer.entering(carry, inside)
        # no state enters the first chunk, and nobody asks what leaves the last
        carry, states = carry[:, 1:-1], states[:, 1:-1]
        if not carry.numel():
            continue
        factors = mixer.factors(mixing, carry)
        exact, kept = mixing * carry.unsqueeze(-2), dense(factors, carry)
        add("transfer_error", norm(exact - kept) / norm(exact))
        values = torch.linalg.svdvals(exact)
        below = values[..., mixer.options.landmarks :]
        add("transfer_floor", torch.linalg.vector_norm(below, dim=-1) / torch.linalg.vector_norm(values, dim=-1))
        moved, lost = exact @ states.unsqueeze(-1), (exact - kept) @ states.unsqueeze(-1)
        add("transfer_state_error", (lost.square().sum() / moved.square().sum()).sqrt())
        if (p := mixer.landmarks()) is not None:
            add("landmark_condition", torch.linalg.cond(p @ exact @ p.mT))
        add("transfer_elements", torch.tensor(sum(factor[0, 0].numel() for factor in factors)))
    return {
        name: float((torch.cat(values).median if name == "landmark_condition" else torch.cat(values).mean)())
        for name, values in found.items()
    }


def norm(x: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch"]:
    """Frobenius."""
    found: Tensor = torch.linalg.matrix_norm(x)
    return found


def dense(
    factors: list[Float[Tensor, "batch chunks ..."]], carry: Float[Tensor, "batch chunks state"]
) -> Float[Tensor, "batch chunks state state"]:
    """The product of the factors of a transfer, written out."""
    if not factors:
        return torch.zeros_like(carry).diag_embed()
    product, *others = (factor.diag_embed() if factor.dim() == carry.dim() else factor for factor in factors)
    for factor in others:
        product = product @ factor
    return product
