"""Transitions of state-space mixers: their norm, what is off the diagonal, whether products keep their structure."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.backbone import Backbone
from models.mixers.displacement_rank import DisplacementRank, cauchy, chebyshev
from models.mixers.state_space import MatrixStateSpace
from models.probes.watching import mixer_inputs

SEQUENCES = 64
"""As many as are enough for a mean; a product takes a decomposition at each step."""
ROUNDS = 8


def displacement(
    model: Backbone, inputs: Int[Tensor, "sequences length"] | Float[Tensor, "sequences length channels"]
) -> dict[str, float]:
    """Over the layers, and the transitions A_t of all positions but the first, which meets no state:

    largest_transition_norm   the largest spectral norm of A_t
    off_diagonal_share        mean of |A_t without its diagonal| / |A_t| in Frobenius norm
    truncation_error          mean of |X - Y| / |X|, X the product of the A_t of a sequence, Y the same product where
                              each partial product is truncated to rank alpha, see `truncated`
    completed_truncation_error  the same with the numerator's diagonal filled in

    The errors are those of Cauchy-like transitions alone; nothing is found where alpha is 0 or no transition is a
    matrix.
    """
    found: dict[str, list[Tensor]] = {}
    for mixer, x in mixer_inputs(model, inputs[:SEQUENCES]):
        if not isinstance(mixer, MatrixStateSpace) or (isinstance(mixer, DisplacementRank) and not mixer.alpha):
            continue
        a = mixer.transitions(x)[:, 1:].double().cpu()
        size = torch.linalg.matrix_norm(a)
        beside = torch.linalg.matrix_norm(a - torch.diag_embed(a.diagonal(dim1=-2, dim2=-1)))
        found.setdefault("largest_transition_norm", []).append(torch.linalg.matrix_norm(a, ord=2).max())
        found.setdefault("off_diagonal_share", []).append((beside / size).mean())
        if isinstance(mixer, DisplacementRank):
            for name, rounds in (("truncation_error", 1), ("completed_truncation_error", ROUNDS)):
                found.setdefault(name, []).append(product_error(a, mixer.alpha, rounds).mean())
    over_layers = {name: torch.max if name == "largest_transition_norm" else torch.mean for name in found}
    return {name: float(over_layers[name](torch.stack(values))) for name, values in found.items()}


def product_error(a: Float[Tensor, "sequences steps n n"], rank: int, rounds: int) -> Float[Tensor, " sequences"]:
    """|X - Y| / |X| in Frobenius norm, X = A_T ... A_1, and Y the same with each partial product truncated."""
    exact = kept = a[:, 0]
    for step in a.unbind(1)[1:]:
        exact, kept = step @ exact, truncated(step @ kept, rank, rounds)
    error: Tensor = torch.linalg.matrix_norm(exact - kept) / torch.linalg.matrix_norm(exact)
    return error


def truncated(x: Float[Tensor, "*batch n n"], rank: int, rounds: int) -> Float[Tensor, "*batch n n"]:
    """X with its diagonal kept and its numerator N_ij = X_ij (s_i - s_j) replaced by one of the given rank.

    s: Chebyshev nodes. In the first round N is the best approximation of that rank, by singular values. Its diagonal is
    0 by definition, and yet free, as the kernel has none: each further round takes the diagonal of the last
    approximation in its place. So with enough rounds a Cauchy-like matrix of that rank stays what it is.
    """
    s, kernel = chebyshev(x.shape[-1]), cauchy(x.shape[-1])
    numerator = x * (s[:, None] - s)
    diagonal = torch.zeros_like(x.diagonal(dim1=-2, dim2=-1))
    for _ in range(rounds):
        u, sigma, v = torch.linalg.svd(numerator + torch.diag_embed(diagonal), full_matrices=False)
        low = (u[..., :rank] * sigma[..., None, :rank]) @ v[..., :rank, :]
        diagonal = low.diagonal(dim1=-2, dim2=-1)
    y: Tensor = torch.diag_embed(x.diagonal(dim1=-2, dim2=-1)) + low * kernel
    return y
