"""The delta rule in chunks and routed, PD-SSM, and the maps that both of them route with."""

import pytest
import torch
from oracles import step_by_step

from models import options as o
from models.mixers import build_mixer
from models.mixers.delta_net import CHUNK, chunkwise_delta_rule, scan_heads
from models.mixers.routing import ColumnRouting
from models.options.groups import elements
from models.synthetics.composition import composition

ROUTED = [
    o.DeltaNet(mixer="delta_net", beta="double", routing="state", state=4),
    o.DeltaNet(mixer="delta_net", beta="double", routing="before", state=4),
    o.PdSsm(mixer="pd_ssm", state=4),
]


def build(options, width=8, heads=2, length=100, dtype=torch.float64):
    torch.manual_seed(0)
    return build_mixer(options, width, heads, length).to(dtype).eval()


def normal(*shape, seed=1, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def unit(x):
    return x / x.norm(dim=-1, keepdim=True)


def delta_steps(q, k, v, beta):
    """One head of one sequence."""
    state, out = torch.zeros(k.shape[1], v.shape[1], dtype=v.dtype), []
    for t in range(len(q)):
        state = state + beta[t] * torch.outer(k[t], v[t] - state.T @ k[t])
        out.append(state.T @ q[t])
    return torch.stack(out)


@pytest.mark.parametrize("length", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
@pytest.mark.parametrize(("beta", "initial"), [("unit", "zero"), ("double", "zero"), ("double", "learned")])
def test_chunks_equal_the_recurrence(length, beta, initial):
    options = o.DeltaNet(mixer="delta_net", beta=beta, state=3, initial=initial)
    mixer, x = build(options), normal(2, length, 8)
    if initial == "learned":
        mixer.initial.data = normal(2, 3, 3, seed=9)
    torch.testing.assert_close(mixer(x), step_by_step(mixer, options, x, 100), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("options", ROUTED)
def test_a_long_routed_sequence_equals_the_recurrence(options):
    mixer, x = build(options), normal(2, 75, 8)
    expected = step_by_step(mixer, options, x, 100)
    torch.testing.assert_close(mixer(x), expected, rtol=1e-8, atol=1e-10)


def test_gradients_of_chunks_equal_those_of_the_recurrence():
    options = o.DeltaNet(mixer="delta_net", beta="double", state=3, initial="learned")
    mixer, x = build(options), normal(1, CHUNK + 3, 8).requires_grad_()
    wanted, toward = [x, *mixer.parameters()], normal(1, CHUNK + 3, 8, seed=2)
    ours = torch.autograd.grad(mixer(x), wanted, toward)
    theirs = torch.autograd.grad(step_by_step(mixer, options, x, 100), wanted, toward)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9)


def test_orthonormal_keys_written_in_full_are_recalled_exactly():
    keys = torch.linalg.qr(normal(16, 16)).Q
    values, order = normal(1, 16, 1, 3), torch.randperm(16, generator=torch.Generator().manual_seed(3))
    k = torch.cat([keys, keys[order]])[None, :, None]
    v = torch.cat([values, torch.zeros_like(values)], 1)
    beta = torch.cat([torch.ones(16), torch.zeros(16)]).double()[None, :, None]
    recalled = chunkwise_delta_rule(k, k, v, beta)[0, 16:, 0]
    torch.testing.assert_close(recalled, values[0, order, 0], rtol=1e-10, atol=1e-12)


def test_without_steps_nothing_is_written():
    q, k, v = (normal(1, 40, 1, 4, seed=seed) for seed in range(3))
    assert torch.equal(chunkwise_delta_rule(q, unit(k), v, torch.zeros(1, 40, 1).double()), torch.zeros_like(v))


@pytest.mark.parametrize("step", [1.0, 2.0])
def test_float32_keeps_its_precision_where_all_keys_are_alike(step):
    # the triangular systems are worst here: powers of what is below the diagonal grow like binomials
    q, v = (normal(1, 200, 1, 8, seed=seed) for seed in range(2))
    k = unit(torch.ones(8).double() + 0.01 * normal(1, 200, 1, 8, seed=5))
    beta = torch.full((1, 200, 1), step).double()
    ours = chunkwise_delta_rule(q.float(), k.float(), v.float(), beta.float()).double()
    expected = delta_steps(q[0, :, 0], k[0, :, 0], v[0, :, 0], beta[0, :, 0])
    assert (ours[0, :, 0] - expected).norm() <= 1e-4 * expected.norm()


def test_beta_above_one_turns_what_is_kept_along_the_key_around():
    mixer, x = build(o.DeltaNet(mixer="delta_net", beta="double")), normal(1, 5, 8)
    transitions, _, _ = mixer.recurrence(x)
    eigenvalues = torch.linalg.eigvalsh(transitions)
    torch.testing.assert_close(eigenvalues.amin(-1), (1 - mixer.betas(x)).clamp(max=1))
    torch.testing.assert_close(eigenvalues[..., 1:], torch.ones_like(eigenvalues[..., 1:]))


def test_the_delta_rule_on_the_moved_state_never_lengthens_it_where_the_map_is_a_permutation():
    norms = {}
    for routing in ("state", "before"):
        mixer, x = build(o.DeltaNet(mixer="delta_net", beta="double", routing=routing)), normal(4, 20, 8)
        permutation = torch.eye(4, dtype=torch.float64)[torch.tensor([2, 0, 3, 1])]
        mixer.routing.forward = lambda x, map_=permutation: map_.expand(*x.shape[:2], 2, 4, 4)
        norms[routing] = torch.linalg.matrix_norm(mixer.recurrence(x)[0], ord=2).max()
    assert norms["before"] <= 1 + 1e-12
    assert norms["state"] > 1.5


def test_a_map_has_exactly_one_one_in_each_column():
    routing = ColumnRouting(8, 2, 5)
    maps = routing(normal(3, 7, 8, dtype=torch.float32))
    assert maps.shape == (3, 7, 2, 5, 5)
    assert set(maps.unique().tolist()) == {0.0, 1.0}
    assert (maps.sum(-2) == 1).all()


def test_gradients_of_a_map_are_those_of_the_softmax():
    routing, x = ColumnRouting(8, 1, 4).double().eval(), normal(1, 2, 8)
    toward = normal(1, 2, 1, 4, 4, seed=4)
    (ours,) = torch.autograd.grad(routing(x), routing.into.weight, toward)
    soft = (routing.into(x).view(1, 2, 1, 4, 4) / routing.temperature).softmax(-1).mT
    (expected,) = torch.autograd.grad(soft, routing.into.weight, toward)
    torch.testing.assert_close(ours, expected)


def test_noise_chooses_each_place_as_often_as_its_softmax_says():
    routing = ColumnRouting(1, 1, 3).double().train()
    routing.anneal(0.3)  # the noise is of the logits: the temperature does not change what is chosen
    with torch.no_grad():
        routing.into.weight.copy_(torch.tensor([0.0, 1, 2, 0, 0, 0, -1, 3, 0]).unsqueeze(1))
    torch.manual_seed(0)
    often = routing(torch.ones(1, 20000, 1).double()).mean((0, 1, 2))
    expected = routing.into.weight.view(3, 3).softmax(-1).mT
    torch.testing.assert_close(often, expected.detach(), rtol=0, atol=0.015)


@pytest.mark.parametrize("options", ROUTED)
def test_noise_is_drawn_while_training_only(options):
    mixer, x = build(options), normal(2, 9, 8)
    assert mixer.stochastic
    assert torch.equal(mixer(x), mixer(x))
    mixer.train()
    assert not torch.equal(mixer(x), mixer(x))


def test_the_temperature_falls_and_beta_widens_over_the_first_half_of_training():
    mixer = build(o.DeltaNet(mixer="delta_net", beta="double", routing="state"))
    assert mixer.anneals
    found = []
    for progress in (0, 0.25, 0.5, 0.9):
        mixer.anneal(progress)
        found.append((mixer.largest_beta, mixer.routing.temperature))
    assert found == [(1, 1), (1.5, pytest.approx(0.1**0.5)), (2, pytest.approx(0.1)), (2, pytest.approx(0.1))]
    narrow = build(o.DeltaNet(mixer="delta_net", beta="unit", routing="state"))
    narrow.anneal(0.9)
    assert narrow.largest_beta == 1


def test_plain_forms_draw_and_anneal_nothing():
    mixer = build(o.DeltaNet(mixer="delta_net", beta="double"))
    assert not mixer.stochastic
    assert not mixer.anneals


@pytest.mark.parametrize("options", [o.DeltaNet(mixer="delta_net"), *ROUTED])
def test_what_is_kept_for_the_gradient_is_linear_in_length(options):
    mixer = build(options)

    def kept(length):
        numbers = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x: numbers.append(x.numel()), lambda x: x):
            mixer(normal(1, length, 8))
        return sum(numbers)

    four, eight, sixteen, many = (kept(CHUNK * times) for times in (4, 8, 16, 32))
    assert sixteen - eight == pytest.approx(2 * (eight - four), rel=0.01)
    assert many - sixteen == pytest.approx(4 * (eight - four), rel=0.01)


def test_state_elements():
    assert build(o.DeltaNet(mixer="delta_net")).state_elements() == 2 * 4 * 4
    assert build(o.DeltaNet(mixer="delta_net", state=16), heads=1).state_elements() == 16 * 16
    assert build(o.PdSsm(mixer="pd_ssm", state=16)).state_elements() == 2 * 16


def test_a_head_needs_a_size():
    with pytest.raises(ValueError, match="width 9 is not a multiple of heads 2: give the size of a head with `state`"):
        build(o.DeltaNet(mixer="delta_net"), width=9)
    assert build(o.DeltaNet(mixer="delta_net", state=4), width=9)(normal(1, 3, 9)).shape == (1, 3, 9)


def test_a_routed_vector_can_follow_the_square_exactly():
    # why proposal 001 expects PD-SSM to solve its task: the group acts faithfully on four corners
    synthetic = o.Composition(
        name="composition", group="d4", length=20, labels="every", bos=False, train=4, validation=1, test=1
    )
    split = composition(synthetic, seed=0).train
    mixer = build(o.PdSsm(mixer="pd_ssm", state=4, initial="learned"), width=2, heads=1)
    corners = torch.tensor([1.0, 2.0, 3.0, 4.0]).double()
    with torch.no_grad():
        mixer.initial.copy_(corners.view(1, 4, 1))
        mixer.into.weight.zero_()
        mixer.scale.weight.zero_()
        mixer.scale.bias.fill_(30.0)
        logits = torch.zeros(2, 4, 4)
        for token, step in enumerate(synthetic.steps):
            # after the step, corner i is where corner g(i) was before it: column g(i) has its 1 in row i
            for i, image in enumerate(elements("d4")[step]):
                logits[token, image, i] = 1
        mixer.routing.into.weight.copy_(logits.flatten(1).T)
    x = torch.eye(2, dtype=torch.float64)[split.tokens - split.tokens.min()]
    states = scan_heads(*mixer.recurrence(x))[:, :, 0, :, 0]
    expected = torch.tensor(elements("d4")) + 1.0
    torch.testing.assert_close(states, expected.double()[split.targets], rtol=0, atol=1e-9)
