"""The quick profile: the same question asked with less, for a look within a minute. Its verdict says so."""

from proposals.spec import Registration

EPOCHS = 10


def reduced(registration: Registration) -> Registration:
    """One seed and at most 10 epochs. Criteria and data stay as they are; fidelity is "reduced", and a single seed
    can never carry more than a hint."""
    setup = registration.setup
    training = setup.training.model_copy(
        update={"epochs": min(EPOCHS, setup.training.epochs), "warmup": min(1, setup.training.warmup)}
    )
    smaller = setup.model_copy(update={"training": training, "seeds": (1,)})
    return registration.model_copy(update={"setup": smaller, "fidelity": "reduced"})
