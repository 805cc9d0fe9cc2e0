"""Chunks -> clauses: lists of variants, brackets and settings are folded, compounds are split and joined again."""

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from proposals.natural.chunks import Chunk, Quantity
from proposals.natural.conditions import Condition
from proposals.natural.emit import Clause
from proposals.natural.forms import read_statement
from proposals.natural.measures import Measures
from proposals.natural.names import Quantifier, Scope, Subject
from proposals.natural.reading import Class, Refused
from proposals.natural.statement import Statement
from proposals.natural.words import word_set

_MOST_PARTS = 6


@dataclass(frozen=True)
class Whole:
    """What all parts of a compound share."""

    scope: Scope
    measures: Measures


def read_chunks(chunks: list[Chunk], whole: Whole) -> Clause:
    """One statement, or several joined by while, but, and, or."""
    return _read(_tidied(chunks), whole, None)


def _read(chunks: list[Chunk], whole: Whole, previous: Clause | None) -> Clause:
    chunks = _without_ends(chunks)
    refused: Refused | None = None
    if not any(piece.letter == ";" for piece in chunks):
        try:
            return _single(_merged(chunks), whole, previous)
        except Refused as problem:
            refused = problem
    for letter, word in ((";", "and"), ("|", "or"), ("&", "and")):
        parts = _split(chunks, letter)
        if len(parts) > 1:
            if letter == "|" and any(piece.letter == "&" for piece in chunks):
                raise Refused("`and` and `or` in one sentence: say with brackets or separate criteria what goes "
                              "together",
                              "compound")  # fmt: skip
            return _joined(parts, word, whole, previous)
    assert refused is not None
    raise refused


def _joined(parts: list[list[Chunk]], word: str, whole: Whole, previous: Clause | None) -> Clause:
    if len(parts) > _MOST_PARTS or any(not part for part in parts):
        raise Refused("this compound was not understood", "compound")
    named = {piece.value for part in parts for piece in part if piece.letter == "M"}
    if len(named) == 1 and whole.measures.inherited is None:
        whole.measures.inherited = str(next(iter(named)))  # "A > 90% and B < 60% accuracy"
    clauses: list[Clause] = []
    for part in parts:
        try:
            clause = _read(part, whole, clauses[-1] if clauses else previous)
        except Refused as problem:
            raise Refused(problem.reason, "compound") from None
        clauses.append(clause)
    if len({clause.conditions for clause in clauses}) > 1:
        raise Refused("whether the setting holds for every part is not clear", "compound")
    texts = [f"({c.formal})" if re.search(r"\b(and|or)\b", c.formal) else c.formal for c in clauses]
    first = clauses[0]
    return replace(first, formal=f" {word} ".join(texts), class_="compound", guard=all(c.guard for c in clauses))


def _split(chunks: list[Chunk], letter: str) -> list[list[Chunk]]:
    parts: list[list[Chunk]] = [[]]
    for piece in chunks:
        if piece.letter == letter:
            parts.append([])
        else:
            parts[-1].append(piece)
    trimmed = [_without_commas(part) for part in parts]
    # "while" and "but" may open the sentence's second half right after a comma or an `and`
    return [part for part in trimmed if part] if letter == ";" else trimmed


def _without_ends(chunks: list[Chunk]) -> list[Chunk]:
    """A joint that has nothing on one side joins nothing."""
    while chunks and chunks[0].letter in ";,":
        chunks = chunks[1:]
    while chunks and chunks[-1].letter in ";,":
        chunks = chunks[:-1]
    if not chunks:
        raise Refused("nothing is stated")
    return chunks


def _without_commas(part: list[Chunk]) -> list[Chunk]:
    while part and part[-1].letter == ",":
        part = part[:-1]
    while part and part[0].letter == ",":
        part = part[1:]
    return part


# -- one statement ---------------------------------------------------------------------------------------------


def _single(chunks: list[Chunk], whole: Whole, previous: Clause | None) -> Clause:
    conditions = tuple(piece.value for piece in chunks if piece.letter == "c")
    spans = [piece.value for piece in chunks if piece.letter == "H"]
    metrics = [piece for piece in chunks if piece.letter == "M"]
    core = _without_pauses(chunks)
    written = _metric(metrics)
    letters = "".join(piece.letter for piece in core)
    if not letters:
        raise Refused("nothing is compared")
    if len(spans) > 1 or len({key for key, _ in conditions}) < len(conditions):
        raise Refused("several settings of one kind: which goes with what?", "trend")
    conditions, core = _deadline(conditions, core)
    letters = "".join(piece.letter for piece in core)
    statement = Statement(whole.scope, whole.measures, written, conditions, spans[0] if spans else None,
                          previous.subject if previous else None)  # fmt: skip
    if previous is not None and previous.metric and written is None and whole.measures.inherited is None:
        statement.measures = replace(whole.measures, inherited=previous.metric)
    try:
        return read_statement(core, statement)
    except Refused as refused:
        raise (refused if refused.reason and not set(letters) & {"U", "X", "~"} else explained(core)) from None


