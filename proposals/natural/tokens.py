"""A criterion as people write it -> plain tokens with their place in the source.

One walk over the text: Markdown emphasis, LaTeX, entities, emoji and typographic signs are gone afterwards, and
what remains are words, numbers and signs. What cannot be understood becomes a token of kind "other", so that
nothing disappears: a reading has to account for every token.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

from proposals.natural.latex import (
    ENTITIES,
    FRACTIONS,
    GREEK,
    GREEK_LETTERS,
    SIGNS,
    SILENT,
    SUBSCRIPTS,
    SUPERSCRIPTS,
    SYMBOLS,
)
from proposals.natural.words import word_set

Kind = Literal["word", "number", "sign", "other"]


@dataclass(frozen=True)
class Token:
    """`text` is plain (a number as Python writes it, a word as written), `glued` says that a hyphen, and nothing
    else, joins it to the token before."""

    kind: Kind
    text: str
    start: int
    end: int
    glued: bool = False
    bold: bool = False
    math: bool = False
    sub: bool = False

    @property
    def low(self) -> str:
        return self.text.lower() if self.kind == "word" else self.text


_POWER = re.compile(
    r"(?:(\d{1,20}(?:\.\d{1,20})?) ?(?:\\times|\\cdot|×|·|x|\*) ?)?"
    r"10 ?(?:\^ ?\{? ?([-−–+]?\d{1,3}) ?\}?|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}))"
)
_NUMBER = re.compile(
    r"\d{1,3}(?:(?:,|\{,\}|\\,)\d{3}){1,5}(?![\d,])|\d{1,30}(?:\.\d{1,30})?(?:[eE][-+−]?\d{1,3})?(?!\d)|\.\d{1,30}"
)
_RUN = re.compile(r"[^\W_]{1,60}")
_SHORTCODE = re.compile(r":[a-z][a-z0-9_+-]{1,40}:")
_BREAK = re.compile(r"<br ?/?>")
_LINK = re.compile(r"\]\([^()\s]{0,300}\)")
_UNITS = word_set("x ms s us min h kb mb gb b kib mib gib k m pp pt pts d")
_MAGNITUDES = {"K": 3, "k": 3, "M": 6}


def tokens(text: str) -> list[Token]:
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: list[Token] = []
        self.bold = self.math = False
        self.glue = False
        """A hyphen was passed, and the next word is joined to the one before."""
        self.sub = 0
        """How many of the open braces belong to a subscript."""
        self.braces: list[str] = []
        self.subscript_next = False
        self.last_dollar = text.rfind("$")

    def run(self) -> list[Token]:
        while self.at < len(self.text):
            before = self.at
            self._step()
            assert self.at > before, "the scanner always moves on"
        return self.found

    def _add(self, kind: Kind, text: str, length: int) -> None:
        token = Token(kind, text, self.at, self.at + length, self.glue and kind != "sign", self.bold, self.math,
                      self.sub > 0 or self.subscript_next)  # fmt: skip
        last = self.found[-1] if self.found else None
        if token.sub and text.isdigit() and last and last.kind == "word" and not last.sub and self.at - last.end <= 2:
            # `S_5` is written for S5
            self.found[-1] = replace(last, text=last.text + text, end=token.end)
        else:
            self.found.append(token)
        self.at += length
        self.glue = self.subscript_next = False

    def _step(self) -> None:
        character = self.text[self.at]
        if character.isspace():
            self.at += 1
            self.glue = False
        elif character.isdigit() or (character == "." and self.text[self.at + 1 : self.at + 2].isdigit()):
            self._number()
        elif character == "\\":
            self._command()
        elif character in "{}":
            self._brace(character)
        elif character == "$":
            self._dollar()
        elif character in "*_`":
            self._mark(character)
        elif character == "&" and self._entity():
            pass
        elif character == "<" and (found := _BREAK.match(self.text, self.at)):
            self._add("sign", ";", found.end() - self.at)
        elif character == "]" and (found := _LINK.match(self.text, self.at)):
            self._add("sign", "]", found.end() - self.at)
        elif character == ":" and (found := _SHORTCODE.match(self.text, self.at)):
            self.at = found.end()
        elif character in "'’‘":
            self._apostrophe()
        elif character in "-‐‑–−":
            self._dash(character)
        elif character in GREEK_LETTERS:
            self._add("word", GREEK_LETTERS[character], 1)
        elif character.isalpha():
            found = _RUN.match(self.text, self.at)
            self._word(found.group() if found else character)
        else:
            self._sign(character)

    # -- numbers and words -----------------------------------------------------------------------------------

    def _number(self) -> None:
        power = _POWER.match(self.text, self.at)
        if power:
            exponent = (power[2] or power[3]).translate(SUPERSCRIPTS).replace("−", "-").replace("–", "-")
            self._add("number", f"{power[1] or '1'}e{int(exponent)}", power.end() - self.at)
            return
        run = _RUN.match(self.text, self.at)
        found = _NUMBER.match(self.text, self.at)
        joined = bool(self.glue and self.found and self.found[-1].kind == "word")
        if found is None:
            self._add("other", run.group() if run else self.text[self.at], len(run.group()) if run else 1)
            return
        digits = re.sub(r"[,{}\\]", "", found.group()).replace("−", "-")
        tail = _RUN.match(self.text, found.end())
        ending = tail.group() if tail else ""
        if joined or (ending and ending.lower() not in _UNITS):
            # `2D`, `8x8`, `Mamba-2`: a word that happens to begin with a digit
            self._word(run.group() if run and not found.group().startswith(".") else found.group())
            return
        if ending in _MAGNITUDES:
            self._add("number", f"{digits}e{_MAGNITUDES[ending]}", len(found.group()) + len(ending))
            return
        if self.text[found.end() : found.end() + 1] == ":" and self.text[found.end() + 1 : found.end() + 2].isdigit():
            # `2:4` is a pattern of sparsity, not two numbers
            second = _NUMBER.match(self.text, found.end() + 1)
            assert second is not None
            self._add("word", f"{digits}:{second.group()}", second.end() - self.at)
            return
        self._add("number", digits, len(found.group()))

    def _word(self, word: str) -> None:
        # letters of other scripts and styles (fullwidth, mathematical alphanumerics) are read as plain ones
        plain = unicodedata.normalize("NFKC", word).translate(SUBSCRIPTS)
        self._add("word", plain or word, len(word))

    def _apostrophe(self) -> None:
        """`model's` is the model; `doesn't` is one word."""
        rest = self.text[self.at + 1 : self.at + 4].lower()
        last = self.found[-1] if self.found else None
        if last and last.kind == "word" and last.end == self.at:
            if rest[:1] == "t" and not rest[1:2].isalpha() and last.low.endswith("n"):
                self.found[-1] = Token("word", last.text + "'t", last.start, self.at + 2, last.glued, last.bold,
                                       last.math, last.sub)  # fmt: skip
                self.at += 2
                return
            if rest[:1] == "s" and not rest[1:2].isalpha():
                self.at += 2
                return
        self.at += 1

    def _dash(self, character: str) -> None:
        """Between letters a hyphen joins; between numbers it is a range; with spaces around it is a dash."""
        before, after = self.text[self.at - 1 : self.at], self.text[self.at + 1 : self.at + 2]
        if self.text.startswith("->", self.at):
            self._add("sign", "→", 2)
        elif self.text.startswith("--", self.at):
            end = self.at
            while self.text.startswith("-", end):
                end += 1
            self._add("sign", "—", end - self.at)
        elif self.math and not self._in_text():
            self._add("sign", "-", 1)
        elif before.isspace() and after.isspace():
            self._add("sign", "—" if character in "-–‐‑" else "-", 1)
        elif before and after and (before.isalnum() or before in ")*`$}") and (after.isalpha() or self._joins(before)):
            self.at += 1
            self.glue = True
        elif character == "–" or (self.found and self.found[-1].kind == "number") or before in "%$":
            self._add("sign", "–", 1)
        else:
            self._add("sign", "-", 1)

    def _joins(self, before: str) -> bool:
        """Is it the hyphen of `Mamba-2`, not of `60-70`?"""
        return before.isalpha() and bool(self.found) and self.found[-1].kind == "word"

    # -- marks -----------------------------------------------------------------------------------------------

    def _mark(self, mark: str) -> None:
        if mark == "_" and self.math:
            self.subscript_next = True
            self.at += 1
        elif self.text.startswith("**", self.at) or self.text.startswith("__", self.at):
            self.bold = not self.bold
            self.at += 2
        elif (
            mark == "*"
            and self.text[self.at - 1 : self.at].isspace()
            and self.text[self.at + 1 : self.at + 2].isspace()
        ):
            self._add("sign", "×", 1)
        elif mark == "_" and self.found and self.found[-1].end == self.at:
            self.at += 1
            self.glue = True
        else:
            self.at += 1

    def _dollar(self) -> None:
        """LaTeX or money? Money is followed by a number and is not closed around a formula."""
        if self.text.startswith("$$", self.at):
            self.math = not self.math
            self.at += 2
        elif self.math:
            self.math = False
            self.braces.clear()
            self.sub = 0
            self.at += 1
        elif self._is_money():
            self._add("sign", "$", 1)
        else:
            self.math = True
            self.at += 1

    def _is_money(self) -> bool:
        if not self.text[self.at + 1 : self.at + 2].isdigit():
            return False
        end = self.text.find("$", self.at + 1, self.at + 200) if self.at < self.last_dollar else -1
        inside = self.text[self.at + 1 : end]
        if re.match(r"\d[\d.]* ?(?:\\|[<>=^])", inside) and not re.search(r"[a-zA-Z]{4}", inside.replace("\\", "")):
            return False
        return end < 0 or inside[-1:].isspace() or bool(re.search(r"(?<![\\a-zA-Z{])[a-zA-Z]{3}", inside))

    def _brace(self, brace: str) -> None:
        if brace == "{":
            self.braces.append("sub" if self.subscript_next else "group")
            self.sub += self.subscript_next
            self.subscript_next = False
        elif self.braces:
            kind = self.braces.pop()
            self.sub -= kind == "sub"
            if kind == "numerator" and self.text.startswith("{", self.at + 1):
                self.at += 1
                self._add("sign", ")", 0)
                self._add("sign", "/", 0)
                self._add("sign", "(", 0)
                self.braces.append("denominator")
            elif kind == "denominator":
                self._add("sign", ")", 0)
        self.at += 1

    def _in_text(self) -> bool:
        return "text" in self.braces

    def _command(self) -> None:
        found = re.compile(r"\\(?:[a-zA-Z]{1,30}|.|$)", re.DOTALL).match(self.text, self.at)
        assert found is not None
        name, length = found.group()[1:], len(found.group())
        opens = self.text.startswith("{", self.at + length)
        if name in FRACTIONS and opens:
            self._add("sign", "(", length)
            self.at += 1
            self.braces.append("numerator")
        elif name == "|" and not self.math:
            self._add("sign", "|", length)
        elif name in GREEK:
            self._add("word", name, length)
        elif name in SILENT or name.isspace() or name in ("*", "`", "-", "(", ")", "[", "]", ""):
            self.at += length
            if opens and name.startswith(("text", "math", "operatorname", "mbox")):
                self.sub += self.subscript_next
                self.braces.append("sub" if self.subscript_next else "text")
                self.subscript_next = False
                self.at += 1
        elif name in SYMBOLS:
            text = SYMBOLS[name]
            kind: Kind = "word" if text.isalpha() else "sign"
            if text == " ":
                self.at += length
            else:
                self._add(kind, text, length)
        else:
            self._add("other", found.group(), length)

    def _entity(self) -> bool:
        for entity, sign in ENTITIES.items():
            if self.text.startswith(entity, self.at):
                if sign.isspace():
                    self.at += len(entity)
                else:
                    self._add("sign", SIGNS[sign], len(entity))
                return True
        return False

    def _sign(self, character: str) -> None:
        for double in (">=", "<=", "=>", "=<", "==", "!=", "<<", ">>", "+-", "+/-", "...", ".."):
            if self.text.startswith(double, self.at):
                meant = {"=>": "→", "=<": "<=", "==": "=", "+-": "±", "+/-": "±", "...": "…", "..": "…"}
                self._add("sign", meant.get(double, double), len(double))
                return
        if character == ".":
            self._add("sign", ".", 1)
        elif character in SIGNS:
            self._add("sign", SIGNS[character], 1)
        elif unicodedata.category(character) in {"So", "Sk", "Cf", "Mn", "Cc", "Cn", "Cs", "Co"} or character in '“”"#':
            self.at += 1  # emoji, joiners, quotation marks
        else:
            self._add("other", character, 1)
