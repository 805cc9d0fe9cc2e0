"""What stands around the statement: the word for the role, a label, remarks, remedies and brackets.

Text is left out only where it is recognised as one of these, and only if it holds nothing that could change the
reading; otherwise the criterion is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from proposals.natural.lexicon import PHRASES, REMARKS, REMEDIES
from proposals.natural.nouns import NOUNS
from proposals.natural.reading import Refused, Role
from proposals.natural.tokens import Token
from proposals.natural.words import word_set

_ROLE_WORDS: dict[str, Role] = {
    "kill": "kill", "killed": "kill", "abandon": "kill", "abandoned": "kill", "reject": "kill", "discard": "kill",
    "stop": "kill", "drop": "kill", "killing": "kill",
    "pause": "pause", "paused": "pause", "reconsider": "pause", "rethink": "pause", "park": "pause",
    "debug": "debug", "debugging": "debug", "investigate": "debug",
    "target": "target", "goal": "target",
    "expected": "expectation", "expectation": "expectation", "expect": "expectation",
    "sanity": "sanity", "control": "sanity", "guard": "guard", "guardrail": "guard",
    "diagnostic": "diagnostic", "diagnostics": "diagnostic",
}  # fmt: skip
_WRAPPING = word_set(
    "the a an idea hypothesis approach experiment mve proposal method this it we is are succeeds succeed works "
    "holds supported confirmed validated successful success fails fail failure refuted rejected considered "
    "call declare passes pass proceed go continue worth pursuing and then or be will count counts as criterion "
    "criteria if when project direction line work immediately hard soft first do not our should that check "
    "case in provided hold also scale to deeper whole all signal condition unless once primary secondary must "
    "have claim main result promising falsified dead over stands"
)
_HINGES = frozenset(("if", "when", "unless", "once", "provided"))
_CONTENT = frozenset("CGFTWNRPIZKDESJf~")
"""Kinds of phrase that say something: a remark must not hold any of them."""


Names = Callable[[list[Token]], bool]


@dataclass(frozen=True)
class Bracket:
    """Tokens inside a pair of round brackets, kept at the place where they stood."""

    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Trimmed:
    """`items`: the tokens of the statement, brackets folded. `negated` by "unless"."""

    items: tuple[Token | Bracket, ...]
    role: Role | None = None
    negated: bool = False


def trim(tokens: list[Token], names: Names) -> Trimmed:
    """`names`: does a variant's name begin with these tokens?"""
    items = _fold(tokens)
    role, negated, items = _lead(items)
    last, items = _tail(items)
    return Trimmed(tuple(_statement(items, names)), role or last, negated)


# -- brackets ------------------------------------------------------------------------------------------------


def _fold(tokens: list[Token]) -> list[Token | Bracket]:
    items: list[Token | Bracket] = []
    inside: list[Token] | None = None
    depth = 0
    for token in tokens:
        if token.text == "(" and token.kind == "sign":
            depth += 1
            if depth == 1:
                inside = []
                continue
        elif token.text == ")" and token.kind == "sign":
            depth -= 1
            if depth < 0:
                raise Refused("a bracket is closed that was not opened")
            if depth == 0:
                assert inside is not None
                items.append(Bracket(tuple(inside)))
                inside = None
                continue
        if inside is None:
            items.append(token)
        else:
            inside.append(token)
    if depth:
        raise Refused("a bracket is not closed")
    return items


# -- the head ------------------------------------------------------------------------------------------------


def _lead(items: list[Token | Bracket]) -> tuple[Role | None, bool, list[Token | Bracket]]:
    """`**Kill the idea if**: ...`, `The idea works if ...`, `Debug (lower lr before killing): ...`."""
    role: Role | None = None
    negated = False
    at = 0
    end = 0
    while at < len(items):
        item = items[at]
        if isinstance(item, Bracket):
            if at == 0 or not _remedy(list(item.tokens)):
                break
            at += 1
            continue
        if item.low in _ROLE_WORDS and (at == 0 or role is None):
            role = role or _ROLE_WORDS[item.low]
            at += 1
            end = at if at == 1 else end
        elif item.low in _HINGES:
            negated = item.low == "unless"
            at += 1
            end = at
            if at < len(items) and _text(items[at]) == ":":
                end = at + 1
            break
        elif item.text in (":", "—", "→") and at > 0:
            if role is None and not all(_text(i) in _WRAPPING for i in items[:at]):
                break
            at += 1
            end = at
            rest = [_text(i) for i in items[at : at + 8]]
            if rest and (rest[0] in _HINGES or (set(rest) & _HINGES and rest[0] in _WRAPPING)):
                continue
            break
        elif item.low in _WRAPPING or item.low in REMEDIES or item.text == ",":
            at += 1
        else:
            break
    if end == 1 and len(items) > 1 and role is not None and not _after_role(items[1]):
        return None, False, items
    if end and any(_text(i) in ("not", "don't", "never", "only") for i in items[:end]):
        raise Refused("a negation stands before the condition")
    if end == 0:
        return None, False, items
    if any(isinstance(i, Token) and i.kind == "number" for i in items[:end]):
        return None, False, items
    return role, negated, items[end:]


