"""Linear attention with a compressed state, step by step: the blocks are visited one by one."""

import torch
from torch import Tensor


def phi(x: Tensor) -> Tensor:
    return torch.where(x > 0, x + 1, x.exp())


def off_diagonal_blocks(size: int, leaf: int, begin: int = 0) -> list[tuple[slice, slice]]:
    """Rows and columns of every block beside the diagonal, at every level."""
    if size == leaf:
        return []
    half, end = size // 2, begin + size
    upper, lower = slice(begin, begin + half), slice(begin + half, end)
    below = off_diagonal_blocks(half, leaf, begin) + off_diagonal_blocks(half, leaf, begin + half)
    return [(upper, lower), (lower, upper), *below]


def cut(block: Tensor, rank: int) -> Tensor:
    """The best approximation of `rank`: the block projected on the leading eigenvectors of its Gram matrix."""
    _, vectors = torch.linalg.eigh(block @ block.T)
    leading = vectors[:, -rank:]
    return leading @ (leading.T @ block)


def compressed(s: Tensor, rank: int, leaf: int) -> Tensor:
    s = s.clone()
    for rows, columns in off_diagonal_blocks(len(s), leaf):
        s[rows, columns] = cut(s[rows, columns], rank)
    return s


def head_steps(q: Tensor, k: Tensor, v: Tensor, options: object) -> Tensor:
    d = q.shape[1]
    s, z = torch.zeros(d, d, dtype=q.dtype), torch.zeros(d, dtype=q.dtype)
    rank_bound, out = 0, []
    for t in range(len(q)):
        s, z, rank_bound = s + torch.outer(k[t], v[t]), z + k[t], rank_bound + 1
        if options.form == "hodlr" and rank_bound > 1.5 * options.rank:
            s, rank_bound = s + (compressed(s.detach(), options.rank, options.leaf) - s.detach()), options.rank
        out.append(s.T @ q[t] / (z @ q[t] + 1e-6))
    return torch.stack(out)


def step_by_step(mixer: torch.nn.Module, options: object, x: Tensor, length: int) -> Tensor:
    """y of a batch [sequence, position, width]."""
    rows = []
    for sequence in x:
        parts = phi(sequence @ mixer.into.weight.T).chunk(3, dim=1)
        by_head = [part.chunk(mixer.heads, dim=1) for part in parts]
        outputs = [head_steps(q, k, v, options) for q, k, v in zip(*by_head, strict=True)]
        rows.append(torch.cat(outputs, dim=1) @ mixer.out.weight.T)
    return torch.stack(rows)
