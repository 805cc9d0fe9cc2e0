"""Copying after a while: all at once, in the order of a tree, or chosen symbols."""

import re
from typing import Literal

from pydantic import Field, model_validator

from models.options.base import Options

SMALLEST_ALPHABET = 2


class DelayedCopy(Options):
    """`content` random symbols of `symbols`, at an offset drawn within the first `chunk` positions; `delay` positions
    after each symbol a recall mark asks for it; blanks elsewhere, up to `length`."""

    name: Literal["delayed_copy"]
    symbols: int = Field(default=16, ge=SMALLEST_ALPHABET)
    content: int = Field(gt=0)
    delay: int = Field(default=64, gt=0)
    chunk: int = Field(default=32, gt=0)
    length: int = Field(default=256, gt=0)
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "DelayedCopy":
        if self.content > self.chunk:
            raise ValueError(f"{self.content} symbols do not fit into the first chunk of {self.chunk}")
        if self.delay < self.content:
            raise ValueError(f"the recall marks would overwrite the content: delay must be at least {self.content}")
        if self.length < self.chunk + self.delay:
            raise ValueError(
                f"a delay of {self.delay} after the first {self.chunk} positions needs a length of at least "
                f"{self.chunk + self.delay}, not {self.length}"
            )
        return self

    @property
    def chance(self) -> float:
        return 1 / self.symbols


class HierarchicalCopy(Options):
    """The leaves of a tree, each a random symbol of `symbols`, in the order they are written; a leaf at depth d is
    asked for `step` (d - 1) positions after it was read, depth 1 being asked at once.

    tree: nested brackets around letters, each letter a leaf; its shape is fixed and its symbols are drawn. brackets:
    they are tokens too. Blanks follow the tree until the last answer; `length` follows from tree and step.
    """

    name: Literal["hierarchical_copy"]
    tree: str = "[A [B C] D [E [F G] H]]"
    symbols: int = Field(default=16, ge=SMALLEST_ALPHABET)
    step: int = Field(default=4, gt=0)
    brackets: bool = True
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "HierarchicalCopy":
        stripped = re.sub(r"\s", "", self.tree)
        if not re.fullmatch(r"\[[A-Za-z\[\]]*\]", stripped) or not _balanced(stripped):
            raise ValueError(f"tree {self.tree!r}: write letters in one pair of brackets, such as [A [B C] D]")
        if not self.leaves:
            raise ValueError(f"tree {self.tree!r} has no leaves")
        asked = [at + self.step * (depth - 1) for at, depth in self.leaves]
        if len(set(asked)) < len(asked):
            raise ValueError(f"two leaves of {self.tree!r} are asked for at one position: take another step or tree")
        return self

    @property
    def layout(self) -> tuple[str, ...]:
        """What is read, symbol by symbol; brackets only where they are tokens."""
        return tuple(mark for mark in re.sub(r"\s", "", self.tree) if self.brackets or mark not in "[]")

    @property
    def leaves(self) -> tuple[tuple[int, int], ...]:
        """Position and depth of each leaf, in the order they are read."""
        found, depth, at = [], 0, 0
        for mark in re.sub(r"\s", "", self.tree):
            depth += {"[": 1, "]": -1}.get(mark, 0)
            if mark not in "[]":
                found.append((at, depth))
            at += 1 if self.brackets or mark not in "[]" else 0
        return tuple(found)

    @property
    def length(self) -> int:
        """To the end of the tree or the last answer, whichever is later."""
        return max(len(self.layout), *(at + self.step * (depth - 1) + 1 for at, depth in self.leaves))

    @property
    def chance(self) -> float:
        """Accuracy without memory: a leaf at depth 1 is the token at hand, any other one of `symbols`."""
        at_hand = sum(depth == 1 for _, depth in self.leaves)
        return (at_hand + (len(self.leaves) - at_hand) / self.symbols) / len(self.leaves)


class SelectiveCopying(Options):
    """`content` random symbols of `symbols` at random places among blanks, and at the end of `length` what is asked
    (Gu and Dao, 2023; Poli et al., 2024).

    ask "all": as many recall marks, for the symbols in their order. "one": a token that says which of them, counted
    from the first.
    """

    name: Literal["selective_copying"]
    symbols: int = Field(default=16, ge=SMALLEST_ALPHABET)
    content: int = Field(gt=0)
    length: int = Field(gt=0)
    ask: Literal["all", "one"] = "all"
    train: int = Field(gt=0)
    validation: int = Field(gt=0)
    test: int = Field(gt=0)

    @model_validator(mode="after")
    def _fits(self) -> "SelectiveCopying":
        needed = self.content + self.questions
        if self.length < needed:
            raise ValueError(f"{self.content} symbols and their recall need a length of at least {needed}")
        return self

    @property
    def questions(self) -> int:
        return self.content if self.ask == "all" else 1

    @property
    def chance(self) -> float:
        return 1 / self.symbols


def _balanced(marks: str) -> bool:
    """One pair of brackets around all the others."""
    depth = 0
    for place, mark in enumerate(marks):
        depth += {"[": 1, "]": -1}.get(mark, 0)
        if depth <= 0 and place < len(marks) - 1:
            return False
    return depth == 0
