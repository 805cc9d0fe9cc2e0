"""From outcomes to a verdict: six rules, the first that applies. A pure function; docs/verdicts.md explains
it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from proposals.judging.looks import next_look
from proposals.judging.outcomes import CriterionOutcome, Decision, Judgement, VerdictName
from proposals.judging.show import show, show_interval
from proposals.spec import Role

DECISIVE: frozenset[Role] = frozenset({"target", "guard", "kill", "pause", "debug", "sanity"})
"""An undecided one of these keeps the question open; expectations and diagnostics are caveats at most."""


@dataclass(frozen=True)
class Facts:
    """What the policy knows besides the outcomes.

    seeds: number at hand; looks and error: as declared; diverged: proposed variants that diverged on every seed;
    theoretical: metrics to be measured for which a computed figure was given.
    """

    seeds: int
    looks: tuple[int, ...]
    error: float = 0.05
    fidelity: Literal["specified", "reduced", "proxy"] = "specified"
    diverged: tuple[str, ...] = ()
    theoretical: tuple[str, ...] = ()


def decide(outcomes: Sequence[CriterionOutcome], facts: Facts) -> Judgement:
    verdict, rule, reasons, next_look = _apply(outcomes, facts)
    return Judgement(
        verdict=verdict,
        rule=rule,
        reasons=tuple(reasons),
        caveats=tuple(_caveats(outcomes, facts)),
        outcomes=tuple(outcomes),
        next_look=next_look,
    )


def _apply(outcomes: Sequence[CriterionOutcome], facts: Facts) -> tuple[VerdictName, int, list[str], int | None]:
    killed = _with(outcomes, ("kill",), "holds")
    if killed:
        return "ABANDON", 1, [f"{_name(one)} holds: {_state(one)}" for one in killed], None

    missed = _with(outcomes, ("target", "guard"), "fails")
    if missed:
        return "ABANDON", 2, [f"{_name(one)} fails: {_state(one)}" for one in missed], None

    paused = _with(outcomes, ("pause",), "holds")
    if paused:
        return "INCONCLUSIVE", 3, [f"{_name(one)} holds: {_state(one)}" for one in paused], None

    # a run that diverged everywhere is broken even where no target reads what it measured
    broken = [f"{variant} diverged on every seed" for variant in facts.diverged]
    for one in _with(outcomes, ("target",), "set_aside"):
        broken.append(f"{_name(one)} was set aside: {one.reason}")
    broken += [f"{_name(one)} holds: {_state(one)}" for one in _with(outcomes, ("debug",), "holds")]
    if broken:
        return "DEBUG", 4, [*broken, "repair this before the question can be asked again"], None

    undecided = [one for one in outcomes if one.role in DECISIVE and one.decision == "undecided"]
    if undecided:
        reachable = {one.id: _next_look(one, facts) for one in undecided}
        reasons = [_open(one) + _futile(reachable[one.id], facts) for one in undecided]
        return "INCONCLUSIVE", 5, reasons, min((look for look in reachable.values() if look), default=None)

    substance: tuple[Role, ...] = ("target", "guard", "kill")
    if not _with(outcomes, substance, "holds") and not _with(outcomes, substance, "fails"):
        return "INCONCLUSIVE", 5, ["no target, guard or kill criterion was decided"], None
    held = _with(outcomes, ("target",), "holds") or _with(outcomes, ("guard",), "holds")
    return "PROCEED", 6, [f"{_name(one)} holds: {_state(one)}" for one in held], None


def _caveats(outcomes: Sequence[CriterionOutcome], facts: Facts) -> Iterable[str]:
    for one in outcomes:
        if one.decision == "fails" and one.role in {"expectation", "diagnostic", "sanity"}:
            yield f"{_name(one)} failed: {_state(one)}"
        elif one.decision == "undecided" and one.role not in DECISIVE:
            yield f"{_name(one)} undecided: {_state(one)}"
    aside: dict[str, list[str]] = {}
    for one in _with(outcomes, get_args(Role), "set_aside"):
        aside.setdefault(one.reason, []).append(f"{one.id} ({one.role})")
    for reason, names in aside.items():
        yield f"{', '.join(names)} set aside: {reason}"
    if facts.seeds == 1:
        yield "single seed: nothing is known of how it scatters; judged on the values as they stand"
    elif 0 < facts.seeds < facts.looks[0]:
        yield f"{facts.seeds} seeds, fewer than the first look of {facts.looks[0]} declares"
    for metric in facts.theoretical:
        yield f"{metric} was to be measured, and a computed figure was given"
    if facts.fidelity == "reduced":
        yield "reduced fidelity: a smaller experiment than the proposal specifies"
    elif facts.fidelity == "proxy":
        yield "proxy: not the experiment that the proposal specifies"


def _with(outcomes: Sequence[CriterionOutcome], roles: tuple[Role, ...], decision: Decision) -> list[CriterionOutcome]:
    return [one for one in outcomes if one.role in roles and one.decision == decision]


def _name(one: CriterionOutcome) -> str:
    return f"{one.id} ({one.role}) {one.canonical}"


def _state(one: CriterionOutcome) -> str:
    return f"{show(one.achieved, one.unit)} for {one.target} ({one.reason})"


def _next_look(one: CriterionOutcome, facts: Facts) -> int | None:
    """The next look that can still decide it; without its seeds, the next one declared."""
    if not one.seeds:
        return next((look for look in facts.looks if look > facts.seeds), None)
    holding = sum(seed.holds is True for seed in one.seeds)
    failing = sum(seed.holds is False for seed in one.seeds)
    return next_look(holding, failing, facts.seeds, facts.looks, facts.error)


def _futile(look: int | None, facts: Facts) -> str:
    later = [str(declared) for declared in facts.looks if declared > facts.seeds]
    if look is not None or not later:
        return ""
    return f"; the declared look at {' and '.join(later)} seeds could not settle it whatever the rest gave"


def _open(one: CriterionOutcome) -> str:
    if one.more_seeds is None:
        more = "no number of seeds up to 200 would be expected to settle it"
    else:
        seeds = "1 more seed" if one.more_seeds == 1 else f"{one.more_seeds} more seeds"
        more = f"{seeds} would be expected to settle it"
    interval = show_interval(one.low, one.high, one.unit)
    shown = f", interval {interval}" if interval != "–" else ""
    found = f"{show(one.achieved, one.unit)} for {one.target}{shown}"
    return f"{_name(one)} is undecided: {found}; {one.reason}; {more}"
