"""Reports of experiments that were made elsewhere: read verbatim, understood where they are clear, judged again.

`read_document` gives all that a document says; `tell` the report of one import. docs/history.md says how.
"""

from proposals.history.document import READING, Document, Experiment, read_document
from proposals.history.telling import DocumentReport, tell

__all__ = ["READING", "Document", "DocumentReport", "Experiment", "read_document", "tell"]
