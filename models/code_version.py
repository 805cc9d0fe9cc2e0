"""What determines a run's result, as a hash. No torch here: keys are wanted before anything is trained."""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from models.options import Backbone, MixerOptions, SyntheticOptions, Training
from models.options.studies import FormOptions, StudyOptions
from models.request import StudyRequest, TrainRequest

HERE = Path(__file__).parent
COMMON = (
    "backbone.py",
    "ensemble.py",
    "epochs.py",
    "evaluations.py",
    "inspecting.py",
    "measuring.py",
    "training.py",
    "mixers/base.py",
    "synthetics/base.py",
)
"""Sources that take part in every training. A mixer, synthetic, probe or study is in a file of its name, and takes
part with all that it imports from these folders; the others are left out, so that a new mixer, or another way to
store checkpoints, does not make old results worthless."""

FOLLOWED = ("mixers", "synthetics", "probes", "studies")
MOST_TRIES = 20
_one_at_a_time = Lock()


@cache
def code_version(mixer: str, synthetic: str, probes: tuple[str, ...] = (), brought: str = "") -> str:
    """SHA-256 over the sources that determine the result of a run with this mixer, synthetic and probes. brought: the
    source of a mixer that came with its proposal, for what it imports of ours.

    Raises FileNotFoundError where no file is named like the mixer, the synthetic or a probe.
    """
    named = [f"mixers/{mixer}.py", f"synthetics/{synthetic}.py", *(f"probes/{probe}.py" for probe in probes)]
    imported = [name for name in _imported(parsed(brought)) if (HERE / name).exists()]
    return _digest([*COMMON, *named, *imported])


@cache
def study_version(study: str) -> str:
    """SHA-256 over the sources that determine the result of this study. Raises FileNotFoundError as above."""
    return _digest([f"studies/{study}.py"])


def version_of(request: TrainRequest | StudyRequest) -> str:
    """The version of the code that determines what this request gives: equal on two machines, they give the same."""
    if isinstance(request, StudyRequest):
        return study_version(request.study.name)
    brought = getattr(request.mixer, "source", "")
    return code_version(request.mixer.mixer, request.synthetic.name, request.probes, brought)


def run_key(
    mixer: MixerOptions,
    synthetic: SyntheticOptions,
    backbone: Backbone,
    training: Training,
    seed: int,
    evaluations: Iterable[dict[str, Any]] = (),
    probes: Iterable[str] = (),
) -> str:
    """SHA-256 of all that determines one run: equal keys mean that the result is known already.

    Defaults are filled in before hashing, so writing one out changes nothing.
    """
    probes = tuple(probes)
    determines = {
        "mixer": mixer.model_dump(mode="json"),
        "synthetic": synthetic.model_dump(mode="json"),
        "backbone": backbone.model_dump(mode="json"),
        "training": training.model_dump(mode="json"),
        "evaluations": list(evaluations),
        "probes": probes,
        "seed": seed,
        "code": code_version(mixer.mixer, synthetic.name, probes, getattr(mixer, "source", "")),
    }
    return hashlib.sha256(_canonical(determines)).hexdigest()


def study_key(study: StudyOptions, form: FormOptions, seed: int) -> str:
    """The same for one form of a study."""
    determines = {
        "study": study.model_dump(mode="json"),
        "form": form.model_dump(mode="json"),
        "seed": seed,
        "code": study_version(study.name),
    }
    return hashlib.sha256(_canonical(determines)).hexdigest()


def _canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _digest(names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(_with_imports(names)):
        source = (HERE / name).read_text(encoding="utf-8")
        digest.update(f"{name} {len(source)}\n{source}".encode())
    return digest.hexdigest()


def _with_imports(names: Iterable[str]) -> set[str]:
    """The files, and all that they import from the folders that are followed, and so on."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in found:
            continue
        found.add(name)
        ahead += _imported(parsed((HERE / name).read_text(encoding="utf-8")))
    return found


def parsed(text: str) -> ast.Module:
    """`ast.parse`, also while other threads parse. Raises SyntaxError, and ValueError where there is a zero byte.

    Up to Python 3.11.7 and 3.12.1 all threads count the depth of what they build in one place, and a thread that
    another one disturbed ends in a SystemError (https://github.com/python/cpython/issues/106905). The lock keeps our
    threads apart; Prefect's, and what torch parses when it is imported, are beyond it.
    """
    for _ in range(MOST_TRIES):
        with _one_at_a_time, suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("models."):
            parts = node.module.split(".")[1:]
            # `models.mixers` alone is the dictionary of all mixers: following it would bring every mixer along
            if parts[0] in FOLLOWED and len(parts) == 2:
                yield f"{parts[0]}/{parts[1]}.py"
