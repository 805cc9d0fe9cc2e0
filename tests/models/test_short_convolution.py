"""The mixer that proposal 101 brings along, against its recurrence."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from models.mixers import build_mixer
from models.mixers.base import select
from models.options import OwnMixer

SOURCE = (Path(__file__).parents[2] / "proposals" / "short_convolution.py").read_text(encoding="utf-8")
WIDTH, HEADS, LENGTH = 8, 2, 16


@pytest.fixture(params=[1, 2, 4])
def mixer(request):
    torch.manual_seed(0)
    given = OwnMixer(
        mixer="own", file="short_convolution.py", options={"kernel_size": request.param}, source=SOURCE
    )  # fmt: skip
    return build_mixer(given, WIDTH, HEADS, LENGTH).double()


def inputs(length=13):
    return torch.randn(2, length, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def recurrence(mixer, sequence):
    """One token at a time: the last tokens, a state and its sum of keys in each head."""
    size, width = mixer.taps.shape[-1], WIDTH // HEADS
    recent = [torch.zeros(3 * WIDTH, dtype=torch.float64)] * size
    state = torch.zeros(HEADS, width, width, dtype=torch.float64)
    total = torch.zeros(HEADS, width, dtype=torch.float64)
    out = []
    for x in sequence:
        recent = [*recent[1:], mixer.into.weight @ x]
        mixed = sum(mixer.taps[:, j] * recent[j] for j in range(size))
        q, k, v = (part.view(HEADS, width) for part in mixed.split(WIDTH))
        q, k = functional.elu(q) + 1, functional.elu(k) + 1
        state, total = state + k.unsqueeze(2) * v.unsqueeze(1), total + k
        heads = [(q[h] @ state[h]) / (q[h] @ total[h] + 1e-6) for h in range(HEADS)]
        out.append(mixer.out.weight @ torch.cat(heads))
    return torch.stack(out)


def test_parallel_form_equals_the_recurrence(mixer):
    x = inputs().requires_grad_()
    ours, theirs = mixer(x), torch.stack([recurrence(mixer, sequence) for sequence in x])
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
    wanted = [x, *mixer.parameters()]
    for mine, other in zip(
        torch.autograd.grad(ours.square().sum(), wanted),
        torch.autograd.grad(theirs.square().sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9)


def test_the_future_changes_nothing(mixer):
    x = inputs()
    changed = x.clone()
    changed[:, 7:] += 1.0
    torch.testing.assert_close(mixer(changed)[:, :7], mixer(x)[:, :7], rtol=0, atol=0)


def test_asking_for_some_positions_gives_those_of_all(mixer):
    x = inputs()
    for asked in (slice(4, 9), torch.tensor([[0, 5, 12], [3, 4, 11]])):
        torch.testing.assert_close(mixer(x, asked), select(mixer(x), asked), rtol=1e-12, atol=1e-13)
