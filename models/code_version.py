"""What determines a run's result, as a hash. No torch here: keys are wanted before anything is trained."""

import hashlib
import json
from functools import cache
from pathlib import Path

from models.options import Backbone, MixerOptions, SyntheticOptions, Training

COMMON = (
    "backbone.py",
    "ensemble.py",
    "epochs.py",
    "measuring.py",
    "training.py",
    "mixers/base.py",
    "mixers/features.py",
    "synthetics/base.py",
)
"""Sources that take part in every run. A mixer's or synthetic's own file is named like it; the others are
left out, so that a new mixer, or another way to store checkpoints, does not make old results worthless."""


@cache
def code_version(mixer: str, synthetic: str) -> str:
    """SHA-256 over the sources that determine the result of a run with this mixer and synthetic.

    Raises FileNotFoundError where no file is named like the mixer or the synthetic.
    """
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in (*COMMON, f"mixers/{mixer}.py", f"synthetics/{synthetic}.py"):
        source = (here / name).read_text(encoding="utf-8")
        digest.update(f"{name} {len(source)}\n{source}".encode())
    return digest.hexdigest()


def run_key(mixer: MixerOptions, synthetic: SyntheticOptions, backbone: Backbone, training: Training, seed: int) -> str:
    """SHA-256 of all that determines one run: equal keys mean that the result is known already.

    Defaults are filled in before hashing, so writing one out changes nothing.
    """
    determines = {
        "mixer": mixer.model_dump(mode="json"),
        "synthetic": synthetic.model_dump(mode="json"),
        "backbone": backbone.model_dump(mode="json"),
        "training": training.model_dump(mode="json"),
        "seed": seed,
        "code": code_version(mixer.mixer, synthetic.name),
    }
    canonical = json.dumps(determines, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
