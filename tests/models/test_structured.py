"""Monarch and Nystrom: what holds beyond agreeing with the recurrence."""

import pytest
import torch
from oracles.structured import monarch_transition
from pydantic import TypeAdapter, ValidationError

from models.mixers import build_mixer
from models.mixers.monarch import GatedSteps, gated_steps
from models.mixers.nystrom import inverse
from models.mixers.orthogonal import cayley
from models.options import MixerOptions


def build(width=8, length=32, **options):
    torch.manual_seed(0)
    return build_mixer(TypeAdapter(MixerOptions).validate_python(options), width, 1, length).double().eval()


def test_cayley_is_orthogonal_and_the_identity_at_zero():
    q = cayley(3 * torch.randn(5, 4, 4, dtype=torch.float64))
    identity = torch.eye(4, dtype=torch.float64)
    torch.testing.assert_close(q @ q.mT, identity.expand(5, 4, 4))
    torch.testing.assert_close(cayley(torch.zeros(4, 4, dtype=torch.float64)), identity)


@pytest.mark.parametrize("options", [{}, {"gates": False}, {"blocks": "input"}])
def test_monarch_transitions_are_those_of_the_factors(options):
    mixer = build(mixer="monarch", state=9, **options)
    x = torch.randn(1, 3, 8, dtype=torch.float64)
    written = mixer.transitions(x)[0]
    for m, token in zip(written, x[0], strict=True):
        torch.testing.assert_close(m, monarch_transition(mixer, mixer.options, token))


def test_the_norm_of_a_monarch_transition_is_the_largest_gates():
    mixer = build(mixer="monarch", state=16)
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    alpha, beta = mixer.gates(x, x)
    bound = alpha.amax(-1) * beta.amax(-1)
    torch.testing.assert_close(torch.linalg.matrix_norm(mixer.transitions(x), 2), bound)


def test_gates_start_open():
    mixer = build(mixer="monarch", state=16)
    alpha, beta = mixer.gates(*[torch.zeros(1, 1, 8, dtype=torch.float64)] * 2)
    assert (alpha > 0.98).all()
    assert (beta > 0.98).all()


def test_reflections_differ_between_tokens_and_keep_the_length():
    mixer = build(mixer="monarch", state=9, blocks="input", gates=False)
    a, b = mixer.transitions(torch.randn(1, 2, 8, dtype=torch.float64))[0]
    torch.testing.assert_close(a @ a.T, torch.eye(9, dtype=torch.float64))
    assert (a - b).norm() > 0.5


@pytest.mark.parametrize("reflecting", [False, True])
def test_the_gradient_by_hand_is_torchs(reflecting):
    steps = [torch.randn(6, 2, 4, dtype=torch.float64) for _ in range(3)]
    directions = torch.randn(6, 2, 4, dtype=torch.float64).requires_grad_() if reflecting else None
    products = [torch.randn(4, 4, dtype=torch.float64) for _ in range(2)]
    u, alpha, beta = (step.requires_grad_() for step in steps)
    right, left = (product.requires_grad_() for product in products)
    given = (u, right, left, alpha, beta, directions)
    torch.testing.assert_close(GatedSteps.apply(*given), gated_steps(*given))
    assert torch.autograd.gradcheck(GatedSteps.apply, given)


def test_a_state_that_is_no_square_is_refused():
    with pytest.raises(ValidationError, match=r"state 60 is not a square.* such as 49 or 64"):
        build(mixer="monarch", state=60)


def test_more_landmarks_than_dimensions_are_refused():
    with pytest.raises(ValidationError, match="9 landmarks are more than the 8 dimensions"):
        build(mixer="nystrom", state=8, landmarks=9)


def nystrom(transfer, state=8, landmarks=2):
    return build(mixer="nystrom", state=state, landmarks=landmarks, chunk=4, transfer=transfer)


def test_landmarks_start_as_means_over_segments():
    p = nystrom("nystrom").landmarks()
    torch.testing.assert_close(p.sum(1), torch.ones(2, dtype=torch.float64))
    assert (p[0, :4] > 0.24).all()
    assert (p[1, 4:] > 0.24).all()


@pytest.mark.parametrize("transfer", ["nystrom", "svd"])
def test_as_many_landmarks_as_dimensions_lose_next_to_nothing(transfer):
    x = torch.randn(2, 24, 8, dtype=torch.float64)
    mixer, exact = nystrom(transfer, landmarks=8), nystrom("full", landmarks=8)
    exact.load_state_dict({name: value for name, value in mixer.state_dict().items() if name != "logits"})
    if transfer == "nystrom":
        # sharp landmarks pick one dimension each: P is near the identity, and well conditioned
        with torch.no_grad():
            mixer.logits.mul_(5)
    torch.testing.assert_close(mixer(x), exact(x), rtol=0, atol=2e-2)


def test_svd_is_the_best_of_its_rank():
    mixer = nystrom("svd")
    mixing, carry = cayley(mixer.mixing), torch.rand(1, 1, 8, dtype=torch.float64)
    left, right = mixer.factors(mixing, carry)
    exact = mixing * carry.unsqueeze(-2)
    floor = torch.linalg.svdvals(exact)[..., 2:].norm()
    torch.testing.assert_close((exact - left @ right).norm(), floor)


def test_a_cut_transfer_reaches_the_next_chunk_and_no_further():
    mixer, x = nystrom("cut"), torch.randn(1, 16, 8, dtype=torch.float64)
    changed = x.clone()
    changed[:, 1] += 1
    difference = (mixer(changed) - mixer(x)).abs().amax((0, 2))
    assert (difference[1:8] > 0).all()
    assert (difference[8:] == 0).all()
    reached = (nystrom("full")(changed) - nystrom("full")(x)).abs().amax((0, 2))
    assert (reached[8:] > 0).all()


def test_no_transfer_makes_a_state_grow():
    # the norm of the exact transfer is at most 1, and so the states are bounded by what each chunk adds
    mixer = nystrom("full")
    assert torch.linalg.matrix_norm(mixer.factors(cayley(mixer.mixing), torch.ones(1, 1, 8).double())[0], 2) <= 1 + 1e-9


def test_the_inverse_is_exact_where_it_can_be_and_bounded_where_not():
    w = torch.eye(3, dtype=torch.float64) + 0.1 * torch.randn(3, 3, dtype=torch.float64)
    torch.testing.assert_close(inverse(w) @ w, torch.eye(3, dtype=torch.float64), rtol=0, atol=2e-3)
    singular = torch.diag(torch.tensor([1.0, 1e-9, 0.0], dtype=torch.float64))
    assert torch.linalg.matrix_norm(inverse(singular), 2) <= 50
    # the same matrix in other units has the inverse in those units
    torch.testing.assert_close(inverse(1e-3 * w), 1e3 * inverse(w))
    assert (inverse(torch.zeros(3, 3)) == 0).all()


def test_memory_is_linear_in_length():
    def elements(length, mixer):
        kept = []
        x = torch.randn(1, length, 8, dtype=torch.float64).requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
            mixer(x)
        return sum(kept)

    for mixer in (nystrom("nystrom"), build(mixer="monarch", state=16)):
        one, two, four = (elements(length, mixer) for length in (64, 128, 256))
        assert (four - two) == pytest.approx(2 * (two - one), rel=0.1)
