"""What stands around the statement: brackets, and the word for the role before or behind it."""

from dataclasses import dataclass

from proposals.natural.lexicon import REMEDIES
from proposals.natural.parts import Bracket, Names, is_remedy, statement, text
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
    return Trimmed(tuple(statement(items, names)), role or last, negated)


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
            if at == 0 or not is_remedy(list(item.tokens)):
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
            if at < len(items) and text(items[at]) == ":":
                end = at + 1
            break
        elif item.text in (":", "—", "→") and at > 0:
            if role is None and not all(text(i) in _WRAPPING for i in items[:at]):
                break
            at += 1
            end = at
            rest = [text(i) for i in items[at : at + 8]]
            if rest and (rest[0] in _HINGES or (set(rest) & _HINGES and rest[0] in _WRAPPING)):
                continue
            break
        elif item.low in _WRAPPING or item.low in REMEDIES or item.text == ",":
            at += 1
        else:
            break
    if end == 1 and len(items) > 1 and role is not None and not _after_role(items[1]):
        return None, False, items
    if end and any(text(i) in ("not", "don't", "never", "only") for i in items[:end]):
        raise Refused("a negation stands before the condition")
    if end == 0:
        return None, False, items
    if any(isinstance(i, Token) and i.kind == "number" for i in items[:end]):
        return None, False, items
    return role, negated, items[end:]


def _after_role(item: Token | Bracket) -> bool:
    """A role without a colon or an `if` is one only if the statement could not begin with it."""
    return isinstance(item, Token) and item.text in (":", "—")


def _tail(items: list[Token | Bracket]) -> tuple[Role | None, list[Token | Bracket]]:
    """`... → kill`, `unless ..., abandon`: the role behind the statement."""
    for at in range(len(items) - 1, max(len(items) - 8, 0), -1):
        item = items[at]
        if isinstance(item, Bracket):
            break
        if item.text in ("→", "—", ",") and item.kind == "sign":
            rest = [text(i) for i in items[at + 1 :] if text(i) != "."]
            if (
                rest
                and rest[0] in _ROLE_WORDS
                and set(rest) <= _WRAPPING | set(_ROLE_WORDS)
                and not set(rest) & {"not", "do"}
            ):
                return _ROLE_WORDS[rest[0]], items[:at]
            break
    return None, items
