"""Phrases that look like bounds and are settings: `at $T = 512$`, "with 8 pairs", "for distances <= 16"."""

from proposals.natural.tokens import Token
from proposals.natural.words import word_set

Setting = str | int | float
Condition = tuple[str, Setting]

_PREPOSITIONS = word_set("at for with on when of after by where")
_SKIPPED = word_set("a an the sequence sequences context input inputs kv key value test tokens lengths all")
_KEYS = {
    "t": "length", "l": "length", "length": "length", "lengths": "length", "len": "length", "seqlen": "length",
    "tokens": "length", "pairs": "pairs", "pair": "pairs", "distance": "distance", "distances": "distance",
    "depth": "depth", "rank": "rank", "width": "width", "step": "step", "steps": "step", "epoch": "epoch",
    "epochs": "epoch", "compositions": "compositions", "hops": "hops", "delay": "delay", "delays": "delay",
    "states": "states", "gap": "delay", "chunks": "chunks", "vocabulary": "vocabulary",
}  # fmt: skip
_LETTERS = word_set("T L N d n r m C H k D B M G K Q")
_AFTER_NUMBER = word_set("tokens pairs steps step epochs epoch compositions hops states chunks")
_BOUNDS = ("<=", ">=", "<", ">")


def condition(tokens: list[Token], at: int, *, bare: bool = False) -> tuple[int, Condition] | None:
    """The setting that begins at the token `at` with its preposition; `bare`: without one, as inside a bracket."""
    here = at
    if not bare:
        if tokens[at].low not in _PREPOSITIONS:
            return None
        here += 1
    if here < len(tokens) and tokens[here].low in ("step", "steps", "epoch", "epochs"):
        return _numbered(tokens, at, here)
    while here < len(tokens) and tokens[here].low in _SKIPPED and tokens[here].kind == "word":
        here += 1
        if here < len(tokens) and tokens[here].low == "of":
            here += 1
    if here >= len(tokens):
        return None
    return _numbered(tokens, at, here) or _counted(tokens, at, here)


def _numbered(tokens: list[Token], at: int, here: int) -> tuple[int, Condition] | None:
    """`T = 512`, `length 512`, `length of 512`, `distances <= 16`."""
    key, after = _key(tokens, here)
    if key is None:
        return None
    sign = tokens[after].text if after < len(tokens) else ""
    if sign in ("=", *_BOUNDS) or sign == "of":
        after += 1
    elif tokens[here].text in _LETTERS:
        return None
    if after >= len(tokens) or tokens[after].kind != "number" or _measured(tokens, after + 1):
        return None
    last = after + 1
    while last < len(tokens) and tokens[last].low in ("kv", "key", "value"):
        last += 1
    if last < len(tokens) and tokens[last].low in _AFTER_NUMBER:
        counted = _KEYS[tokens[last].low]
        if tokens[here].text in _LETTERS and sign == "=":
            key, extra = counted, last + 1 - after  # `N = 8 pairs`
        elif counted == key:
            extra = last + 1 - after
        else:
            return None
    else:
        extra = 1
    number = _number(tokens[after].text)
    value: Setting = f"{sign} {number}" if sign in _BOUNDS else number
    return after + extra - at, (key, value)


def _counted(tokens: list[Token], at: int, here: int) -> tuple[int, Condition] | None:
    """`512 tokens`, `8 pairs`, `20 compositions`."""
    if tokens[here].kind != "number":
        return None
    after = here + 1
    while after < len(tokens) and tokens[after].low in ("kv", "key", "value", "training", "optimiser", "/"):
        after += 1
    if after >= len(tokens) or tokens[after].low not in _AFTER_NUMBER:
        return None
    return after + 1 - at, (_KEYS[tokens[after].low], _number(tokens[here].text))


def _key(tokens: list[Token], here: int) -> tuple[str | None, int]:
    token = tokens[here]
    two = "".join(t.low for t in tokens[here : here + 2])
    if two in ("seqlen", "seqlength", "sequencelength", "contextlength"):
        return "length", here + 2
    if token.text in ("T", "L"):
        return "length", here + 1
    if token.text in _LETTERS:
        return token.text, here + 1
    if len(token.low) > 1 and token.low in _KEYS:
        return _KEYS[token.low], here + 1
    return None, here


def _measured(tokens: list[Token], after: int) -> bool:
    """A number with a unit of measurement is a bound, not a setting."""
    return after < len(tokens) and tokens[after].low in ("%", "×", "x", "times", "points", "pp", "ms", "–", "/", "^")


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value == int(value) else value


def span(tokens: list[Token], at: int) -> tuple[int, Condition, Condition] | None:
    """`from T=128 to T=512`, `between length 128 and length 512`."""
    if tokens[at].low not in ("from", "between"):
        return None
    first = _bare(tokens, at + 1)
    if first is None:
        return None
    middle = at + 1 + first[0]
    if middle >= len(tokens) or tokens[middle].low not in ("to", "and"):
        return None
    second = _bare(tokens, middle + 1)
    if second is None and middle + 1 < len(tokens) and tokens[middle + 1].kind == "number":
        # `from T = 128 to 512`
        if _measured(tokens, middle + 2):
            return None
        second = (1, (first[1][0], _number(tokens[middle + 1].text)))
    if second is None or first[1][0] != second[1][0] or first[1] == second[1]:
        return None
    return middle + 1 + second[0] - at, first[1], second[1]


def _bare(tokens: list[Token], at: int) -> tuple[int, Condition] | None:
    return condition(tokens, at, bare=True) if at < len(tokens) else None
