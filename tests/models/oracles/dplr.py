"""Diagonal plus low-rank state spaces, step by step; the oscillatory one in complex numbers."""

from itertools import permutations

import torch
from torch import Tensor


def doubly_stochastic(scores: Tensor) -> Tensor:
    """Rows and columns divided by their sums in turn, 20 times."""
    m = torch.exp(scores / 0.2)
    for _ in range(20):
        m = m / m.sum(1, keepdim=True)
        m = m / m.sum(0, keepdim=True)
    return m


def best_permutation(m: Tensor) -> Tensor:
    """By trying all of them."""
    n = len(m)
    order = max(permutations(range(n)), key=lambda columns: sum(float(m[i, j]) for i, j in enumerate(columns)))
    return torch.eye(n, dtype=m.dtype)[list(order)]


def permutation_matrix(mixer: torch.nn.Module, options: object, head: int) -> Tensor:
    n = options.state
    if options.permutation == "learned":
        soft = doubly_stochastic(mixer.scores[head])
        return best_permutation(soft.detach()) + (soft - soft.detach())
    p = torch.zeros(n, n, dtype=mixer.p.dtype)
    for row in range(n):
        column = {
            "identity": lambda i: i,
            "cyclic": lambda i: (i - 1) % n,
            "bit_reversal": lambda i: sum((i >> k & 1) << (n.bit_length() - 2 - k) for k in range(n.bit_length() - 1)),
            "random": lambda i: torch.randperm(n, generator=torch.Generator().manual_seed(options.draw))[i].item(),
        }[options.permutation](row)
        p[row, column] = 1
    return p


def bilinear(a: Tensor, b: Tensor, dt: Tensor | float) -> tuple[Tensor, Tensor]:
    identity = torch.eye(len(a), dtype=a.dtype)
    inverse = torch.linalg.inv(identity - dt / 2 * a)
    return inverse @ (identity + dt / 2 * a), inverse @ (dt * b)


def real_system(mixer: torch.nn.Module, options: object, head: int) -> tuple[Tensor, Tensor, Tensor]:
    core = torch.diag(mixer.eigenvalues[head])
    for r in range(options.rank):
        core = core + torch.outer(mixer.p[head, :, r], mixer.q[head, :, r])
    p = permutation_matrix(mixer, options, head)
    a, b = bilinear(p @ core @ p.T, mixer.b[head], torch.exp(mixer.log_dt[head]))
    return a, b, mixer.c[head]


def complex_system(mixer: torch.nn.Module, options: object, head: int) -> tuple[Tensor, Tensor, Tensor]:
    if options.eigenvalues == "free":
        eigenvalues = torch.complex(mixer.real[head], mixer.imaginary[head])
    else:
        omega, zeta = torch.log1p(torch.exp(mixer.omega[head])), 1 / (1 + torch.exp(-mixer.zeta[head]))
        eigenvalues = torch.complex(-zeta * omega, omega * torch.sqrt(1 - zeta**2))
    p, q, b, c = (torch.complex(*part[:, head]) for part in (mixer.p, mixer.q, mixer.b, mixer.c))
    a, b = bilinear(torch.diag(eigenvalues) + p @ q.T, b, options.dt)
    return a, b, 2 * c


def step_by_step(mixer: torch.nn.Module, options: object, x: Tensor, length: int) -> Tensor:
    """y of a batch [sequence, position, width]."""
    system = real_system if options.mixer == "dplr" else complex_system
    heads = len(mixer.b) if options.mixer == "dplr" else mixer.b.shape[1]
    systems = [system(mixer, options, head) for head in range(heads)]
    rows = []
    for sequence in x:
        states = [torch.zeros(len(a), dtype=a.dtype) for a, _, _ in systems]
        out = []
        for u in sequence:
            parts = u.chunk(heads)
            states = [a @ h + b @ part.to(b.dtype) for h, (a, b, _), part in zip(states, systems, parts, strict=True)]
            y = torch.cat([c @ h for h, (_, _, c) in zip(states, systems, strict=True)])
            out.append((y.real if y.is_complex() else y) + mixer.d * u)
        rows.append(torch.stack(out))
    return torch.stack(rows)
