"""Statements in natural notation -> what they might mean, for the author to accept.

With a setup its variants are known by their aliases. Without one, names are harvested from the text: a first pass finds
them, the title says which is the idea (else what the first target is about), and a second pass reads with that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from proposals.natural import Context, KnownVariant, Suggestion, suggest
from proposals.reading.criteria import NO_CODE_SPAN
from proposals.reading.statements import Statement
from proposals.spec import AnySetup, Criterion

_BASELINES = re.compile(
    r"baseline|dense|vanilla|standard|diagonal|full|plain|naive|softmax|random|control|reference|original",
    re.IGNORECASE,
)
_COMMON = frozenset(
    ("ssm", "ssms", "attention", "transformer", "rnn", "network", "net", "model", "variant", "linear", "state", "space",
     "mamba")
)  # fmt: skip
_FORMAL = re.compile(r"(?:\s*:)?\s*(?:\*\w+\*:\s*)?`[^`]*[.][^`]*`(?=[.!?]?\s*$)")
"""What `mve formalize` appends."""
_NAME = re.compile(r"[^\W\d_][\w+.-]{1,29}$")


@dataclass(frozen=True)
class Suggested:
    """`readings`: of each statement. `harvested`: names that the text brought; `why`: how the idea was found."""

    readings: tuple[Suggestion, ...]
    harvested: tuple[KnownVariant, ...] = ()
    why: str = ""


def suggestions(statements: Sequence[Statement], setup: AnySetup | None, title: str, prose: str) -> Suggested:
    """`prose`: of the experiment, where a name may stand as `RingLin (ours)`."""
    if not statements:
        return Suggested(())
    if setup is not None:
        known = tuple(KnownVariant(name, one.aliases, one.proposed) for name, one in setup.variants.items())
        return Suggested(_pass(statements, known, (), setup))
    first = _pass(statements, (), (), None)
    harvested = _harvest(first)
    idea, why = _named_by_title(harvested, title)
    if idea is None:
        idea, why = _called_ours(harvested, prose)
    if idea is not None:
        every = harvested if any(one.name == idea.name for one in harvested) else (idea, *harvested)
        every = tuple(replace(one, proposed=one.name == idea.name) for one in every)
        return Suggested(tuple(map(_closed, _pass(statements, (), every, None))), every, why)
    likely = _likely(first)
    every = tuple(replace(one, proposed=one.name in likely[:1]) for one in harvested)
    told = _pass(statements, (), every, None)
    if len(likely) > 1:
        # which is the idea is guessed for the roles alone: what names no variant keeps no reading
        unnamed = _pass(statements, (), harvested, None)
        pairs = zip(told, unnamed, strict=True)
        told = tuple(with_idea if with_idea.formal == plain.formal else plain for with_idea, plain in pairs)
    why = "the first target is about it" + (", for the roles alone" if len(likely) > 1 else "")
    return Suggested(tuple(map(_closed, told)), every, why)


def _closed(reading: Suggestion) -> Suggestion:
    """`any model` is every variant of the setup, and there is none: those named elsewhere need not be all."""
    if reading.formal is None or "(*)" not in reading.formal:
        return reading
    return replace(reading, formal=None, canonical=None, reason="which variants there are is not said without a setup")


def _pass(
    statements: Sequence[Statement],
    variants: tuple[KnownVariant, ...],
    harvested: tuple[KnownVariant, ...],
    setup: AnySetup | None,
) -> tuple[Suggestion, ...]:
    """In order, each with those of its section before it: a noun may be inherited."""
    found: list[Suggestion] = []
    for statement in statements:
        own = {} if setup is None else {"metrics": setup.vocabulary}
        context = Context(
            statement.side, variants, harvested, role=statement.role, metric=statement.metric,
            siblings=tuple(found[-1:]), **own,
        )  # fmt: skip
        found.append(suggest(_FORMAL.sub("", statement.given), context))
    return tuple(found)


def _harvest(readings: Sequence[Suggestion]) -> tuple[KnownVariant, ...]:
    """Each name once, with every spelling."""
    found: dict[str, KnownVariant] = {}
    for reading in readings:
        for one in reading.variants:
            if reading.formal is None and " " not in one.aliases[0] and not _distinct(one.aliases[0]):
                continue  # a capitalised word of a text that was not understood
            before = found.get(one.name)
            aliases = one.aliases if before is None else (*before.aliases, *one.aliases)
            found[one.name] = KnownVariant(one.name, tuple(dict.fromkeys(aliases)))
    return tuple(found.values())


def _named_by_title(harvested: tuple[KnownVariant, ...], title: str) -> tuple[KnownVariant | None, str]:
    """The name in the title's bracket, `Ring-buffer state (RingLin)`; else the only one that the title names."""
    bracket = re.search(r"\(([^()]{2,40})\)\W*$", title)
    short = bracket[1].strip().strip("*_`") if bracket else ""
    for where, text in (("the title's bracket names it", short), ("the title names it", title)):
        named = [one for one in harvested if any(_spelled(alias, text) for alias in one.aliases)]
        if len(named) == 1:
            return named[0], where
        family = any(re.search(r"_\d+$", one.name) for one in harvested)  # `alpha_4` of the idea in the title
        if not named and text == short and not family and _NAME.match(short) and _distinct(short):
            name = re.sub(r"[^a-z0-9]+", "_", short.lower()).strip("_")
            return KnownVariant(name, (short,)), where
    words = set(re.findall(r"[^\W_]+", title.casefold()))
    own = [one for one in harvested if (distinctive := _distinctive(one)) and distinctive <= words]
    return (own[0], "its own words are in the title") if len(own) == 1 else (None, "")


