"""Tokens -> chunks: what each phrase says, by longest match. Nothing is dropped but fillers, tasks and devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from proposals.natural.lexicon import FILLERS, HARDWARE, NUMBER_WORDS, PHRASES, POSTFIX, TASKS
from proposals.natural.names import Scope, Subject
from proposals.natural.nouns import DOUBTFUL, HEADS, NOUNS
from proposals.natural.reading import Refused
from proposals.natural.tokens import Token
from proposals.natural.words import word_set


@dataclass(frozen=True)
class Quantity:
    """`unit` as the criterion language writes it, or `steps`, `epochs`."""

    value: Decimal
    unit: str = ""


@dataclass(frozen=True)
class Chunk:
    """`letter` is the kind (see lexicon), `value` what it says, `first` and `last` its tokens."""

    letter: str
    value: Any
    tokens: tuple[Token, ...] = ()


@dataclass
class Notes:
    """What was left out or assumed on the way; it lowers the confidence and is told."""

    assumed: list[str] = field(default_factory=list)
    tasks: list[list[Token]] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    training: bool = False
    """The word stands alone, so that an accuracy beside it may be the training accuracy."""
    described: bool = False
    """A pattern of sparsity was passed over, which a variant has to bear."""


_UNITS: Mapping[tuple[str, ...], str] = {
    tuple(words.split()): unit
    for unit, spellings in {
        "%": "%; percent; per cent",
        "pp": "pp; % points; percentage points; percentage point; percent points; points; point; pts; pt; pps",
        "x": "x; ×; times; fold; -fold",
        "us": "us; µs; microseconds; mus; mu s", "ms": "ms; milliseconds; msec",
        "s": "s; sec; secs; seconds; second", "min": "min; mins; minutes; minute", "h": "h; hours; hour; hrs",
        "KB": "kb; kilobytes", "MB": "mb; megabytes", "GB": "gb; gigabytes", "KiB": "kib", "MiB": "mib", "GiB": "gib",
        "B": "bytes; byte", "$": "$; dollars; usd; dollar",
        "tok/s": "tok / s; tokens / s; tokens per second; tok per second; tokens / sec; tok / sec",
        "steps": "steps; step; optimiser steps; optimizer steps; training steps; iterations; updates; gradient steps",
        "epochs": "epochs; epoch",
    }.items()
    for words in spellings.split("; ")
}  # fmt: skip
_TASK_NOUNS = word_set("task tasks benchmark problem test")
_ARTICLES = word_set("the a an this one")


def chunk(tokens: list[Token], scope: Scope, notes: Notes) -> list[Chunk]:
    found: list[Chunk] = []
    at = 0
    while at < len(tokens):
        length, piece = _next(tokens, at, scope, notes)
        if (
            piece is None
            and length == 1
            and scope.names_a_model(tokens[at])
            and found
            and _ends_at(found[-1], tokens[at])
        ):
            piece = Chunk("U", tokens[at].text)  # "the diagonal baseline"
        if piece is not None:
            found.append(Chunk(piece.letter, piece.value, tuple(tokens[at : at + length])))
        at += length
    return _bands(_own_metrics(found, scope))


def _next(tokens: list[Token], at: int, scope: Scope, notes: Notes) -> tuple[int, Chunk | None]:
    named = scope.match(tokens, at)
    phrase = _phrase(tokens, at)
    if named and named[0] >= (phrase[0] if phrase else 0):
        return named[0], Chunk("V", named[1])
    if quantity := _quantity(tokens, at):
        return quantity[0], Chunk("Q", quantity[1])
    if seeds := _seeds(tokens, at, notes):
        return seeds, None
    if (harvested := scope.symbol(tokens, at)) and not phrase:
        return harvested[0], Chunk("V", harvested[1])
    token = tokens[at]
    if (sparse := _sparsity(tokens, at)) > 0:
        notes.described = True
        return sparse, None
    if token.low in TASKS and not (phrase and phrase[0] > 1):
        if notes.tasks and at and notes.tasks[-1][-1] is tokens[at - 1]:
            notes.tasks[-1].append(token)
        else:
            notes.tasks.append([token])
        return 1, None
    if phrase:
        length, letter, value = phrase
        if letter == "M":
            doubt = DOUBTFUL.get(tuple(t.low for t in tokens[at : at + length]))
            if doubt and doubt not in notes.assumed:
                notes.assumed.append(doubt)
        return length, None if letter == " " else Chunk(letter, value)
    if token.low in HARDWARE and not token.bold:
        notes.devices.add(token.low)
        return 1, None
    if token.low in FILLERS:
        notes.training = notes.training or token.low in ("training", "train")
        return 1, None
    letter = "U" if token.kind in ("word", "other") else "‖" if token.text == "|" else token.text
    return 1, Chunk(letter if len(letter) == 1 else "U", token.text)


def _sparsity(tokens: list[Token], at: int) -> int:
    """Tokens of `2:4 sparse weights`: a decoy, not a bound."""
    if ":" not in tokens[at].text or tokens[at].kind != "word":
        return 0
    words = [token.low for token in tokens[at + 1 : at + 4]]
    length = next((n for n, word in enumerate(words, 1) if word in ("sparse", "sparsity")), 0)
    if not length or set(words[: length - 1]) - {"structured"}:
        return 0
    return 1 + length + (words[length : length + 1] in (["weights"], ["projections"], ["matrices"], ["layers"]))


def _phrase(tokens: list[Token], at: int) -> tuple[int, str, str] | None:
    """The longest noun or phrase that begins here. Articles inside a phrase do not count."""
    words: list[str] = []
    best: tuple[int, str, str] | None = None
    for here in range(at, min(at + 10, len(tokens))):
        low = tokens[here].low
        if tokens[here].sub and here > at:
            break
        if low in _ARTICLES and words and (*words, low) not in _PREFIXES:
            continue
        words.append(low)
        key = tuple(words)
        if key not in _PREFIXES:
            break
        if key in NOUNS:
            best = (here - at + 1, "M", NOUNS[key])
        elif key in POSTFIX:
            best = (here - at + 1, "p", POSTFIX[key])
        elif key in PHRASES:
            best = (here - at + 1, *PHRASES[key])
    return best


_PREFIXES = frozenset(
    key[:length] for table in (NOUNS, PHRASES, POSTFIX) for key in table for length in range(1, len(key) + 1)
)


# -- numbers -------------------------------------------------------------------------------------------------


def _quantity(tokens: list[Token], at: int) -> tuple[int, Quantity] | None:
    token = tokens[at]
    if token.text == "$" and at + 1 < len(tokens) and tokens[at + 1].kind == "number":
        return 2, Quantity(Decimal(tokens[at + 1].text), "$")
    if token.low == "twice":
        return 1, Quantity(Decimal(2), "x")
    if token.kind == "number" and not token.sub:
        value = Decimal(token.text)
    elif token.low in NUMBER_WORDS and at + 1 < len(tokens) and tokens[at + 1].low in ("times", "points", "fold"):
        value = Decimal(NUMBER_WORDS[token.low])
    else:
        return None
    for length in (3, 2, 1):
        unit = _UNITS.get(tuple(t.low for t in tokens[at + 1 : at + 1 + length]))
        if unit is not None:
            return 1 + length, Quantity(value, unit)
    return 1, Quantity(value)


def _bands(chunks: list[Chunk]) -> list[Chunk]:
    """`60-70%`, `60% to 70%`, `between 60% and 70%`, `[0.6, 0.7]`, `50% ± 5%`."""
    found: list[Chunk] = []
    at = 0
    while at < len(chunks):
        letters = "".join(c.letter if len(c.letter) == 1 else "?" for c in chunks[at : at + 5])
        here = chunks[at : at + 5]
        if letters.startswith(("Q–Q", "Q…Q", "Q—Q", "Q-Q")):
            found.append(Chunk("B", _band(here[0].value, here[2].value), _span(here[:3])))
            at += 3
        elif letters.startswith("Q±Q"):
            found.append(Chunk("±", (here[0].value, here[2].value), _span(here[:3])))
            at += 3
        elif letters[:1] == "v" and here[0].tokens[0].low == "between" and letters[1:4] == "Q&Q":
            found.append(Chunk("B", _band(here[1].value, here[3].value), _span(here[:4])))
            at += 4
        elif letters == "[Q,Q]":
            found.append(Chunk("B", _band(here[1].value, here[3].value), _span(here)))
            at += 5
        else:
            alone = letters[:1] == "±" and isinstance(here[0].value, str)  # a tolerance of nothing
            found.append(Chunk("U", here[0].value, here[0].tokens) if alone else here[0])
            at += 1
    return found


def _band(low: Quantity, high: Quantity) -> tuple[Quantity, Quantity]:
    unit = high.unit or low.unit
    if low.unit not in ("", unit) or (low.unit and not high.unit) or low.value >= high.value:
        raise Refused(f"{low.value}{low.unit} to {high.value}{high.unit} is no range", "band")
    return Quantity(low.value, unit), Quantity(high.value, unit)


def _span(chunks: list[Chunk]) -> tuple[Token, ...]:
    return tuple(token for piece in chunks for token in piece.tokens)


def _seeds(tokens: list[Token], at: int, notes: Notes) -> int:
    """Tokens of "averaged over 5 seeds", which is what every criterion means anyway."""
    words = [t.low for t in tokens[at : at + 6]]
    if "seeds" not in words and "seed" not in words:
        return 0
    end = (words.index("seeds") if "seeds" in words else words.index("seed")) + 1
    inside = [w for w in words[: end - 1] if tokens[at + words.index(w)].kind != "number"]
    if {"all", "every", "each", "any", "both"} & set(inside):
        raise Refused("how many seeds must agree is said in the setup (`seeds:`), not in a criterion")
    if inside and set(inside) <= {"mean", "average", "averaged", "over", "across", "of", "on", "the", "with", "random"}:
        return end
    return 0


# -- own metrics ---------------------------------------------------------------------------------------------


def _own_metrics(chunks: list[Chunk], scope: Scope) -> list[Chunk]:
    """`matmul fraction`: unknown words before one of the heads of a diagnostic."""
    found: list[Chunk] = []
    run: list[Chunk] = []
    for piece in [*chunks, Chunk("end", None)]:
        if piece.letter == "U" and (not run or _adjacent(run[-1], piece)):
            run.append(piece)
            continue
        found += _run(run, scope)
        run = [piece] if piece.letter == "U" else []
        if piece.letter not in ("U", "end"):
            found.append(piece)
    return found


_NOT_OWN = word_set("error loss accuracy success failure hit win speed memory cost time seed")
"""Words of metrics that are common, or would have to be defined: no new name is made of them."""


def _run(run: list[Chunk], scope: Scope) -> list[Chunk]:
    words = [token for piece in run for token in piece.tokens]
    plain = all(t.kind == "word" and t.text.isascii() and not t.bold and t.low.isidentifier() for t in words)
    if (
        2 <= len(words) <= 4
        and not {t.low for t in words} & _NOT_OWN
        and plain
        and words[-1].low in HEADS
        and all(t.text[1:].islower() for t in words)
    ):
        return [Chunk("M", "@own:" + "_".join(t.low for t in words), tuple(words))]
    subject: Subject | None = scope.harvest(words) if words else None
    return [Chunk("V", subject, tuple(words))] if subject else run


def _ends_at(piece: Chunk, token: Token) -> bool:
    return piece.letter == "U" and token.start - piece.tokens[-1].end <= 2


def _adjacent(left: Chunk, right: Chunk) -> bool:
    return right.tokens[0].start - left.tokens[-1].end <= 4
