"""What a Monarch transition does differently for different tokens, and how long it remembers."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.monarch import Monarch
from models.probes.watching import mixer_inputs

SEQUENCES = 8
"""Transitions are written out, n x n for each token."""


def monarch_gates(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """The mean of the gates alpha and beta; |M(x_t) - M(x_{t+1})| / |M(x_t)| (Frobenius) over neighbours that are
    different tokens, 0 where the transition does not depend on the token; and the steps after which the bound of the
    state's norm, the product of max(alpha) max(beta), falls to 1 / e: the mean over layers, for gates below 1."""
    gates, distances, memories = [], [], []
    for mixer, x in mixer_inputs(model, inputs):
        if not isinstance(mixer, Monarch):
            continue
        time_first = x.transpose(0, 1)
        if mixer.options.gates:
            alpha, beta = mixer.gates(time_first, time_first)
            gates.append(torch.stack([alpha, beta]).double().mean())
            shrinking = (alpha.amax(-1) * beta.amax(-1)).double().log().mean()
            memories.append(-1 / shrinking)
        transitions = mixer.transitions(x[:SEQUENCES])
        different = inputs[:SEQUENCES, 1:] != inputs[:SEQUENCES, :-1]
        different = different if different.dim() == 2 else different.any(-1)
        changes = torch.linalg.matrix_norm(transitions[:, 1:] - transitions[:, :-1])
        distances.append((changes / torch.linalg.matrix_norm(transitions[:, :-1]))[different].double().mean())
    found = {"gate_mean": gates, "transition_distance": distances, "memory_steps": memories}
    means = {name: float(torch.stack(values).mean()) for name, values in found.items() if values}
    return {name: value for name, value in means.items() if math.isfinite(value)}
