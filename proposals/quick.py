"""The quick profile: the same question asked with less, for a look within a minute. Its verdict says so."""

from proposals.spec import AnySetup, Registration, StudySetup

EPOCHS = 16
"""Enough for the attention reference of 008 to learn, so that its sanity criterion can hold."""
REPEATS = 10


def reduced(registration: Registration) -> Registration:
    """One seed and at most 16 epochs, or 10 repeats of what a study times. Criteria and data stay as they are; fidelity
    is "reduced", and a single seed can never carry more than a hint."""
    smaller = _smaller(registration.setup)
    return registration.model_copy(update={"setup": smaller, "fidelity": "reduced"})


def _smaller(setup: AnySetup) -> AnySetup:
    if isinstance(setup, StudySetup):
        study = setup.study.model_copy(update={"repeats": min(REPEATS, setup.study.repeats)})
        return setup.model_copy(update={"study": study, "seeds": (1,)})
    training = setup.training.model_copy(
        update={"epochs": min(EPOCHS, setup.training.epochs), "warmup": min(1, setup.training.warmup)}
    )
    return setup.model_copy(update={"training": training, "seeds": (1,)})
