"""What is measured of a finished model: test sets under conditions, probes, annealing, answers that are numbers."""

import pytest
import torch

from models import inspecting
from models.backbone import Backbone
from models.ensemble import Ensemble, batch_of
from models.evaluations import options_under
from models.mixers import MIXERS
from models.mixers.linear_attention import LinearAttention
from models.probes import PROBES
from models.request import TrainRequest
from models.synthetics import SYNTHETICS, build_data
from models.synthetics.base import IGNORED, Split, draw_disjoint, stream
from models.training import train


def found(seed, **condition):
    return {value.metric: value.value for value in seed.values if value.condition == condition}


def test_other_test_sets_are_conditions_of_the_test_metrics(make_request):
    longer, more = {"length": 24}, {"pairs": 4}
    request = make_request(
        layout="spread", evaluations=[longer, more], backbone={"positions": "none"}, training={"epochs": 8}
    )
    (seed,) = train(request).seeds
    assert set(found(seed, **longer)) == set(found(seed, **more)) == {"test_loss", "test_accuracy"}
    assert found(seed, **longer)["test_loss"] != found(seed)["test_loss"]
    assert 0 <= found(seed, **more)["test_accuracy"] <= 1


def test_the_same_test_set_as_a_condition_gives_the_same_numbers(make_request):
    (seed,) = train(make_request(evaluations=[{"layout": "padded"}])).seeds
    same = found(seed, layout="padded")
    assert same == {metric: found(seed)[metric] for metric in same}


def test_evaluations_leave_training_as_it_was(make_request):
    (plain,) = train(make_request()).seeds
    (asked,) = train(make_request(evaluations=[{"pairs": 4}])).seeds
    assert plain.curve == asked.curve


def test_a_shorter_length_of_few_sequences_can_be_asked_about(make_request):
    # 2^6 bits in all: no splits of the sizes of training could be drawn of them
    sizes = {"train": 300, "validation": 50, "test": 16}
    request = make_request().model_dump() | {
        "synthetic": {"name": "parity", "length": 16, **sizes},
        "evaluations": [{"length": 6}],
    }
    (seed,) = train(TrainRequest.model_validate(request)).seeds
    assert 0 <= found(seed, length=6)["test_accuracy"] <= 1


def test_an_option_that_does_not_exist_is_refused(make_request):
    with pytest.raises(ValueError, match="lenght"):
        options_under(make_request().synthetic, {"lenght": 3})


def test_sequences_of_training_are_not_asked_about(make_request):
    data = build_data(make_request().synthetic, 0)
    half = Split(
        *(torch.cat([getattr(data.test, n), getattr(data.train, n)[:8]]) for n in ("tokens", "positions", "targets"))
    )
    unseen = inspecting._unseen(half, data)
    assert (unseen.targets[16:] == IGNORED).all()
    assert torch.equal(unseen.targets[:16], data.test.targets)
    with pytest.raises(ValueError, match=r"48 of 48 test sequences .* occur in training"):
        inspecting._unseen(data.train, data)


def test_probes_see_the_best_weights_of_each_seed(make_request, monkeypatch):
    def norm_of_head(model: Backbone, inputs: torch.Tensor) -> dict[str, float]:
        assert not model.training
        assert inputs.shape == (16, 16)
        return {"head_norm": float(model.head.weight.norm()), "broken": float("nan")}

    monkeypatch.setitem(PROBES, "head", norm_of_head)
    alone = [train(make_request(seeds=[seed], probes=["head"])).seeds[0] for seed in (3, 4)]
    assert found(alone[0])["head_norm"] != found(alone[1])["head_norm"]
    assert "broken" not in found(alone[0])
    together = train(make_request(seeds=[3, 4], probes=["head"])).seeds
    for one, other in zip(alone, together, strict=True):
        assert found(other)["head_norm"] == pytest.approx(found(one)["head_norm"], rel=1e-4)


class Annealed(LinearAttention):
    """Counts for less and less as training goes on."""

    anneals = True
    seen: list[float] = []  # noqa: RUF012

    def anneal(self, progress: float) -> None:
        self.progress = progress
        self.seen.append(progress)

    def forward(self, x, at=None):
        return (1 - self.progress) * super().forward(x, at)


