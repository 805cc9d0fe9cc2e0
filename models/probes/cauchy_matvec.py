"""How fast a Cauchy-like transition is applied from its generators, against the matrix written out."""

import statistics
import time
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.displacement_rank import DisplacementRank
from models.probes.watching import mixer_inputs

REPEATS, WARM_UP = 30, 5


def cauchy_matvec(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Applications a second of A h = d * h + sum_k G_k * (K (H_k * h)), K the kernel 1 / (s_i - s_j) as a matrix, over
    those of A h with A written out; medians, turn by turn, for all positions of the inputs, in the first layer.

    A fast Cauchy product (by FFT or multipoles) is not what this measures. Nothing is found where there are no
    generators.
    """
    mixer, x = next(mixer_inputs(model, inputs))
    if not isinstance(mixer, DisplacementRank) or not mixer.alpha:
        return {}
    d, (g, h) = mixer.decays(x), mixer.pair(x)
    a = mixer.transitions(x)
    kernel, state = mixer.kernel.to(a.dtype), torch.randn_like(d).unsqueeze(-1)

    def structured() -> None:
        d.unsqueeze(-1) * state + (g * (kernel @ (h * state))).sum(-1, keepdim=True)

    def dense() -> None:
        a @ state

    slow, fast = medians(structured, dense)
    return {"matvec_speed": fast / slow}


def medians(*works: Callable[[], None]) -> list[float]:
    """Seconds of each, taken in turn so that what else the machine does falls on all."""
    seconds: list[list[float]] = [[] for _ in works]
    for turn in range(WARM_UP + REPEATS):
        for work, taken in zip(works, seconds, strict=True):
            begun = time.perf_counter()
            work()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn >= WARM_UP:
                taken.append(time.perf_counter() - begun)
    return [statistics.median(taken) for taken in seconds]
