"""State spaces of a vector state: what their transitions promise beyond agreeing with the recurrence."""

import itertools

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from models import options as o
from models.mixers import build_mixer
from models.mixers.displacement_rank import cauchy
from models.mixers.state_space import contraction, norm_bound


def build(width=8, length=16, **options):
    torch.manual_seed(0)
    return build_mixer(TypeAdapter(o.MixerOptions).validate_python(options), width, 1, length)


def inputs(scale=1.0, batch=3, length=12):
    return scale * torch.randn(batch, length, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("options", [{"mixer": "dense_ssm"}, {"mixer": "displacement_rank", "alpha": 3}])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_no_transition_lets_a_state_grow(options, scale):
    norms = torch.linalg.matrix_norm(build(**options).transitions(inputs(scale)).detach(), ord=2)
    assert float(norms.max()) <= 1 + 1e-5


def test_the_bound_is_a_schatten_norm():
    a = torch.randn(5, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sigma = torch.linalg.svdvals(a)
    bound = norm_bound(a)
    torch.testing.assert_close(bound, (sigma**34).sum(-1) ** (1 / 34))
    assert (bound >= sigma[:, 0]).all()
    assert (bound <= sigma[:, 0] * 7 ** (1 / 34)).all()
    assert torch.autograd.gradcheck(norm_bound, a.requires_grad_())


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e12])
@pytest.mark.parametrize("n", [1, 16, 128])
def test_the_bound_at_extremes_of_float32(n, scale):
    rotation, _ = torch.linalg.qr(torch.randn(n, n, generator=torch.Generator().manual_seed(0)))
    a = (scale * rotation).requires_grad_()
    bound = norm_bound(a)
    (gradient,) = torch.autograd.grad(bound, a)
    assert float(bound.detach()) == pytest.approx(scale * n ** (1 / 34), rel=1e-4, abs=1e-15)
    assert gradient.isfinite().all()


def test_contraction_leaves_small_matrices_alone():
    a = 0.01 * torch.randn(4, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(contraction(a), a, rtol=0, atol=0)


def test_without_generators_it_is_the_diagonal_state_space():
    cauchy_like, diagonal = build(mixer="displacement_rank", alpha=0), build(mixer="diagonal_ssm")
    diagonal.load_state_dict(cauchy_like.state_dict())
    x = inputs()
    torch.testing.assert_close(cauchy_like(x), diagonal(x), rtol=0, atol=0)
    torch.testing.assert_close(cauchy_like.transitions(x), torch.diag_embed(diagonal.decay(x).sigmoid()))


def test_displacement_has_the_rank_asked_for():
    # a submatrix off the diagonal sees nothing of it, and its numerators are a product of generators
    n, alpha = 10, 3
    a = build(mixer="displacement_rank", state=n, alpha=alpha).double().transitions(inputs().double())
    numerator = a[..., :5, 5:] / cauchy(n)[:5, 5:]
    assert (torch.linalg.matrix_rank(numerator, rtol=1e-9) == alpha).all()


def test_entries_of_the_generators_product_start_with_variance_one_over_n():
    torch.manual_seed(0)
    mixer = build(mixer="displacement_rank", state=16, alpha=4)
    x = torch.randn(400, 1, 8)
    with torch.no_grad():
        g, h = mixer.generators(x * x.square().mean(-1, keepdim=True).rsqrt()).view(400, 2, 16, 4).unbind(1)
    assert float((g @ h.mT).var()) == pytest.approx(1 / 16, rel=0.25)


@pytest.mark.parametrize("gate", ["sigmoid", "tanh"])
def test_decays_start_with_time_constants_from_one_step_to_n(gate):
    mixer = build(mixer="diagonal_ssm", state=16, gate=gate)
    decays = mixer.activation(mixer.decay.bias.detach())
    assert float(-1 / decays[0].log()) == pytest.approx(1, rel=1e-4)
    assert float(-1 / decays[-1].log()) == pytest.approx(16, rel=1e-3)
    assert all(a < b for a, b in itertools.pairwise(decays.tolist()))


def test_rank_four_holds_the_generators_of_the_permutations_of_five():
    """With diagonals of 0 and 1 (the closure of the sigmoid's range), a swap needs rank 1 and a cycle of five rank 4:
    the diagonal of the numerators is free, and can make them singular."""
    swap, cycle = torch.eye(5)[[1, 0, 2, 3, 4]].double(), torch.eye(5)[[1, 2, 3, 4, 0]].double()
    for permutation, rank in ((swap, 1), (cycle, 4)):
        numerator = torch.where(torch.eye(5) == 1, 0.0, permutation / cauchy(5).fill_diagonal_(1))
        moved = permutation.diagonal() == 0
        weights = numerator.sum(1)
        # d d' = -w w' for the swap, and for the cycle d_1 .. d_5 = -(sign of a cycle of five) w_1 .. w_5
        free = torch.zeros(5, dtype=torch.float64)
        free[moved] = weights[moved].prod().abs() ** (1 / int(moved.sum()))
        size = int(moved.sum())
        free[moved.nonzero()[0]] *= -weights[moved].prod().sign() * (-1) ** (size - 1)
        completed = numerator + torch.diag(free)
        assert int(torch.linalg.matrix_rank(completed, rtol=1e-9)) == rank
        kept = torch.diag(permutation.diagonal()) + (completed * cauchy(5))
        torch.testing.assert_close(kept, permutation)


def test_alpha_is_at_most_the_state():
    with pytest.raises(ValidationError, match="alpha 5 is more than the 4 dimensions"):
        o.DisplacementRank(mixer="displacement_rank", state=4, alpha=5)
