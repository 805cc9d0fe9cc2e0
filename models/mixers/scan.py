"""Linear recurrences over time as parallel scans: h_t = A_t h_{t-1} + b_t with h_{-1} = 0, for all t at once.

Neighbouring steps are joined in pairs, A_{2i+1} A_{2i} and A_{2i+1} b_{2i} + b_{2i+1}: a recurrence of half the length
gives the odd positions, and one step from each of these the even ones. Each of the log2(length) levels is a few large
products, all levels together cost less than two products a step, and memory is linear in length. What is left at
`SHORT` steps is stepped through, by one operation a step over the whole batch: there the joined transitions cost more
than the steps that they save.

Nothing is divided and no logarithm is taken: transitions may be zero, negative or singular.

A scan is made for many cores. On one core nothing is gained over stepping through precomputed transitions: the products
of transitions are n^3 where a step of a vector is n^2.

Blelloch, "Prefix Sums and Their Applications", 1990.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

SHORT = 32

Product = Callable[[Tensor, Tensor], Tensor]


def scan(
    transitions: Float[Tensor, "batch length n n"], inputs: Float[Tensor, "batch length n m"]
) -> Float[Tensor, "batch length n m"]:
    """All states h_t = A_t h_{t-1} + b_t of a dense recurrence; m = 1 for a vector, more for a matrix state.

    A state before the first step is given as part of the input: b_0 + A_0 h_{-1}.
    """
    states: Tensor = _Scan.apply(transitions, inputs, torch.matmul)  # type: ignore[no-untyped-call]
    return states


def diagonal_scan(
    transitions: Float[Tensor, "batch length *state"], inputs: Float[Tensor, "batch length *state"]
) -> Float[Tensor, "batch length *state"]:
    """All states h_t = a_t h_{t-1} + b_t, element by element; both of the same shape."""
    states: Tensor = _Scan.apply(transitions, inputs, torch.mul)  # type: ignore[no-untyped-call]
    return states


def _states(transitions: Tensor, inputs: Tensor, product: Product) -> Tensor:
    length = inputs.shape[1]
    if length <= SHORT:
        return _stepped(transitions, inputs, torch.baddbmm if product is torch.matmul else torch.addcmul)
    paired = length // 2 * 2
    even, odd = transitions[:, 0:paired:2], transitions[:, 1:paired:2]
    inputs_even, inputs_odd = inputs[:, 0:paired:2], inputs[:, 1:paired:2]
    at_odd = _states(product(odd, even), product(odd, inputs_even) + inputs_odd, product)
    before = at_odd[:, : (length - 1) // 2]
    at_even = torch.cat([inputs[:, :1], product(transitions[:, 2::2], before) + inputs[:, 2::2]], 1)
    together = torch.stack([at_even[:, : length // 2], at_odd], 2).flatten(1, 2)
    return together if length == paired else torch.cat([together, at_even[:, -1:]], 1)


def _stepped(transitions: Tensor, inputs: Tensor, step: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
    states = [inputs[:, 0]]
    for transition, new in zip(transitions.unbind(1)[1:], inputs.unbind(1)[1:], strict=True):
        states.append(step(new, transition, states[-1]))
    return torch.stack(states, 1)


class _Scan(torch.autograd.Function):
    """The gradient is a scan too, backwards in time: g_t = A_{t+1}^T g_{t+1} + dL/dh_t, dL/db_t = g_t and
    dL/dA_t = g_t h_{t-1}^T. The joined transitions of the levels need not be kept for it."""

    generate_vmap_rule = True

    @staticmethod
    def forward(transitions: Tensor, inputs: Tensor, product: Product) -> Tensor:
        return _states(transitions, inputs, product)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Product], output: Tensor) -> None:
        transitions, _, ctx.product = inputs
        ctx.save_for_backward(transitions, output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        transitions, states = ctx.saved_tensors
        dense = ctx.product is torch.matmul
        # the last transition comes first, after one that is never used: nothing follows the last state
        length = gradient.shape[1]
        order = torch.cat([torch.zeros(1, dtype=torch.long), torch.arange(length - 1, 0, -1)]).to(gradient.device)
        reversed_transitions = transitions.index_select(1, order)
        if dense:
            reversed_transitions = reversed_transitions.mT
        gradient = _states(reversed_transitions, gradient.flip(1), ctx.product).flip(1)
        before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], 1)
        # an outer product of vectors is cheaper element by element than as a product of matrices
        outer = dense and gradient.shape[-1] > 1
        to_transitions = gradient @ before.mT if outer else gradient * (before.mT if dense else before)
        return to_transitions, gradient, None
