"""The criterion language: `read` a text into the canonical tree, `canonical` prints that tree again.

text -> surface tree (surface.py, grammar.lark) -> canonical tree (resolve.py, expressions.py) -> text
"""

from proposals.language.canonical import canonical
from proposals.language.expressions import Condition
from proposals.language.names import Names

__all__ = ["Names", "canonical", "read"]


def read(text: str, names: Names, *, file: str = "", line: int | None = None, column: int = 0) -> Condition:
    """The canonical tree of one criterion, whether as a person wrote it or in canonical form.

    `line` and `column` say where the text stands in the file: its line (from 1), and how many characters of
    that line come before it. Raises ProposalError, which points at the character.
    """
    # Lark is imported at the first criterion, not by everyone who wants to know what a proposal is
    from proposals.language.canonical import depth
    from proposals.language.resolve import Resolver
    from proposals.language.source import Source
    from proposals.language.surface import DEEPEST, LONGEST, parse

    source = Source(text, file, line, column)
    tree = Resolver(source, names).condition(parse(source))
    if depth(tree) > DEEPEST or len(canonical(tree)) > LONGEST:
        raise source.error(0, "written out, this criterion is too long", "Split it into several criteria")
    return tree
