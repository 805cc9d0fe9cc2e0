"""A hash of the numbers that a verdict rests on."""

import hashlib
import json
from collections.abc import Sequence

from proposals.judging.measurements import Measurement


def fingerprint(measurements: Sequence[Measurement]) -> str:
    """SHA-256 over every measurement, whatever their order."""
    rows = sorted(json.dumps(one.model_dump(mode="json"), sort_keys=True, allow_nan=False) for one in measurements)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
