"""The eigenvalues of one step of a time-invariant system."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.dplr import Dplr
from models.mixers.oscillatory_dplr import OscillatoryDplr


def spectrum(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Largest absolute value, and smallest real part, of the eigenvalues of Abar over heads and layers."""
    systems = [mixer.discrete()[0] for mixer in model.mixers if isinstance(mixer, Dplr | OscillatoryDplr)]
    if not systems or not all(a.isfinite().all() for a in systems):
        return {}
    eigenvalues = torch.cat([torch.linalg.eigvals(a.double()).flatten() for a in systems])
    return {
        "spectral_radius": float(eigenvalues.abs().max()),
        "smallest_real_part": float(eigenvalues.real.min()),
    }
