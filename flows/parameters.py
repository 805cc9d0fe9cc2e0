"""What a flow is given. Prefect's server stores parameters and shows them to whoever opens its page."""

import os

from proposals.words import has_password
from proposals.workspace import Workspace


def catalog_parameter(place: Workspace) -> str | None:
    """The catalog's URL. None where it holds a password, or options, which can be one: then it stays in the environment
    of this process and of those that it starts, as MVE_CATALOG, where the flow finds it."""
    if not has_password(place.catalog_url):
        return place.catalog_url
    os.environ["MVE_CATALOG"] = place.catalog_url
    return None
