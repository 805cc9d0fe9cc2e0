"""The probe of state-space transitions, on products whose structure is known."""

import math

import pytest
import torch

from models import options as o
from models.backbone import Backbone
from models.mixers.displacement_rank import cauchy, chebyshev
from models.options.probes import PROBE_METRICS
from models.probes import PROBES
from models.probes.displacement import ROUNDS, product_error, truncated
from models.synthetics.base import Sizes


def probe(mixer, layers=2, name="displacement"):
    torch.manual_seed(0)
    backbone = o.Backbone(layers=layers, width=8, heads=1, positions="none", expand=0)
    made = Backbone(mixer, backbone, Sizes(vocabulary=3, length=6, classes=3, channels=0)).eval()
    tokens = torch.randint(3, (5, 6), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return PROBES[name](made, tokens)


def cauchy_like(rank, n=6, batch=3, scale=0.3):
    generator = torch.Generator().manual_seed(rank)
    g, h = torch.randn(2, batch, n, rank, dtype=torch.float64, generator=generator) * scale
    return torch.diag_embed(torch.rand(batch, n, dtype=torch.float64, generator=generator)) + (g @ h.mT) * cauchy(n)


def test_what_is_found():
    found = probe(o.DisplacementRank(mixer="displacement_rank", state=6, alpha=2))
    assert set(found) == set(PROBE_METRICS["displacement"])
    assert all(math.isfinite(value) for value in found.values())
    assert 0 < found["largest_transition_norm"] <= 1 + 1e-6
    assert 0 < found["off_diagonal_share"] < 1
    assert set(probe(o.DenseSsm(mixer="dense_ssm", state=4))) == {"largest_transition_norm", "off_diagonal_share"}


@pytest.mark.parametrize(
    "mixer",
    [
        o.DisplacementRank(mixer="displacement_rank", state=6, alpha=0),
        o.DiagonalSsm(mixer="diagonal_ssm", state=6),
        o.SoftmaxAttention(mixer="softmax_attention"),
    ],
)
def test_other_mixers_have_nothing_to_find(mixer):
    assert probe(mixer) == {}


def test_full_rank_truncates_nothing():
    found = probe(o.DisplacementRank(mixer="displacement_rank", state=4, alpha=4))
    assert found["truncation_error"] == pytest.approx(0, abs=1e-6)
    assert found["completed_truncation_error"] == pytest.approx(0, abs=1e-6)


def test_truncation_keeps_the_diagonal_and_leaves_the_rank_asked_for():
    x = torch.randn(3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    s = chebyshev(6)
    for one, y in zip(x, truncated(x, rank=2, rounds=1), strict=True):
        torch.testing.assert_close(y.diagonal(), one.diagonal())
        numerator = [[float(one[i, j]) * float(s[i] - s[j]) for j in range(6)] for i in range(6)]
        left, values, right = torch.linalg.svd(torch.tensor(numerator, dtype=torch.float64))
        for i in range(6):
            for j in range(6):
                if i != j:
                    low = sum(left[i, k] * values[k] * right[k, j] for k in range(2))
                    assert float(y[i, j]) == pytest.approx(float(low / (s[i] - s[j])), rel=1e-5)


def test_a_matrix_of_the_rank_comes_back_once_its_diagonal_is_filled_in():
    a = cauchy_like(rank=1)
    plain, completed, converged = (truncated(a, 1, rounds) for rounds in (1, ROUNDS, 400))
    off = [float((y - a).norm()) for y in (plain, completed, converged)]
    assert off[0] > off[1] > off[2]
    assert off[2] == pytest.approx(0, abs=1e-6)


def test_the_error_of_a_product_by_hand():
    a = torch.stack([cauchy_like(rank=1), cauchy_like(rank=2), cauchy_like(rank=3)], 1)
    for one, error in zip(a, product_error(a, rank=2, rounds=1), strict=True):
        exact = one[2] @ one[1] @ one[0]
        kept = truncated(one[2] @ truncated(one[1] @ one[0], 2, 1), 2, 1)
        assert float(error) == pytest.approx(float((exact - kept).norm() / exact.norm()))
    diagonal = torch.diag_embed(a.diagonal(dim1=-2, dim2=-1))
    assert float(product_error(diagonal, rank=1, rounds=1).max()) == pytest.approx(0, abs=1e-12)


def test_the_speed_of_applying_a_transition():
    found = probe(o.DisplacementRank(mixer="displacement_rank", state=6, alpha=2), name="cauchy_matvec")
    assert set(found) == set(PROBE_METRICS["cauchy_matvec"])
    assert found["matvec_speed"] > 0
    assert probe(o.DenseSsm(mixer="dense_ssm", state=4), name="cauchy_matvec") == {}
