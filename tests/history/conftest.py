from pathlib import Path

import pytest

from proposals.history import Document, read_document

DOCUMENTS = Path(__file__).parent / "documents"


@pytest.fixture(scope="session")
def documents() -> dict[str, Document]:
    """Our own documents by their stem; experiments that nobody made."""
    return {path.stem: read_document(path) for path in sorted(DOCUMENTS.glob("*.md"))}
