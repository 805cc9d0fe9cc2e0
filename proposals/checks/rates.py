"""What a GPU costs, to hold an estimate against its cap. Estimates from third-party pages, not a bill."""

from decimal import ROUND_CEILING, Decimal

from pydantic import BaseModel, ConfigDict

from proposals.spec import Compute

RATES_OF = "2026-05"
RATES: dict[str, float] = {"T4": 0.59, "L4": 0.80, "L40S": 1.95, "A100-80GB": 2.50, "H100": 3.95}
"""Dollars per hour."""


class Estimate(BaseModel):
    """What the proposal says it takes, at the rate of its GPU. `dollars` None: the rate is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gpu: str | None
    minutes: float
    dollars_per_hour: float | None
    dollars: float | None
    cap: float

    @property
    def fits(self) -> bool:
        return self.dollars is None or self.dollars <= self.cap

    def __str__(self) -> str:
        if self.gpu is None:
            return f"{self.minutes:g} min on a CPU of our own: $0.00, cap ${self.cap:.2f}"
        if self.dollars is None:
            return f"{self.minutes:g} min on a {self.gpu}, whose rate is not known; cap ${self.cap:.2f}"
        return f"{self.sum}, cap ${self.cap:.2f}"

    @property
    def sum(self) -> str:
        """ "60 min on a T4 at $0.59 an hour (2026-05) = $0.59"; cents are rounded up."""
        assert self.dollars is not None
        rate = f"{self.gpu} at ${self.dollars_per_hour:.2f} an hour ({RATES_OF})"
        return f"{self.minutes:g} min on a {rate} = ${cents_up(self.dollars):.2f}"


def estimate_of(compute: Compute) -> Estimate:
    rate = 0.0 if compute.gpu is None else RATES.get(compute.gpu)
    return Estimate(
        gpu=compute.gpu,
        minutes=compute.minutes,
        dollars_per_hour=rate,
        dollars=estimated_dollars(compute.gpu, compute.minutes),
        cap=compute.dollars,
    )


def estimated_dollars(gpu: str | None, minutes: float) -> float | None:
    """What `minutes` on this GPU cost; 0 on a CPU of our own, None for a GPU whose rate is not known."""
    if gpu is None:
        return 0.0
    rate = RATES.get(gpu)
    return None if rate is None else float(_exact(rate) * _exact(minutes) / 60)


def cents_up(dollars: float) -> Decimal:
    """A cap of so many dollars is enough. In decimals: 1.10 is not a hair more than 1.10."""
    return _exact(dollars).quantize(Decimal("0.01"), rounding=ROUND_CEILING)


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))
