"""Looks into state spaces and compressed states, on models whose insides are known."""

import math
import statistics

import pytest
import torch
from pydantic import TypeAdapter

from models.backbone import Backbone
from models.options import Backbone as BackboneOptions
from models.options import MixerOptions
from models.options.probes import PROBE_METRICS
from models.probes import PROBES
from models.synthetics.base import Sizes


def model(width=16, layers=2, **mixer):
    torch.manual_seed(0)
    options = TypeAdapter(MixerOptions).validate_python(mixer)
    return Backbone(options, BackboneOptions(layers=layers, width=width, heads=1), Sizes(5, 5, 24)).eval()


@torch.no_grad()
def found(probe, of):
    return PROBES[probe](of, torch.randint(5, (6, 24), generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("permutation", ["cyclic", "bit_reversal", "random", "learned"])
def test_a_permutation_is_absorbed_and_the_model_left_as_it_was(permutation):
    of = model(mixer="dplr", permutation=permutation)
    before = {name: value.clone() for name, value in of.state_dict().items()}
    assert found("absorption", of)["absorption_error"] < 1e-5
    assert all(torch.equal(value, before[name]) for name, value in of.state_dict().items())
    assert found("absorption", of)["absorption_error"] < 1e-5


def test_what_is_no_permutation_is_not_absorbed():
    of = model(mixer="dplr", permutation="cyclic")
    of.mixers[0].fixed = of.mixers[0].fixed + 0.1
    assert found("absorption", of)["absorption_error"] > 1e-4


def test_projection_of_hard_and_of_even_scores():
    of = model(mixer="dplr", permutation="learned", state=4)
    order = torch.tensor([2, 0, 3, 1])
    with torch.no_grad():
        for mixer in of.mixers:
            mixer.scores.copy_(20 * torch.eye(4)[order])
    inside = found("projection", of)
    assert inside["projection_agreement"] == 1
    assert inside["permutation_hardness"] == pytest.approx(1)
    with torch.no_grad():
        for mixer in of.mixers:
            mixer.scores.zero_()
    assert found("projection", of)["permutation_hardness"] == pytest.approx(0.25)
    assert not any(mixer.training for mixer in of.mixers)


def test_the_spectrum_is_that_of_one_step():
    of = model(mixer="dplr", state=3, rank=0)
    with torch.no_grad():
        for mixer in of.mixers:
            mixer.eigenvalues.copy_(torch.tensor([[-0.1, -1.0, -6.0]]))
            mixer.log_dt.zero_()
    inside = found("spectrum", of)
    assert inside["spectral_radius"] == pytest.approx(0.95 / 1.05)
    assert inside["smallest_real_part"] == pytest.approx(-0.5)


def test_frequencies_of_oscillators_that_are_known():
    of = model(layers=1, mixer="oscillatory_dplr", state=4, rank=1, dt=0.5)
    (mixer,) = of.mixers
    omegas, zeta = [0.01, 0.04, 0.1, 1.0], 0.5  # in steps half of that: one below, two within, one above
    with torch.no_grad():
        mixer.omega.copy_(torch.tensor([omegas]).expm1().log())
        mixer.zeta.zero_()
        mixer.p.zero_()
    inside = found("oscillation", of)
    assert inside["frequencies_in_band"] == 0.5
    assert inside["frequency_spread"] == pytest.approx(statistics.pstdev(omegas) / 0.2875, rel=1e-4)
    assert inside["low_rank_over_damping"] == pytest.approx(0, abs=1e-6)
    with torch.no_grad():
        mixer.p.zero_()[0, 0, 0, 0] = 0.02
        mixer.q.zero_()[0, 0, 1, 0] = 1.0
    assert found("oscillation", of)["low_rank_over_damping"] == pytest.approx(0.02 / (zeta * 0.01), rel=1e-4)
    radius = found("spectrum", model(layers=1, mixer="oscillatory_dplr", rank=0))["spectral_radius"]
    assert 0.9 < radius < 1


def test_blocks_of_a_state_whose_rank_is_known():
    of = model(layers=1, mixer="hss", form="dense", rank=2, leaf=4)
    (mixer,) = of.mixers
    with torch.no_grad():
        mixer.into.weight.zero_()  # every feature is 1: the state is a matrix of one number
    inside = found("blocks", of)
    assert inside["off_diagonal_energy"] == pytest.approx(1)
    assert inside["off_diagonal_rank"] == pytest.approx(1, abs=1e-3)
    with torch.no_grad():
        mixer.into.weight.normal_(0, 3)
    inside = found("blocks", of)
    assert 0.5 < inside["off_diagonal_energy"] < 1
    assert 1 < inside["off_diagonal_rank"] < 8


@pytest.mark.parametrize("probe", ["absorption", "projection", "spectrum", "oscillation", "blocks"])
def test_a_probe_of_another_mixer_finds_nothing(probe):
    assert found(probe, model(mixer="softmax_attention")) == {}


def test_what_probes_find_is_what_they_declare():
    finds = {
        "absorption": model(mixer="dplr", permutation="cyclic"),
        "projection": model(mixer="dplr", permutation="learned"),
        "spectrum": model(mixer="dplr"),
        "oscillation": model(mixer="oscillatory_dplr"),
        "blocks": model(mixer="hss", form="dense", rank=2, leaf=4),
    }
    for probe, of in finds.items():
        inside = found(probe, of)
        assert set(inside) == set(PROBE_METRICS[probe])
        assert all(math.isfinite(value) for value in inside.values())
