"""The one part of a criterion that states something, among labels, remarks and remedies.

Text is left out only where it is recognised as one of these, and only if it holds nothing that could change the
reading; otherwise the criterion is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from proposals.natural.lexicon import PHRASES, REMARKS, REMEDIES
from proposals.natural.nouns import NOUNS
from proposals.natural.reading import Refused
from proposals.natural.tokens import Token
from proposals.natural.words import word_set

_CONTENT = frozenset("CGFTWNRPIZKDESJf~")
"""Kinds of phrase that say something: a remark must not hold any of them."""

Names = Callable[[list[Token]], bool]


@dataclass(frozen=True)
class Bracket:
    """Tokens inside a pair of round brackets, kept at the place where they stood."""

    tokens: tuple[Token, ...]


def text(item: Token | Bracket) -> str:
    return "()" if isinstance(item, Bracket) else item.low


def statement(items: list[Token | Bracket], names: Names) -> list[Token | Bracket]:
    """The one part between dashes, colons and full stops that says something."""
    parts = _parts(items)
    saying: list[list[Token | Bracket]] = []
    head: list[Token | Bracket] = []
    label: list[Token] = []
    for sign, part in parts:
        words = [item for item in part if isinstance(item, Token)]
        if not part:
            continue
        if saying and is_remedy(words) and sign in ("—", "→", ";", "."):
            continue
        if saying and _consequence(part, sign):
            if _restricts(words):
                raise Refused(f"`{_quote(words)}` behind the statement was not understood")
            continue
        if _says(part):
            if saying and sign == ";":
                saying[-1] += [replace(words[0], kind="sign", text=";"), *part] if words else part
                continue
            if saying and sign == ":" and _is_bound(part) and not _has_number(saying[-1]):
                saying[-1] += part  # "gap to the baseline: < 3%"
                continue
            saying.append(part)
        elif not saying and sign == "" and len(parts) > 1 and parts[1][0] == ":" and _is_subject(words, names):
            head = [*part]
        elif not saying:
            label = [*label, *words]
            if _restricts(words):
                raise Refused(f"`{_quote(words)}` before the statement was not understood")
        elif _restricts(words):
            raise Refused(f"`{_quote(words)}` beside the statement was not understood")
    if len(saying) > 1:
        raise Refused("this holds several statements; write them as separate criteria")
    if not saying:
        # no statement here that could be misread: the forms will say what is missing
        return max((part for _, part in parts), key=len)
    if label and not {token.low for token in label} <= _NEUTRAL and not _complete(saying[0]):
        raise Refused(f"which metric `{_quote(label)}` is, is not said")
    if len(head) == 1 and (text(head[0]),) in NOUNS and _has_noun(saying[0]):
        head = []  # "Speed: the forward pass ..."
    return [*head, *_without_remark(saying[0])]


def _is_bound(part: list[Token | Bracket]) -> bool:
    return isinstance(part[0], Token) and part[0].text in ("<", ">", "<=", ">=")


def _has_number(part: list[Token | Bracket]) -> bool:
    return any(isinstance(item, Token) and item.kind == "number" for item in part)


def _has_noun(part: list[Token | Bracket]) -> bool:
    lows = [item.low if isinstance(item, Token) else "()" for item in part]
    return any(tuple(lows[at : at + length]) in NOUNS for at in range(len(lows)) for length in (1, 2, 3))


_DENIALS = word_set("don't doesn't isn't aren't won't didn't wasn't cannot can't")


def _consequence(part: list[Token | Bracket], sign: str) -> bool:
    """`→ the gates do nothing`, `: the states don't help`: what the outcome would mean, without a number."""
    tokens = [item for item in part if isinstance(item, Token)]
    if len(tokens) < len(part) or _measures(tokens):
        return False
    if sign == "→":
        return True
    return sign in (":", "—") and not _says([token for token in part if text(token) not in _DENIALS])


def _measures(tokens: list[Token]) -> bool:
    """Does it hold a number, in digits or words, or a sign of comparison?"""
    return any(
        any(character.isdigit() for character in token.text)
        or token.low in _AMOUNTS
        or token.text in ("<", ">", "<=", ">=", "<<", ">>", "±", "~", "=")
        for token in tokens
    )


def _parts(items: list[Token | Bracket]) -> list[tuple[str, list[Token | Bracket]]]:
    parts: list[tuple[str, list[Token | Bracket]]] = [("", [])]
    for at, item in enumerate(items):
        last = at + 1 == len(items)
        if (
            isinstance(item, Token)
            and item.kind == "sign"
            and item.text in ("—", ":", ".", "→", ";", "?")
            and not (item.text == "—" and _between_numbers(items, at))
        ):
            if not last:
                parts.append((item.text, []))
        else:
            parts[-1][1].append(item)
    return parts


def _between_numbers(items: list[Token | Bracket], at: int) -> bool:
    around = items[at - 1 : at] + items[at + 1 : at + 2]
    return len(around) == 2 and all(isinstance(i, Token) and (i.kind == "number" or i.text == "%") for i in around)


def _without_remark(part: list[Token | Bracket]) -> list[Token | Bracket]:
    """Cuts `, because ...` and the like off the end."""
    for at, item in enumerate(part):
        if at and isinstance(item, Token) and _explains(part, at) and _says(part[:at]):
            rest = part[at:]
            if _says(rest) or _restricts([i for i in rest if isinstance(i, Token)]):
                raise Refused(f"the explanation after `{item.text}` holds a statement of its own")
            before = part[:at]
            while before and text(before[-1]) == ",":
                before = before[:-1]
            return before
    return part


_AFTER_COMMA = word_set("so which thus hence therefore otherwise")
_AS = word_set("expected predicted claimed hoped hypothesised hypothesized")


def _explains(part: list[Token | Bracket], at: int) -> bool:
    """Does an explanation begin here? `as` and `which` may also belong to the statement."""
    word = text(part[at])
    if word == "as":
        return at + 1 < len(part) and text(part[at + 1]) in _AS
    return word in REMARKS and (word not in _AFTER_COMMA or text(part[at - 1]) == ",")


def _says(part: list[Token | Bracket]) -> bool:
    """Does it hold a number, a comparison, a negation or an event?"""
    tokens = [item for item in part if isinstance(item, Token)]
    if any(token.kind == "number" or token.text in ("<", ">", "<=", ">=", "<<", ">>", "±", "~") for token in tokens):
        return True
    lows = [token.low for token in tokens]
    if any(character.isdigit() for low in lows for character in low) or set(lows) & _AMOUNTS:
        return True
    return any(
        tuple(lows[at : at + length]) in PHRASES and PHRASES[tuple(lows[at : at + length])][0] in _CONTENT
        for at in range(len(lows))
        for length in range(1, 5)
        if at + length <= len(lows)
    )


_AMOUNTS = word_set("twice half double thrice triple times points percent")
_SETTINGS = word_set(
    "after with without on at for in under using during across over per when where by from except including "
    "excluding up given once while"
)
"""A remark that begins with one of these is a setting in disguise."""


def _restricts(words: list[Token]) -> bool:
    """Words that would narrow the statement if they were read."""
    lows = {token.low for token in words}
    if words and words[0].low in _SETTINGS:
        return True
    return bool(
        lows & {"only", "all", "every", "any", "both", "each", "training", "validation", "test", "held",
        "except", "unless",
                "if", "when", "relative", "absolute", "averaged", "median", "worst", "best"}
    )  # fmt: skip


def _is_subject(words: list[Token], names: Names) -> bool:
    """A label that may be what the statement is about: a metric, or something that looks like a name."""
    lows = [token.low for token in words]
    if any(names(words[at:]) for at in range(len(words))):
        return True
    if not words or len(words) > 6:
        return False
    return any(tuple(lows[:length]) in NOUNS for length in range(1, len(lows) + 1)) or not _is_label(lows)


_NEUTRAL = word_set(
    "quality capacity recall primary secondary main core key criterion and the of must have target claim"
)
"""Labels that cannot be mistaken for the metric of a bound without a noun: unlike "Overhead: < 20%"."""


def _complete(part: list[Token | Bracket]) -> bool:
    """Does it bring its own noun, or a word that stands for one?"""
    lows = [item.low for item in part if isinstance(item, Token)]
    kinds = {PHRASES[(low,)][0] for low in lows if (low,) in PHRASES}
    return _has_noun(part) or bool(kinds & set("FEZD"))


_LABELS = word_set(
    "quality capacity recall speed efficiency stability accuracy generalization generalisation expressivity "
    "correctness primary secondary main core key mechanism numerics numerical cost learning separation "
    "discrimination extrapolation overhead retention training convergence criterion hypothesis claim minimum "
    "performance must have nice to result signal test scaling advantage benefit fidelity robustness "
    "optimization optimisation trainability structure agreement ordering margin headline bonus stretch and the "
    "of no gain state tracking memory compactness necessity sufficiency"
)  # fmt: skip


def _is_label(lows: list[str]) -> bool:
    """Plain words that name the point of a criterion, not its subject."""
    return all(low in _LABELS for low in lows)


def is_remedy(words: list[Token]) -> bool:
    return bool(words) and words[0].low in REMEDIES


def _quote(words: list[Token]) -> str:
    return " ".join(token.text for token in words[:8])
