"""Take reports of earlier experiments into the catalog: as imported ones, beside our own and never among them."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from db.engine import open_catalog
from db.importing import import_document
from proposals.errors import ProposalError
from proposals.history import DocumentReport, read_document, tell
from proposals.workspace import Workspace


class Refused(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    reasons: tuple[str, ...]


class ImportReport(BaseModel):
    """What was read, and what was refused; one document that is refused does not keep the others out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: tuple[DocumentReport, ...]
    refused: tuple[Refused, ...]


def import_documents(place: Workspace, paths: Iterable[str | Path]) -> ImportReport:
    """Read the files, and the Markdown files of the folders, and record each. The same bytes again change nothing."""
    documents: list[DocumentReport] = []
    refused: list[Refused] = []
    with open_catalog(place.catalog_url) as catalog:
        for path in _files(paths):
            try:
                document = read_document(path)
            except ProposalError as error:
                refused.append(Refused(file=str(path), reasons=tuple(map(str, error.problems))))
                continue
            imported = import_document(catalog.engine, document, datetime.now(UTC))
            documents.append(tell(document, imported.new))
    return ImportReport(documents=tuple(documents), refused=tuple(refused))


def _files(paths: Iterable[str | Path]) -> Iterator[Path]:
    """A folder stands for its Markdown files, in order of their names; each file once."""
    seen: set[Path] = set()
    for path in map(Path, paths):
        for file in sorted(path.glob("*.md")) if path.is_dir() else [path]:
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield file