def test_a_best_epoch_is_tested_as_it_was(make_request, monkeypatch):
    monkeypatch.setitem(MIXERS, "linear_attention", Annealed)
    Annealed.seen.clear()
    request = make_request("linear_elu", seeds=[0, 1, 2], training={"epochs": 5, "lr": 3e-2})
    result = train(request)
    epochs = [seed.best_epoch for seed in result.seeds]
    assert set(Annealed.seen) == {0.0, 0.2, 0.4, 0.6, 0.8}
    for seed, epoch in zip(result.seeds, epochs, strict=True):
        best = [p.value for p in seed.curve if p.metric == "validation_accuracy" and p.epoch == epoch]
        assert found(seed)["validation_accuracy"] == best[0]
    monkeypatch.setattr(inspecting, "_anneal", lambda *_: None)
    assert [found(seed)["test_loss"] for seed in train(request).seeds] != [
        found(seed)["test_loss"] for seed in result.seeds
    ]


def sine(options, seed):
    def draw(count, generator):
        phase = 6.28 * torch.rand(count, 1, generator=generator)
        wave = torch.sin(phase + 0.5 * torch.arange(16))
        positions = torch.arange(8, 16).expand(count, -1).contiguous()
        return Split(wave.masked_fill(torch.arange(16) >= 8, 0.0).unsqueeze(-1), positions, wave[:, 8:].contiguous())

    sizes = (options.train, options.validation, options.test)
    return draw_disjoint(draw, sizes, stream(seed, "sine"), 0, float("inf"), classes=0, channels=1)


def test_answers_that_are_numbers(make_request, monkeypatch):
    monkeypatch.setitem(SYNTHETICS, "mqar", sine)
    (seed,) = train(make_request(training={"epochs": 20, "lr": 1e-2})).seeds
    numbers = found(seed)
    assert not {"test_accuracy", "perplexity", "validation_accuracy", "train_accuracy"} & set(numbers)
    assert numbers["train_loss"] < 0.5 * numbers["initial_train_loss"]
    losses = {point.epoch: point.value for point in seed.curve if point.metric == "validation_loss"}
    assert losses[seed.best_epoch] == min(losses.values())
    alone = train(make_request(training={"epochs": 2})).seeds[0]
    together = train(make_request(seeds=[0, 1], training={"epochs": 2})).seeds[0]
    assert found(together)["test_loss"] == pytest.approx(found(alone)["test_loss"], rel=1e-3)
    with pytest.raises(ValueError, match="stop_at is an accuracy"):
        train(make_request(training={"stop_at": 0.9}))


def test_the_loss_of_numbers_is_their_mean_squared_error(make_request, monkeypatch):
    monkeypatch.setitem(SYNTHETICS, "mqar", sine)
    request: TrainRequest = make_request()
    data = build_data(request.synthetic, 0)
    ensemble = Ensemble(request.mixer, request.backbone, data.sizes, (0,), torch.device("cpu"))
    loss, _ = ensemble.losses(batch_of([data.test], True, torch.device("cpu")))
    with torch.no_grad():
        answers = ensemble.module(data.test.tokens)[:, 8:, 0]
    torch.testing.assert_close(loss[0], (answers - data.test.targets).square().mean())


def test_time_of_a_forward_pass_has_a_spread(make_request):
    (seed,) = train(make_request()).seeds
    (value,) = [value for value in seed.values if value.metric == "forward_time"]
    assert 0 < value.value < 1
    assert value.spread is not None


OWN = """
from torch import nn
from models.mixers.base import Mixer as Base, select
from models.options import Options as BaseOptions

class Options(BaseOptions):
    scale: float

class Mixer(Base):
    def __init__(self, options, width, heads, length):
        super().__init__()
        self.scale, self.map = options.scale, nn.Linear(width, width)

    def forward(self, x, at=None):
        return select(self.scale * self.map(x).cumsum(1), at)

    def state_elements(self):
        return self.map.in_features
"""


def test_a_mixer_from_the_text_of_a_file(make_request):
    own = {"mixer": "own", "file": "mine.py", "options": {"scale": 0.5}, "source": OWN}
    request = make_request(backbone={"layers": 1})
    (seed,) = train(TrainRequest.model_validate({**request.model_dump(), "mixer": own})).seeds
    assert found(seed)["state_memory"] == 4 * 8


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        (OWN.replace("class Options", "class Choices"), {}, r"mine\.py must define a class `Options`"),
        (OWN.replace("(Base)", ""), {"scale": 1}, r"mine\.py must define a class `Mixer`"),
        (OWN, {}, r"mine\.py: option `scale`: Field required"),
        (OWN, {"scale": 1, "sale": 1}, r"mine\.py: option `sale`: Extra inputs"),
        ("1 +", {}, "invalid syntax"),
    ],
)
def test_what_is_wrong_with_a_mixer_that_was_brought(make_request, source, options, message):
    own = {"mixer": "own", "file": "mine.py", "options": options, "source": source}
    with pytest.raises((ValueError, SyntaxError), match=message):
        train(TrainRequest.model_validate({**make_request().model_dump(), "mixer": own}))