def _after_role(item: Token | Bracket) -> bool:
    """A role without a colon or an `if` is one only if the statement could not begin with it."""
    return isinstance(item, Token) and item.text in (":", "—")


def _text(item: Token | Bracket) -> str:
    return "()" if isinstance(item, Bracket) else item.low


def _tail(items: list[Token | Bracket]) -> tuple[Role | None, list[Token | Bracket]]:
    """`... → kill`, `unless ..., abandon`: the role behind the statement."""
    for at in range(len(items) - 1, max(len(items) - 8, 0), -1):
        item = items[at]
        if isinstance(item, Bracket):
            break
        if item.text in ("→", "—", ",") and item.kind == "sign":
            rest = [_text(i) for i in items[at + 1 :] if _text(i) != "."]
            if (
                rest
                and rest[0] in _ROLE_WORDS
                and set(rest) <= _WRAPPING | set(_ROLE_WORDS)
                and not set(rest) & {"not", "do"}
            ):
                return _ROLE_WORDS[rest[0]], items[:at]
            break
    return None, items


# -- labels, remarks, remedies -------------------------------------------------------------------------------


def _statement(items: list[Token | Bracket], names: Names) -> list[Token | Bracket]:
    """The one part between dashes, colons and full stops that says something."""
    parts = _parts(items)
    saying: list[list[Token | Bracket]] = []
    head: list[Token | Bracket] = []
    for sign, part in parts:
        words = [item for item in part if isinstance(item, Token)]
        if not part:
            continue
        if saying and _remedy(words) and sign in ("—", "→", ";", "."):
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
        elif _restricts(words):
            raise Refused(f"`{_quote(words)}` beside the statement was not understood")
    if len(saying) > 1:
        raise Refused("this holds several statements; write them as separate criteria")
    if not saying:
        # no statement here that could be misread: the forms will say what is missing
        return max((part for _, part in parts), key=len)
    if len(head) == 1 and (_text(head[0]),) in NOUNS and _has_noun(saying[0]):
        head = []  # "Speed: the forward pass ..."
    return [*head, *_without_remark(saying[0])]


def _is_bound(part: list[Token | Bracket]) -> bool:
    return isinstance(part[0], Token) and part[0].text in ("<", ">", "<=", ">=")


def _has_number(part: list[Token | Bracket]) -> bool:
    return any(isinstance(item, Token) and item.kind == "number" for item in part)


def _has_noun(part: list[Token | Bracket]) -> bool:
    lows = [item.low if isinstance(item, Token) else "()" for item in part]
    return any(tuple(lows[at : at + length]) in NOUNS for at in range(len(lows)) for length in (1, 2, 3))


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
            while before and _text(before[-1]) == ",":
                before = before[:-1]
            return before
    return part


_AFTER_COMMA = word_set("so which thus hence therefore otherwise")
_AS = word_set("expected predicted claimed hoped hypothesised hypothesized")


def _explains(part: list[Token | Bracket], at: int) -> bool:
    """Does an explanation begin here? `as` and `which` may also belong to the statement."""
    word = _text(part[at])
    if word == "as":
        return at + 1 < len(part) and _text(part[at + 1]) in _AS
    return word in REMARKS and (word not in _AFTER_COMMA or _text(part[at - 1]) == ",")


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


def _remedy(words: list[Token]) -> bool:
    return bool(words) and words[0].low in REMEDIES


def _quote(words: list[Token]) -> str:
    return " ".join(token.text for token in words[:8])
