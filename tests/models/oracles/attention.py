"""Softmax, linear and log-linear attention, step by step."""

import math

import torch
from torch import Tensor

EPS = 1e-6


def phi(kernel: str, x: Tensor) -> Tensor:
    return torch.where(x > 0, x + 1, x.exp()) if kernel == "elu" else x.clamp(min=0)


def heads_of(mixer: torch.nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v as [part, head, position, feature] of one sequence [position, width]."""
    width, heads = x.shape[1], mixer.heads
    parts = (x @ mixer.into.weight.T).split(width, dim=1)
    q, k, v = (part.view(len(x), heads, width // heads).transpose(0, 1) for part in parts)
    return q, k, v


def softmax_steps(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One head: keep keys and values, look at all of them at each step."""
    out = []
    for t in range(len(q)):
        weights = torch.stack([torch.exp(q[t] @ k[s] / math.sqrt(len(q[t]))) for s in range(t + 1)])
        out.append(sum(weights[s] * v[s] for s in range(t + 1)) / weights.sum())
    return torch.stack(out)


def streams(kernel: str, x: Tensor, length: int) -> list[Tensor]:
    """phi(x), or for cosFormer the two streams whose products add up to the cosine of the distance."""
    features = phi(kernel, x)
    if kernel != "cosine":
        return [features]
    angle = (math.pi / 2 * torch.arange(len(x), dtype=x.dtype) / length)[:, None]
    return [features * angle.cos(), features * angle.sin()]


def linear_steps(kernel: str, q: Tensor, k: Tensor, v: Tensor, length: int) -> Tensor:
    """One head: S += k v^T and z += k in each stream, o = S^T q / (z . q + eps)."""
    queries, keys = streams(kernel, q, length), streams(kernel, k, length)
    states = [torch.zeros(k.shape[1], v.shape[1], dtype=v.dtype) for _ in keys]
    sums = [torch.zeros(k.shape[1], dtype=v.dtype) for _ in keys]
    out = []
    for t in range(len(q)):
        for i, key in enumerate(keys):
            states[i] = states[i] + torch.outer(key[t], v[t])
            sums[i] = sums[i] + key[t]
        above = sum(query[t] @ state for query, state in zip(queries, states, strict=True))
        below = sum(query[t] @ total for query, total in zip(queries, sums, strict=True))
        out.append(above / (below + EPS))
    return torch.stack(out)


def log_linear_steps(kernel: str, q: Tensor, k: Tensor, v: Tensor, lambdas: Tensor, length: int) -> Tensor:
    """One head: a state for each Fenwick level; after step t, levels 0 .. lsb(t + 1) merge into the next."""
    queries, keys = streams(kernel, q, length), streams(kernel, k, length)
    states: list[dict[int, Tensor]] = [{} for _ in keys]
    out = []
    for t in range(len(q)):
        above, below = torch.zeros_like(v[0]), torch.zeros((), dtype=v.dtype)
        for query, key, state in zip(queries, keys, states, strict=True):
            # the last column of a state is the sum of its keys
            state[0] = torch.outer(key[t], torch.cat([v[t], v.new_ones(1)]))
            for level, content in state.items():
                read = lambdas[t, level] * (query[t] @ content)
                above, below = above + read[:-1], below + read[-1]
            merged = (((t + 1) & -(t + 1)).bit_length() - 1) + 1
            gathered = [state.pop(level) for level in range(merged) if level in state]
            assert merged not in state
            state[merged] = sum(gathered[1:], gathered[0])
        out.append(above / (below + EPS))
    return torch.stack(out)


def step_by_step(mixer: torch.nn.Module, options: object, x: Tensor, length: int) -> Tensor:
    """y of a batch [sequence, position, width], by the recurrence of the mixer that `options` names."""
    rows = []
    for sequence in x:
        q, k, v = heads_of(mixer, sequence)
        outputs = []
        for h in range(mixer.heads):
            if options.mixer == "softmax_attention":
                outputs.append(softmax_steps(q[h], k[h], v[h]))
            elif options.mixer == "linear_attention":
                outputs.append(linear_steps(options.kernel, q[h], k[h], v[h], length))
            else:
                levels = mixer.levels
                logits = (sequence @ mixer.level_weights.weight.T)[:, h * levels : (h + 1) * levels]
                lambdas = torch.log1p(logits.exp())
                outputs.append(log_linear_steps(options.kernel, q[h], k[h], v[h], lambdas, length))
        rows.append(torch.cat(outputs, dim=1) @ mixer.out.weight.T)
    return torch.stack(rows)
