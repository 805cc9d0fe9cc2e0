"""The variants that a criterion names: known from the setup, or harvested from the text."""

import re
from dataclasses import dataclass, field
from typing import Literal

from proposals.natural.latex import GREEK
from proposals.natural.reading import Context, KnownVariant
from proposals.natural.tokens import Token
from proposals.natural.words import word_set

Quantifier = Literal["one", "all", "any", "none", "list", "or", "best", "max", "min"]

_MODEL_NOUNS = word_set(
    "ssm attention transformer rnn lstm gru net network deltanet baseline model variant ablation mamba"
)
_SYMBOLS = GREEK | word_set("r k m p q h s")
_LONGEST = 8
_ARTICLES = word_set("the a an our")


@dataclass(frozen=True)
class Subject:
    """One variant or several. `("*",)` stands for every variant of the setup."""

    names: tuple[str, ...]
    quantifier: Quantifier = "one"


@dataclass
class Scope:
    """The names that may stand in this criterion. `harvested` grows while it is read."""

    context: Context
    harvested: list[KnownVariant] = field(default_factory=list)

    seen: list[str] = field(default_factory=list)
    """Known names in order of appearance."""

    def __post_init__(self) -> None:
        self.cores: dict[str, str | None] = {}
        for variant in self.context.known:
            for spelling in (variant.name, *variant.aliases):
                core = _core(spelling)
                taken = self.cores.get(core, variant.name)
                # a spelling that two variants bear names neither
                self.cores[core] = variant.name if taken == variant.name else None

    @property
    def proposed(self) -> tuple[str, ...]:
        return tuple(variant.name for variant in self.context.known if variant.proposed)

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(variant.name for variant in self.context.known if not variant.proposed)

    def match(self, tokens: list[Token], at: int) -> tuple[int, Subject] | None:
        """The longest run of tokens that spells a known name."""
        core, best = "", None
        if tokens[at].kind == "sign" or (tokens[at].sub and at > 0):
            return None
        for length in range(1, min(_LONGEST, len(tokens) - at) + 1):
            token = tokens[at + length - 1]
            if token.kind == "other" or (token.kind == "sign" and token.text not in "=+/-"):
                break
            core += _core(token.text)
            if core in self.cores and token.kind != "sign" and not self._continues(tokens, at + length):
                name = self.cores[core]
                best = None if name is None else (length, Subject((name,)))
        self.seen += best[1].names if best else ()
        return best or self._described(tokens, at)

    def _continues(self, tokens: list[Token], at: int) -> bool:
        """`Mamba` is not named by `Mamba-2`, nor `P` by `P = I`."""
        return at < len(tokens) and tokens[at].glued

    def _described(self, tokens: list[Token], at: int) -> tuple[int, Subject] | None:
        """`the proposed model`, `ours`, `the baseline`, `all models`."""
        words = [token.low for token in tokens[at : at + 5]]
        length = 1 if words[0] in ("ours", "baselines") else 0
        found = re.match(
            r"(all|every|each|any|no|none|both)? ?(?:of )?(?:the )?(?:other )?(?:linear )?"
            r"(proposed|our|baseline|baselines|models|variants|model|variant)"
            r"(?: (model|variant|method|approach))?(?= |$)",
            " ".join(words),
        )
        if words[0] == "ours" and len(self.proposed) == 1:
            return length, Subject(self.proposed)
        if found is None or "other" in found.group() or "linear" in found.group():
            return None
        length, quantifier, noun = len(found.group().split()), found[1], found[2]
        if noun in ("proposed", "our"):
            return (length, Subject(self.proposed)) if found[3] and len(self.proposed) == 1 and not quantifier else None
        plural = {
            "all": "all",
            "every": "all",
            "each": "all",
            "both": "all",
            "any": "any",
            "no": "none",
            "none": "none",
        }
        if quantifier is None:
            single = noun == "baseline" and len(self.others) == 1 and not self.context.open
            return (length, Subject(self.others)) if single else None
        meant: tuple[str, ...] = self.others if noun.startswith("baseline") else ("*",)
        if not self.context.known or (quantifier == "both" and len(self._spelled(meant)) != 2) or not meant:
            return None
        if found[3]:
            return None
        return length, Subject(meant, plural[quantifier])  # type: ignore[arg-type]

    def _spelled(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(variant.name for variant in self.context.known) if names == ("*",) else names

    def names_a_model(self, token: Token) -> bool:
        """`baseline` after an unknown word belongs to a name, where names are harvested."""
        return self.context.open and token.low in _MODEL_NOUNS

    # -- harvesting, where no setup is known ---------------------------------------------------------------------

    def symbol(self, tokens: list[Token], at: int) -> tuple[int, Subject] | None:
        """`$\\alpha=4$` as a variant."""
        run = tokens[at : at + 3]
        if not self.context.open or len(run) < 3 or run[0].text not in _SYMBOLS or run[1].text != "=":
            return None
        if run[2].kind != "number" or not run[0].math:
            return None
        named = self._new("".join(t.text for t in run), f"{run[0].text}_{run[2].text}")
        return (3, named) if named else None

    def harvest(self, words: list[Token]) -> Subject | None:
        """A run of unknown words that looks like a name: bold, with capitals or digits inside, or a kind of model."""
        while words and words[0].low in _ARTICLES:
            words = words[1:]
        if not self.context.open or not 1 <= len(words) <= 5 or any(t.kind != "word" for t in words):
            return None
        if len(words) > 1 and words[-1].low in ("model", "variant") and any(map(_looks_like_name, words[:-1])):
            words = words[:-1]  # "the RingSSM model" is RingSSM
        looks = any(_looks_like_name(token) for token in words) or words[-1].low in _MODEL_NOUNS
        if not looks or (len(words) == 1 and words[0].low in _MODEL_NOUNS):
            return None
        return self._new(_spelling(words), "_".join(token.text for token in words))

    def _new(self, spelling: str, slug: str) -> Subject | None:
        name = re.sub(r"[^a-z0-9]+", "_", slug.lower()).strip("_")
        if not name or name[0].isdigit():
            return None
        if all(variant.name != name for variant in self.harvested):
            self.harvested.append(KnownVariant(name, (spelling,)))
        return Subject((name,))


def _looks_like_name(token: Token) -> bool:
    text = token.text
    return (
        (token.bold and text[0].isupper())
        or any(character.isupper() for character in text[1:])
        or (any(character.isdigit() for character in text) and text[0].isalpha())
    )


def _spelling(words: list[Token]) -> str:
    return "".join(("-" if token.glued else " ") + token.text for token in words)[1:]


def _core(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()