def _without_pauses(chunks: list[Chunk]) -> list[Chunk]:
    """The chunks for the forms. A comma beside a setting only pauses; any other has to be accounted for."""
    kept = [
        piece
        for at, piece in enumerate(chunks)
        if piece.letter != ","
        or not ({"c"} & {p.letter for p in (*chunks[max(at - 1, 0) : at], *chunks[at + 1 : at + 2])})
    ]
    core = [piece for piece in kept if piece.letter not in "cM"]
    return _without_ends(core) if core else []


def _metric(metrics: list[Chunk]) -> str | None:
    names = {str(piece.value) for piece in metrics}
    if len(names) == 2 and "test_accuracy" in names and names & {"train_accuracy", "validation_accuracy"}:
        # "accuracy ... on the training set"
        plain = [piece for piece in metrics if piece.value == "test_accuracy"]
        if all(len(piece.tokens) == 1 for piece in plain):
            names -= {"test_accuracy"}
    if len(names) > 1:
        raise Refused(f"two metrics in one statement: {', '.join(sorted(names))}")
    return names.pop() if names else None


def _deadline(conditions: tuple[Condition, ...], core: list[Chunk]) -> tuple[tuple[Condition, ...], list[Chunk]]:
    """`has not converged after 2000 steps`, `converges by step 1000`: the setting is the bound."""
    for key, value in conditions:
        if key in ("step", "epoch") and isinstance(value, int) and core and core[-1].letter == "D":
            quantity = Quantity(Decimal(value), "steps" if key == "step" else "epochs")
            rest = tuple(item for item in conditions if item[0] != key)
            return rest, [*core, Chunk("W", "within"), Chunk("Q", quantity)]
    return conditions, core


def explained(core: list[Chunk]) -> Refused:
    """Why no form fits."""
    letters = "".join(piece.letter for piece in core)
    class_ = guessed(letters)
    unknown = [
        " ".join(token.text for token in piece.tokens) or str(piece.value) for piece in core if piece.letter == "U"
    ]
    if unknown:
        return Refused(f"not understood: {', '.join(f'`{word}`' for word in unknown[:6])}", class_)
    for piece in core:
        if piece.letter == "X":
            words = " ".join(token.text for token in piece.tokens)
            if piece.value == "a list of settings to compare":
                class_ = "trend"
            elif words in ("<<", ">>"):
                class_ = "ratio"
            elif "stab" in words:
                class_ = "event"
            return Refused(f"`{words}` needs {_needed(str(piece.value))}", class_)
    if "~" in letters:
        return Refused("an approximate value needs a tolerance, such as 60% .. 70%", "band")
    if "K" in letters:
        return Refused("a match needs a tolerance, such as within 2 points", class_)
    if letters.endswith("D") or letters == "D":
        return Refused("converges within how many steps?", "deadline")
    if "h" in letters:
        return Refused("the chance level is not given as a number", "constant")
    if "I" in letters or "P" in letters:
        return Refused("by how much, and compared with what?", class_)
    if not set(letters) & set("QBEZ") and not set(letters) & set("GCFL"):
        return Refused("no comparison and no number", class_)
    return Refused("this form of sentence is not known", class_)


def _needed(what: str) -> str:
    return "a number: how much?" if what == "how much?" else what


def guessed(letters: str) -> Class:
    """The class of what was refused, from the kinds of its chunks."""
    for wanted, class_ in (("D", "deadline"), ("E", "event"), ("Z", "agreement"), ("r", "agreement"), ("H", "trend"),
                           ("±", "band"), ("B", "band"), ("~", "band")):  # fmt: skip
        if wanted in letters:
            return class_  # type: ignore[return-value]
    if set(letters) & set("OF") and "Q" in letters:
        return "ratio"
    if letters.count("V") > 1 or set(letters) & set("GKF"):
        return "margin" if "Q" in letters else "ordering"
    return "constant" if "Q" in letters else "other"


# -- tidying -----------------------------------------------------------------------------------------------------


