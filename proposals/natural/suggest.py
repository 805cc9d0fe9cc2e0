"""A criterion in natural notation -> a suggested formal reading, or the reason why there is none.

text -> tokens -> trimmed of what stands around the statement -> chunks -> one of the known forms -> formal text,
which the criterion language then has to accept. Precision before recall: every word, number and negation is
accounted for, or there is no reading.
"""

import re
from itertools import pairwise

from models.metrics import METRICS, Metric
from proposals.errors import ProposalError
from proposals.language import Names, canonical, read
from proposals.natural.chunks import Chunk, Notes, chunk
from proposals.natural.compound import Whole, read_chunks
from proposals.natural.conditions import condition, span
from proposals.natural.emit import Clause
from proposals.natural.measures import ERRORS, Measures
from proposals.natural.names import Scope
from proposals.natural.norms import fold_norms
from proposals.natural.nouns import NOUNS
from proposals.natural.parts import Bracket
from proposals.natural.reading import Class, Confidence, Context, Introduced, Refused, Role, Suggestion
from proposals.natural.tokens import Token, tokens
from proposals.natural.trim import Trimmed, trim
from proposals.natural.words import word_set

LONGEST = 1_000
"""Characters of a criterion that is read at all."""

_BASELINE_WORDS = word_set("baseline dense vanilla standard diagonal full plain naive softmax random control")


def suggest(text: str, context: Context) -> Suggestion:
    """Never raises: what cannot be read has a reason."""
    role: Role | None = context.role
    notes = Notes()
    scope = Scope(context)
    try:
        if len(text) > LONGEST:
            raise Refused(f"longer than {LONGEST} characters, which is no single criterion")
        plain = fold_norms(tokens(text))
        _no_function(plain)
        trimmed = trim(plain, lambda words: scope.match(words, 0) is not None)
        role = role or trimmed.role
        measures = Measures(context, notes)
        clause = read_chunks(_chunks(list(trimmed.items), scope, notes), Whole(scope, measures))
        return _checked(clause, trimmed, role, context, scope, measures)
    except Refused as refused:
        return _none(refused.reason, refused.class_, role, context, scope)
    except ProposalError as problem:
        return _none(f"the reading is not possible: {problem.problems[0].message}", "other", role, context, scope)


_OPTIONAL = word_set("stretch optional optionally bonus ideally")


def _no_function(plain: list[Token]) -> None:
    """`O(log T)`, `\\log_2 T`: no number that could be compared. And what is no criterion at all."""
    if any(token.low in _OPTIONAL for token in plain):
        raise Refused("an optional goal decides nothing: leave it out, or make it a diagnostic")
    for token, after in pairwise(plain):
        called = token.text in ("O", "o", "Theta", "Omega") and after.text == "("
        if called or (token.text in ("log", "ln", "sqrt", "log2", "exp") and token.kind == "word"):
            raise Refused("an order of growth or a function is no number: give its value", "expression")


# -- chunks of the statement, brackets and settings folded -----------------------------------------------------


def _chunks(items: list[Token | Bracket], scope: Scope, notes: Notes) -> list[Chunk]:
    """Settings first, because `at T = 512` would look like a bound; brackets where they stand."""
    found: list[Chunk] = []
    run: list[Token] = []
    at = 0
    while at < len(items):
        item = items[at]
        if isinstance(item, Bracket):
            found += chunk(run, scope, notes)
            run = []
            found += _bracket(item, found, scope, notes)
            at += 1
            continue
        rest = _until_bracket(items, at)
        over = span(rest, 0)
        if over:
            found += [*chunk(run, scope, notes), Chunk("H", over[1:], tuple(rest[: over[0]]))]
            run = []
            at += over[0]
            continue
        setting = condition(rest, 0)
        if setting and not _is_name(rest, scope):
            found += [*chunk(run, scope, notes), Chunk("c", setting[1], tuple(rest[: setting[0]]))]
            run = []
            at += setting[0]
            continue
        run.append(item)
        at += 1
    found += chunk(run, scope, notes)
    if _several(notes.tasks) or len(notes.devices) > 1:
        raise Refused("several tasks or devices in one criterion: write one for each")
    return found


def _several(tasks: list[list[Token]]) -> bool:
    """Tasks that differ: `parity` and `S5`, but not `S5` and `S5 composition`."""
    names = sorted(({token.low for token in run} for run in tasks), key=len)
    return any(not smaller <= names[-1] for smaller in names)


def _until_bracket(items: list[Token | Bracket], at: int) -> list[Token]:
    rest: list[Token] = []
    for item in items[at : at + 12]:
        if isinstance(item, Bracket):
            break
        rest.append(item)
    return rest


def _is_name(rest: list[Token], scope: Scope) -> bool:
    """`for r = 8`, where r = 8 is a variant."""
    return any(scope.match(rest, start) is not None for start in range(1, min(3, len(rest))))


