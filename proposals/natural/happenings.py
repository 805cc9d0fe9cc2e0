"""Events, agreement with a reference, deadlines and changes over settings."""

from proposals.natural.comparisons import ordered, points
from proposals.natural.emit import MIRRORED, Clause, compared, number, term
from proposals.natural.measures import ERRORS
from proposals.natural.names import Subject
from proposals.natural.ratios import one
from proposals.natural.reading import Refused
from proposals.natural.statement import Groups, Statement, clause, flip, operator_of, single


def exact(s: Statement, g: Groups) -> Clause:
    subject = s.subject(g.get("v"))
    if s.written is not None:
        raise Refused("bit-exact goes with no other metric", "agreement")
    operator = ">" if "n" in g or subject.quantifier == "none" else "=="
    return clause(s, f"{s.term(subject, 'max_error')} {operator} 0", "agreement", "max_error", subject, guard=True)


def agreement(s: Statement, g: Groups) -> Clause:
    """`matches the reference within 1e-5`, `agrees with the reference to a relative error below 1e-3`."""
    quantity = g["q"].value
    if s.written not in (None, *ERRORS):
        raise Refused(f"agreement in {s.written} with a reference was not understood", "agreement")
    if s.written is None and quantity.unit:
        raise Refused("relative or absolute error? this agreement was not understood", "agreement")
    metric = s.written or "max_error"
    if s.written is None:
        s.measures.notes.assumed.append("the tolerance is taken to be the largest absolute difference")
    subject = s.subject(g.get("v"))
    operator = "<=" if g["c"].letter == "W" else operator_of(g, "c")
    formal = compared(s.term(subject, metric), operator, number(quantity))
    return clause(s, formal, "agreement", metric, subject, guard=True)


def event(s: Statement, g: Groups) -> Clause:
    """`no NaN`, `V diverges`, `NaN or divergence`."""
    if s.written is not None:
        raise Refused(f"what an event has to do with {s.written} was not understood", "event")
    subject = s.subject(g.get("v") or g.get("w"))
    absent = "n" in g or subject.quantifier == "none"
    if "n" in g and subject.quantifier == "none":
        raise Refused("a double negation was not understood", "event")
    if "q" in g and "j" in g:
        raise Refused("how the events are joined was not understood", "event")
    if absent and subject.quantifier in ("any", "or"):
        raise Refused("none of them, or not all? this was not understood", "event")
    if not absent and "a" in g and g["a"].value != "any":
        raise Refused("every event? this was not understood", "event")
    kinds = [g["e"].value, *([g["j"].value] if "j" in g else [])]
    texts = []
    for kind in kinds:
        if kind == "nan":
            texts.append(f"{s.term(subject, 'nan_count')} {'==' if absent else '>'} 0")
        elif absent:
            # `not` applies to the whole, so that each of several is denied
            several = len(subject.names) > 1 or "*" in subject.names
            texts.append(f"not {s.term(Subject(subject.names, 'any') if several else subject, 'diverged')}")
        else:
            texts.append(s.term(subject, "diverged"))
    if "k" in g and g["k"].letter == "&" and not absent:
        raise Refused("both events at once, or either? this was not understood", "event")
    return clause(s, (" and " if absent else " or ").join(texts), "event", None, subject, guard=True)


def free(s: Statement, g: Groups) -> Clause:
    """`NaN-free`."""
    subject = s.subject(g.get("v"))
    if subject.quantifier not in ("one", "all", "list") or s.written is not None:
        raise Refused("free of NaN: which of them? this was not understood", "event")
    return clause(s, f"{s.term(subject, 'nan_count')} == 0", "event", None, subject, guard=True)


def times_as_fast(s: Statement, g: Groups) -> Clause:
    """`at least twice as fast as V`: a ratio of times, the base's on top."""
    metric = s.time()
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    single(base)
    operator = operator_of(g, "c", default=">=")
    operator = flip(operator) if "n" in g else operator
    if g["q"].value.unit not in ("x", "%") or s.measures.metric(metric).direction != "lower":
        raise Refused("how many times as fast? this was not understood", "ratio")
    ours, theirs = s.term(subject, metric), s.term(base, metric, right=True)
    pair = f"{theirs} / {ours}" if g["f"].value == "fast" else f"{ours} / {theirs}"
    formal = f"{pair} {operator} {number(g['q'].value)}"
    return clause(s, formal, "ratio", metric, subject, guard=g["q"].value.value < one(g["q"].value))


