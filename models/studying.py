"""An experiment without training: a request in, a result out, as `models.training` does for what is trained."""

import time

import torch

from models.measuring import device_name, versions
from models.options.studies import check_forms
from models.request import SeedResult, StudyRequest, TrainResult
from models.studies import STUDIES


def study(request: StudyRequest) -> TrainResult:
    """Run one form of a study with one seed. Nothing is trained: no epochs, an empty curve.

    Raises ValueError where the form belongs to another study, or the device is not there.
    """
    check_forms(request.study, [request.form])
    if request.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device cuda is asked for, and torch finds none here: use device cpu")
    device, threads = torch.device(request.device), torch.get_num_threads()
    torch.set_num_threads(request.threads)
    started = time.perf_counter()
    try:
        studied = STUDIES[request.study.name](request.study, request.form, request.seed, device)
    finally:
        torch.set_num_threads(threads)
    seed = SeedResult(
        seed=request.seed,
        values=studied.values,
        curve=(),
        data_sha256=studied.inputs_sha256,
        epochs=0,
        best_epoch=None,
        stopped="epochs",
    )
    return TrainResult(
        seeds=(seed,), device=device_name(device), versions=versions(), seconds=time.perf_counter() - started
    )


def dry_run(request: StudyRequest, repeats: int) -> float:
    """Seconds of the study on the CPU with so many repeats in the place of its own. Writes nothing.

    Raises ValueError where repeats < 1, and whatever the study would raise.
    """
    if repeats < 1:
        raise ValueError(f"a dry run needs at least one repeat, not {repeats}")
    few = {"repeats": repeats, "warmup": min(request.study.warmup, 1)}
    return study(request.model_copy(update={"study": request.study.model_copy(update=few), "device": "cpu"})).seconds
