"""Probes of delta rules and routed states, on models whose weights are set so that the answer is known."""

import math

import pytest
import torch

from models import options as o
from models.backbone import Backbone
from models.options.probes import PROBE_METRICS
from models.probes import PROBES
from models.synthetics.base import Sizes

OURS = ("beta", "transitions", "state_norm", "routing")


def model(mixer, heads=1, layers=1):
    torch.manual_seed(0)
    backbone = o.Backbone(layers=layers, width=8, heads=heads, positions="none", expand=0)
    made = Backbone(mixer, backbone, Sizes(vocabulary=3, length=6, classes=3, channels=0))
    return made.double().eval()


def tokens():
    return torch.randint(3, (5, 6), generator=torch.Generator().manual_seed(0))


def probe(name, made):
    with torch.no_grad():
        return PROBES[name](made, tokens())


def delta(**options):
    return o.DeltaNet(mixer="delta_net", state=4, **options)


@pytest.mark.parametrize("mixer", [delta(), delta(routing="state"), o.PdSsm(mixer="pd_ssm", state=4)])
def test_what_is_found_is_what_the_metrics_name(mixer):
    for name in OURS:
        found = probe(name, model(mixer, heads=2, layers=2))
        assert not found or set(found) == set(PROBE_METRICS[name])
        assert all(math.isfinite(number) for number in found.values())


def test_other_mixers_have_nothing_to_find():
    made = model(o.SoftmaxAttention(mixer="softmax_attention"))
    assert all(probe(name, made) == {} for name in OURS)
    assert probe("routing", model(delta())) == {}
    assert probe("beta", model(o.PdSsm(mixer="pd_ssm", state=4))) == {}


def test_share_of_beta_above_one():
    made = model(delta(beta="double"))
    with torch.no_grad():
        made.tokens.weight.copy_(torch.tensor([-1.0, 1.0, 2.0]).unsqueeze(1).expand(3, 8))
        made.blocks[0].mixer.beta.weight.fill_(1.0)
    # sigmoid above one half for tokens 1 and 2
    assert probe("beta", made)["beta_above_one"] == pytest.approx(float((tokens() > 0).double().mean()))
    assert probe("beta", model(delta()))["beta_above_one"] == 0


def test_the_transition_of_a_delta_rule_has_the_eigenvalue_one_minus_beta():
    made = model(delta(beta="double"))
    with torch.no_grad():
        made.tokens.weight.fill_(1.0)
        made.blocks[0].mixer.beta.weight.fill_(0.25)  # the normed input is a row of ones: beta . x = 2
    found = probe("transitions", made)
    assert found["smallest_eigenvalue"] == pytest.approx(1 - 2 / (1 + math.exp(-2)), abs=1e-5)
    assert found["transition_norm"] == pytest.approx(1)


def test_state_norm_by_a_loop():
    made = model(delta(beta="double"))
    mixer, largest = made.blocks[0].mixer, 0.0
    with torch.no_grad():
        x = made.blocks[0].mixer_norm(made.tokens(tokens()))
        _, keys, values = mixer.queries_keys_values(x)
        betas = mixer.betas(x)
        for sequence in range(len(x)):
            state = torch.zeros(4, 4, dtype=torch.float64)
            for t in range(x.shape[1]):
                k, v = keys[sequence, t, 0], values[sequence, t, 0]
                state = state + betas[sequence, t, 0] * torch.outer(k, v - state.T @ k)
                largest = max(largest, float(state.norm()))
    assert probe("state_norm", made)["largest_state_norm"] == pytest.approx(largest, rel=1e-9)


def test_maps_are_counted_and_permutations_recognised():
    made = model(o.PdSsm(mixer="pd_ssm", state=4))
    turn, merge = torch.tensor([1, 2, 3, 0]), torch.tensor([0, 0, 1, 2])
    logits = torch.zeros(3, 4, 4)
    logits[0, torch.arange(4), turn] = 1
    logits[1, torch.arange(4), merge] = 1
    logits[2, torch.arange(4), turn] = 1
    with torch.no_grad():
        made.tokens.weight.copy_(torch.eye(3, 8))
        # the normed input of token i is sqrt(8) at place i
        into = made.blocks[0].mixer.routing.into.weight
        into.zero_()
        into[:, :3] = logits.flatten(1).T / 8**0.5
    found = probe("routing", made)
    assert found["different_maps"] == 2
    assert found["permutation_share"] == pytest.approx(float((tokens() != 1).double().mean()), abs=1e-6)
    # at temperature 0.1 the chosen logit is 10 above the three others
    assert found["routing_hardness"] == pytest.approx(1 / (1 + 3 * math.exp(-10)), abs=1e-6)
