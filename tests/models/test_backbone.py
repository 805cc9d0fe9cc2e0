"""The exact shortcuts: what the loss cannot see is not computed, and nothing else changes."""

import pytest
import torch
from torch.nn import functional

from models.backbone import Backbone, RMSNorm
from models.ensemble import batch_of
from models.options import Backbone as BackboneOptions
from models.options import Mqar
from models.synthetics import build_data
from models.synthetics.base import IGNORED


def model_and_data(options, layout, dropout=0.0):
    torch.manual_seed(0)
    synthetic = Mqar(name="mqar", layout=layout, pairs=3, length=20, vocabulary=12, train=24, validation=4, test=4)
    data = build_data(synthetic, 0)
    return Backbone(options, BackboneOptions(layers=2, width=8, heads=2, dropout=dropout), data.sizes).double(), data


@pytest.mark.parametrize("layout", ["padded", "spread"])
def test_trimmed_equals_untrimmed(options, layout):
    model, data = model_and_data(options, layout)
    model.eval()  # a mixer that draws noise in training would draw other noise for other lengths
    train = batch_of([data.train], model.causal, torch.device("cpu"))
    at = train.at if isinstance(train.at, slice) else train.at[0]
    assert isinstance(train.at, slice) == (layout == "padded")
    assert train.tokens.shape[2] < data.length
    trimmed = functional.cross_entropy(model(train.tokens[0], at).flatten(0, 1), train.targets[0].flatten())

    labels = torch.full(data.train.tokens.shape, IGNORED).scatter(1, data.train.positions, data.train.targets)
    whole = functional.cross_entropy(model(data.train.tokens).flatten(0, 1), labels.flatten())

    torch.testing.assert_close(trimmed, whole, rtol=1e-12, atol=1e-13)
    parameters = list(model.parameters())
    ours, theirs = torch.autograd.grad(trimmed, parameters), torch.autograd.grad(whole, parameters)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-9, atol=1e-12)


def test_the_whole_model_is_causal(options):
    model, data = model_and_data(options, "spread")
    model.eval()
    tokens = data.train.tokens
    changed = tokens.clone()
    changed[:, 9:] = 5
    torch.testing.assert_close(model(changed)[:, :9], model(tokens)[:, :9], rtol=0, atol=0)


def test_a_model_that_is_not_causal_is_not_trimmed(options):
    _, data = model_and_data(options, "padded")
    train = batch_of([data.train], False, torch.device("cpu"))
    assert train.tokens.shape[2] == data.length


def test_dropout_acts_in_training_only(options):
    model, data = model_and_data(options, "padded", dropout=0.5)
    with torch.random.fork_rng():
        assert not torch.equal(model(data.train.tokens), model(data.train.tokens))
    model.eval()
    assert torch.equal(model(data.train.tokens), model(data.train.tokens))


def test_rms_norm_and_its_gradient():
    x = torch.randn(3, 4, 6, dtype=torch.float64, requires_grad=True)
    norm = RMSNorm(6).double()
    with torch.no_grad():
        norm.gain.copy_(torch.rand(6))
    torch.testing.assert_close(norm(x), functional.rms_norm(x, (6,), norm.gain, RMSNorm.EPS))
    torch.autograd.gradcheck(lambda x, gain: torch.func.functional_call(norm, {"gain": gain}, (x,)), (x, norm.gain))
