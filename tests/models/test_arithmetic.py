"""The formulas against the modules: every mixer of the dictionary, with every choice of its options, exactly."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import torch
from pydantic import TypeAdapter
from torch.utils.flop_counter import FlopCounterMode

from models.arithmetic import BYTES_PER_NUMBER, figures_of, why_not
from models.backbone import Backbone as Model
from models.mixers import MIXERS
from models.options import Backbone, LinearAttention, LogLinear, MixerOptions, Mqar, Options, SyntheticOptions
from models.synthetics import build_data
from models.synthetics.base import Sizes
from models.training import train

LOG_LINEAR = LogLinear(mixer="log_linear")

SIZES = [  # layers, width, heads, length, vocabulary
    (1, 8, 1, 13, 9),
    (1, 64, 8, 128, 40),
    (2, 32, 2, 128, 64),
    (3, 24, 4, 33, 17),
    (2, 16, 16, 64, 11),
    (1, 6, 3, 65, 500),
]


def _union(annotation: Any) -> tuple[Any, ...]:
    return get_args(get_args(annotation)[0]) or (get_args(annotation)[0],)


def _every_choice() -> Iterator[tuple[str, Any]]:
    """Each mixer with every combination of its options that are choices; other options at their default."""
    for options in _union(MixerOptions):
        fields = {
            name: get_args(field.annotation)
            for name, field in options.model_fields.items()
            if get_origin(field.annotation) is Literal
        }
        for values in product(*fields.values()):
            content = dict(zip(fields, values, strict=True))
            try:
                yield " ".join(map(str, values)), TypeAdapter(MixerOptions).validate_python(content)
            except ValueError:  # an option that has no default, or a combination that does not exist
                continue


CHOICES = dict(_every_choice())


def _synthetic(length: int, vocabulary: int) -> Mqar:
    return Mqar(name="mqar", pairs=2, length=length, vocabulary=vocabulary, train=1, validation=1, test=1)


AROUND: list[dict[str, Any]] = [{"dropout": 0.1}, {"positions": "none"}, {"expand": 2}, {"expand": 0}]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("choice", CHOICES)
def test_the_formulas_are_the_modules(choice: str, sizes: tuple[int, int, int, int, int]) -> None:
    layers, width, heads, length, vocabulary = sizes
    options = CHOICES[choice]
    around = AROUND[SIZES.index(sizes) % len(AROUND)]
    backbone = Backbone(layers=layers, width=width, heads=heads, **around)
    figures = figures_of(options, backbone, _synthetic(length, vocabulary))
    if figures is None:
        pytest.skip(f"no arithmetic for {choice}: a criterion about it is decided by training")
    model = Model(options, backbone, Sizes(vocabulary, vocabulary, length)).eval()
    assert figures.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert figures.state_memory == model.state_elements() * next(model.parameters()).element_size()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, length, dtype=torch.long))
    assert figures.flops == counter.get_total_flops()


COMPRESSED = [
    {"form": "dense"},
    *({"rank": rank, "leaf": leaf} for rank, leaf in [(8, 8), (4, 8), (2, 8), (1, 8), (1, 1), (3, 16), (40, 8)]),
]


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("choice", COMPRESSED, ids=str)
def test_a_compressed_state_on_paper(choice: dict[str, Any], heads: int) -> None:
    options = TypeAdapter(MixerOptions).validate_python({"mixer": "hss", **choice})
    backbone, synthetic = Backbone(layers=1, width=64, heads=heads, expand=0), _synthetic(33, 20)
    figures = figures_of(options, backbone, synthetic)
    assert figures is not None
    model = Model(options, backbone, Sizes(20, 20, 33)).eval()
    assert figures.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert figures.state_memory == BYTES_PER_NUMBER * model.state_elements()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 33, dtype=torch.long))
    assert figures.flops == counter.get_total_flops()


def test_a_head_that_cannot_be_compressed_has_no_figures() -> None:
    options = TypeAdapter(MixerOptions).validate_python({"mixer": "hss"})
    assert figures_of(options, Backbone(layers=1, width=24, heads=1), _synthetic(16, 8)) is None


SYNTHETICS: list[dict[str, Any]] = [
    {"name": "mqar", "pairs": 2, "length": 16, "vocabulary": 9},
    {"name": "parity", "length": 12},
    {"name": "hierarchical_copy"},
    {"name": "hierarchical_copy", "brackets": False, "symbols": 5},
    {"name": "damped_oscillation", "length": 20},
    {"name": "damped_oscillation", "length": 20, "prefix": 4},
]


@pytest.mark.parametrize("content", SYNTHETICS, ids=str)
@pytest.mark.parametrize("longer", [0, 7])
def test_what_is_known_of_synthetics_is_what_they_give(content: dict[str, Any], longer: int) -> None:
    synthetic: Any = TypeAdapter(SyntheticOptions).validate_python({**content, "train": 3, "validation": 2, "test": 2})
    if longer and "length" not in content:
        pytest.skip("the length follows from the tree")
    data = build_data(synthetic, 0)
    longest = data.length + longer
    evaluations = [{"length": longest}] if longer else []
    backbone = Backbone(layers=2, width=8, heads=2, expand=2)
    model = Model(LOG_LINEAR, backbone, replace(data.sizes, length=longest)).eval()
    figures = figures_of(LOG_LINEAR, backbone, synthetic, evaluations)
    assert figures is not None
    assert figures.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert figures.state_memory == BYTES_PER_NUMBER * model.state_elements()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(data.test.tokens[:1])
    assert figures.flops == counter.get_total_flops()
    assert why_not(LOG_LINEAR, backbone, synthetic, evaluations) == ""


def test_the_first_mixers_have_arithmetic() -> None:
    known = {
        CHOICES[choice].mixer
        for choice in CHOICES
        if figures_of(CHOICES[choice], Backbone(layers=1, width=8, heads=2), _synthetic(16, 8))
    }
    assert {"softmax_attention", "linear_attention", "log_linear"} <= known <= set(MIXERS)


def test_training_reports_the_same_metrics_in_the_same_unit(make_request: Any) -> None:
    request = make_request(training={"epochs": 1})
    (seed,) = train(request).seeds
    figures = figures_of(request.mixer, request.backbone, request.synthetic)
    assert figures is not None
    reported = {value.metric: value.value for value in seed.values}
    assert reported["parameters"] == figures.parameters
    assert reported["flops"] == figures.flops
    assert reported["state_memory"] == figures.state_memory
    assert torch.tensor(0.0).element_size() == BYTES_PER_NUMBER


class _Longer(LinearAttention):
    window: int = 4


class _NewBackbone(Backbone):
    convolution: int = 0


def test_what_is_not_known_is_not_guessed() -> None:
    backbone, synthetic = Backbone(layers=1, width=8, heads=2), _synthetic(16, 8)
    extended = _Longer(mixer="linear_attention")
    assert figures_of(extended, backbone, synthetic) is None
    assert why_not(extended, backbone, synthetic) == (
        "there is no arithmetic for the mixer `linear_attention` with these options"
    )
    known = LogLinear(mixer="log_linear")
    assert figures_of(known, _NewBackbone(layers=1, width=8, heads=2), synthetic) is None
    another_kernel = LinearAttention.model_construct(mixer="linear_attention", kernel="dpfp")
    assert figures_of(another_kernel, backbone, synthetic) is None
    assert why_not(known, backbone, synthetic) == ""


def test_a_synthetic_that_is_not_known_gives_no_figures() -> None:
    class Copy(Options):
        name: Literal["copy"] = "copy"

    backbone = Backbone(layers=1, width=8, heads=2)
    mixer, copy = LogLinear(mixer="log_linear"), Copy()
    assert figures_of(mixer, backbone, copy) is None
    assert why_not(mixer, backbone, copy) == "there is no arithmetic for the synthetic `copy`"


def test_it_needs_no_torch() -> None:
    code = "import sys, models.arithmetic; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
