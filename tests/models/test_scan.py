"""The parallel scans against a loop over time."""

import pytest
import torch

from models.mixers import scan as scans
from models.mixers.scan import diagonal_scan, scan

LENGTHS = [1, 2, 3, 20, 31, 32, 33, 34, 65, 256]


def dense(length, n=5, m=3, batch=2, dtype=torch.float64, scale=0.4):
    g = torch.Generator().manual_seed(length)
    transitions = scale * torch.randn(batch, length, n, n, dtype=dtype, generator=g)
    return transitions, torch.randn(batch, length, n, m, dtype=dtype, generator=g)


def diagonal(length, n=5, batch=2, dtype=torch.float64):
    g = torch.Generator().manual_seed(length)
    transitions = 2 * torch.rand(batch, length, n, dtype=dtype, generator=g) - 1
    return transitions, torch.randn(batch, length, n, dtype=dtype, generator=g)


def loop(transitions, inputs):
    state, states = torch.zeros_like(inputs[:, 0]), []
    for t in range(inputs.shape[1]):
        if transitions.shape == inputs.shape:
            state = transitions[:, t] * state + inputs[:, t]
        else:
            state = torch.einsum("bij,bjm->bim", transitions[:, t], state) + inputs[:, t]
        states.append(state)
    return torch.stack(states, dim=1)


KINDS = pytest.mark.parametrize(("parallel", "draw"), [(scan, dense), (diagonal_scan, diagonal)])


@KINDS
@pytest.mark.parametrize("length", LENGTHS)
def test_states_and_gradients_equal_those_of_a_loop(parallel, draw, length):
    transitions, inputs = (x.requires_grad_() for x in draw(length))
    ours, theirs = parallel(transitions, inputs), loop(transitions, inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    toward = torch.randn(theirs.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    if length == 1:  # the first transition meets a state of zero
        (mine,), (other,) = (torch.autograd.grad(y, [inputs], toward) for y in (ours, theirs))
        torch.testing.assert_close(mine, other)
        return
    mine, other = (torch.autograd.grad(y, [transitions, inputs], toward) for y in (ours, theirs))
    torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-11)


@KINDS
def test_zero_and_negative_transitions_are_exact(parallel, draw):
    transitions, inputs = draw(70)
    transitions[:, 7] = 0
    transitions[:, 20:30] = transitions[:, 20:30].abs().neg()
    torch.testing.assert_close(parallel(transitions, inputs), loop(transitions, inputs), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("length", [20, 256])
def test_float32_keeps_its_precision_where_transitions_are_rotations(length):
    angle = torch.linspace(0, 3, length, dtype=torch.float64)
    turns = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], -1).view(1, length, 2, 2)
    inputs = torch.randn(1, length, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    exact = loop(turns, inputs)
    torch.testing.assert_close(scan(turns.float(), inputs.float()).double(), exact, rtol=0, atol=2e-5)


@KINDS
def test_the_future_changes_nothing(parallel, draw):
    transitions, inputs = draw(70)
    changed, other = transitions.clone(), inputs.clone()
    changed[:, 23:] += 1
    other[:, 23:] += 1
    assert torch.equal(parallel(changed, other)[:, :23], parallel(transitions, inputs)[:, :23])


@KINDS
@pytest.mark.parametrize("both", [True, False])
def test_seeds_run_as_one_batch(parallel, draw, both):
    transitions, inputs = draw(67)
    weight = torch.tensor([1.0, 0.7, -0.3], dtype=torch.float64, requires_grad=True)

    def states(w):
        return parallel(w * transitions, w * inputs if both else inputs)

    together = torch.func.vmap(states)(weight)
    alone = torch.stack([states(w) for w in weight])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-12)
    gradients = [torch.autograd.grad(y.square().sum(), weight)[0] for y in (together, alone)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-9, atol=1e-11)


def test_what_is_kept_for_the_gradient_is_linear_in_length():
    def kept(length):
        numbers = []
        transitions, inputs = (x.requires_grad_() for x in dense(length))
        with torch.autograd.graph.saved_tensors_hooks(lambda x: numbers.append(x.numel()), lambda x: x):
            scan(transitions, inputs)
        return sum(numbers)

    assert kept(256) == 4 * kept(64) == 256 * kept(1)


def test_only_what_is_short_is_stepped_through(monkeypatch):
    steps = []
    stepped = scans._stepped
    monkeypatch.setattr(scans, "_stepped", lambda a, b, f: steps.append(b.shape[1]) or stepped(a, b, f))
    scan(*dense(1000))
    assert len(steps) == 1
    assert steps[0] <= scans.SHORT
