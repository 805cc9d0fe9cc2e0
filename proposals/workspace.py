"""Where things lie. A workspace is a folder with proposals, experiments, a research log and a catalog."""

import os
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Workspace:
    """Paths below `root`; `catalog_url` is an SQLAlchemy URL, which may hold a password and is therefore not shown."""

    root: Path
    catalog_url: str = field(repr=False)

    @property
    def proposals(self) -> Path:
        return self.root / "proposals"

    @property
    def experiments(self) -> Path:
        return self.root / "experiments"

    @property
    def research_log(self) -> Path:
        return self.root / "research-log"

    @property
    def runs(self) -> Path:
        """Scratch of training: requests, checkpoints, progress. Safe to delete; costs only the resumption."""
        return self.root / "runs"


def find_workspace(root: str | Path | None = None, catalog: str | None = None) -> Workspace:
    """The folder named by `root`, else by the variable MVE_WORKSPACE, else the repository of this code.

    The catalog is `catalog`, else MVE_CATALOG (an SQLAlchemy URL or a path), else `db/catalog.sqlite` in the
    workspace. Raises FileNotFoundError, with the remedy, where the folder has no `proposals`.
    """
    folder = Path(root or os.environ.get("MVE_WORKSPACE") or REPOSITORY).expanduser().resolve()
    if not (folder / "proposals").is_dir():
        raise FileNotFoundError(
            f"{folder} is no workspace: it has no folder `proposals`. Create that folder, or name another workspace "
            "with --workspace or MVE_WORKSPACE"
        )
    named = catalog or os.environ.get("MVE_CATALOG") or str(folder / "db" / "catalog.sqlite")
    url = named if "://" in named else f"sqlite:///{Path(named).expanduser().resolve()}"
    return Workspace(root=folder, catalog_url=url)
