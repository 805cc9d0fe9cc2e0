"""What a training inherits of our environment: all but what opens a door. A mixer of a proposal runs in it."""

import os
import re

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY"
    r"|^(MODAL|WANDB|PREFECT|PG|DATABASE|AWS|AZURE)_?|^MVE_(NOTIFY|CATALOG)$|_(DSN|URL|URI)$",
    re.IGNORECASE,
)


def for_training() -> dict[str, str]:
    """One thread: two such processes beat one with two threads."""
    kept = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    return {**kept, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
