"""The text of one criterion and where it stands, so that an error points at the character in the file."""

from dataclasses import dataclass

from proposals.errors import Problem, ProposalError


@dataclass(frozen=True)
class Source:
    """`line` is where the text begins (from 1), `column` how many characters stand before it in that line."""

    text: str
    file: str = ""
    line: int | None = None
    column: int = 0

    def error(self, at: int, message: str, remedy: str) -> ProposalError:
        """A refusal that points at the character `at` of the text (from 0)."""
        before = self.text[:at]
        breaks = before.count("\n")
        line = None if self.line is None else self.line + breaks
        column = at - (before.rfind("\n") + 1) + 1 + (0 if breaks else self.column)
        return ProposalError(Problem(message, remedy, file=self.file, line=line, column=column))
