"""The environment in which the tests call `mve` and `prefect`."""

import os
from pathlib import Path


def environment(workspace: Path | None = None, api: str | None = None) -> dict[str, str]:
    found = dict(os.environ)
    if workspace is not None:
        found["MVE_WORKSPACE"] = str(workspace)
    if api is not None:
        found["PREFECT_API_URL"] = api
    return found
