"""DeltaNet, its routed forms and PD-SSM, step by step."""

import torch
from torch import Tensor

EPS = 1e-6


def rms_norm(x: Tensor, gain: Tensor) -> Tensor:
    return gain * x / torch.sqrt((x * x).mean() + EPS)


def routed(logits: Tensor, temperature: float) -> Tensor:
    """One 1 in each column, where the column's logit is largest; the gradient is that of the softmax. The logits of a
    column are a row."""
    columns = []
    for column in logits / temperature:
        soft = column.exp() / column.exp().sum()
        hard = torch.zeros_like(soft)
        hard[int(column.argmax())] = 1
        columns.append(hard + soft - soft.detach())
    return torch.stack(columns, dim=1)


def convolved(x: Tensor, taps: Tensor) -> Tensor:
    """x [position, channel], taps [channel, taps]: the last tap meets the present."""
    rows = []
    for t in range(len(x)):
        total = torch.zeros_like(x[0])
        for back in range(min(t + 1, taps.shape[1])):
            total = total + taps[:, -1 - back] * x[t - back]
        rows.append(total * torch.sigmoid(total))
    return torch.stack(rows)


def beginning(mixer: torch.nn.Module, options: object, heads: int, shape: tuple[int, int], dtype: torch.dtype) -> list:
    """The state of each head before the first token."""
    if options.initial == "learned":
        return list(mixer.initial)
    return [torch.zeros(*shape, dtype=dtype) for _ in range(heads)]


def delta_net(mixer: torch.nn.Module, options: object, x: Tensor, length: int) -> Tensor:
    heads, n = mixer.heads, mixer.state
    largest = {"unit": 1.0, "double": 2.0}[options.beta]
    sequences = []
    for sequence in x:
        qkv = sequence @ mixer.into.weight.T
        if options.short_convolution:
            qkv = convolved(qkv, mixer.convolution.weight[:, 0])
        states = beginning(mixer, options, heads, (n, n), x.dtype)
        rows = []
        for t, token in enumerate(sequence):
            outputs = []
            for h in range(heads):
                q, k, v = (qkv[t, (part * heads + h) * n : (part * heads + h + 1) * n] for part in range(3))
                k = k / k.norm()
                beta = largest * torch.sigmoid(mixer.beta.weight[h] @ token)
                state = states[h]
                if options.routing == "none":
                    state = state + beta * torch.outer(k, v - state.T @ k)
                else:
                    weight = mixer.routing.into.weight.view(heads, n, n, -1)[h]
                    moved = routed(weight @ token, mixer.routing.temperature) @ state
                    seen = state if options.routing == "state" else moved
                    state = moved + beta * torch.outer(k, v - seen.T @ k)
                states[h] = state
                out = rms_norm(state.T @ q, mixer.gain)
                if options.gate:
                    gate = mixer.gate.weight[h * n : (h + 1) * n] @ token
                    out = out * gate * torch.sigmoid(gate)
                outputs.append(out)
            rows.append(mixer.out.weight @ torch.cat(outputs))
        sequences.append(torch.stack(rows))
    return torch.stack(sequences)


def pd_ssm(mixer: torch.nn.Module, options: object, x: Tensor, length: int) -> Tensor:
    heads, n = mixer.heads, options.state
    sequences = []
    for sequence in x:
        states = [state.flatten() for state in beginning(mixer, options, heads, (n, 1), x.dtype)]
        rows = []
        for token in sequence:
            for h in range(heads):
                part = slice(h * n, (h + 1) * n)
                weight = mixer.routing.into.weight.view(heads, n, n, -1)[h]
                scale = torch.tanh(mixer.scale.weight[part] @ token + mixer.scale.bias[part])
                moved = routed(weight @ token, mixer.routing.temperature) @ (scale * states[h])
                states[h] = moved + mixer.into.weight[part] @ token
            rows.append(mixer.out.weight @ torch.cat([rms_norm(state, mixer.gain) for state in states]))
        sequences.append(torch.stack(rows))
    return torch.stack(sequences)
