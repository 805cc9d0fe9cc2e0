"""A statement as a criterion: about which variant, which metric, under which conditions, with which bound.

Each condition under which the report measured it becomes a formula of its own. Where anything is unclear there is
no formula but a reason, and the words stay.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from proposals.history.cast import Cast, mentions, without_mentions
from proposals.history.nouns import Vocabulary, qualified, words_of
from proposals.history.quantities import (
    Bound,
    Condition,
    Quantity,
    conditions,
    quantities,
    split_bound,
    without_conditions,
)
from proposals.history.statements import Statement
from proposals.history.tables import Figures, Reported
from proposals.judging.measurements import Measurement
from proposals.language.expressions import And, Comparison, MetricRef, Node, Number
from proposals.language.expressions import Condition as Tree

_MANY = re.compile(r"\b(?:both|all|every|each|any|either|neither|none)\b", re.IGNORECASE)
_NO_NAN = re.compile(r"^(?:no|zero)\s+nans?\b", re.IGNORECASE)
_COMPARES = frozenset(["gap", "difference", "drop", "degradation", "ratio", "retention"])
"""A metric with such a noun compares variants by itself."""
_ACCURACIES = ("test_accuracy", "validation_accuracy", "train_accuracy")
_BETTER = r"(?:beats?|outperforms?|exceeds?|surpass(?:es)?|is better than|>)"
_DUEL = re.compile(
    rf"^(?P<left>.{{1,80}}?)\s+(?P<not>(?:does not|doesn't|do not|fails to|cannot)\s+)?{_BETTER}"
    r"\s+(?P<right>.{1,80})$",
    re.I,
)


@dataclass(frozen=True)
class Formula:
    """`tree` under `condition`; `note` where a choice had to be made."""

    condition: Condition
    tree: Tree
    note: str = ""


@dataclass(frozen=True)
class Reading:
    """`formulas` empty: not read, for `reason`. `wants`: does the formula say more or less than a bound, or a band?

    doubt: it was read, but whom it is about is uncertain, so it takes no part in a verdict.
    """

    formulas: tuple[Formula, ...] = ()
    reason: str = ""
    variant: str = ""
    words: tuple[str, ...] = ()
    metric: str = ""
    wants: str = ""
    doubt: str = ""


def read_statement(one: Statement, cast: Cast, vocabulary: Vocabulary, figures: Figures) -> Reading:
    if _NO_NAN.match(one.subject):
        return _no_nan(cast, figures)
    duel = _duel(one, cast, figures)
    if duel:
        return duel
    given = split_bound(one.target) if one.target else split_bound(one.subject)
    if given is None and one.target and not re.search(r"\d", one.target):
        return Reading(reason=f"the target {one.target!r} is no number")
    if given is None:
        return Reading(reason="no bound with one number is given")
    before, bound, after = given
    if one.target:
        inner = split_bound(one.subject)  # `x > 80%: achieved 91% (target: >80%)` says it twice
        if inner and (inner[1].low, inner[1].high) != (bound.low, bound.high):
            return Reading(reason=f"it names two bounds, {inner[1].text!r} and {bound.text!r}")
        phrase = f"{inner[0]} {inner[2]}" if inner else one.subject
        rest = f"{before} {after}".strip(" ()")
        if rest and mentions(rest, cast):
            phrase = f"{phrase} vs {rest}"
        elif rest:
            return Reading(reason=f"beside the number the target says {rest!r}")
    else:
        phrase = f"{before} {after}"
    return _bounded(one, phrase.strip(" :"), bound, cast, vocabulary, figures)


def _bounded(
    one: Statement, phrase: str, bound: Bound, cast: Cast, vocabulary: Vocabulary, figures: Figures
) -> Reading:
    if _MANY.search(phrase):
        return Reading(reason="it speaks of several variants at once")
    asked = conditions(phrase)
    phrase = without_conditions(phrase)
    named = mentions(phrase, cast)
    subjects = dict.fromkeys(mention.variant for mention in named if not mention.against)
    if len(subjects) > 1:
        return Reading(reason=f"it names {' and '.join(subjects)}, and does not say which of them is meant")
    if not subjects and not cast.why:
        return Reading(reason="it names no variant, and which one is the idea is not clear")
    variant = next(iter(subjects), cast.idea)
    words = words_of(without_mentions(phrase, named))
    if not words:
        return Reading(reason="it does not say what is measured")
    achieved = quantities(one.achieved) if one.achieved else ()
    if one.achieved and not achieved:
        return Reading(reason=f"{one.achieved!r} is no number that can be compared with {bound.text!r}")
    fitting = tuple(quantity for quantity in achieved if _comparable(quantity, bound))
    if len(fitting) < len(achieved):
        return Reading(reason=f"{one.achieved!r} and {bound.text!r} are in different units")
    found = _measured(one, variant, words, asked, fitting, bound, vocabulary, figures)
    if isinstance(found, str):
        return Reading(reason=found, variant=variant, words=words)
    formulas = tuple(
        Formula(condition, _tree(variant, metric, condition, bound), note) for metric, condition, note in found
    )
    linked = all(metric in _ACCURACIES for metric, _, _ in found)
    doubt = ""
    unnamed = not subjects and not linked and len(cast.variants) > 1
    if "accuracy" in words and qualified(words) and unnamed and not _COMPARES & set(words):
        doubt = f"whose {' '.join(words)} it is, is not said"
    wants = "band" if bound.banded else "more" if bound.low is not None else "less"
    return Reading(formulas, "", variant, words, found[0][0], wants, doubt)


def _measured(
    one: Statement, variant: str, words: tuple[str, ...], asked: Condition, achieved: tuple[Quantity, ...],
    bound: Bound, vocabulary: Vocabulary, figures: Figures,
) -> list[tuple[str, Condition, str]] | str:  # fmt: skip
    """Metric and condition of every value that the criterion is to be held against; a reason where there is none."""
    name = vocabulary.name(words, bound.unit, bound.low if bound.low is not None else bound.high)
    if name is None:
        return f"what {bound.text!r} is a number of, is not clear"
    if not achieved:
        for metric in (name, "validation_accuracy") if name == "test_accuracy" else (name,):
            values = [c for c in figures.of(variant, metric) if set(asked) <= set(c)]
            if values:
                note = "" if metric == name else f"no {name} is reported, so {metric} stands for it"
                return [(metric, condition, note) for condition in values]
        return f"no value of {variant}.{name} is reported"
    found = []
    for quantity in achieved:
        condition: Condition = tuple(sorted({**dict(asked), **dict(quantity.condition)}.items()))
        metric, place = _linked(variant, name, words, condition, quantity, figures)
        if not place and condition == () and len(figures.of(variant, metric)) == 1:
            place = condition
        entry = Measurement(variant=variant, metric=metric, value=quantity.value, condition=dict(place or condition))
        known = figures.of(variant, metric)
        if (place or condition) not in known or not _same(known[place or condition], quantity.value):
            kept = figures.add(Reported(one.line, quantity.text, entry), f"criteria_line_{one.line}")
            condition = kept.key[2]
            if place is None and (tuple(sorted(entry.condition.items()))) in known:
                found.append((metric, tuple(sorted(entry.condition.items())), "the table has another value"))
        note = "" if metric == name or qualified(words) else f"the value is that of {metric}"
        found.append((metric, place or condition, note))
    return found


def _linked(
    variant: str, name: str, words: tuple[str, ...], condition: Condition, quantity: Quantity, figures: Figures
) -> tuple[str, Condition | None]:
    """An accuracy is the one of the results table that has this very value: test before validation before train."""
    candidates = (name, *_ACCURACIES) if "accuracy" in words and not _COMPARES & set(words) else (name,)
    for metric in candidates:
        values = figures.of(variant, metric)
        for own, value in values.items():
            if _same(value, quantity.value) and (set(condition) <= set(own)):
                return metric, own
    return name, None


def _comparable(quantity: Quantity, bound: Bound) -> bool:
    pair = {quantity.unit, bound.unit}
    return len(pair) == 1 or pair <= {"number", "ratio"} or pair <= {"fraction", "points"}


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1e-12)


def _tree(variant: str, metric: str, condition: Condition, bound: Bound) -> Tree:
    ref = MetricRef(variant, metric, condition)
    if bound.low is not None and bound.high is not None:
        return Comparison((Number(bound.low), ref, Number(bound.high)), ("<=", "<="))
    if bound.low is not None:
        return Comparison((ref, Number(bound.low)), (">" if bound.strict else ">=",))
    return Comparison((ref, Number(bound.high or 0.0)), ("<" if bound.strict else "<=",))


def _no_nan(cast: Cast, figures: Figures) -> Reading:
    """Of the proposed variants; a tick without a count is no measurement."""
    refs = [
        MetricRef(name, "nan_count", condition) for name in cast.proposed for condition in figures.of(name, "nan_count")
    ]
    if not refs:
        return Reading(reason="no count of NaN is reported", words=("nan",))
    parts = tuple(Comparison((ref, Number(0.0)), ("==",)) for ref in refs)
    tree: Tree = parts[0] if len(parts) == 1 else And(parts)
    return Reading((Formula((), tree),), "", refs[0].variant, ("nan",), "nan_count", "less")


def _duel(one: Statement, cast: Cast, figures: Figures) -> Reading | None:
    """`A > B` or "A does not outperform B", of two variants and no number: their accuracies, where both have one."""
    for text in (one.target, one.subject):
        match = _DUEL.match(text) if text else None
        if not match:
            continue
        left, right = (mentions(match[side], cast) for side in ("left", "right"))
        names = {mention.variant for mention in (*left, *right)}
        if len(left) != 1 or not right or len(names) != 2 or left[0].variant in {m.variant for m in right}:
            continue
        first, second = left[0].variant, right[0].variant
        formulas: list[Formula] = []
        for metric in _ACCURACIES[:2]:
            other = figures.of(second, metric)
            for condition in figures.of(first, metric):
                if condition in other and condition not in {formula.condition for formula in formulas}:
                    pair = (MetricRef(first, metric, condition), MetricRef(second, metric, condition))
                    tree = Comparison(pair, ("<=" if match["not"] else ">",))
                    formulas.append(Formula(condition, tree, f"as {metric}"))
        if not formulas:
            return Reading(reason=f"no accuracy of both {first} and {second} is reported", variant=first)
        wants = "less" if match["not"] else "more"
        return Reading(tuple(formulas), "", first, ("accuracy",), "test_accuracy", wants)
    return None


def opposite(formulas: Iterable[Formula]) -> tuple[Formula, ...]:
    """The same comparisons turned around: what kills is that the wanted thing did not happen."""
    turned = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
    result = []
    for one in formulas:
        tree: Node = one.tree
        assert isinstance(tree, Comparison)
        assert len(tree.operators) == 1
        symbol = turned[tree.operators[0]]
        result.append(Formula(one.condition, Comparison(tree.operands, (symbol,)), one.note))  # type: ignore[arg-type]
    return tuple(result)
