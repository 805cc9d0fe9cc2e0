"""The numbers of a reading and those of the text: a reading may invent none."""

import re
from decimal import Decimal

from proposals.natural.lexicon import NUMBER_WORDS
from proposals.natural.tokens import tokens


def numbers_of(formal: str) -> set[Decimal]:
    """Of the formal text, but for the 0 of a count and the 1 of a relative difference."""
    plain = re.sub(r"[A-Za-z_]\w*\.", "", re.sub(r"(?:== 0|> 0|1 - |- 1)(?![\d.])", "", formal))
    return {Decimal(found) for found in re.findall(r"(?<![\w])\d+(?:\.\d+)?(?:e-?\d+)?", plain)}


def numbers_in(text: str) -> set[Decimal]:
    found = tokens(text)
    written = {Decimal(token.text) for token in found if token.kind == "number"}
    words = {Decimal(NUMBER_WORDS[token.low]) for token in found if token.low in NUMBER_WORDS}
    # names such as beta_4 carry theirs; a percentage may be written as a fraction
    inside = {Decimal(digits) for token in found if token.kind == "word" for digits in re.findall(r"\d+", token.text)}
    return written | words | inside | {Decimal(2)} | {number / 100 for number in written}
