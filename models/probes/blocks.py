"""How low the rank of a state's blocks is."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.features import feature_map
from models.mixers.hss import Hss
from models.probes.watching import mixer_inputs


def blocks(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Of the uncompressed state S_T = sum_s phi(k_s) phi(v_s)^T after a whole sequence, its blocks beside the diagonal
    that are larger than `rank`: the share of their squared singular values in the first `rank`, and their effective
    rank, exp of the entropy of those shares (Roy and Vetterli, 2007); means over blocks, sequences, heads, layers."""
    energies, ranks = [], []
    for mixer, x in mixer_inputs(model, inputs):
        if not isinstance(mixer, Hss):
            continue
        _, k, v = (feature_map("elu", part) for part in mixer.queries_keys_values(x, None))
        level = (k.mT @ v).flatten(0, 1)
        while (half := level.shape[-1] // 2) >= max(mixer.leaf, mixer.rank + 1):
            beside = torch.cat([level[:, :half, half:], level[:, half:, :half]])
            share = torch.linalg.svdvals(beside).square()
            share = share / share.sum(-1, keepdim=True)
            energies.append(share[:, : mixer.rank].sum(-1))
            ranks.append(torch.special.entr(share).sum(-1).exp())
            level = torch.cat([level[:, :half, :half], level[:, half:, half:]])
    if not energies:
        return {}
    return {
        "off_diagonal_energy": float(torch.cat(energies).mean()),
        "off_diagonal_rank": float(torch.cat(ranks).mean()),
    }
