"""What `mve deploy-gpu` deploys: one function that carries out one request, and the volume that it works on.

This file runs on both sides: here it is the definition, in a container it does the work. So it imports nothing of the
project but what goes up with it (`models` and this folder), and torch only where it trains. On the volume, a run has
the folder `runs/<run>`, and in it

    checkpoint.pt, progress.jsonl    of the training, as on any machine
    claim-<ticket>.json              which call has begun for an attempt, whether or not its caller lives to know
    given-up-<ticket>                nobody waits for that call, so it must not begin
    sitting.json                     which call works on it, since when, how often it was started, on which device
    result.json                      the first result, whichever call gave it, if training came to its end
    outcome-<call>.json              what the call returned: asked for where its output was lost or has expired

What is returned is text, JSON in CBOR: `_experimental_restrict_output` keeps pickles out, errors included.
"""

import json
import os
import re
import signal
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import modal

from tasks.executors.modal_image import PYTHON, pins

if TYPE_CHECKING:
    from models.request import StudyRequest, TrainRequest, TrainResult

APP = "mve"
FUNCTION = "carry_out"
VOLUME = "mve-runs"
MOUNT = "/mve-runs"
PLACE = "MVE_VOLUME"
"""Environment variable with the folder where the volume is mounted."""
CONTAINERS = 8
"""At most so many at once."""
DEFAULT_SECONDS = 3600
"""Timeout of a call that names none; every call of ours names one."""
IDLE_SECONDS = 20
"""For so long a container waits for another run before it ends: importing torch again costs about as much."""
COMMIT_SECONDS = 5.0
"""A newer checkpoint is committed if the last commit is older than this."""
MOST_STARTS = 8
"""Of one call: the service starts an interrupted call again by itself, for long."""

ROOT = Path(__file__).resolve().parent.parent.parent


def _image() -> modal.Image:
    return (
        modal.Image.debian_slim(python_version=PYTHON)
        .pip_install(*(pins() if modal.is_local() else ()))
        .env({PLACE: MOUNT})
        .add_local_python_source("models", "tasks.executors")
        .add_local_file(ROOT / "tasks" / "__init__.py", "/root/tasks/__init__.py")
    )


app = modal.App(APP, include_source=False)
volume = modal.Volume.from_name(VOLUME, create_if_missing=True)


if not modal.is_local():
    # before the first call, so that importing torch is part of the container's start and not of a call's time
    import models.training  # noqa: F401


@app.function(
    image=_image(),
    volumes={MOUNT: volume},
    timeout=DEFAULT_SECONDS,
    retries=0,
    max_containers=CONTAINERS,
    scaledown_window=IDLE_SECONDS,
    _experimental_restrict_output=True,
)
def carry_out(order: str) -> str:
    """`order`: JSON with `request`; `run`, the folder's name; `ticket` of the attempt; `code`, the version of the code
    that is expected; `mark`, which is put before the device's name. Returns JSON with one of `result`, `failed`,
    `refused` and `given_up`, and with `seconds`, those since the call's first start.

    KeyboardInterrupt (preemption) and cancellation: the checkpoint is written and committed, then they go on their way.
    """
    asked = json.loads(order)
    for name in (asked["run"], asked["ticket"]):
        assert re.fullmatch(r"[0-9A-Za-z_-]{1,80}", name), "names of files below runs/"
    folder = Path(os.environ[PLACE]) / "runs" / asked["run"]
    call = modal.current_function_call_id() or "none"
    began = _claim(folder, asked["ticket"], call)
    if began is None:
        return json.dumps({"given_up": True, "seconds": 0.0})
    told: Path = folder / f"outcome-{call}.json"
    if told.exists():  # it had ended, and is started again since its answer did not get through
        return told.read_text()
    sitting = _sit_down(folder, call, asked["mark"], began)
    try:
        outcome = _outcome(asked, folder, sitting)
    except KeyboardInterrupt:
        _note(folder, sitting, "interrupted")
        volume.commit()
        if sitting.get("cancelled"):
            raise modal.exception.InputCancellation("cancelled; the checkpoint is kept") from None
        raise
    text = json.dumps({**outcome, "seconds": time.time() - sitting["began"]}, allow_nan=False)
    _write(told, text)
    if "result" in outcome and not _cut_short(outcome["result"]) and not (folder / "result.json").exists():
        _write(folder / "result.json", json.dumps(outcome["result"], allow_nan=False))
    _note(folder, sitting, "ended")
    volume.commit()
    return text


