"""What opening a catalog gives, on a file and on a server alike."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

BUSY_SECONDS = 30
"""How long a writer waits for its turn."""


@dataclass
class Catalog:
    """An open catalog. `path`: its file; None on PostgreSQL. `created`: there was none before. `backup`: the file as it
    was before it was migrated."""

    engine: Engine
    path: Path | None
    created: bool = False
    backup: Path | None = None

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def newer(what: str, revision: str, known: str) -> str:
    return (
        f"the catalog {what} was made by a newer version of mve: its schema is {revision!r}, this code knows up to "
        f"{known}. Update mve; the catalog was not touched"
    )


def older(what: str, revision: str) -> str:
    return (
        f"the catalog {what} is of an older version ({revision}). Open it once with a command that writes, such as "
        "`mve run`, and it is migrated"
    )


def missing(what: str) -> str:
    return (
        f"there is no catalog {what}. It is created by the first `mve run`; to read another, name it with --catalog or "
        "MVE_CATALOG"
    )
