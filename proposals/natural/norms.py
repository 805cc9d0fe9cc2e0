"""`$\\|a - b\\|_\\infty$` and `$\\|a - b\\|_F / \\|b\\|_F$`: an error written as a formula."""

from dataclasses import replace

from proposals.natural.tokens import Token
from proposals.natural.words import word_set

_LONGEST = 30
_MAXIMUM = word_set("inf infty infinity max")
_EUCLIDEAN = word_set("f 2 fro")
_BARS = ("‖", "|")


def fold_norms(tokens: list[Token]) -> list[Token]:
    """The tokens with such formulas replaced by the words `max error` and `relative error`."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        if tokens[at].text in _BARS or (tokens[at].text == "(" and _at(tokens, at + 1) in _BARS):
            folded = _error(tokens, at)
            if folded:
                end, words = folded
                if found and found[-1].low in ("error", "difference", "deviation", "distance"):
                    found.pop()  # "error $\\|a - b\\|_\\infty$" says it twice
                first = replace(tokens[at], kind="word", glued=False, sub=False, bold=False)
                found += [replace(first, text=word) for word in words]
                at = end
                continue
        found.append(tokens[at])
        at += 1
    return found


def _error(tokens: list[Token], at: int) -> tuple[int, tuple[str, str]] | None:
    top = _norm(tokens, at)
    if top is None or not top[2]:
        return None
    end, kind, _ = top
    if _at(tokens, end) == "/":
        bottom = _norm(tokens, end + 1)
        if bottom is None or bottom[2] or bottom[1] != kind:
            return None
        return bottom[0], ("relative", "error")
    return (end, ("max", "error")) if kind in _MAXIMUM else None


def _norm(tokens: list[Token], at: int) -> tuple[int, str, bool] | None:
    """End, kind of norm, and whether a difference stands inside; a fraction's brackets around it are passed over."""
    if _at(tokens, at) == "(":
        inside = _norm(tokens, at + 1)
        return (inside[0] + 1, *inside[1:]) if inside and _at(tokens, inside[0]) == ")" else None
    if _at(tokens, at) not in _BARS:
        return None
    difference = False
    for here in range(at + 1, min(at + _LONGEST, len(tokens))):
        text = tokens[here].text
        if text in _BARS:
            sub = tokens[here + 1] if here + 1 < len(tokens) else None
            if sub is None or not sub.sub or sub.low not in _MAXIMUM | _EUCLIDEAN:
                return None
            return here + 2, sub.low, difference
        if text in ("<", ">", "<=", ">=", ";"):
            return None
        difference = difference or (text in ("-", "—", "–") and tokens[here].kind == "sign")
    return None


def _at(tokens: list[Token], at: int) -> str:
    return tokens[at].text if at < len(tokens) else ""
