"""Checkpoints that survive a kill at any moment, and the request they belong to."""

import hashlib
import json
import logging
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from models.code_version import code_version
from models.request import TrainRequest

logger = logging.getLogger(__name__)


def fingerprint(request: TrainRequest) -> str:
    """What a checkpoint must agree on to be gone on from: all that determines the numbers, the versions of
    the code and of torch with it; not the folder, the time limit or the number of threads."""
    determines = request.model_dump(mode="json", exclude={"directory", "max_seconds", "threads"})
    versions = [code_version(request.mixer.mixer, request.synthetic.name), torch.__version__]
    return hashlib.sha256(json.dumps([determines, versions], sort_keys=True).encode()).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Readers see the old content or the new, whenever this process is killed."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def save(path: Path, state: dict[str, Any], request: TrainRequest) -> None:
    """Raises OSError where it cannot be written; the one before it is then still there."""
    content = BytesIO()  # writing itself, torch would say of a full disk that a position is unexpected
    torch.save({"fingerprint": fingerprint(request), "state": state}, content)
    write_atomically(path, content.getvalue())


def load(path: Path, request: TrainRequest) -> dict[str, Any] | None:
    """The state to go on from, or None. A checkpoint that cannot be read or belongs to another request is
    set aside under another name and said so: training starts anew."""
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, state = content["fingerprint"], content["state"]
    except Exception as error:  # whatever a damaged file makes torch raise: it must not end a training
        _set_aside(path, f"cannot be read ({type(error).__name__})")
        return None
    if found != fingerprint(request):
        _set_aside(path, "belongs to another request or another version of the code")
        return None
    assert isinstance(state, dict)
    return state


def _set_aside(path: Path, reason: str) -> None:
    number = 1
    while (aside := path.with_name(f"{path.stem}.aside-{number}{path.suffix}")).exists():
        number += 1
    path.rename(aside)
    logger.warning("%s %s: set aside as %s, training starts anew", path.name, reason, aside.name)


def keep_progress(directory: Path, epoch: int) -> None:
    """Drop the lines of epochs that will be trained again, and a line that was cut by a kill."""
    path = directory / "progress.jsonl"
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["epoch"] <= epoch:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue
    write_atomically(path, "".join(kept).encode())
