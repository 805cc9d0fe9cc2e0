"""State spaces of a vector state, step by step: every transition entry by entry, its norm by a decomposition."""

import math

import torch
from torch import Tensor

ORDER = 34


def contracted(a: Tensor) -> Tensor:
    """A / max(1, |A|) with the Schatten norm from the singular values."""
    bound = (torch.linalg.svdvals(a) ** ORDER).sum() ** (1 / ORDER)
    return a / bound if bound > 1 else a


def cauchy_like(d: Tensor, g: Tensor, h: Tensor) -> Tensor:
    """Entry by entry: d on the diagonal, g_i . h_j / (s_i - s_j) beside it."""
    n = len(d)
    s = [math.cos(math.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    rows = [torch.stack([d[i] if i == j else (g[i] * h[j]).sum() / (s[i] - s[j]) for j in range(n)]) for i in range(n)]
    return torch.stack(rows)


def transition(mixer: torch.nn.Module, options: object, x: Tensor) -> Tensor:
    """A(x) as a matrix, of one position x [width]."""
    n = options.state
    if options.mixer == "dense_ssm":
        return contracted((mixer.transition.weight @ x + mixer.transition.bias).view(n, n))
    logits = mixer.decay.weight @ x + mixer.decay.bias
    if options.mixer == "diagonal_ssm" and options.gate == "tanh":
        return torch.diag((logits.exp() - (-logits).exp()) / (logits.exp() + (-logits).exp()))
    d = 1 / (1 + (-logits).exp())
    if options.mixer == "diagonal_ssm" or not options.alpha:
        return torch.diag(d)
    g, h = (mixer.generators.weight @ x + mixer.generators.bias).view(2, n, options.alpha)
    return contracted(cauchy_like(d, g, h))


def step_by_step(mixer: torch.nn.Module, options: object, x: Tensor, length: int) -> Tensor:
    rows = []
    for sequence in x:
        h = torch.zeros(options.state, dtype=x.dtype)
        outputs = []
        for at in sequence:
            h = transition(mixer, options, at) @ h + mixer.into.weight @ at
            outputs.append(mixer.out.weight @ h + mixer.skip * at)
        rows.append(torch.stack(outputs))
    return torch.stack(rows)
