"""Linear time-invariant systems: h_t = A h_{t-1} + B u_t, y_t = C h_t, with one A for all steps."""

import torch
from jaxtyping import Float
from torch import Tensor


def bilinear(
    a: Float[Tensor, "heads state state"], b: Float[Tensor, "heads state inputs"], dt: Float[Tensor, "#heads"] | float
) -> tuple[Float[Tensor, "heads state state"], Float[Tensor, "heads state inputs"]]:
    """(I - dt/2 A)^{-1} (I + dt/2 A) and (I - dt/2 A)^{-1} dt B: the continuous system in steps of dt (Tustin, 1947).

    An eigenvalue with negative real part comes to lie inside the unit circle.
    """
    dt = dt if isinstance(dt, float) else dt[:, None, None]
    identity = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    half = dt / 2 * a
    right = torch.cat([identity + half, dt * b], dim=-1)
    solved = torch.linalg.solve(identity - half, right)
    return solved[..., : a.shape[-1]], solved[..., a.shape[-1] :]


def scan(
    a: Float[Tensor, "heads state state"], x: Float[Tensor, "heads length batch state"]
) -> Float[Tensor, "heads length batch state"]:
    """h_t = A h_{t-1} + x_t from h_{-1} = 0.

    Two neighbouring steps are one step with A^2, so the odd positions are a scan of half the length, and each even
    position follows from the odd one before it: 2 length products in all, in 2 log2(length) batches of them.
    """
    length = x.shape[1]
    if length == 1:
        return x
    even, odd = x[:, 0::2], x[:, 1::2]
    at_odd = scan(a @ a, _step(a, even[:, : odd.shape[1]], odd))
    at_even = torch.cat([even[:, :1], _step(a, at_odd[:, : even.shape[1] - 1], even[:, 1:])], dim=1)
    if length % 2:
        return torch.cat([_interleave(at_even[:, :-1], at_odd), at_even[:, -1:]], dim=1)
    return _interleave(at_even, at_odd)


def respond(
    a: Float[Tensor, "heads state state"],
    b: Float[Tensor, "heads state head_width"],
    c: Float[Tensor, "heads head_width state"],
    u: Float[Tensor, "batch length heads*head_width"],
) -> Float[Tensor, "batch length heads*head_width"]:
    """y_t = C h_t of each head, for its own part of the channels of u."""
    batch, length, width = u.shape
    # time before batch: neighbouring steps are then whole matrices
    of_head = u.view(batch, length, b.shape[0], b.shape[2]).permute(2, 1, 0, 3)
    inputs = (of_head.flatten(1, 2) @ b.mT).view(b.shape[0], length, batch, b.shape[1])
    states = scan(a, inputs)
    y = (states.flatten(1, 2) @ c.mT).view(of_head.shape)
    return y.permute(2, 1, 0, 3).reshape(batch, length, width)


def _step(a: Tensor, h: Tensor, x: Tensor) -> Tensor:
    """A h + x at each position."""
    if h.shape[1] == 0:
        return x
    return torch.baddbmm(x.flatten(1, 2), h.flatten(1, 2), a.mT).view(x.shape)


def _interleave(even: Tensor, odd: Tensor) -> Tensor:
    return torch.stack([even, odd], dim=2).flatten(1, 2)
