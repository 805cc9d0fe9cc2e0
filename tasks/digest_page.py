"""The rows of a digest: what the catalog says between two cursors, as text. Nothing here asks the clock or a file.

Words of people (titles, reasons, what a machine said) are escaped: in the document they are words and nothing else.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from db.catalog import Decided, Details, Frozen, Outcome, Story, Version, Window, details_of, story_until
from proposals.checks.amendments import shown
from proposals.judging.show import show, show_interval
from tasks.digest_parts import LISTED, Owners, Part, beginning, count, cut, escaped, estimate, in_dollars
from tasks.digest_runs import faults, late_results, open_runs, spend, under_way, waiting
from tasks.next_dollar import Question, newest_versions, open_questions, track_records
from tasks.page import NONE, signed, utc


def digest_context(engine: Engine, window: Window, written_at: datetime) -> dict[str, Any]:
    """Everything that templates/digest.md.j2 names."""
    story = story_until(engine, window.start, window.end)
    owners = Owners(story)
    proposals, new = _proposals(story, window)
    verdicts, counts = _verdicts(engine, story, owners, window)
    failed = faults(engine, story, owners, window)
    ledger, spent = spend(story, owners, window)
    registered = [one for one in story.registrations if one.id > window.start.registration]
    begun = [one for one in story.experiments if one.id > window.start.experiment]
    context: dict[str, Any] = {
        "id": window.id,
        "written": f"{written_at:%Y-%m-%d %H:%M:%S}",
        "date": f"{written_at:%Y-%m-%dT%H:%M:%S}",
        "heading": utc(written_at),
        "since": utc(window.since) if window.since else None,
        "window": {"start": window.start.as_json(), "end": window.end.as_json()},
        "revision": window.revision,
        "new_tricks": _new_tricks(story, window),
        "new_proposals": new,
        "new_experiments": len(begun),
        "verdicts": verdicts,
        "proposals": proposals,
        "registrations": cut(registered, lambda one: _registration(story, one)),
        "under_way": under_way(story, owners),
        "faults": failed,
        "open": open_runs(engine, owners, window),
        "late": late_results(engine, owners, window),
        "spend": ledger,
        "waiting": waiting(story, owners),
        "tricks": _tricks(story),
        "next": _next(story),
    }
    context["summary"] = _summary(counts, new, len(registered), failed, spent)
    return context


# -- verdicts ------------------------------------------------------------------------------------------------


def _verdicts(engine: Engine, story: Story, owners: Owners, window: Window) -> tuple[Part, Counter[str]]:
    """One entry for a proposal at a fidelity, however often it was judged in the window, in the order of the last
    time; the newest where there are too many."""
    before: dict[tuple[str, str], Decided] = {}
    judged_before: dict[tuple[str, str], int] = {}
    chains: dict[tuple[str, str], list[Decided]] = defaultdict(list)
    for verdict in story.verdicts:
        of = owners.registrations[verdict.registration_id]
        key = (of.stem, of.fidelity)
        if verdict.id > window.start.verdict:
            chains[key].append(verdict)
        else:
            before[key] = verdict
            judged_before[key] = verdict.supersedes_id or verdict.id
    in_order = sorted(chains.items(), key=lambda item: item[1][-1].id)
    counts = Counter(chain[-1].verdict for _, chain in in_order)
    listed = in_order[-LISTED:]
    needed = {chain[-1].id for _, chain in listed} | {judged_before[key] for key, _ in listed if key in judged_before}
    needed |= {chain[-1].supersedes_id or chain[-1].id for _, chain in listed}
    details = details_of(engine, sorted(needed))
    titles, names = newest_versions(story), {verdict.id: verdict.verdict for verdict in story.verdicts}
    rows = []
    for (stem, fidelity), chain in listed:
        last = chain[-1]
        one = details[last.id]
        earlier = details[judged_before[stem, fidelity]].outcomes if (stem, fidelity) in judged_before else ()
        path = [before.get((stem, fidelity)), *chain]
        rows.append(
            {
                "stem": escaped(stem),
                "title": beginning(titles[stem].title) if stem in titles else "",
                "fidelity": fidelity,
                "moved": " → ".join(_decided(verdict) for verdict in path),
                "rule": one.rule,
                "by": escaped(last.overruled_by) if last.overruled_by else None,
                "seeds": count(one.seeds, "seed"),
                "at": utc(one.judged_at),
                "verdict": last.id,
                "reasons": [beginning(reason) for reason in one.reasons],
                "policy": _policy(names[last.supersedes_id], details[last.supersedes_id])
                if last.supersedes_id
                else None,
                "caveats": [escaped(caveat) for caveat in one.caveats],
                "criteria": _criteria(one, earlier),
            }
        )
    return Part(rows, len(in_order) - len(listed)), counts


def _decided(verdict: Decided | None) -> str:
    if verdict is None:
        return "no verdict"
    going_on = f" (undecided: on to {verdict.next_look} seeds)" if verdict.next_look is not None else ""
    overruled = " (by a person)" if verdict.overruled_by else ""
    return f"{verdict.verdict}{going_on}{overruled}"


def _policy(verdict: str, one: Details) -> str:
    return f"{verdict} by rule {one.rule}: {'; '.join(escaped(reason) for reason in one.reasons)}"


def _criteria(one: Details, earlier: Sequence[Outcome]) -> list[dict[str, str]]:
    """The margin before is that of the same criterion; one that reads otherwise now has none."""
    margins = {(outcome.criterion, outcome.canonical): signed(outcome.margin, outcome.unit) for outcome in earlier}
    return [
        {
            "id": outcome.criterion,
            "role": outcome.role,
            "target": escaped(outcome.target),
            "achieved": show(outcome.achieved, outcome.unit),
            "interval": show_interval(outcome.low, outcome.high, outcome.unit),
            "margin": signed(outcome.margin, outcome.unit),
            "before": margins.get((outcome.criterion, outcome.canonical), NONE),
            "decision": outcome.decision.replace("_", " "),
        }
        for outcome in one.outcomes
    ]


# -- proposals and registrations -----------------------------------------------------------------------------


def _proposals(story: Story, window: Window) -> tuple[Part, int]:
    """Those first seen in the window, then those edited in it; and how many are new."""
    known = {version.stem for version in story.versions if version.id <= window.start.proposal_version}
    newest = {version.stem: version for version in story.versions if version.id > window.start.proposal_version}
    in_order = sorted(newest.values(), key=lambda version: (version.stem in known, version.stem))

    def row(version: Version) -> dict[str, Any]:
        return {
            "stem": escaped(version.stem),
            "what": "edited" if version.stem in known else "new",
            "title": escaped(version.title),
            "priority": escaped(version.priority),
            "tricks": ", ".join(escaped(trick) for trick in version.tricks) or NONE,
            "estimate": estimate(version.estimate_dollars, version.estimate_minutes),
        }

    return cut(in_order, row), sum(version.stem not in known for version in in_order)


def _new_tricks(story: Story, window: Window) -> int:
    before = {trick for v in story.versions if v.id <= window.start.proposal_version for trick in v.tricks}
    return len({trick for version in story.versions for trick in version.tricks} - before)


def _registration(story: Story, one: Frozen) -> dict[str, Any]:
    deviations = story.deviations.get(one.id, [])
    return {
        "stem": escaped(one.stem),
        "sha256": one.sha256[:12],
        "fidelity": one.fidelity,
        "at": utc(one.registered_at),
        "estimate": estimate(one.estimate_dollars, one.estimate_minutes),
        "deviations": [
            {
                "field": escaped(deviation.field),
                "before": escaped(shown(deviation.field, deviation.before)),
                "after": escaped(shown(deviation.field, deviation.after)),
                "results_seen": deviation.results_seen,
            }
            for deviation in deviations[:LISTED]
        ],
        "more": max(0, len(deviations) - LISTED),
    }


# -- what waits, and what comes next -------------------------------------------------------------------------


def _tricks(story: Story) -> Part:
    """Tricks that ideas with a verdict are built on, by the chance that they give the next one."""
    records = [(trick, one) for trick, one in track_records(story).items() if one.judged]
    in_order = sorted(records, key=lambda pair: (-pair[1].chance, -pair[1].judged, pair[0]))
    return cut(
        in_order,
        lambda pair: {
            "trick": escaped(pair[0]),
            "ideas": pair[1].ideas,
            "judged": pair[1].judged,
            "proceeded": pair[1].proceeded,
            "abandoned": pair[1].abandoned,
            "chance": show(pair[1].chance, "fraction"),
        },
    )


def _next(story: Story) -> Part:
    return cut(list(enumerate(open_questions(story), start=1)), lambda pair: _question(*pair))


def _question(place: int, one: Question) -> dict[str, Any]:
    per = "minute" if one.free else "dollar"
    return {
        "place": place,
        "stem": escaped(one.stem),
        "title": escaped(one.title),
        "chance": show(one.chance, "fraction"),
        "bits": f"{one.bits:.3f}",
        "estimate": estimate(one.dollars, one.minutes),
        "rate": NONE if one.rate is None else f"{one.rate:.4f} bits per {per}",
    }


# -- words ---------------------------------------------------------------------------------------------------


def _summary(counts: Counter[str], new: int, registered: int, failed: Part, spent: float) -> str:
    """ "2 verdicts (1 PROCEED, 1 ABANDON), 1 new proposal, 1 registration, 3 faults, $0.12 spent"."""
    kinds = ", ".join(f"{counts[name]} {name}" for name in sorted(counts))
    said = [
        count(sum(counts.values()), "verdict") + (f" ({kinds})" if kinds else ""),
        count(new, "new proposal"),
        count(registered, "registration"),
        count(len(failed.rows) + failed.more, "fault"),
        f"{in_dollars(spent)} spent",
    ]
    return ", ".join(said)
