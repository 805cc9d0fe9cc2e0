"""The resolvent of HiPPO-LegS against dense solutions, and what its Neumann series can do."""

import math

import pytest
import torch

from models.options.studies import ExactResolvent, NeumannResolvent, Resolvent
from models.studies.resolvent import Evaluation, dense, diagonalised, frequencies, legs, ratios, resolvent

CPU = torch.device("cpu")


def output(state, seed=0):
    return torch.randn(state, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def exact(dtype="float64"):
    return ExactResolvent(form="exact_resolvent", dtype=dtype)


def neumann(dtype="float64"):
    return NeumannResolvent(form="neumann_resolvent", dtype=dtype)


def at(system, form, points, terms=None):
    evaluation = Evaluation(system, form, CPU)
    real, imaginary = evaluation.at(evaluation.points(points), terms)
    assert real.dtype == getattr(torch, form.dtype)
    return torch.complex(real.double(), imaginary.double())


def study(**more):
    return Resolvent.model_validate({"name": "resolvent", "repeats": 2, **more})


def values_of(form, seed=0, **more):
    found = resolvent(study(**more), form, seed, CPU).values
    return {(value.metric, *value.condition.values()): value.value for value in found}


def test_legs_is_legs():
    a, b, p = legs(3)
    root3, root5, root15 = math.sqrt(3), math.sqrt(5), math.sqrt(15)
    assert a.tolist() == [
        [-1, 0, 0],
        [pytest.approx(-root3), pytest.approx(-2), 0],
        [pytest.approx(-root5), pytest.approx(-root15), pytest.approx(-3)],
    ]
    assert b.tolist() == pytest.approx([1, root3, root5])
    assert float(legs(64)[2].square().sum()) == pytest.approx(2048)
    skew = a + torch.outer(p, p) + 0.5 * torch.eye(3)
    torch.testing.assert_close(skew, -skew.T)


@pytest.mark.parametrize("state", [2, 7, 64])
def test_diagonal_and_low_rank_are_the_same_operator(state):
    system = diagonalised(state, output(state))
    together = torch.diag(system.eigenvalues) - torch.outer(system.p, system.p.conj())
    # moments c A^m b depend on no basis
    a, b, _ = legs(state)
    c, x, y = output(state), b, system.b
    for _ in range(3):
        torch.testing.assert_close(system.c @ y, (c @ x).to(y.dtype), rtol=1e-9, atol=1e-9)
        x, y = a @ x, together @ y
    assert torch.allclose(system.eigenvalues.real, torch.tensor(-0.5, dtype=torch.float64))


@pytest.mark.parametrize("state", [2, 64, 256])
def test_the_exact_form_is_the_dense_solution(state):
    points = frequencies(32, 1e-3)
    found, reference = at(diagonalised(state, output(state)), exact(), points), dense(state, output(state), points)
    assert float((found - reference).norm() / reference.norm()) < 1e-10


def test_frequencies_are_the_bilinear_ones():
    z = torch.exp(2j * math.pi * (torch.arange(16, dtype=torch.float64) + 0.5) / 16)
    torch.testing.assert_close(frequencies(16, 0.01), 200 * (1 - z) / (1 + z), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("terms", [1, 2, 5, 16])
def test_the_series_is_the_sum_of_its_terms(terms):
    state = 12
    system, points = diagonalised(state, output(state)), frequencies(8, 1e-3)
    # by matrices: sum_m (-D p p^*)^m D b, with nothing collapsed to a scalar
    found = []
    for point in points:
        d = torch.diag(1 / (point - system.eigenvalues))
        series, power = d @ system.b, d @ system.b
        for _ in range(terms):
            power = -d @ torch.outer(system.p, system.p.conj()) @ power
            series = series + power
        found.append(system.c @ series)
    torch.testing.assert_close(at(system, neumann(), points, terms), torch.stack(found), rtol=1e-8, atol=1e-8)


def test_where_the_ratio_is_small_the_series_converges_to_the_exact_form():
    system = diagonalised(64, output(64))
    points = torch.tensor([1e5j, -3e5j, 1e6j])
    ratio, norm = ratios(system, points)
    assert float(ratio.max()) < 0.03
    assert bool((norm >= ratio).all())
    reference = at(system, exact(), points)
    errors = [float((at(system, neumann(), points, terms) - reference).norm()) for terms in (1, 2, 4)]
    assert errors[0] > 20 * errors[1] > 400 * errors[2]


def test_the_ratio_is_the_spectral_radius_and_the_norm_the_largest_singular_value():
    system, points = diagonalised(10, output(10)), frequencies(6, 1e-2)
    ratio, norm = ratios(system, points)
    for point, r, n in zip(points, ratio, norm, strict=True):
        e = torch.diag(1 / (point - system.eigenvalues)) @ torch.outer(system.p, system.p.conj())
        assert float(torch.linalg.eigvals(e).abs().max()) == pytest.approx(float(r))
        assert float(torch.linalg.matrix_norm(e, 2)) == pytest.approx(float(n))


@pytest.mark.parametrize(("dtype", "limit"), [("float64", 1e-12), ("float32", 1e-4), ("bfloat16", 0.5)])
def test_precision_of_the_exact_form(dtype, limit):
    error = values_of(exact(dtype), length=64)["relative_error",]
    assert limit * 1e-5 < error < limit


def test_the_series_of_legs_diverges_and_more_terms_are_worse():
    found = values_of(neumann("float32"))
    assert 0.3 < found["diverging_share",] < 0.6
    assert found["diverging_share",] <= found["large_norm_share",]
    assert found["relative_error", 2] < found["relative_error", 4] < found["relative_error", 8]
    assert found["smallest_error", 16] == found["smallest_error", 2] == found["relative_error", 2] > 1
    assert found["relative_error",] == found["relative_error", 8]


def test_what_overflows_has_no_error_and_is_not_finite_next_to_an_eigenvalue():
    found = values_of(neumann("float32"))
    assert found["relative_error", 16] is None
    assert found["finite_share", 16] < found["finite_share", 2] == 1


def test_every_state_size_is_timed():
    found = values_of(exact(), states=[4, 8], state=8, length=16)
    assert found["forward_time",] == found["forward_time", 8]
    assert found["forward_time", 4] > 0
