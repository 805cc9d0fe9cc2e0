"""Damped oscillations: a signal to go on with, or only an impulse."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from models import options
from models.synthetics.base import Data, Split, draw_disjoint, stream


def damped_oscillation(options: options.DampedOscillation, seed: int) -> Data:
    """The data of `seed`: y_t = A exp(-zeta omega t) sin(omega sqrt(1 - zeta^2) t + phi), t = 0, 1 ..., omega in
    radians a step; the answer at t = scored_from .. length - 1 is y_t.

    prefix 0: one channel, 1 at t = 0 and 0 elsewhere. All inputs are equal and say nothing of the parameters: the best
    answer is the mean over all signals. prefix p: channels of y_t for t < p, then zeros, and of 1 for t < p, then
    zeros. Four samples without noise determine the signal, three where A and phi are fixed.

    The splits share no signal; with prefix 0 they can only differ in what is asked. A seed has the same parameters
    whatever the length, the prefix and scored_from are.
    """
    data = draw_disjoint(
        lambda count, generator: _draw(options, count, generator),
        (options.train, options.validation, options.test),
        stream(seed, "damped_oscillation"),
        vocabulary=0,
        possible=float("inf"),
        classes=0,
        channels=2 if options.prefix else 1,
    )
    return replace(data, train=_shown(data.train), validation=_shown(data.validation), test=_shown(data.test))


def _draw(options: options.DampedOscillation, count: int, generator: torch.Generator) -> Split:
    """Inputs, with the whole signal as a last channel by which sequences are told apart."""
    ranges = torch.tensor([options.omega, options.zeta, options.amplitude, options.phase], dtype=torch.float64)
    share = torch.rand(count, 4, dtype=torch.float64, generator=generator)
    signal = _signal(ranges[:, 0] + share * (ranges[:, 1] - ranges[:, 0]), options.length)
    given = (torch.arange(options.length) < max(options.prefix, 1)).float().expand(count, -1)
    channels = [signal * given, given, signal] if options.prefix else [given, signal]
    positions = torch.arange(options.first_scored, options.length).expand(count, -1).contiguous()
    return Split(torch.stack(channels, -1), positions, signal[:, options.first_scored :])


def _signal(parameters: Float[Tensor, "count 4"], length: int) -> Float[Tensor, "count length"]:
    omega, zeta, amplitude, phase = parameters.unsqueeze(-1).unbind(1)
    t = torch.arange(length, dtype=torch.float64)
    oscillation = torch.sin(omega * (1 - zeta**2).sqrt() * t + phase)
    return (amplitude * torch.exp(-zeta * omega * t) * oscillation).float()


def _shown(split: Split) -> Split:
    """Without the last channel."""
    return replace(split, tokens=split.tokens[..., :-1].contiguous())
