"""Who plays: the variants of a report, the names they bear in prose, and which of them are the idea.

Nothing here knows any variant. A variant is proposed where the report says so ("ours"), else where its name is
the short name in the title, else where its own words are the title's; names of baselines never are.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from proposals.history.quantities import plain

_OURS = frozenset({"ours", "our", "proposed", "new"})
_REFERENCE = frozenset([
    "baseline", "dense", "full", "vanilla", "standard", "reference", "original", "softmax",
    "control", "random", "identity", "naive", "plain", "uncompressed", "exact", "oracle", "chance",
    "teacher", "regular"
])  # fmt: skip
_COMMON_WORDS = frozenset([
    "with", "without", "and", "the", "for", "from", "into", "via", "using", "model", "models",
    "net", "network", "layer", "layers", "attention", "linear", "ssm", "mixer", "large", "small",
    "only", "based", "type", "version", "variant"
])  # fmt: skip
_AFTER = re.compile(r"\b(?:vs\.?|versus|against|to|from|compared with|over|than)\s*$|[/÷]\s*$", re.I)

_GREEK = {letter: unicodedata.name(letter).split()[-1].lower() for letter in "αβγδεζηθικλμνξοπρστυφχψω"}


@dataclass(frozen=True)
class Variant:
    """`name`: for formulas. `label`: as the report writes it. `cores`: full names; `parts`: words of its own.

    reference: its name says that it is a baseline.
    """

    name: str
    label: str
    cores: tuple[str, ...]
    parts: tuple[str, ...] = ()
    proposed: bool = False
    reference: bool = False


@dataclass(frozen=True)
class Cast:
    """`idea`: the variant meant where none is named. `why`: how the proposed ones were found, "" if they were not."""

    variants: tuple[Variant, ...]
    idea: str
    why: str

    @property
    def proposed(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.variants if one.proposed)

    def get(self, name: str) -> Variant:
        return next(one for one in self.variants if one.name == name)


@dataclass(frozen=True)
class Mention:
    """A variant's name in a phrase. `against`: it stands behind "vs", "than" and the like."""

    variant: str
    start: int
    end: int
    against: bool


def core(text: str) -> str:
    """The same for `cos-LogLinear` and `cos_log_linear`; keeps `=` and decimal points, so that α=4 is no α4."""
    spelled = "".join(_GREEK.get(letter, letter) for letter in text.casefold())
    return "".join(re.findall(r"[^\W_]|=|(?<=\d)\.(?=\d)", spelled))


def slug(text: str) -> str:
    spelled = "".join(f"_{_GREEK[letter]}_" if letter in _GREEK else letter for letter in text.casefold())
    name = re.sub(r"_+", "_", re.sub(r"\W", "_", spelled)).strip("_")[:60]
    return f"v_{name}" if not name or name[0].isdigit() else name


