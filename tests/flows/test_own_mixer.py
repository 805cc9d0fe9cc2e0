"""A proposal in a folder of its own, with its own mixer, reaches its verdict; nothing in models/ knows of it."""

from pathlib import Path
from typing import Any

import pytest
from calling import asked
from small_proposals import DOCUMENT, TWO

pytestmark = [pytest.mark.server, pytest.mark.slow]

MIXER = '''"""Each token sees the mean of all tokens up to it."""

import torch
from torch import nn

from models import options
from models.mixers.base import Mixer, select


class Options(options.Options):
    gain: float = 1.0


class RunningMean(Mixer):
    def __init__(self, given: Options, width: int, heads: int, length: int) -> None:
        super().__init__()
        self.gain, self.width = given.gain, width
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x, at=None):
        count = torch.arange(1, x.shape[1] + 1, device=x.device, dtype=x.dtype)
        return select(self.out(self.gain * x.cumsum(1) / count[:, None]), at)

    def state_elements(self) -> int:
        return self.width


Mixer = RunningMean
'''


LINES = len(MIXER.splitlines())


def written(root: Path, mixer: str = MIXER) -> Path:
    folder = root / "proposals" / "101-running-mean"
    folder.mkdir(parents=True, exist_ok=True)
    text = DOCUMENT.replace("SEEDS", TWO).replace("TARGET", "`attention.test_loss < 20`")
    own = "{mixer: own, file: running_mean.py, options: {gain: 2.0}, proposed: true}"
    (folder / "proposal.md").write_text(text.replace("{mixer: softmax_attention, proposed: true}", own))
    (folder / "running_mean.py").write_text(mixer)
    return folder


def test_it_reaches_its_verdict_and_another_file_is_a_deviation(mve: Any, prefect_api: str, tmp_path: Path) -> None:
    folder = written(tmp_path)
    done = mve("run", "101", workspace=tmp_path, api=prefect_api)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "PROCEED" in done.stdout
    assert asked(tmp_path, "select stem, verdict from verdicts where stands") == [("101-running-mean", "PROCEED")]
    assert asked(tmp_path, "select distinct value from metric where name = 'state_memory' and run_id = 1") == [
        (8 * 4.0,)
    ]
    page = (tmp_path / "experiments" / "101-running-mean" / "results.md").read_text()
    assert "proposals/101-running-mean/proposal.md" in page
    assert "file: running_mean.py" in page
    assert f"{LINES} lines, SHA-256" in page
    assert "cumsum" not in page, "the file itself lies beside the proposal"

    (folder / "running_mean.py").write_text(MIXER.replace("self.gain * ", ""))
    assert mve("run", "101", workspace=tmp_path, api=prefect_api).returncode == 0
    assert asked(tmp_path, "select field, results_seen from deviations") == [
        ("setup.variants.attention.mixer.source", 1)
    ]  # fmt: skip
    assert asked(tmp_path, "select count(*) from attempt") == [(6,)], "only the two runs of the changed mixer are new"
    page = (tmp_path / "experiments" / "101-running-mean" / "results.md").read_text()
    assert f"| own mixer's file, {LINES} lines, SHA-256" in page
    assert mve("verify", "101", workspace=tmp_path).returncode == 0