def _bracket(bracket: Bracket, before: list[Chunk], scope: Scope, notes: Notes) -> list[Chunk]:
    """Nothing for a remark or a decoy, a setting for `(T = 512)`, else the bracket for a form to account for."""
    words = list(bracket.tokens)
    if any(token.text in "()" and token.kind == "sign" for token in words):
        raise Refused("a bracket inside a bracket")
    lows = {token.low for token in words}
    said = "".join(piece.letter for piece in before)
    has_number = bool({"Q", "B", "±"} & set(said.split(";")[-1]))
    if lows & {"chance", "random", "guessing"} and not lows & {"baseline"}:
        if "h" in said and not has_number:
            return [Chunk("(", _numbers(words, scope, notes), tuple(words))]
        if has_number:
            return []
        raise Refused("the chance level stands beside a statement without a number")
    if _configuration(words):
        setting = condition(words, 0, bare=True)
        if setting and setting[0] == len(words) and setting[1][0] in ("length", "pairs", "distance"):
            return [Chunk("c", setting[1], tuple(words))]
        return []
    setting = condition(words, 0, bare=True) if words else None
    if setting and setting[0] == len(words):
        return [Chunk("c", setting[1], tuple(words))]
    inside = chunk(words, scope, notes)
    if not inside and not _narrows(lows):
        return []  # a task or a device
    letters = {piece.letter for piece in inside}
    if "h" in said and not has_number and letters <= {"Q", "=", "~"}:
        return [Chunk("(", inside, tuple(words))]
    if [piece.letter for piece in inside] == ["V"]:
        named = [piece.value for piece in before if piece.letter == "V"]
        if not named:
            return inside
        if named != [inside[0].value]:
            raise Refused(f"the bracket ({_shown(words)}) names another variant")
        return []
    if letters <= {"U", "V", ",", "&", "r", "o"} and lows & _EXPLAINING and not _narrows(lows):
        # a remark: words without a number, a comparison or a negation
        if "V" in letters and letters != {"V"}:
            raise Refused(f"the bracket ({_shown(words)}) names a variant")
        return []
    if letters == {"M"} and tuple(token.low for token in words) in NOUNS:
        return inside
    if has_number and "c" not in letters:
        raise Refused(f"the bracket ({_shown(words)}) was not understood beside the number before it")
    return [Chunk("(", inside, tuple(words))]


_EXPLAINING = word_set(
    "it they this is are has should would will as expected predicted because since our ours proposed baseline "
    "control ablation reference unlike paper see idea hypothesis lacks forgets"
)


def _numbers(words: list[Token], scope: Scope, notes: Notes) -> list[Chunk]:
    """`chance = 16.7%`, `random: 25%`, `16.7% chance`: the number alone."""
    return [piece for piece in chunk(words, scope, notes) if piece.letter not in ("h", "=", "~", "U", ":")]


def _configuration(words: list[Token]) -> bool:
    """`d = 64, r = 8`: pairs of a symbol and a number, and nothing else."""
    text = "".join("w" if t.kind == "word" else "n" if t.kind == "number" else t.text for t in words)
    return bool(re.fullmatch(r"w{1,2}=n(?:,w{1,2}=n){0,8}", text))


_NARROWING = word_set(
    "training train validation only median worst best relative absolute except mean per after before with each "
    "every all any both if unless not without no when held seed"
)


def _narrows(lows: set[str]) -> bool:
    return bool(lows & _NARROWING)


def _shown(words: list[Token]) -> str:
    return " ".join(token.text for token in words[:10])


# -- the result ------------------------------------------------------------------------------------------------


def _checked(
    clause: Clause, trimmed: Trimmed, role: Role | None, context: Context, scope: Scope, measures: Measures
) -> Suggestion:
    """The reading, if the criterion language accepts it."""
    formal = f"not ({clause.formal})" if trimmed.negated else clause.formal
    own = {
        name: _directed(name, metric, formal, context) for name, metric in measures.own.items() if f".{name}" in formal
    }
    variants = tuple(v for v in scope.harvested if re.search(rf"(?<!\w){re.escape(v.name)}(?!\w)", formal))
    names = Names(
        tuple(variant.name for variant in (*context.known, *variants)) or ("proposed",),
        scope.proposed,
        {},
        {**METRICS, **context.metrics, **own},
    )
    shape = canonical(read(formal, names))
    assumed = tuple(dict.fromkeys(measures.notes.assumed))
    reason = "; ".join(assumed) or "every word is accounted for"
    confidence: Confidence = "low" if variants else "medium" if assumed or own else "high"
    return Suggestion(
        formal, shape, clause.class_, role or _role(clause, own, context, scope), confidence, reason, variants,
        tuple(Introduced(name, metric) for name, metric in own.items()), clause.metric,
    )  # fmt: skip


def _directed(name: str, metric: Metric, formal: str, context: Context) -> Metric:
    """An own metric that has to be large for success is better the higher it is."""
    found = re.search(rf"\.{re.escape(name)}(?:\[[^\]]*\])? (>=?|<=?) ", formal)
    if metric.direction != "neither" or found is None:
        return metric
    higher = (found[1][0] == ">") == (context.section == "success")
    return metric.model_copy(update={"direction": "higher" if higher else "lower"})


def _role(clause: Clause, own: dict[str, Metric], context: Context, scope: Scope) -> Role:
    if context.section == "failure":
        return "failure"
    if clause.guard or clause.class_ == "event" or clause.metric in ERRORS:
        return "guard"
    if clause.metric in own and own[clause.metric].source == "measured" and clause.metric not in _USUAL:
        return "diagnostic"
    names = set(clause.subject.names) if clause.subject else set()
    if "*" in names or not names:
        return "target"
    if scope.proposed:
        # a comparison of a baseline with the proposed variant is about the idea too
        about = any(re.search(rf"(?<!\w){re.escape(name)}\.", clause.formal) for name in scope.proposed)
        return "target" if about or names & set(scope.proposed) else "expectation"
    return "expectation" if all(set(name.split("_")) & _BASELINE_WORDS for name in names) else "target"


_USUAL = frozenset(name for name in NOUNS.values())


def _none(reason: str, class_: Class, role: Role | None, context: Context, scope: Scope) -> Suggestion:
    default: Role = "target" if context.section == "success" else "failure"
    if default == "target" and class_ in ("event", "agreement"):
        default = "guard"
    elif default == "target" and scope.seen and scope.proposed and scope.seen[0] not in scope.proposed:
        default = "expectation"
    reason = reason or "this form of sentence is not known"
    return Suggestion(None, None, class_, role or default, "low", reason, tuple(scope.harvested))