def _outcome(asked: dict[str, Any], folder: Path, sitting: dict[str, Any]) -> dict[str, Any]:
    if sitting["starts"] > MOST_STARTS:
        return {"refused": f"it was interrupted {MOST_STARTS} times and is not started again"}
    kept = folder / "result.json"
    if kept.exists():  # an earlier call got to its end, and its answer was lost
        return {"result": json.loads(kept.read_text())}
    try:
        from models.code_version import version_of

        request = read_request(asked["request"], str(folder))
        if (here := version_of(request)) != asked["code"]:
            other = f"{here[:12]}, not {asked['code'][:12]}"
            return {"refused": f"the deployed code is another ({other}): deploy it again with `mve deploy-gpu`"}
        result = _interruptible(request, folder, sitting)
        marked = {**result.versions, **_versions()}
        result = result.model_copy(update={"device": asked["mark"] + result.device, "versions": marked})
        return {"result": result.model_dump(mode="json")}
    except Exception as error:
        traceback.print_exc()
        return {"failed": {"type": type(error).__name__, "message": str(error), "traceback": traceback.format_exc()}}


def _interruptible(request: "TrainRequest | StudyRequest", folder: Path, sitting: dict[str, Any]) -> "TrainResult":
    """Carry it out. A cancellation, which the client raises where its signal arrives, becomes a KeyboardInterrupt, so
    that training writes its checkpoint; the caller tells them apart by sitting["cancelled"]."""
    import torch

    from models.measuring import device_name
    from models.request import TrainRequest

    def cancel(number: int, frame: FrameType | None) -> NoReturn:
        sitting["cancelled"] = True
        raise KeyboardInterrupt

    with suppress(OSError):  # so that the peak of memory is this run's, in a container that has had others
        Path("/proc/self/clear_refs").write_text("5")
    if request.device == "cpu" or torch.cuda.is_available():
        sitting["device"] = sitting["mark"] + device_name(torch.device(request.device))
    _note(folder, sitting, "running")
    volume.commit()
    before = signal.signal(signal.SIGUSR1, cancel)
    try:
        if isinstance(request, TrainRequest):
            from models.training import train

            return train(request, on_epoch=_Committing(folder, sitting))
        from models.studying import study

        return study(request)
    finally:
        signal.signal(signal.SIGUSR1, before)


class _Committing:
    """After an epoch: commits where there is a newer checkpoint, and not too often."""

    def __init__(self, folder: Path, sitting: dict[str, Any]) -> None:
        self.folder, self.sitting = folder, sitting
        self.committed = time.monotonic()
        self.known = self._stamp()

    def __call__(self, line: dict[str, Any]) -> None:
        stamp = self._stamp()
        if stamp == self.known or time.monotonic() - self.committed < COMMIT_SECONDS:
            return
        _note(self.folder, self.sitting, "running")
        volume.commit()
        self.known, self.committed = stamp, time.monotonic()

    def _stamp(self) -> int:
        path = self.folder / "checkpoint.pt"
        return path.stat().st_mtime_ns if path.exists() else 0


def read_request(content: dict[str, Any], directory: str) -> "TrainRequest | StudyRequest":
    from models.request import StudyRequest, TrainRequest

    kind = StudyRequest if content.get("kind") == "study" else TrainRequest
    return kind.model_validate({**content, "directory": directory})


def _claim(folder: Path, ticket: str, call: str) -> float | None:
    """Say which call this attempt's is, for a caller that died before it heard. Returns when it was first started; None
    where it was given up: whoever gives up first writes that down and then looks for the claim, so one of the two sees
    the other."""
    volume.reload()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"claim-{ticket}.json"
    claim: dict[str, Any] = {"call": call, "began": time.time()}
    if path.exists() and (known := json.loads(path.read_text()))["call"] == call:
        claim = known
    _write(path, json.dumps(claim))
    volume.commit()
    volume.reload()
    return None if (folder / f"given-up-{ticket}").exists() else float(claim["began"])


def _cut_short(result: dict[str, Any]) -> bool:
    """With more time it goes on from its checkpoint, so it must not stand in the way."""
    return any(seed["stopped"] == "time" for seed in result["seeds"])


def _sit_down(folder: Path, call: str, mark: str, began: float) -> dict[str, Any]:
    """Count this start. Another call's record is replaced: one call at a time works on a run."""
    path = folder / "sitting.json"
    sitting: dict[str, Any] = {"call": call, "starts": 0, "began": began}
    if path.exists():
        known = json.loads(path.read_text())
        sitting = known if known["call"] == call else sitting
    sitting["starts"] += 1
    sitting["mark"] = mark
    sitting.pop("cancelled", None)
    _note(folder, sitting, "running")
    volume.commit()
    return sitting


def _note(folder: Path, sitting: dict[str, Any], state: str) -> None:
    sitting.update(state=state, last=time.time())
    _write(folder / "sitting.json", json.dumps(sitting))


def _write(path: Path, text: str) -> None:
    from models.checkpoint import write_atomically

    write_atomically(path, text.encode())


def _versions() -> dict[str, str]:
    """Of the image and of what a GPU needs, beside those that training reports."""
    import torch

    found = {"modal": modal.__version__, "image": os.environ.get("MODAL_IMAGE_ID", "")}
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    with suppress(OSError):
        found["driver"] = Path("/proc/driver/nvidia/version").read_text().splitlines()[0][:200]
    return {name: value for name, value in found.items() if value}
