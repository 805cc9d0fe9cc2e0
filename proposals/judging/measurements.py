"""Measurements as the judge sees them, from our runs or from elsewhere."""

import math
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator

from models.metrics import Source


class Measurement(BaseModel):
    """One number of one run. `value` None: not measured; NaN and infinity become None on the way in.

    seed None: the source did not say; counts as one seed of its own. device: where it was measured, if known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

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
        if isinstance(value, str) and value.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}:
            return None
        return None if isinstance(value, float) and not math.isfinite(value) else value
