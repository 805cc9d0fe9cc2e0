"""What is measured: complaints about the evaluations and probes of a training, and about the forms of a study."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError

from models.evaluations import options_under
from models.options.probes import PROBE_METRICS
from models.options.studies import FORMS
from proposals.language.names import suggestion
from proposals.spec import AnySetup, Setup

_TRAINED = ("name", "train", "validation")
"""Options of a synthetic that say what was trained."""
_OF_THE_MODEL = ("vocabulary", "classes", "channels")
"""Of the model's embeddings and head, where a synthetic has them: they cannot differ after training."""


class Complaint(NamedTuple):
    """`path`: the keys of the setup block that lead to the place."""

    path: tuple[str | int, ...]
    message: str
    remedy: str


def complaints(setup: AnySetup) -> Iterator[Complaint]:
    """What a setup asks for that cannot be measured."""
    if isinstance(setup, Setup):
        yield from _of_training(setup)
        return
    forms = FORMS[setup.study.name]
    for name, variant in setup.variants.items():
        if variant.form.form not in forms:
            message = f"`{variant.form.form}` is no form of {setup.study.name}"
            yield Complaint(("variants", name, "form"), message, suggestion(variant.form.form, forms, "forms"))


def _of_training(setup: Setup) -> Iterator[Complaint]:
    for number, condition in enumerate(setup.evaluations):
        here = ("evaluations", number)
        if condition in setup.evaluations[:number]:
            yield Complaint(here, "this evaluation is there twice", "Keep one of the two")
        elif not condition:
            yield Complaint(here, "this evaluation changes nothing", "Name options that differ, such as {length: 512}")
        else:
            yield from _of_evaluation(setup, condition, here)
    for number, probe in enumerate(setup.probes):
        if probe not in PROBE_METRICS:
            message = f"`{probe}` is no probe"
            yield Complaint(("probes", number), message, suggestion(probe, PROBE_METRICS, "probes"))
        elif probe in setup.probes[:number]:
            yield Complaint(("probes", number), f"`{probe}` is named twice", "Keep one of the two")


def _of_evaluation(setup: Setup, condition: dict[str, Any], here: tuple[str | int, ...]) -> Iterator[Complaint]:
    synthetic = setup.synthetic
    known = [name for name in type(synthetic).model_fields if name not in _TRAINED]
    for name in condition:
        if name in _TRAINED:
            message = f"an evaluation cannot change `{name}`: it is a test set for models that are trained by then"
            yield Complaint((*here, name), message, "Leave it out")
            return
        if name not in known:
            message = f"`{name}` is no option of {synthetic.name}"
            yield Complaint((*here, name), message, suggestion(name, known, "options"))
            return
    try:
        other = options_under(synthetic, condition)
    except ValidationError as fault:
        error = fault.errors(include_url=False)[0]
        option = str(error["loc"][0]) if error["loc"] else next(iter(condition))
        said = error["msg"].removeprefix("Value error, ")
        message = f"{synthetic.name} cannot be drawn with these options: {said[:1].lower()}{said[1:]}"
        yield Complaint((*here, option), message, "Change one of the values")
        return
    for name in _OF_THE_MODEL:
        before, after = getattr(synthetic, name, None), getattr(other, name, None)
        if before != after:
            message = f"an evaluation cannot change the {name}, here from {before} to {after}: the model is made for it"
            yield Complaint(here, message, "Make it an option of the synthetic, and an experiment of its own")
            return
