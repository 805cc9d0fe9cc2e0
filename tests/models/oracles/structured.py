"""Monarch transitions and chunkwise transfer, step by step."""

import torch
from torch import Tensor

RIDGE = 1e-2


def orthogonal(free: Tensor) -> Tensor:
    """(I - S) (I + S)^-1: the two factors commute, so the other order is as good."""
    skew = free - free.T
    identity = torch.eye(len(free), dtype=free.dtype)
    return (identity - skew) @ torch.linalg.inv(identity + skew)


def monarch_transition(mixer: torch.nn.Module, options: object, x: Tensor) -> Tensor:
    """M(x) for one token, dense: P blockdiag(alpha L) P blockdiag(beta R), P the transpose of the state as a matrix."""
    side = round(options.state**0.5)
    gates = torch.ones(2 * side, dtype=x.dtype)
    if options.gates:
        gates = 1 / (1 + torch.exp(-(mixer.gate.weight @ x + mixer.gate.bias)))
    first, second = [orthogonal(w) for w in mixer.first], [orthogonal(w) for w in mixer.second]
    if options.blocks == "input":
        directions = (mixer.directions.weight @ x).view(side, side)
        units = [v / torch.sqrt(v @ v) for v in directions]
        first = [q - 2 * torch.outer(q @ v, v) for q, v in zip(first, units, strict=True)]
    swap = torch.zeros(side * side, side * side, dtype=x.dtype)
    for row in range(side):
        for column in range(side):
            swap[column * side + row, row * side + column] = 1
    right = torch.block_diag(*[gate * q for gate, q in zip(gates[side:], first, strict=True)])
    left = torch.block_diag(*[gate * q for gate, q in zip(gates[:side], second, strict=True)])
    return swap @ left @ swap @ right


def monarch_steps(mixer: torch.nn.Module, options: object, x: Tensor) -> Tensor:
    h, out = torch.zeros(options.state, dtype=x.dtype), []
    for token in x:
        h = monarch_transition(mixer, options, token) @ h + mixer.into.weight @ token
        out.append(mixer.out.weight @ h + mixer.skip * token)
    return torch.stack(out)


def transfer(mixer: torch.nn.Module, options: object, exact: Tensor) -> Tensor:
    """The n x n matrix that stands for T, dense."""
    if options.transfer == "full":
        return exact
    if options.transfer == "cut":
        return torch.zeros_like(exact)
    if options.transfer == "diagonal":
        return torch.diag(torch.diag(exact))
    if options.transfer == "svd":
        values, vectors = torch.linalg.eigh(exact.detach().T @ exact.detach())
        top = vectors[:, values.argsort(descending=True)[: options.landmarks]]
        return exact @ top @ top.T
    if options.transfer == "nystrom":
        p = torch.exp(mixer.logits) / torch.exp(mixer.logits).sum(1, keepdim=True)
    else:
        p = mixer.fixed.to(exact.dtype)
    w = p @ exact @ p.T
    ridge = RIDGE**2 * (w**2).sum() * torch.eye(len(w), dtype=w.dtype)
    return exact @ p.T @ torch.linalg.inv(w.T @ w + ridge) @ w.T @ p @ exact


def nystrom_steps(mixer: torch.nn.Module, options: object, x: Tensor) -> Tensor:
    """The state is carried exactly inside a chunk. What the chunk made itself goes on uncompressed; what entered it
    goes through the transfer."""
    n = options.state
    mixing = orthogonal(mixer.mixing)
    entered = torch.zeros(n, dtype=x.dtype)
    product, own, out = torch.ones(n, dtype=x.dtype), torch.zeros(n, dtype=x.dtype), []
    for t, token in enumerate(x):
        forget, write, value = (mixer.into.weight @ token + mixer.into.bias).split(n)
        a = 1 / (1 + torch.exp(-forget))
        own = a * own + value / (1 + torch.exp(-write))
        product = product * a
        out.append(mixer.out.weight @ ((mixer.read.weight @ token) * (own + product * entered)))
        if (t + 1) % options.chunk == 0:
            entered = transfer(mixer, options, mixing @ torch.diag(product)) @ entered + mixing @ own
            product, own = torch.ones_like(product), torch.zeros_like(own)
    return torch.stack(out)


def step_by_step(mixer: torch.nn.Module, options: object, x: Tensor, length: int) -> Tensor:
    """y of a batch [sequence, position, width], by the recurrence of the mixer that `options` names."""
    steps = monarch_steps if options.mixer == "monarch" else nystrom_steps
    return torch.stack([steps(mixer, options, sequence) for sequence in x])