def as_fast(s: Statement, g: Groups) -> Clause:
    """`at least as fast as V`."""
    metric = s.time()
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    operator = operator_of(g, "c")
    if operator not in (">=", "<="):
        raise Refused("as fast as was not understood", "ordering")
    if g["f"].value == "slow":
        operator = MIRRORED[operator]
    return ordered(s, subject, s.measures.quality(metric, operator), base, metric, negated="n" in g)


def counted_event(s: Statement, g: Groups) -> Clause:
    """`NaN count = 0`, `fewer than 3 NaNs`."""
    if g["e"].value != "nan" or g["q"].value.unit not in ("", "steps"):
        raise Refused("how this event is counted was not understood", "event")
    operator = operator_of(g, "c", default="==")
    subject = s.subject(g.get("v"))
    if subject.quantifier == "none":
        raise Refused("a negated count was not understood", "event")
    return clause(
        s, compared(s.term(subject, "nan_count"), operator, number(g["q"].value)), "event", None, subject, guard=True
    )


def deadline(s: Statement, g: Groups) -> Clause:
    """`converges within 500 steps`."""
    quantity = g["q"].value
    if quantity.unit not in ("steps", "epochs") or s.written not in (None, "step_time", "steps_to_converge"):
        raise Refused("within how many steps is not said", "deadline")
    metric = s.measures.known("steps_to_converge" if quantity.unit == "steps" else "epochs_to_converge")
    operator = operator_of(g, "c", default="<=")
    subject = s.subject(g.get("v"))
    if "n" in g or subject.quantifier == "none":
        operator = flip(operator)
    return clause(s, compared(s.term(subject, metric), operator, number(quantity)), "deadline", metric, subject)


def deadline_order(s: Statement, g: Groups) -> Clause:
    """`converges faster than V`, `converges in fewer steps than V`."""
    if s.written not in (None, "step_time", "steps_to_converge"):
        raise Refused("converges faster in steps, or in time?", "deadline")
    word = g["f"]
    operator = str(word.value) if word.letter == "L" else ("<" if word.value == "faster" else ">")
    subject, base = s.subject(g.get("v")), s.base(g["w"], Subject(()))
    return ordered(s, subject, operator, base, "steps_to_converge", negated="n" in g)


def deadline_ratio(s: Statement, g: Groups) -> Clause:
    """`converges 2x faster than V`: in steps."""
    if s.written not in (None, "step_time", "steps_to_converge"):
        raise Refused("converges faster in steps, or in time?", "deadline")
    s.written = "steps_to_converge"
    subject = s.subject(g.get("v"))
    base = s.base(g["w"], subject)
    single(base)
    operator = operator_of(g, "c", default=">")
    operator = flip(operator) if "n" in g else operator
    if g["q"].value.unit != "x":
        raise Refused("how many times faster? this was not understood", "deadline")
    ours, theirs = s.term(subject, s.written), s.term(base, s.written, right=True)
    pair = f"{theirs} / {ours}" if g["f"].value == "faster" else f"{ours} / {theirs}"
    return clause(s, f"{pair} {operator} {number(g['q'].value)}", "deadline", s.written, subject)


def trend(s: Statement, g: Groups) -> Clause:
    """`accuracy drops by less than 5 points from T=128 to T=512`."""
    assert s.span is not None
    first, second = s.span
    metric = s.measures.chosen(s.written, None, "trend")
    operator = operator_of(g, "c", default=">=")
    operator = flip(operator) if "n" in g else operator
    subject = s.subject(g.get("v"))
    if subject.quantifier != "one":
        raise Refused("a change over settings is about one variant", "trend")
    if not s.measures.is_share(metric):
        raise Refused("a change of this metric: in its unit, or relative? not understood", "trend")
    before = term(subject, metric, (*s.conditions, first))
    after = term(subject, metric, (*s.conditions, second))
    left, right = (before, after) if g["i"].value == "-" else (after, before)
    formal = f"{left} - {right} {operator} {number(g['q'].value, unit=points(s, metric, g['q'].value))}"
    return clause(s, formal, "trend", metric, subject)
