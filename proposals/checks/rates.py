"""What a GPU costs, to hold an estimate against its cap. Estimates from third-party pages, not a bill."""

RATES_OF = "2026-05"
RATES: dict[str, float] = {"T4": 0.59, "L4": 0.80, "L40S": 1.95, "A100-80GB": 2.50, "H100": 3.95}
"""Dollars per hour."""


def estimated_dollars(gpu: str | None, minutes: float) -> float | None:
    """What `minutes` on this GPU cost; 0 on a CPU of our own, None for a GPU whose rate is not known."""
    if gpu is None:
        return 0.0
    rate = RATES.get(gpu)
    return None if rate is None else rate * minutes / 60
