"""Surface tree -> canonical tree: names looked up, units gone, quantifiers and `faster` written out."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Literal, cast

from models.metrics import EVENT_METRICS
from proposals.language import dimensions
from proposals.language import surface as written
from proposals.language.dimensions import Dimension
from proposals.language.expressions import (
    And,
    Arithmetic,
    ArithmeticOperator,
    Call,
    Comparison,
    ComparisonOperator,
    Condition,
    Event,
    MetricRef,
    Negative,
    Not,
    Number,
    Or,
    Value,
    metrics_in,
)
from proposals.language.lookup import Lookup
from proposals.language.names import Names
from proposals.language.source import Source
from proposals.language.surface import Surface

MOST_COMPARISONS = 500
"""That one criterion may become when its quantifiers are written out."""

Function = Literal["max", "min", "abs"]
Chosen = Mapping[int, str]
"""Variant that an `all` or `any` stands for at the moment, by the position of the quantifier."""

_CONDITIONS = (written.Chain, written.Within, written.Speed, written.Junction, written.Negated)


class Resolver:
    """Resolves the tree of one text."""

    def __init__(self, source: Source, names: Names) -> None:
        self.source = source
        self.names = names
        self.lookup = Lookup(source, names)
        self.comparisons = 0

    # -- conditions ----------------------------------------------------------------------------------------

    def condition(self, node: Surface) -> Condition:
        match node:
            case written.Junction(_, word, items):
                return _junction(word, [self.condition(item) for item in items])
            case written.Negated(_, item):
                return Not(self.condition(item))
            case written.Chain() | written.Within() | written.Speed():
                return self._written_out(node, _quantifiers(node), {})
            case written.Invocation(_, "all" | "any" as word, items, None, _) if items is not None:
                if all(isinstance(item, written.Path) and item.metric is None for item in items):
                    self.lookup.variants(node)  # a wrong name is the likelier mistake
                    raise self.source.error(
                        node.at,
                        f"`{word}(...)` of variants says nothing of what is measured",
                        "Add a metric and a comparison: `all(a, b).nan_count == 0`",
                    )
                return _junction("and" if word == "all" else "or", [self.condition(item) for item in items])
            case written.Invocation(_, "all" | "any" as word, _, metric, _) if metric is not None:
                refs = self.lookup.references(node)
                return _junction("and" if word == "all" else "or", [self._event(node, ref) for ref in refs])
            case written.Path():
                return self._event(node, self.lookup.path(node))
            case _:
                raise self.source.error(
                    node.at, "this is a number, not a condition", "Compare it with something: `... > 80%`"
                )

    def _event(self, node: Surface, ref: MetricRef) -> Event:
        if self.names.metrics[ref.metric].unit != "event" and ref.metric not in EVENT_METRICS:
            raise self.source.error(
                node.at,
                f"`{ref.metric}` is a number, not an event",
                f"Compare it with something: `{ref.variant}.{ref.metric} > ...`",
            )
        return Event(ref)

    def _written_out(self, node: Surface, quantifiers: Sequence[written.Invocation], chosen: Chosen) -> Condition:
        """`all` and `any` inside a comparison repeat the whole comparison; the leftmost is the outermost."""
        if not quantifiers:
            self.comparisons += 1
            if self.comparisons > MOST_COMPARISONS:
                raise self.source.error(
                    node.at,
                    f"written out, this criterion has more than {MOST_COMPARISONS} comparisons",
                    "Split it into several criteria",
                )
            return self._comparison(node, chosen)
        first, *others = quantifiers
        items = [
            self._written_out(node, others, {**chosen, first.at: variant}) for variant in self.lookup.variants(first)
        ]
        return _junction("and" if first.function == "all" else "or", items)

    def _comparison(self, node: Surface, chosen: Chosen) -> Condition:
        match node:
            case written.Chain(_, operands, operators):
                return self._compared(node, operands, operators, chosen)
            case written.Within(_, value, low, high):
                comparison = self._compared(node, (low, value, high), ("<=", "<="), chosen)
                bottom, top = comparison.operands[0], comparison.operands[2]
                if isinstance(bottom, Number) and isinstance(top, Number) and bottom.value > top.value:
                    raise self.source.error(
                        low.at, "this range ends below its beginning", "Write the smaller number first"
                    )
                return comparison
            case written.Speed():
                return self._speed(node, chosen)
            case _:
                raise AssertionError(node)

    def _compared(
        self, node: Surface, operands: Sequence[Surface], operators: Sequence[str], chosen: Chosen
    ) -> Comparison:
        sides = [self.value(operand, chosen) for operand in operands]
        common = sides[0][1]
        for (_, dimension), operand in zip(sides[1:], operands[1:], strict=True):
            together = dimensions.joined(common, dimension)
            if together is None:
                raise self.source.error(
                    operand.at, f"{common} cannot be compared with {dimension}", _remedy(common, dimension)
                )
            common = together
        if common.literal:
            raise self.source.error(
                node.at, "this comparison reads no metric", "Compare a metric: `variant.metric > ...`"
            )
        self._possible(operands, [value for value, _ in sides], [dimension for _, dimension in sides])
        comparison = Comparison(
            tuple(value for value, _ in sides), cast("tuple[ComparisonOperator, ...]", tuple(operators))
        )
        for left, right in pairwise(comparison.operands):
            self._not_itself(node, left, right)
        return comparison

    def _not_itself(self, node: Surface, left: Value, right: Value) -> None:
        if left == right:
            raise self.source.error(node.at, "this compares a value with itself", "Name the other variant or metric")

    def _possible(self, operands: Sequence[Surface], values: Sequence[Value], dims: Sequence[Dimension]) -> None:
        """A fraction is compared with numbers from 0 to 1, a difference of fractions with -1 to 1."""
        level = any(self._is_fraction(value) for value in values)
        difference = any(
            dimension.kind == "points" and isinstance(value, Arithmetic)
            and self._is_fraction(value.left) and self._is_fraction(value.right)
            for value, dimension in zip(values, dims, strict=True)
        )  # fmt: skip
        if not (level or difference):
            return
        lowest, unit, what = (
            (0.0, "%", "a fraction lies between 0 and 1")
            if level
            else (-1.0, " pp", "a difference of fractions lies between -1 and 1")
        )
        for operand, value in zip(operands, values, strict=True):
            if isinstance(value, Number) and not lowest <= value.value <= 1:
                plain = isinstance(operand, written.Literal) and not operand.unit
                remedy = f"Did you mean {value.value:g}{unit}?" if plain else "Write what it can reach"
                raise self.source.error(operand.at, f"{what}, and this is {value.value:g}", remedy)

    def _is_fraction(self, value: Value) -> bool:
        match value:
            case MetricRef(_, metric, _):
                return self.names.metrics[metric].unit == "fraction"
            case Call("max" | "min", arguments):
                return all(self._is_fraction(argument) for argument in arguments)
            case _:
                return False

    def _speed(self, node: written.Speed, chosen: Chosen) -> Comparison:
        left, left_dimension = self.value(node.left, chosen)
        right, right_dimension = self.value(node.right, chosen)
        common = dimensions.joined(left_dimension, right_dimension)
        if common is None or left_dimension.literal or right_dimension.literal:
            raise self.source.error(
                node.at,
                f"`{node.word}` compares two metrics of one kind",
                f"Write `a.step_time 20% {node.word} than b.step_time`",
            )
        self._not_itself(node, left, right)
        lower = self._direction(node, left, right) == "lower"
        of_time = common.kind == "physical" and common.exponents in {dimensions.SECONDS, dimensions.PER_SECOND}
        if not of_time and common.kind not in {"count", "number"}:
            raise self.source.error(
                node.at,
                f"`{node.word}` compares times, rates and steps, not {common}",
                "Write the comparison with > or <",
            )
        if lower == (node.word == "faster"):
            numerator, denominator = right, left
        else:
            numerator, denominator = left, right
        if node.amount is None:
            return Comparison((left, right), (">" if numerator is left else "<",))
        bound = self._amount(node)
        operator = cast("ComparisonOperator", node.operator or ">")
        return Comparison((Arithmetic("/", numerator, denominator), Number(bound)), (operator,))

    def _direction(self, node: Surface, *values: Value) -> str:
        metrics = {ref.metric for value in values for ref in metrics_in(value)}
        directions = {self.names.metrics[metric].direction for metric in metrics}
        if len(directions) != 1 or directions == {"neither"}:
            raise self.source.error(
                node.at,
                f"which way is better is not clear from {', '.join(sorted(metrics))}",
                "Write the comparison with > or <, or max or min",
            )
        return directions.pop()

    def _amount(self, node: written.Speed) -> float:
        """`20%` is 1.2, `1.3x` is 1.3."""
        amount = node.amount
        if not isinstance(amount, written.Literal) or amount.unit not in {"%", "x"} or node.operator == "==":
            at = node.at if amount is None else amount.at
            raise self.source.error(
                at,
                f"how much {node.word} is said in % or x",
                f"Write `20% {node.word}` or `<= 3x {node.word}`",
            )
        exact, _ = self._exact(amount)
        if amount.unit == "x" and exact < 1:
            raise self.source.error(
                amount.at,
                f"{amount.digits}x {node.word} would be the other way round",
                f"Write a factor of at least 1x, or `{'slower' if node.word == 'faster' else 'faster'}`",
            )
        return float(exact + 1 if amount.unit == "%" else exact)

    # -- values --------------------------------------------------------------------------------------------

    def value(self, node: Surface, chosen: Chosen) -> tuple[Value, Dimension]:
        match node:
            case written.Literal():
                exact, dimension = self._exact(node)
                return Number(float(exact)), dimension
            case written.Path():
                ref = self.lookup.path(node)
                return ref, dimensions.of_metric(self.names.metrics[ref.metric])
            case written.Minus(_, operand):
                value, dimension = self.value(operand, chosen)
                return (Number(-value.value or 0.0) if isinstance(value, Number) else Negative(value)), dimension
            case written.Binary():
                return self._arithmetic(node, chosen)
            case written.Invocation():
                return self._invocation(node, chosen)
            case _:
                assert isinstance(node, _CONDITIONS)
                raise self.source.error(
                    node.at, "a condition cannot be used as a number", "Join conditions with `and` or `or`"
                )

    def _exact(self, node: written.Literal) -> tuple[Decimal, Dimension]:
        """In base units, by decimal arithmetic: 80% is 0.8 and not 0.8000000000000002."""
        factor, dimension = dimensions.of_literal(node.unit)
        digits = node.digits.replace("_", "")
        rough = float(digits)
        significant = digits.lower().split("e")[0].strip("0.")
        if rough > 1e200 or (significant and rough < 1e-200):
            raise self.source.error(
                node.at, f"{node.digits[:40]} is out of range", "Write a number between 1e-200 and 1e200"
            )
        return Decimal(digits) * factor, dimension

    def _arithmetic(self, node: written.Binary, chosen: Chosen) -> tuple[Value, Dimension]:
        left, of_left = self.value(node.left, chosen)
        right, of_right = self.value(node.right, chosen)
        operator = cast("ArithmeticOperator", node.operator)
        if operator in {"+", "-"}:
            dimension = dimensions.added(operator, of_left, of_right)
            if dimension is None:
                verb = "added to" if operator == "+" else "subtracted from"
                raise self.source.error(node.at, f"{of_right} cannot be {verb} {of_left}", _remedy(of_left, of_right))
            return Arithmetic(operator, left, right), dimension
        for literal, other, at in ((of_left, of_right, node.left.at), (of_right, of_left, node.right.at)):
            if not dimensions.may_scale(literal, other):
                raise self.source.error(
                    at,
                    f"only a plain number, % or x can multiply or divide a metric, not {literal}",
                    "Compare the metric itself with the quantity",
                )
        if operator == "/" and right == Number(0.0):
            raise self.source.error(node.right.at, "this divides by zero", "Write another divisor")
        combine = dimensions.multiplied if operator == "*" else dimensions.divided
        return Arithmetic(operator, left, right), combine(of_left, of_right)

    def _invocation(self, node: written.Invocation, chosen: Chosen) -> tuple[Value, Dimension]:
        if node.metric is not None:
            if node.at in chosen:
                refs = [self.lookup.reference(node, chosen[node.at])]
            elif node.function == "abs":
                raise self.source.error(node.at, "`abs` takes one value", "Write `abs(a.metric - b.metric)`")
            else:
                refs = self.lookup.references(node)
            values: list[Value] = list(refs)
            common = dimensions.of_metric(self.names.metrics[refs[0].metric])
        else:
            if node.arguments is None:
                raise self.source.error(
                    node.at,
                    f"`{node.function}(*)` needs a metric",
                    f"Write `{node.function}(*).test_accuracy`",
                )
            if node.function in {"all", "any"}:
                raise self.source.error(
                    node.at,
                    f"`{node.function}(...)` of conditions is a condition, not a number",
                    f"Write `{node.function}(a, b).metric > ...`, or join with `and`",
                )
            self._no_variants(node)
            given = [self.value(argument, chosen) for argument in node.arguments]
            values, common = [value for value, _ in given], given[0][1]
            for (_, dimension), argument in zip(given[1:], node.arguments[1:], strict=True):
                together = dimensions.joined(common, dimension)
                if together is None:
                    raise self.source.error(
                        argument.at,
                        f"{common} and {dimension} have no `{node.function}`",
                        _remedy(common, dimension),
                    )
                common = together
        function = node.function
        if function == "best":
            function = "max" if self._direction(node, *values) == "higher" else "min"
        if function == "abs" and len(values) != 1:
            raise self.source.error(node.at, "`abs` takes one value", "Write `abs(a.metric - b.metric)`")
        if function != "abs" and len(values) == 1:
            return values[0], common
        return Call(cast("Function", function), tuple(values)), common

    def _no_variants(self, node: written.Invocation) -> None:
        names = [item.name for item in node.arguments or () if isinstance(item, written.Path) and item.metric is None]
        if names and all(self.names.variant(name) for name in names):
            raise self.source.error(
                node.at,
                f"`{node.function}({', '.join(names)})` does not say of which metric",
                f"Write `{node.function}({', '.join(names)}).test_accuracy`",
            )


def _junction(word: str, items: Sequence[Condition]) -> Condition:
    """Flat, because `(a and b) and c` prints like `a and b and c`."""
    if len(items) == 1:
        return items[0]
    kind: type[And] | type[Or] = And if word == "and" else Or
    flat: list[Condition] = []
    for item in items:
        flat += item.items if isinstance(item, kind) else (item,)
    return kind(tuple(flat))


def _quantifiers(node: Surface) -> list[written.Invocation]:
    """Every `all(...).metric` and `any(...).metric` inside one comparison, from left to right."""
    match node:
        case written.Invocation(_, "all" | "any", _, metric, _) if metric is not None:
            return [node]
        case written.Invocation(_, _, arguments, _, _):
            inside: tuple[Surface, ...] = arguments or ()
        case written.Chain(_, operands, _):
            inside = operands
        case written.Within(_, value, low, high):
            inside = (value, low, high)
        case written.Speed(_, left, _, _, _, right):
            inside = (left, right)
        case written.Binary(_, _, left, right):
            inside = (left, right)
        case written.Minus(_, operand):
            inside = (operand,)
        case _:
            inside = ()
    return [found for child in inside for found in _quantifiers(child)]


def _remedy(left: Dimension, right: Dimension) -> str:
    kinds = {left.kind, right.kind}
    if kinds == {"points", "percent"}:
        return "A difference of two fractions is in points: write 5 pp, not 5%"
    if kinds == {"points", "fraction"}:
        return "Compare a fraction with a percentage such as 80%; points (pp) are for differences of fractions"
    if kinds == {"fraction", "percent"}:
        return "Add to or subtract from a fraction in points: write 5 pp, not 5%"
    return "Compare like with like; plain numbers are in base units (fractions, seconds, bytes, dollars)"
