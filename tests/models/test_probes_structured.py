"""Probes of compressed transfers and Monarch transitions, on models whose answer is known."""

import pytest
import torch
from pydantic import TypeAdapter

from models import options as o
from models.backbone import Backbone, Sizes
from models.mixers.orthogonal import cayley
from models.options import MixerOptions
from models.options.probes import PROBE_METRICS
from models.probes import PROBES

SIZES = Sizes(vocabulary=12, classes=12, length=24)


def model(**mixer):
    torch.manual_seed(0)
    chosen = TypeAdapter(MixerOptions).validate_python(mixer)
    return Backbone(chosen, o.Backbone(layers=2, width=8, heads=1), SIZES).eval().requires_grad_(False)


def tokens():
    return torch.randint(12, (6, 24), generator=torch.Generator().manual_seed(0))


def nystrom(transfer, landmarks=2):
    return model(mixer="nystrom", state=8, landmarks=landmarks, chunk=4, transfer=transfer)


@pytest.mark.parametrize(
    ("transfer", "elements"), [("full", 64), ("nystrom", 32), ("svd", 32), ("random", 32), ("diagonal", 8), ("cut", 0)]
)
def test_transfer_counts_what_it_keeps(transfer, elements):
    found = PROBES["transfer"](nystrom(transfer), tokens())
    assert found["transfer_elements"] == elements
    assert set(found) <= set(PROBE_METRICS["transfer"])
    assert ("landmark_condition" in found) == (transfer in ("nystrom", "random"))


def test_errors_of_the_exact_the_best_and_no_transfer():
    exact, best, none, landmarks = (
        PROBES["transfer"](nystrom(transfer), tokens()) for transfer in ("full", "svd", "cut", "nystrom")
    )
    assert exact["transfer_error"] == exact["transfer_state_error"] == 0
    assert best["transfer_error"] == pytest.approx(best["transfer_floor"], rel=1e-4)
    assert none["transfer_error"] == none["transfer_state_error"] == 1
    assert landmarks["transfer_error"] >= landmarks["transfer_floor"] > 0


def test_the_best_error_of_a_known_spectrum():
    # gates that do not look at the input: p_k = sigmoid(b)^4, and G is orthogonal, so these are the singular values
    with_bias = nystrom("full")
    for block in with_bias.blocks:
        block.mixer.into.weight[:8] = 0
    p = torch.sigmoid(torch.linspace(2, 6, 8)) ** 4
    expected = p.sort(descending=True).values[2:].norm() / p.norm()
    assert PROBES["transfer"](with_bias, tokens())["transfer_floor"] == pytest.approx(float(expected), rel=1e-4)


def test_monarch_gates_of_a_transition_that_never_changes():
    still = model(mixer="monarch", state=9)
    for block in still.blocks:
        block.mixer.gate.weight.zero_()
        block.mixer.gate.bias.fill_(4.0)
    found = PROBES["monarch_gates"](still, tokens())
    gate = torch.sigmoid(torch.tensor(4.0))
    assert set(found) == set(PROBE_METRICS["monarch_gates"])
    assert found["gate_mean"] == pytest.approx(float(gate), rel=1e-5)
    assert found["transition_distance"] == pytest.approx(0, abs=1e-6)
    assert found["memory_steps"] == pytest.approx(float(-1 / (gate**2).log()), rel=1e-4)


def test_a_transition_without_gates_has_no_gates_to_report():
    assert set(PROBES["monarch_gates"](model(mixer="monarch", state=9, gates=False), tokens())) == {
        "transition_distance"
    }


def test_distances_are_those_of_the_transitions():
    moving = model(mixer="monarch", state=9, blocks="input")
    found = PROBES["monarch_gates"](moving, tokens())
    # random reflections of three blocks: far from one another, and at most twice the norm apart
    assert 0.1 < found["transition_distance"] < 2


@pytest.mark.parametrize("probe", ["transfer", "monarch_gates"])
def test_other_mixers_are_none_of_their_business(probe):
    assert PROBES[probe](model(mixer="softmax_attention"), tokens()) == {}


def test_mixing_is_orthogonal_in_the_models_probed():
    q = cayley(nystrom("full").blocks[0].mixer.mixing)
    torch.testing.assert_close(q @ q.T, torch.eye(8), rtol=0, atol=1e-5)
