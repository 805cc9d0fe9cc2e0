"""Signals: each is the damped oscillation it is said to be, and inputs give away what they should and no more."""

import math

import pytest
import torch

from models.options import DampedOscillation
from models.synthetics import build_data

SIZES = {"train": 60, "validation": 20, "test": 20}
WIDE = {"omega": (0.05, 0.5), "amplitude": (0.5, 2.0), "phase": (0.0, 6.28)}


def oscillations(**more):
    return DampedOscillation(name="damped_oscillation", **{**SIZES, **more})


def parameters_of(y):
    """Omega, zeta, A and phi of a signal without noise, from its recurrence y_(t+2) = a y_(t+1) + b y_t, which any
    damped oscillation obeys with a = 2 e^-g cos w, b = -e^(-2 g), where w = omega sqrt(1 - zeta^2), g = zeta omega."""
    past = torch.stack([y[1:-1], y[:-2]], 1)
    a, b = torch.linalg.lstsq(past, y[2:].unsqueeze(1)).solution.flatten().tolist()
    g = -math.log(-b) / 2
    w = math.acos(a / 2 / math.exp(-g))
    t = torch.arange(len(y), dtype=torch.float64)
    waves = torch.stack([torch.exp(-g * t) * torch.sin(w * t), torch.exp(-g * t) * torch.cos(w * t)], 1)
    sine, cosine = torch.linalg.lstsq(waves, y.unsqueeze(1)).solution.flatten().tolist()
    omega = math.hypot(w, g)
    return omega, g / omega, math.hypot(sine, cosine), math.atan2(cosine, sine) % (2 * math.pi)


def test_signals_by_their_recurrence():
    options = oscillations(length=64, **WIDE)
    for split in (data := build_data(options, 0)).train, data.validation, data.test:
        for y in split.targets.double():
            omega, zeta, amplitude, phase = parameters_of(y)
            assert 0.049 < omega < 0.51
            assert 0.19 < zeta < 0.81
            assert 0.49 < amplitude < 2.01
            assert 0 <= phase < 6.29
            for t in range(64):
                w = omega * math.sqrt(1 - zeta**2)
                again = amplitude * math.exp(-zeta * omega * t) * math.sin(w * t + phase)
                assert again == pytest.approx(y[t].item(), abs=1e-4)


def test_parameters_fill_their_ranges():
    data = build_data(oscillations(length=64, train=2000, **WIDE), 1)
    found = torch.tensor([parameters_of(y) for y in data.train.targets.double()])
    for column, (low, high) in zip(found.T, [(0.05, 0.5), (0.2, 0.8), (0.5, 2.0), (0.0, 6.28)], strict=True):
        share = (column - low) / (high - low)
        assert share.mean().item() == pytest.approx(0.5, abs=0.04)
        assert share.std().item() == pytest.approx(12**-0.5, abs=0.03)


def test_the_source_form_says_nothing_of_the_signal():
    data = build_data(oscillations(), 0)
    assert (data.length, data.channels) == (128, 1)
    impulse = torch.zeros(128, 1)
    impulse[0] = 1
    for split in (data.train, data.validation, data.test):
        assert (split.tokens == impulse).all()
        # A = 1 and phi = 0 unless said
        assert (split.targets[:, 0] == 0).all()
        assert split.targets.max() < 1


def test_the_best_constant_answer_of_the_source_form():
    """Its floor: the mean over all signals, which is all that the input allows to know."""
    data = build_data(oscillations(train=4000, test=1000), 0)
    floor = (data.test.targets - data.train.targets.mean(0)).square().mean().item()
    assert 0.005 < floor < data.test.targets.square().mean().item()


def test_a_prefix_is_given_and_marked():
    signal = build_data(oscillations(), 0).test.targets
    data = build_data(oscillations(prefix=32), 0)
    assert data.channels == 2
    assert torch.equal(data.test.tokens[:, :32, 0], signal[:, :32])
    assert (data.test.tokens[:, 32:] == 0).all()
    assert (data.test.tokens[:, :32, 1] == 1).all()
    assert torch.equal(data.test.positions, torch.arange(32, 128).expand(20, -1))
    assert torch.equal(data.test.targets, signal[:, 32:])


def test_four_samples_of_the_prefix_are_enough():
    data = build_data(oscillations(length=40, prefix=4, **WIDE), 0)
    # in double precision a and b follow from two equations; rounding of the samples is what remains
    for given, rest in zip(data.test.tokens[:, :4, 0].double(), data.test.targets, strict=True):
        past = torch.stack([torch.stack([given[1], given[0]]), torch.stack([given[2], given[1]])])
        if torch.linalg.cond(past) > 1e3:
            continue
        a, b = torch.linalg.solve(past, given[2:]).tolist()
        y = given.tolist()
        for wanted in rest.tolist():
            y.append(a * y[-1] + b * y[-2])
            assert y[-1] == pytest.approx(wanted, abs=0.02)


def test_a_longer_test_set_goes_on_with_the_same_signals():
    short, long = build_data(oscillations(), 0), build_data(oscillations(length=512, scored_from=128), 0)
    everything = build_data(oscillations(length=512), 0)
    assert torch.equal(everything.test.targets[:, :128], short.test.targets)
    assert torch.equal(everything.test.targets[:, 128:], long.test.targets)
    assert long.test.positions[0].tolist() == list(range(128, 512))
    assert short.sha256 != long.sha256
