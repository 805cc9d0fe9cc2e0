"""Learned orthogonal matrices, shared by the mixers whose transition is one."""

import torch
from jaxtyping import Float
from torch import Tensor

from models.mixers.state_space import at_least_float32


def cayley(free: Float[Tensor, "*blocks n n"]) -> Float[Tensor, "*blocks n n"]:
    """Q = (I + S)^-1 (I - S) with S = free - free^T: orthogonal whatever `free` is, and the identity at 0.

    Every orthogonal matrix without the eigenvalue -1 has this form (Cayley, 1846). bfloat16 is computed in float32.
    """
    free = at_least_float32(free)
    skew = free - free.mT
    identity = torch.eye(free.shape[-1], dtype=free.dtype, device=free.device)
    q: Tensor = torch.linalg.solve(identity + skew, identity - skew)
    return q
