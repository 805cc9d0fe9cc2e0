"""Measurements as the judge sees them, from our runs or from elsewhere."""

from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from models.metrics import Source


class Measurement(BaseModel):
    """One number of one run. `value` None: not measured; NaN and infinity become None on the way in.

    seed None: the source did not say; counts as one seed of its own. device: where it was measured, if known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: str
    metric: str
    value: float | None
    seed: int | None = None
    condition: dict[str, str | int | float] = {}
    source: Source = "measured"
    device: str | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _finite(cls, value: Any) -> Any:
        if isinstance(value, str) and value.strip().lower() in {"nan", "inf", "-inf", "infinity", "-infinity"}:
            return None
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            return None
        return value