def _tidied(chunks: list[Chunk]) -> list[Chunk]:
    """`over 90%` is a bound, `90% or more` too, and `of` says something only after a number."""
    found: list[Chunk] = []
    for at, piece in enumerate(chunks):
        after = chunks[at + 1].letter if at + 1 < len(chunks) else ""
        before = found[-1].letter if found else ""
        if piece.letter == "v" and piece.tokens[0].low == "over" and after == "Q" and before not in "IOP":
            found.append(Chunk("C", ">", piece.tokens))
        elif piece.letter == "o" and not _of_variant(chunks, at, before):
            continue
        elif piece.letter == "N" and before and before in "QM" and after == "E" and piece.tokens[0].low == "without":
            found += [Chunk(";", "while", piece.tokens), piece]
        elif piece.letter == "I" and piece.tokens[0].low in _SINKS and after == "C" and _is_below(chunks[at + 1]):
            continue
        elif piece.letter == "p" and "".join(p.letter for p in found[-2:]).rstrip("M").endswith("Q"):
            place = len(found) - (2 if before == "M" else 1)
            found.insert(place, Chunk("C", piece.value, piece.tokens))
            if place > 0 and found[place - 1].letter == "C":
                raise Refused("two comparisons around one number")
        elif piece.letter == "I" and piece.tokens[0].low in ("falls", "fall") and _has_short(chunks[at + 1 :]):
            continue
        elif piece.letter == "C" and before == "R":
            found[-1] = piece
        else:
            found.append(piece)
    return found


_SINKS = word_set("falls fall drops drop sinks sink declines decline")


def _is_below(piece: Chunk) -> bool:
    return all(token.low in ("below", "under", "beneath") for token in piece.tokens)


def _of_variant(chunks: list[Chunk], at: int, before: str) -> bool:
    """`60% of V`, `60% of the memory of V`, but not `10 points of accuracy`."""
    after = [piece.letter for piece in chunks[at + 1 : at + 4] if piece.letter not in "Mo"]
    return before == "Q" and after[:1] == ["V"]


def _has_short(chunks: list[Chunk]) -> bool:
    return any(piece.letter == "I" and piece.tokens[0].low == "short" for piece in chunks)


def _merged(chunks: list[Chunk]) -> list[Chunk]:
    """Lists of variants, with their quantifier, become one subject."""
    found: list[Chunk] = []
    at = 0
    while at < len(chunks):
        lead = chunks[at] if chunks[at].letter in "qm" else None
        start = at + 1 if lead else at
        end, names, word = _listed(chunks, start)
        if len(names) > 1 and word:
            found += [p for p in chunks[start:end] if p.letter == "M"][:1]
            at = end
            after = chunks[at] if at < len(chunks) else None
            if lead is None and word == "&" and after and after.letter == "q" and after.value == "all":
                lead = after  # "A and B both exceed"
                at += 1
            found.append(Chunk("V", Subject(tuple(names), _quantifier(lead, word, len(names)))))
        else:
            found.append(chunks[at])
            at += 1
    return found


def _listed(chunks: list[Chunk], at: int) -> tuple[int, list[str], str]:
    """End of the list that begins at `at`, its names, and `&`, `|` or nothing."""
    names: list[str] = []
    word = ""
    end = at
    metrics: set[str] = set()
    while at < len(chunks) and chunks[at].letter == "V" and chunks[at].value.quantifier == "one":
        names += chunks[at].value.names
        at += 1
        if at < len(chunks) and chunks[at].letter == "M" and at + 1 < len(chunks) and chunks[at + 1].letter in ",&|":
            metrics.add(str(chunks[at].value))
            at += 1
        end = at
        joints = []
        while at < len(chunks) and chunks[at].letter in ",&|":
            joints.append(chunks[at].letter)
            at += 1
        if not joints or at >= len(chunks) or chunks[at].letter != "V":
            break
        said = [letter for letter in joints if letter in "&|"]
        if word and said and said[0] != word:
            return end, [], ""
        word = said[0] if said else word
    if len(metrics) > 1 or len(set(names)) < len(names):
        return end, [], ""
    return end, names, word


def _quantifier(lead: Chunk | None, word: str, many: int) -> Quantifier:
    if lead is None:
        return "list" if word == "&" else "or"
    if lead.letter == "m":
        if lead.value == "worst":
            raise Refused("the worst of several has no reading; use min or max", "compound")
        return lead.value  # type: ignore[no-any-return]
    said = lead.tokens[0].low
    if (said == "both" and (many != 2 or word == "|")) or (lead.value == "all" and word == "|"):
        raise Refused("both of how many? this list was not understood", "compound")
    if lead.value == "any" and word == "&" and said == "either":
        raise Refused("either ... and: one of them, or each? this was not understood", "compound")
    return lead.value  # type: ignore[no-any-return]
