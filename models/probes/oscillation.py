"""The frequencies that oscillators have learned."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.oscillatory_dplr import OscillatoryDplr

BAND = (0.01, 0.1)
"""Radians a step, from which the signals of `damped_oscillation` are drawn by default."""


def oscillation(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Of omega = |eigenvalue of A| dt, the low-rank term included, over modes, heads and layers: the share within the
    band, and the standard deviation over the mean. Of the low-rank term: its 2-norm over the smallest damping zeta
    omega of the diagonal, below which it cannot make a mode grow."""
    mixers = [mixer for mixer in model.mixers if isinstance(mixer, OscillatoryDplr)]
    coupled = [torch.complex(*mixer.transition()) for mixer in mixers]
    if not mixers or not all(a.isfinite().all() for a in coupled):
        return {}
    omega = torch.cat(
        [torch.linalg.eigvals(a).abs().flatten() * mixer.dt for a, mixer in zip(coupled, mixers, strict=True)]
    )
    within = (omega >= BAND[0]) & (omega <= BAND[1])
    shares = []
    for a, mixer in zip(coupled, mixers, strict=True):
        diagonal = torch.complex(*mixer.diagonal())
        low_rank = torch.linalg.matrix_norm(a - torch.diag_embed(diagonal), ord=2)
        shares.append((low_rank / -diagonal.real.amax(-1)).flatten())
    return {
        "frequencies_in_band": float(within.float().mean()),
        "frequency_spread": float(omega.std(correction=0) / omega.mean()),
        "low_rank_over_damping": float(torch.cat(shares).max()),
    }