def _called_ours(harvested: tuple[KnownVariant, ...], prose: str) -> tuple[KnownVariant | None, str]:
    if "(" not in prose:
        return None, ""
    marked = r"\W{0,3}\((?:ours|proposed|our\b[^()]{0,30}|the idea|new)\)"
    called = [
        one for one in harvested
        if any(re.search(rf"(?<![\w-]){re.escape(alias)}{marked}", prose, re.IGNORECASE) for alias in one.aliases)
    ]  # fmt: skip
    return (called[0], "the text calls it ours") if len(called) == 1 else (None, "")


def _likely(readings: Sequence[Suggestion]) -> list[str]:
    """Names of which a target asks for more of something; baselines are asked for less."""
    found: list[str] = []
    for reading in readings:
        if reading.formal is None or reading.role != "target" or "<" in reading.formal:
            continue
        left = re.split(r"[<>=]", reading.formal)[0]
        for one in reading.variants:
            if re.search(rf"(?<!\w){re.escape(one.name)}(?!\w)", left) and not _BASELINES.search(one.name):
                found += [one.name] if one.name not in found else []
    return found


def _distinctive(one: KnownVariant) -> set[str]:
    """`monarch`, `gated` of `Monarch-gated SSM`; none of a baseline."""
    words = set(re.findall(r"[^\W_]+", one.aliases[0].casefold()))
    return set() if _BASELINES.search(one.name) else words - _COMMON


def _spelled(alias: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(alias)}(?![\w-])", text, re.IGNORECASE))


def _distinct(word: str) -> bool:
    """`RingLin`, `cos-LogLinear`, `V2`: a name, not a word such as `draft`."""
    return any(char.isupper() or char.isdigit() for char in word[1:]) and not word.isdigit()


def suggested(
    criterion: Criterion, statement: Statement, reading: Suggestion, own_format: bool, harvested: bool
) -> Criterion:
    """The criterion with the suggestion in it; `formal` stays None, so that it decides nothing. Names that no setup
    declares make it a guess of low confidence."""
    role = criterion.role if criterion.role != "kill" and criterion.role != "target" else reading.role
    failing = role in ("kill", "pause", "debug", "failure")
    refused = statement.refused
    if failing != (statement.side == "failure"):
        refused = f"a {statement.side} criterion cannot be `{role}`"
        role = "target" if statement.side == "success" else "failure"
    if refused is not None:
        return criterion.model_copy(update={"role": role, "reason": refused, "kind": reading.class_})
    reason, confidence = reading.reason, reading.confidence
    if harvested and reading.formal is not None:
        assumed = "" if reason.startswith("every word") else f"; {reason}"
        reason, confidence = f"the names are those of the text{assumed}", "low"
    if reading.formal is None and own_format:
        reason = f"{NO_CODE_SPAN}, and as prose: {reason}"
    return criterion.model_copy(
        update={
            "role": role,
            "suggested": reading.formal,
            "canonical": reading.canonical,
            "reason": reason,
            "kind": reading.class_,
            "confidence": confidence if reading.formal is not None else None,
        }
    )
