"""What is wrong with a document, where, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `line` and `column` count from 1; None where the whole file is meant."""

    message: str
    remedy: str
    file: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        return f"{place}: {self.message}. {self.remedy}".removeprefix(": ").rstrip()


class ProposalError(ValueError):
    """A proposal that is refused. Carries every problem found, not only the first."""

    def __init__(self, *problems: Problem) -> None:
        assert problems, "a refusal names its reasons"
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class UnreadableError(ProposalError):
    """A file that is no proposal, or that cannot be read as text: nothing could be checked."""
