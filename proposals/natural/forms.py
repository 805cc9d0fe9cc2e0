"""The forms of sentences.

The letters of a statement's chunks spell a word, and each form is a short pattern that has to match it from the
first letter to the last: a chunk that no form accounts for refuses the criterion. Letters as in the lexicon; metrics
(M) and settings (c) were taken out before, because they may stand anywhere.
"""

import re

from proposals.natural.chunks import Chunk
from proposals.natural.comparisons import (
    close,
    difference,
    gain,
    gap,
    gapped,
    margin,
    margin_before,
    ordering,
    sequence,
    speed_order,
)
from proposals.natural.constants import band, chain, chance, constant, constant_of, mirrored, solved, tolerance, within
from proposals.natural.emit import Clause
from proposals.natural.happenings import (
    agreement,
    as_fast,
    counted_event,
    deadline,
    deadline_order,
    deadline_ratio,
    event,
    exact,
    free,
    times_as_fast,
    trend,
)
from proposals.natural.ratios import compared_rate, divided, faster, ratio, saving
from proposals.natural.reading import Refused
from proposals.natural.statement import Reader, Statement

FORMS: tuple[tuple[str, Reader], ...] = (
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>[C=])(?P<q>Q)", constant),
    (r"(?P<n>N)?R?(?P<c>[C=])(?P<q>Q)(?P<v>V)", constant_of),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>R)(?P<q>Q)", constant),
    (r"(?P<v>V)?W(?P<q>Q)", within),
    (r"(?P<q>Q)(?P<c>C)(?P<v>V)?", mirrored),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>[GC])h(?P<b>\()", chance),
    (r"(?P<v>V)?(?P<s>S)(?P<b>\()", solved),
    (r"(?P<v>V)?[R=~∈]*(?P<b>B)", band),
    (r"(?P<b>B)o?(?P<v>V)", band),
    (r"(?P<q>Q)(?P<c>C)(?P<v>V)?(?P<d>C)(?P<r>Q)", chain),
    (r"(?P<v>V)?[R=]?(?P<b>±)", tolerance),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>[GC])(?P<w>V)", ordering),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>L)T(?P<w>V)", ordering),
    (r"(?P<v>V)(?P<c>C)(?P<w>V)(?P<d>C)(?P<x>V)", sequence),
    (r"(?P<v>V)?(?P<n>N)?(?P<f>F)T?(?P<w>V)?", speed_order),
    (r"(?P<v>V)?(?P<n>N)?X?(?P<c>[GCK])(?P<w>V)(?P<b>\()", gapped),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>[GC])(?P<w>V)y(?P<d>C)?(?P<q>Q)", margin),
    (r"(?P<v>V)?(?P<n>N)?(?P<d>C)?(?P<q>Q)(?P<c>[GC])(?P<w>V)", margin_before),
    (r"(?P<v>V)?(?P<n>N)?(?P<d>C)?(?P<q>Q)(?P<c>L)T(?P<w>V)", margin_before),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<i>I)v?(?P<w>V)y(?P<d>C)?(?P<q>Q)", gain),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<i>I)[yo]?(?P<d>C)?(?P<q>Q)v(?P<w>V)", gain),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<i>I)v(?P<w>V)(?P<d>C)(?P<q>Q)", gain),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<d>C)(?P<q>Q)(?P<i>I)v?(?P<w>V)", gain),
    (r"(?P<v>V)?(?P<n>N)?K?W(?P<q>Q)o?(?P<w>V)", close),
    (r"(?P<v>V)?(?P<n>N)?K(?P<w>V)W(?P<q>Q)", close),
    (r"(?:Pv?)(?P<v>V)(?P<n>N)?(?P<c>C)(?P<q>Q)", gap),
    (r"(?P<v>V)Pv?(?P<w>V)(?P<n>N)?(?P<c>C)(?P<q>Q)", gap),
    (r"(?P<v>V)(?P<c>C)(?P<q>Q)Pv?(?P<w>V)", gap),
    (r"(?P<a>‖)?(?P<v>V)[-—](?P<w>V)‖?(?P<c>C)(?P<q>Q)", difference),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)?(?P<q>Q)(?P<f>F)T?(?P<w>V)?", faster),
    (r"(?P<v>V)?(?P<n>N)?(?P<f>F)(?P<w>V)y(?P<c>C)?(?P<q>Q)", faster),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)?(?P<q>Q)(?P<l>L)T(?P<w>V)", saving),
    (r"(?P<v>V)?(?P<n>N)?R?(?P<c>C)(?P<q>Q)(?P<o>o)?(?P<w>V)", ratio),
    (r"(?P<v>V)?(?P<o>O)v?(?P<w>V)?(?P<n>N)?(?P<c>C)(?P<q>Q)", compared_rate),
    (r"(?P<o>O)(?P<v>V)v(?P<w>V)(?P<n>N)?(?P<c>C)(?P<q>Q)", compared_rate),
    (r"(?P<v>V)?R?(?P<o>O)o?(?P<c>C)?(?P<q>Q)(?:v(?P<w>V))?", compared_rate),
    (r"(?P<v>V)?R?(?P<c>C)(?P<q>Q)(?P<o>O)(?:v(?P<w>V))?", compared_rate),
    (r"(?P<v>V)/(?P<w>V)O?(?P<c>C)(?P<q>Q)", divided),
    (r"(?P<v>V)?(?P<n>N)?Z(?:v?r)?", exact),
    (r"(?P<v>V)?Kr(?P<c>[CW])(?P<q>Q)", agreement),
    (r"(?P<v>V)?(?:v?r)(?P<c>C)(?P<q>Q)", agreement),
    (r"(?P<v>V)?(?P<c>C)(?P<q>Q)v?r", agreement),
    (r"(?P<v>V)?(?P<n>f)", free),
    (r"(?P<n>f)(?P<v>V)", free),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)?(?P<q>Q)(?P<f>J)(?P<w>V)", times_as_fast),
    (r"(?P<v>V)?(?P<n>N)?(?P<c>C)(?P<f>J)(?P<w>V)", as_fast),
    (r"(?P<v>V)?(?P<n>N)?(?P<a>q)?(?P<e>E)(?:(?P<k>[|&])(?P<j>E))?", event),
    (r"(?P<n>N)?(?P<a>q)?(?P<e>E)(?:(?P<k>[|&])(?P<j>E))?(?P<w>V)", event),
    (r"(?P<v>V)?(?P<e>E)(?P<c>[C=])?(?P<q>Q)", counted_event),
    (r"(?P<v>V)?(?P<c>C)?(?P<q>Q)(?P<e>E)", counted_event),
    (r"(?P<v>V)?(?P<n>N)?D(?:W|(?P<c>C))?(?P<q>Q)", deadline),
    (r"(?P<v>V)?(?P<n>N)?D(?P<f>F)(?P<w>V)", deadline_order),
    (r"(?P<v>V)?(?P<n>N)?D(?P<c>C)?(?P<q>Q)(?P<f>F)(?P<w>V)", deadline_ratio),
    (r"(?P<v>V)?(?P<n>N)?D(?P<f>L)T(?P<w>V)", deadline_order),
    (r"(?P<v>V)?(?P<n>N)?(?P<i>I)y?(?P<c>C)?(?P<q>Q)H", trend),
)
"""Forms of a statement. Where two forms fit, each is tried in order and a refusal moves on to the next."""

_COMPILED = tuple((re.compile(pattern), reader) for pattern, reader in FORMS)


def read_statement(core: list[Chunk], statement: Statement) -> Clause:
    """The first form that accounts for every chunk; Refused with the reason of the form that came closest."""
    letters = "".join(item.letter for item in core)
    reason: Refused | None = None
    for pattern, reader in _COMPILED:
        found = pattern.fullmatch(letters)
        if found is None:
            continue
        groups = {key: core[found.start(key)] for key in found.groupdict() if found.group(key)}
        if "H" in letters and reader is not trend:
            continue
        try:
            return reader(statement, groups)
        except Refused as refused:
            reason = reason or refused
    raise reason or Refused("")
