"""Text -> surface tree: what the author wrote, with units, aliases and quantifiers still in it.

Lark's LALR parser builds it bottom-up, so no text can exhaust the stack; what is too long or too deep is
refused.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from proposals.errors import ProposalError
from proposals.language.names import nearest
from proposals.language.source import Source

LONGEST = 10_000
"""Characters of a criterion, as written and in canonical form."""
DEEPEST = 60
"""Nested operations, parentheses not counted."""

FUNCTIONS = ("all", "any", "best", "max", "min", "abs")
UNIT_LIST = "% pp x ms s us min h B KB MB GB KiB MiB GiB $ tok/s /s"


@dataclass(frozen=True)
class Surface:
    at: int
    """Position of the character that an error about this node points at."""
    depth: int = field(kw_only=True, default=1)


@dataclass(frozen=True)
class Literal(Surface):
    digits: str
    unit: str
    """Empty for a plain number."""


@dataclass(frozen=True)
class Setting:
    at: int
    name: str
    value: str | int | float


@dataclass(frozen=True)
class Path(Surface):
    """`variant.metric[settings]`; `metric` None: a single name, of a metric or of a variant."""

    name: str
    metric: Token | None
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Invocation(Surface):
    """`function(arguments).metric[settings]`; `arguments` None stands for `*`."""

    function: str
    arguments: tuple[Surface, ...] | None
    metric: Token | None
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Binary(Surface):
    operator: str
    left: Surface
    right: Surface


@dataclass(frozen=True)
class Minus(Surface):
    operand: Surface


@dataclass(frozen=True)
class Chain(Surface):
    operands: tuple[Surface, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True)
class Within(Surface):
    value: Surface
    low: Surface
    high: Surface


@dataclass(frozen=True)
class Speed(Surface):
    """`left operator amount faster than right`; without `operator` the amount is exceeded."""

    left: Surface
    operator: str | None
    amount: Surface | None
    word: str
    right: Surface


@dataclass(frozen=True)
class Junction(Surface):
    word: str
    items: tuple[Surface, ...]


@dataclass(frozen=True)
class Negated(Surface):
    item: Surface


def parse(source: Source) -> Surface:
    """Raises ProposalError where the text is no sentence of the language."""
    text = source.text
    if len(text) > LONGEST:
        raise source.error(
            LONGEST,
            f"this criterion has {len(text)} characters, more than {LONGEST}",
            "Split it into several criteria",
        )
    if not text.strip():
        raise source.error(0, "there is no criterion here", "Write one such as `variant.test_accuracy > 80%`")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as fault:
        raise _explained(fault, source) from None
    assert isinstance(tree, Surface)
    if tree.depth > DEEPEST:
        raise source.error(
            tree.at, f"this criterion nests more than {DEEPEST} operations", "Split it into several criteria"
        )
    return tree


@cache
def _parser() -> Lark:
    grammar = files("proposals.language").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Build())


def _depth(*children: Surface) -> int:
    return 1 + max((child.depth for child in children), default=0)


_PLAIN_OPERATORS = {"≥": ">=", "≤": "<=", "−": "-", "–": "-", "×": "*", "·": "*"}


def _operator(token: Token) -> str:
    return _PLAIN_OPERATORS.get(str(token), str(token))


def _at(token: Token) -> int:
    assert token.start_pos is not None
    return token.start_pos


def _name(token: Token) -> str:
    return token[1:-1] if token.type == "STRING" else str(token)


@v_args(inline=True)
class _Build(Transformer[Token, Surface]):
    """One method for each rule of the grammar that makes a node."""

    def either(self, *items: Surface) -> Surface:
        return Junction(items[0].at, "or", items, depth=_depth(*items))

    def both(self, *items: Surface) -> Surface:
        return Junction(items[0].at, "and", items, depth=_depth(*items))

    def negated(self, word: Token, item: Surface) -> Surface:
        return Negated(_at(word), item, depth=_depth(item))

    def chain(self, *parts: Any) -> Surface:
        operands = parts[::2]
        return Chain(_at(parts[1]), operands, tuple(map(_operator, parts[1::2])), depth=_depth(*operands))

    def within(self, value: Surface, low: Surface, high: Surface) -> Surface:
        return Within(low.at, value, low, high, depth=_depth(value, low, high))

    def equals_range(self, value: Surface, _: Token, low: Surface, high: Surface) -> Surface:
        return self.within(value, low, high)

    def speed(self, left: Surface, word: Token, right: Surface) -> Surface:
        return Speed(_at(word), left, None, None, str(word), right, depth=1 + _depth(left, right))

    def speed_by(self, left: Surface, amount: Surface, word: Token, right: Surface) -> Surface:
        return Speed(_at(word), left, None, amount, str(word), right, depth=1 + _depth(left, right))

    def speed_compared(self, left: Surface, operator: Token, amount: Surface, word: Token, right: Surface) -> Surface:
        return Speed(
            _at(word),
            left,
            _operator(operator),
            amount,
            str(word),
            right,
            depth=1 + _depth(left, amount, right),
        )

    def binary(self, left: Surface, operator: Token, right: Surface) -> Surface:
        return Binary(_at(operator), _operator(operator), left, right, depth=_depth(left, right))

    def scaled(self, number: Token, times: Token, operand: Surface) -> Surface:
        return Binary(_at(times), "*", Literal(_at(number), str(number), "x"), operand, depth=_depth(operand))

    def minus(self, sign: Token, operand: Surface) -> Surface:
        return Minus(_at(sign), operand, depth=_depth(operand))

    def amount(self, number: Token, unit: Token | None = None) -> Surface:
        written = "" if unit is None else str(unit)
        return Literal(_at(number), str(number), "x" if written == "×" else written)

    def dollars_first(self, sign: Token, number: Token) -> Surface:
        return Literal(_at(sign), str(number), "$")

    def bare(self, name: Token) -> Surface:
        return Path(_at(name), _name(name), None, ())

    def bare_under(self, name: Token, settings: tuple[Setting, ...]) -> Surface:
        return Path(_at(name), _name(name), None, settings)

    def dotted(self, name: Token, metric: Token, settings: tuple[Setting, ...] | None) -> Surface:
        return Path(_at(name), _name(name), metric, settings or ())

    def setting(self, *pairs: Setting) -> tuple[Setting, ...]:
        return pairs

    def pair(self, name: Token, value: Token) -> Setting:
        if value.type != "NUMBER":
            return Setting(_at(name), str(name), _name(value))
        whole = value.replace("_", "").isdigit() and len(value) <= 15
        return Setting(_at(name), str(name), int(value) if whole else float(value))

    def negative_pair(self, name: Token, _: Token, value: Token) -> Setting:
        positive = self.pair(name, value).value
        assert not isinstance(positive, str)
        return Setting(_at(name), str(name), -positive)

    def call(self, function: Token, arguments: tuple[Surface, ...] | None) -> Surface:
        return self.call_of(function, arguments, None, None)

    def call_of(
        self,
        function: Token,
        arguments: tuple[Surface, ...] | None,
        metric: Token | None,
        settings: tuple[Setting, ...] | None,
    ) -> Surface:
        return Invocation(
            _at(function), str(function), arguments, metric, settings or (), depth=_depth(*(arguments or ()))
        )

    def everything(self, _: Token) -> None:
        return None

    def arguments(self, *items: Surface) -> tuple[Surface, ...]:
        return items


# -- what went wrong, in words -----------------------------------------------------------------------------

_WORDS = (
    ({"NAME"}, "a metric such as `variant.test_accuracy`, or a number"),
    ({"COMPARATOR"}, "a comparison (> >= < <= == in)"),
    ({"PLUS"}, "an operator (+ - * /)"),
    ({"UNIT"}, f"a unit ({UNIT_LIST})"),
    ({"_DOTS"}, "`..` and the end of the range"),
    ({"_OR"}, "`and` or `or`"),
    ({"_THAN"}, "`than`"),
    ({"RPAR"}, "`)`"),
    ({"LPAR"}, "`(`"),
    ({"COMMA"}, "`,`"),
    ({"RSQB"}, "`]`"),
    ({"__EQUAL0", "EQUALS"}, "`=`"),
    ({"$END"}, "the end"),
)


def _explained(fault: UnexpectedInput, source: Source) -> ProposalError:
    text = source.text
    expected: set[str] = set()
    if isinstance(fault, UnexpectedToken):
        expected = set(fault.accepts or fault.expected)
        if fault.token.type == "$END":
            return source.error(len(text.rstrip()), "the criterion ends too early", _expected(expected))
        at, found = _at(fault.token), str(fault.token)
    else:
        assert isinstance(fault, UnexpectedCharacters)
        at = fault.pos_in_stream or 0
        found = text[at]
        expected = set(fault.allowed or ())
    before = text[max(0, at - 100) : at].rstrip()
    after_number = re.search(r"(?<![\w.])[0-9][0-9_.]*$", before)
    word = re.search(r"[^\W\d]\w*$", before)
    if text[at : at + 2] != "==" and (found == "=" or text[at : at + 2] in {"=<", "=>"}):
        return source.error(at, "`=` is no comparison", "Write `==` for equal, `<=` or `>=` for a bound")
    if found == "!":
        return source.error(at, "`!` is no operator", "Write `not (a == b)`")
    if found == "(" and word:
        close = nearest(word[0], FUNCTIONS)
        guess = f"Did you mean `{close}`? " if close else ""
        return source.error(
            text.rindex(word[0], 0, at),
            f"`{_short(word[0])}` is no function",
            f"{guess}Known: {', '.join(FUNCTIONS)}",
        )
    if after_number and found[:1].isalpha():
        return source.error(at, f"`{_short(found)}` is no unit", f"Known units: {UNIT_LIST}")
    if after_number and found == ",":
        return source.error(at, "a comma cannot stand in a number", "Write 1000 or 1_000")
    return source.error(at, f"`{_short(found)}` cannot stand here", _expected(expected))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."


def _expected(terminals: set[str]) -> str:
    words = [words for names, words in _WORDS if names & terminals]
    return "Expected " + ("; or ".join(words) if words else "a comparison such as `variant.test_accuracy > 80%`")