def words(text: str) -> tuple[str, ...]:
    """Lower-case words, split at case changes too: `HSS-LinAttn` is hss, lin, attn."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+(?:\.\d+)?", plain(text))
    return tuple(part.casefold() for part in parts)


def assemble(labels: dict[str, tuple[str, ...]], title: str, also: str) -> Cast:
    """`labels`: what the tables call each variant, with further names for it. `also`: the proposal's name, and other
    texts that name the idea."""
    variants: list[Variant] = []
    for label, others in labels.items():
        named = dict.fromkeys(core(name) for name in (label, _without_bracket(label), *others))
        spoken = {word for name in (label, *others) for word in words(name)}
        reference = not _REFERENCE.isdisjoint(spoken) and _OURS.isdisjoint(spoken)
        bare = core(_without_bracket(label))
        shared = sum(core(_without_bracket(other)) == bare for other in labels) > 1
        name = slug(label if shared else _without_bracket(label))
        while any(name == one.name for one in variants):
            name = f"{name}_{len(variants) + 1}"
        variants.append(Variant(name, label, tuple(one for one in named if one), reference=reference))
    variants = _only_own(variants, labels)
    chosen, why = _the_idea(variants, title, also)
    variants = [replace(one, proposed=one.name in chosen) for one in variants]
    idea = slug(_subject_of(title))
    if len(chosen) == 1:
        idea = chosen[0]
    elif not variants or chosen:
        # nothing to choose from, or too much: a figure without a name is the idea's as a whole
        why = why or "the report names no variants, so what it measures is the idea"
        while any(idea == one.name for one in variants):
            idea += "_idea"
        variants.append(Variant(idea, _subject_of(title), (), proposed=True))
    return Cast(tuple(variants), idea, why)


def _only_own(variants: list[Variant], labels: dict[str, tuple[str, ...]]) -> list[Variant]:
    """A name that two variants share names neither. `parts`: words that only one of them has."""
    seen: dict[str, int] = {}
    for one in variants:
        for name in one.cores:
            seen[name] = seen.get(name, 0) + 1
    spoken = [set().union(*(words(name) for name in (one.label, *labels[one.label]))) for one in variants]
    result = []
    for place, one in enumerate(variants):
        elsewhere = set().union(*(own for other, own in enumerate(spoken) if other != place))
        parts = tuple(
            sorted(w for w in spoken[place] - elsewhere - _COMMON_WORDS - _OURS if len(w) > 2 and not w.isdigit())
        )
        result.append(replace(one, cores=tuple(c for c in one.cores if seen[c] == 1), parts=parts))
    return result


def _the_idea(variants: list[Variant], title: str, also: str) -> tuple[list[str], str]:
    said = [one.name for one in variants if not _OURS.isdisjoint(words(one.label))]
    if said:
        return said, "the report calls it its own"
    short = {core(name) for name in re.findall(r"\(([^()]{2,40})\)", f"{title} {also}")}
    exact = [one.name for one in variants if core(_stem(one.label)) in short]
    if exact:
        return exact, "its name is the short name in the title"
    about = set(words(title)) | set(words(also)) | {core(word) for word in plain(title).split()}
    candidates = [one for one in variants if not one.reference]
    scores = {one.name: sum(part in about or core(part) in about for part in one.parts) for one in candidates}
    best = max(scores.values(), default=0)
    named = [name for name, score in scores.items() if score == best]
    if best > 0:
        return named, "its own words are in the title"
    if len(candidates) == 1 and len(variants) > 1:
        return [candidates[0].name], "all the others are called baselines"
    return [], ""


def mentions(phrase: str, cast: Cast) -> tuple[Mention, ...]:
    """Variants named in the phrase, in order. Full names go first; words of their own count where there are none."""
    full = {name: one.name for one in cast.variants for name in one.cores}
    return _find(phrase, full) or _find(phrase, {part: one.name for one in cast.variants for part in one.parts})


def _find(phrase: str, names: dict[str, str]) -> tuple[Mention, ...]:
    """The longest run of words that is a name, from left to right; at most six words make a name."""
    spans = [match.span() for match in re.finditer(r"[^\s,;:()\[\]/]+|/", phrase)]
    found: list[Mention] = []
    place = 0
    while place < len(spans):
        for last in range(min(place + 6, len(spans)), place, -1):
            start, end = spans[place][0], spans[last - 1][1]
            name = names.get(core(phrase[start:end]))
            if name and "/" not in phrase[start:end]:
                against = bool(_AFTER.search(phrase[max(0, start - 40) : start]))
                found.append(Mention(name, start, end, against))
                place = last - 1
                break
        place += 1
    return tuple(found)


def without_mentions(phrase: str, found: tuple[Mention, ...]) -> str:
    """The phrase without its subjects; what it is compared with stays, as part of what is measured."""
    for mention in reversed(found):
        if not mention.against:
            phrase = phrase[: mention.start] + " " + phrase[mention.end :]
    return " ".join(phrase.split())


def _without_bracket(label: str) -> str:
    return re.sub(r"\s*\([^()]*\)\s*$", "", label).strip() or label


def _stem(label: str) -> str:
    return re.sub(r"\s*[(\[].*$", "", label).strip()


def _subject_of(title: str) -> str:
    """The title without "Experiment 012 Results:" and without what stands in brackets."""
    return _stem(re.sub(r"^.*?(?:experiment|results?)\b[^:]{0,60}:\s*", "", plain(title), flags=re.I)) or "idea"
