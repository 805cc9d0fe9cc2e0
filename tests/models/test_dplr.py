"""State spaces of a diagonal plus a low rank: the scan, the discretisation, permutations, oscillators."""

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from models import options as o
from models.mixers import build_mixer
from models.mixers.dplr import assignment, nearest_permutation, permutation_of, sinkhorn
from models.mixers.lti import bilinear, respond, scan


def build(dtype=torch.float64, width=8, heads=2, **options):
    torch.manual_seed(0)
    checked = TypeAdapter(o.MixerOptions).validate_python(options)
    return build_mixer(checked, width, heads, 32).to(dtype).eval()


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 13, 32])
def test_scan_is_the_recurrence(length):
    torch.manual_seed(1)
    a, x = torch.randn(2, 3, 3, dtype=torch.float64), torch.randn(2, length, 5, 3, dtype=torch.float64)
    h, expected = torch.zeros(2, 5, 3, dtype=torch.float64), []
    for t in range(length):
        h = torch.einsum("hij,hbj->hbi", a, h) + x[:, t]
        expected.append(h)
    torch.testing.assert_close(scan(a, x), torch.stack(expected, 1), rtol=1e-11, atol=1e-11)


def test_response_is_the_convolution_with_the_kernel():
    torch.manual_seed(2)
    a = 0.4 * torch.randn(2, 3, 3, dtype=torch.float64)
    b, c = torch.randn(2, 3, 4, dtype=torch.float64), torch.randn(2, 4, 3, dtype=torch.float64)
    u = torch.randn(5, 9, 8, dtype=torch.float64)
    kernel = torch.stack([c @ torch.linalg.matrix_power(a, s) @ b for s in range(9)])  # [lag, head, out, in]
    expected = torch.zeros_like(u)
    for t in range(9):
        for s in range(t + 1):
            for h in range(2):
                part = slice(4 * h, 4 * h + 4)
                expected[:, t, part] += u[:, s, part] @ kernel[t - s, h].T
    torch.testing.assert_close(respond(a, b, c, u), expected, rtol=1e-11, atol=1e-11)


def test_bilinear_is_near_the_exact_step_where_steps_are_small():
    torch.manual_seed(3)
    a, b = torch.randn(1, 4, 4, dtype=torch.float64), torch.randn(1, 4, 2, dtype=torch.float64)
    for dt in (0.1, 0.01):
        whole = torch.zeros(6, 6, dtype=torch.float64)
        whole[:4, :4], whole[:4, 4:] = a[0], b[0]
        exact = torch.linalg.matrix_exp(dt * whole)[:4]
        ours = torch.cat(bilinear(a, b, dt), -1)[0]
        assert (ours - exact).abs().max() < 10 * dt**2


def test_bilinear_keeps_what_decays_inside_the_unit_circle():
    eigenvalues = -torch.logspace(-3, 3, 7, dtype=torch.float64)
    a, _ = bilinear(torch.diag(eigenvalues)[None], torch.zeros(1, 7, 1, dtype=torch.float64), 1.0)
    assert torch.linalg.eigvals(a).abs().max() < 1
    torch.testing.assert_close(a[0].diagonal(), (1 + eigenvalues / 2) / (1 - eigenvalues / 2))


def test_permutations():
    assert permutation_of("bit_reversal", 16).tolist() == [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]
    assert permutation_of("bit_reversal", 1).tolist() == [0]
    assert torch.equal(torch.eye(5)[permutation_of("cyclic", 5)], torch.roll(torch.eye(5), 1, 0))
    draws = {tuple(permutation_of("random", 16, draw).tolist()) for draw in range(5)}
    assert len(draws) == 5
    assert all(sorted(draw) == list(range(16)) for draw in draws)
    assert torch.equal(permutation_of("random", 16, 3), permutation_of("random", 16, 3))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_the_assignment_is_the_best_of_all(size):
    for draw in range(20):
        cost = np.random.default_rng(draw).normal(size=(size, size))
        if draw % 2:
            cost = np.round(cost)  # ties
        found = assignment(cost.tolist())
        assert sorted(found) == list(range(size))
        best = min(sum(cost[i, j] for i, j in enumerate(order)) for order in permutations(range(size)))
        assert sum(cost[i, j] for i, j in enumerate(found)) == pytest.approx(best)


def test_the_nearest_permutation_to_one_is_itself():
    orders = [torch.randperm(16, generator=torch.Generator().manual_seed(i)) for i in range(4)]
    matrices = torch.stack([torch.eye(16)[order] for order in orders])
    noisy = 0.7 * matrices + 0.3 / 16
    assert torch.equal(nearest_permutation(noisy), matrices)


def test_sinkhorn_is_doubly_stochastic():
    torch.manual_seed(4)
    soft = sinkhorn(5 * torch.randn(3, 16, 16, dtype=torch.float64))
    torch.testing.assert_close(soft.sum(-2), torch.ones(3, 16, dtype=torch.float64))
    assert (soft.sum(-1) - 1).abs().max() < 0.1
    assert (soft > 0).all()


