"""What is written to a terminal. Text of documents, of trainings and of other machines is shown there, never obeyed."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from proposals.words import harmless


class PlainConsole(Console):
    """A console that takes brackets in a text as brackets, and control characters only from itself."""

    def __init__(self, **given: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **given)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(harmless(segment.text), segment.style)
