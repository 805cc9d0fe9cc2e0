"""The quick profile: the same question asked with less, for a look within a minute. Its verdict says so."""

from proposals.spec import Registration

EPOCHS = 16
"""Enough for the attention reference of 008 to learn, so that its sanity criterion can hold."""


def reduced(registration: Registration) -> Registration:
    """One seed and at most 16 epochs. Criteria and data stay as they are; fidelity is "reduced", and a single seed
    can never carry more than a hint."""
    setup = registration.setup
    training = setup.training.model_copy(
        update={"epochs": min(EPOCHS, setup.training.epochs), "warmup": min(1, setup.training.warmup)}
    )
    smaller = setup.model_copy(update={"training": training, "seeds": (1,)})
    return registration.model_copy(update={"setup": smaller, "fidelity": "reduced"})