def test_a_learned_permutation_is_soft_in_training_and_hard_afterwards():
    mixer = build(mixer="dplr", permutation="learned")
    hard = mixer.permutation()
    assert set(hard.detach().unique().tolist()) == {0.0, 1.0}
    assert (hard.sum(-1) == 1).all()
    assert (hard.sum(-2) == 1).all()
    soft = mixer.train().permutation()
    assert ((soft > 0) & (soft < 1)).all()
    mixer.eval()
    toward = torch.randn_like(hard)
    gradients = [torch.autograd.grad((p * toward).sum(), mixer.scores)[0] for p in (mixer.permutation(), soft)]
    torch.testing.assert_close(*gradients)
    assert gradients[0].abs().max() > 0


@pytest.mark.parametrize("permutation", ["cyclic", "bit_reversal", "random"])
def test_a_fixed_permutation_is_a_change_of_coordinates(permutation):
    mixer = build(mixer="dplr", permutation=permutation)
    plain = build(mixer="dplr")
    x = torch.randn(2, 13, 8, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            parameter.copy_(mixer.get_parameter(name))
        assert not torch.allclose(plain(x), mixer(x))
        plain.b.copy_(mixer.permutation().T @ mixer.b)
        plain.c.copy_(mixer.c @ mixer.permutation())
    torch.testing.assert_close(plain(x), mixer(x), rtol=1e-12, atol=1e-13)


def test_an_oscillator_starts_in_its_band_and_is_damped():
    mixer = build(mixer="oscillatory_dplr", state=200, rank=0, heads=1)
    eigenvalues = torch.complex(*mixer.diagonal())
    assert 0.001 * 0.999 <= eigenvalues.abs().min() < 0.002
    assert 0.05 < eigenvalues.abs().max() <= 0.1001
    assert (eigenvalues.real < 0).all()
    ratio = -eigenvalues.real / eigenvalues.abs()
    assert ratio.min() < 0.1
    assert ratio.max() > 0.9
    free = build(mixer="oscillatory_dplr", state=200, rank=0, heads=1, eigenvalues="free")
    torch.testing.assert_close(torch.complex(*free.diagonal()), eigenvalues, rtol=1e-5, atol=1e-8)


def test_one_oscillator_rings_at_its_frequency():
    omega, zeta, dt = 0.1, 0.2, 1.0
    mixer = build(mixer="oscillatory_dplr", state=1, rank=0, width=1, heads=1, dt=dt)
    with torch.no_grad():
        mixer.omega.fill_(math.log(math.expm1(omega)))
        mixer.zeta.fill_(math.log(zeta / (1 - zeta)))
        mixer.b.copy_(torch.tensor([1.0, 0.0]).view(2, 1, 1, 1))
        mixer.c.copy_(torch.tensor([0.0, -0.5]).view(2, 1, 1, 1))
        mixer.d.zero_()
        impulse = torch.zeros(1, 200, 1, dtype=torch.float64)
        impulse[0, 0] = 1
        y = mixer(impulse)[0, :, 0]
    t = torch.arange(200, dtype=torch.float64)
    wanted = torch.exp(-zeta * omega * t) * torch.sin(omega * math.sqrt(1 - zeta**2) * t)
    # the bilinear step bends a frequency by omega^2 / 12 and moves the impulse by half a step
    shifted = torch.exp(-zeta * omega * (t + 0.5)) * torch.sin(omega * math.sqrt(1 - zeta**2) * (t + 0.5))
    assert (y - shifted).abs().max() < 0.02
    assert (y - wanted).abs().max() < 0.08


def test_an_extreme_damping_has_finite_gradients():
    mixer = build(dtype=torch.float32, mixer="oscillatory_dplr", state=2, heads=1)
    with torch.no_grad():
        mixer.zeta.copy_(torch.tensor([[40.0, -40.0]]))
    mixer(torch.randn(1, 5, 8)).sum().backward()
    assert all(p.grad.isfinite().all() for p in mixer.parameters())


@pytest.mark.parametrize("name", ["dplr", "oscillatory_dplr"])
def test_memory_is_linear_in_length(name):
    saved = []
    for length in (64, 128, 256, 512):
        storages = {}

        def note(tensor, storages=storages):
            storages[tensor.untyped_storage().data_ptr()] = tensor  # kept, so that no address is used twice
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            build(mixer=name)(torch.randn(4, length, 8, dtype=torch.float64, requires_grad=True))
        saved.append(sum(tensor.untyped_storage().nbytes() for tensor in storages.values()))
    assert all(1.5 < longer / shorter < 2.1 for shorter, longer in pairwise(saved))


def test_state_elements():
    assert build(mixer="dplr", state=16).state_elements() == 2 * 16
    assert build(mixer="oscillatory_dplr", state=16).state_elements() == 2 * 2 * 16


def test_options_that_do_not_exist():
    with pytest.raises(ValueError, match="bit reversal needs a state that is a power of two, not 12"):
        build(mixer="dplr", state=12, permutation="bit_reversal")
    with pytest.raises(ValueError, match="draw is the number of a random permutation, and this one is cyclic"):
        build(mixer="dplr", permutation="cyclic", draw=1)
    with pytest.raises(ValueError, match="width 8 is not a multiple of heads 3"):
        build(mixer="dplr", heads=3)
    with pytest.raises(ValueError, match="width 8 is not a multiple of heads 3"):
        build(mixer="oscillatory_dplr", heads=3)
