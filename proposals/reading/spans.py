"""Code spans of a paragraph, and which of them are criteria rather than names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from proposals.reading.blocks import Fragment


@dataclass(frozen=True)
class CodeSpan:
    fragment: Fragment
    start: int
    """Of the content, in the fragment's text."""
    content: str
    first: int = 0
    """Of the opening backticks."""


_TICKS = re.compile(r"(?<!`)(`+)(?!`)")


def code_spans(fragment: Fragment) -> Iterator[CodeSpan]:
    """As CommonMark has them: closed by as many backticks as opened it."""
    text = fragment.text
    if "`" not in text:
        return
    runs = [(match.start(), len(match[1])) for match in _TICKS.finditer(text)]
    following: dict[int, list[int]] = {}
    for start, length in reversed(runs):
        following.setdefault(length, []).append(start)
    after = 0
    for start, length in runs:
        later = following[length]
        while later and later[-1] <= start:
            later.pop()
        if start < after or not later or (start > 0 and text[start - 1] == "\\"):
            continue
        inner, end = start + length, later[-1]
        content = text[inner:end]
        if content[:1] == content[-1:] == " " and content.strip():
            content, inner = content[1:-1], inner + 1
        yield CodeSpan(fragment, inner, content, start)
        after = end + length


_COMPARES = re.compile(r"""(?<![-=])(?:<=|>=|<|>|≤|≥|==)(?!-)|\s(?:in|faster|slower)\s""")
_EVENT = re.compile(r"\s*(?:not\s+)?[\w\"'().*, -]*\b(?:diverged|nan_count)\)*\s*$")
_ASSIGNS = re.compile(r"(?<!\w)[^\W\d]\w*\.[^\W\d]\w*(?:\[[^\]]{0,200}\])?\s*[=!]")
_REFERS = re.compile(r"""(?:[^\W\d]\w*|["')*])\.[^\W\d]\w*""")


def formal_spans(fragments: list[Fragment], loosely: bool = True) -> list[CodeSpan]:
    """Those that compare something. Where nobody wrote a setup (not `loosely`), a span such as `loss < 3` is
    natural notation in code type; only `variant.metric` shows that our language is meant."""
    return [
        span
        for fragment in fragments
        for span in code_spans(fragment)
        if looks_formal(span.content) and (loosely or _REFERS.search(span.content[:20_000]))
    ]


def looks_formal(content: str) -> bool:
    """Does it compare something, or name an event? `layout: spread` and `log_linear` are mere names."""
    content = content[:20_000]
    for match in _COMPARES.finditer(content):
        if content[: match.start()].strip() and content[match.end() :].strip():
            return True
    return bool((len(content) < 500 and _EVENT.match(content)) or _ASSIGNS.search(content))
