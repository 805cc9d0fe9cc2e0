"""Small requests, and examples of every mixer, that the tests of `models/` share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter

from models.options import MixerOptions
from models.request import TrainRequest

MIXERS = {
    "softmax": {"mixer": "softmax_attention"},
    "linear_elu": {"mixer": "linear_attention", "kernel": "elu"},
    "linear_relu": {"mixer": "linear_attention", "kernel": "relu"},
    "cosformer": {"mixer": "linear_attention", "kernel": "cosine"},
    "log_linear_elu": {"mixer": "log_linear", "kernel": "elu"},
    "log_linear_relu": {"mixer": "log_linear", "kernel": "relu"},
    "log_linear_cosine": {"mixer": "log_linear", "kernel": "cosine"},
    "delta_net": {"mixer": "delta_net"},
    "delta_net_double": {"mixer": "delta_net", "beta": "double", "state": 3, "initial": "learned"},
    "delta_net_field": {"mixer": "delta_net", "short_convolution": 4, "gate": True},
    "delta_net_routed": {"mixer": "delta_net", "beta": "double", "routing": "state", "initial": "learned"},
    "delta_net_routed_before": {"mixer": "delta_net", "beta": "unit", "routing": "before", "state": 5, "gate": True},
    "pd_ssm": {"mixer": "pd_ssm", "state": 6},
    "pd_ssm_learned": {"mixer": "pd_ssm", "state": 6, "initial": "learned"},
    "monarch": {"mixer": "monarch", "state": 9},
    "monarch_constant": {"mixer": "monarch", "state": 9, "gates": False},
    "monarch_input": {"mixer": "monarch", "state": 9, "blocks": "input"},
    "nystrom_full": {"mixer": "nystrom", "state": 6, "landmarks": 2, "chunk": 4, "transfer": "full"},
    "nystrom": {"mixer": "nystrom", "state": 6, "landmarks": 2, "chunk": 4},
    "nystrom_svd": {"mixer": "nystrom", "state": 6, "landmarks": 2, "chunk": 4, "transfer": "svd"},
    "nystrom_random": {"mixer": "nystrom", "state": 6, "landmarks": 2, "chunk": 4, "transfer": "random"},
    "nystrom_diagonal": {"mixer": "nystrom", "state": 6, "landmarks": 2, "chunk": 4, "transfer": "diagonal"},
    "nystrom_cut": {"mixer": "nystrom", "state": 6, "landmarks": 2, "chunk": 4, "transfer": "cut"},
    "dplr": {"mixer": "dplr", "state": 4, "rank": 2},
    "dplr_cyclic": {"mixer": "dplr", "state": 4, "permutation": "cyclic"},
    "dplr_bit_reversal": {"mixer": "dplr", "state": 4, "permutation": "bit_reversal"},
    "dplr_random": {"mixer": "dplr", "state": 4, "permutation": "random", "draw": 3},
    "dplr_learned": {"mixer": "dplr", "state": 4, "permutation": "learned"},
    "oscillatory_dplr": {"mixer": "oscillatory_dplr", "state": 3},
    "oscillatory_dplr_free": {"mixer": "oscillatory_dplr", "state": 3, "dt": 0.5, "eigenvalues": "free"},
    "hss_dense": {"mixer": "hss", "form": "dense"},
    "hss": {"mixer": "hss", "rank": 1, "leaf": 1},
    "diagonal_ssm": {"mixer": "diagonal_ssm", "state": 5},
    "diagonal_ssm_signed": {"mixer": "diagonal_ssm", "state": 5, "gate": "tanh"},
    "dense_ssm": {"mixer": "dense_ssm", "state": 5},
    "displacement_rank": {"mixer": "displacement_rank", "state": 6, "alpha": 2},
    "displacement_rank_none": {"mixer": "displacement_rank", "state": 6, "alpha": 0},
}


def mixer_options(name: str) -> Any:
    return TypeAdapter(MixerOptions).validate_python(MIXERS[name])


@pytest.fixture(params=MIXERS)
def options(request: pytest.FixtureRequest) -> Any:
    """Each mixer in turn."""
    return mixer_options(request.param)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make_request(tmp_path: Path) -> Callable[..., TrainRequest]:
    """A request that trains in a tenth of a second; any part of it can be replaced."""

    def make(mixer: str = "log_linear_cosine", layout: str = "padded", **replaced: Any) -> TrainRequest:
        sizes = {"train": 48, "validation": 16, "test": 16}
        content: dict[str, Any] = {
            "mixer": MIXERS[mixer],
            "synthetic": {"name": "mqar", "layout": layout, "pairs": 3, "length": 16, "vocabulary": 12, **sizes},
            "backbone": {"layers": 2, "width": 8, "heads": 2},
            "training": {"epochs": 4, "batch": 20, "lr": 1e-2},
            "seeds": [0],
            "directory": str(tmp_path / "run"),
        }
        for name, value in replaced.items():
            both = isinstance(value, dict) and isinstance(content.get(name), dict)
            content[name] = {**content[name], **value} if both else value
        return TrainRequest.model_validate(content)

    return make
