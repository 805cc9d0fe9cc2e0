"""`mve show`: one proposal from near. What is printed is what `--json` gives."""

import json
from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any

import typer

from flows.options import AsJson, Catalog, Name, Root, find
from proposals.workspace import Workspace, find_workspace

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from proposals.spec import Registration

LAST = 5
"""Entries of the log."""
LOOKED_AT = ("test_accuracy", "test_loss")
"""The number of a run that is shown: the first that any run has. A study has others."""


def show(proposal: Name, as_json: AsJson = False, workspace: Root = None, catalog: Catalog = None) -> None:
    """Show what a proposal claims, what became of each criterion, its runs, faults and deviations.

    \b
    Examples:
      mve show 008
      mve show 008 --json | jq '.criteria[] | {id, decision, margin}'
    """
    place = find_workspace(workspace, catalog)
    found = facts(place, _stem(place, proposal, workspace))
    if as_json:
        typer.echo(json.dumps(found, indent=1, default=_plain))
    else:
        _print(found)


def facts(place: Workspace, stem: str) -> dict[str, Any]:
    """All that is shown, in the units of the catalog; None where there is no such thing yet."""
    from db.catalog import latest_registration, load_registration, log_of, proposal_lines
    from flows.reading import catalog_if_any

    found: dict[str, Any] = {"stem": stem, **_document(place, stem)}
    found |= {
        "page": None, "registration": None, "verdict": None, "spend": None, "metric": None, "variants": [],
        "faults": [], "deviations": [], "log": [],
    }  # fmt: skip
    with catalog_if_any(place) as engine:
        row = None if engine is None else next((one for one in proposal_lines(engine) if one.stem == stem), None)
        if engine is None or row is None:
            return found
        found["title"], found["tricks"] = row.title, row.tricks
        found["log"] = [{"at": one.at, "kind": one.kind, "text": one.text} for one in log_of(engine, stem)[-LAST:]]
        registration = row.registration_id or latest_registration(engine, stem)
        if registration is not None:
            frozen = load_registration(engine, registration)
            found |= _registered(engine, place, registration, frozen)
    return found


def _stem(place: Workspace, proposal: str, workspace: str | None) -> str:
    """Of a document; or of what the catalog remembers, where its document is gone."""
    from db.catalog import proposal_lines
    from flows.reading import catalog_if_any
    from proposals.errors import ProposalError
    from proposals.reading import stem_of

    try:
        return stem_of(find(proposal, workspace))
    except ProposalError:
        with catalog_if_any(place) as engine:
            known = [] if engine is None else proposal_lines(engine)
        stems = [row.stem for row in known if proposal in (row.stem, row.number)]
        if len(stems) != 1:
            raise
        return stems[0]


def _document(place: Workspace, stem: str) -> dict[str, Any]:
    """What the document says now; its criteria stand until there are registered ones."""
    from proposals.reading import number_of, path_of, read_as_far_as_it_goes

    path = path_of(place.proposals, stem)
    empty: dict[str, Any] = {"number": number_of(stem), "title": "", "file": None, "tricks": (), "hypothesis": ""}
    if not path.is_file():
        return {**empty, "criteria": []}
    read = read_as_far_as_it_goes(path).proposal
    return {
        "number": read.number,
        "title": read.title,
        "file": str(path.relative_to(place.root)),
        "tricks": read.based_on,
        "hypothesis": read.hypothesis.split("\n\n")[0],
        "criteria": [
            {"id": one.id, "role": one.role, "text": one.text, "canonical": one.canonical, "decision": None}
            for one in read.criteria
        ],
    }


def _registered(engine: "Engine", place: Workspace, registration: int, frozen: "Registration") -> dict[str, Any]:
    from db.catalog import deviations_of, latest_experiment, latest_judgement, overruling_of, spend_of

    found: dict[str, Any] = {
        "registration": {"sha256": frozen.sha256, "fidelity": frozen.fidelity},
        "spend": spend_of(engine, registration)._asdict(),
        "criteria": [
            {"id": one.id, "role": one.role, "text": one.text, "canonical": one.canonical, "decision": None}
            for one in frozen.criteria
        ],
        "deviations": [one._asdict() for one in deviations_of(engine, registration)],
    }
    stored = latest_judgement(engine, registration)
    experiment = latest_experiment(engine, registration) if stored is None else stored.experiment_id
    if experiment is not None:
        found |= _runs(engine, registration, experiment, frozen)
    if stored is None:
        return found
    overruled = overruling_of(engine, stored.verdict_id)
    folder = place.experiments / frozen.stem
    page = folder / "results.md" if frozen.fidelity == "specified" else folder / frozen.fidelity / "results.md"
    judgement = stored.judgement
    return found | {
        "page": str(page.relative_to(place.root)) if page.exists() else None,
        "verdict": {
            "verdict": judgement.verdict,
            "rule": judgement.rule,
            "reasons": judgement.reasons,
            "caveats": judgement.caveats,
            "judged_at": stored.judged_at,
            "overruled": None if overruled is None else {**overruled._asdict()},
        },
        "criteria": [one.model_dump(mode="json", exclude={"seeds"}) for one in judgement.outcomes],
    }


def _runs(engine: "Engine", registration: int, experiment: int, frozen: "Registration") -> dict[str, Any]:
    from db.catalog import facts_of, faults_of, run_numbers
    from proposals.spec import StudySetup

    others = tuple(frozen.setup.measured) if isinstance(frozen.setup, StudySetup) else ()
    metric, runs = run_numbers(engine, registration, *LOOKED_AT, *others)
    variants = []
    for name in frozen.setup.variants:
        own = [run for run in runs if run.variant == name]
        values = [run.value for run in own if run.value is not None]
        variants.append(
            {
                "variant": name,
                "runs": len(own),
                "collected": sum(run.state == "collected" for run in own),
                "attempts": sum(run.attempts for run in own),
                "median": median(values) if values else None,
                "lowest": min(values, default=None),
                "highest": max(values, default=None),
                "unit": next((run.unit for run in own if run.unit), None),
                "devices": sorted({run.device for run in own if run.device}),
            }
        )
    header = facts_of(engine, experiment)
    return {
        "registration": {
            "sha256": frozen.sha256,
            "fidelity": frozen.fidelity,
            "registered_at": header.registered_at,
            "commit": header.commit,
            "executor": header.executor,
        },
        "metric": metric if runs else None,
        "variants": variants,
        "faults": [one._asdict() for one in faults_of(engine, experiment)],
    }


def _plain(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


# -- for people ----------------------------------------------------------------------------------------------


def _print(found: dict[str, Any]) -> None:
    from flows.columns import one_line, print_rows
    from flows.show import STYLES

    def say(text: str) -> None:
        typer.echo(one_line(text))

    say(f"{found['number']}  {found['title']}")
    if found["hypothesis"]:
        say(" ".join(found["hypothesis"].split()))
    say(
        f"Document: {found['file'] or 'gone'}" + (f"; based on {', '.join(found['tricks'])}" if found["tricks"] else "")
    )
    _print_verdict(found, say)
    if found["criteria"]:
        typer.echo("\nCriteria")
        print_rows(("", "Role", "Criterion", "Achieved", "Interval", "Margin", "Outcome"), _criteria(found), STYLES)
    if found["variants"]:
        typer.echo(f"\nRuns: {found['metric']}")
        print_rows(("Variant", "Runs", "Attempts", "Median", "Lowest", "Highest", "Device"), _variants(found))
    for name, lines in (
        ("Faults, which count neither for nor against the idea", _faults(found["faults"])),
        ("Deviations from the registration before", _deviations(found["deviations"])),
        ("Log, its end", [f"{one['at']:%Y-%m-%d %H:%M} UTC  {one['kind']}: {one['text']}" for one in found["log"]]),
    ):
        if lines:
            typer.echo(f"\n{name}")
        for line in lines:
            say(f"  {line}")
    if found["page"]:
        typer.echo(f"\n{found['page']}")


def _print_verdict(found: dict[str, Any], say: Any) -> None:
    verdict, frozen = found["verdict"], found["registration"]
    if frozen is None:
        say(f"Not registered: `mve run {found['number']}` tests it")
        return
    spent = found["spend"]
    cost = f"{spent['actual_minutes']:.1f} min, ${spent['actual_dollars']:.2f} of ${spent['estimate_dollars']:.2f}"
    say(f"Registered as {frozen['sha256'][:12]}, fidelity {frozen['fidelity']}; {cost}")
    if verdict is None:
        say(f"No verdict yet: `mve run {found['number']}` goes on")
        return
    say(f"{verdict['verdict']} by rule {verdict['rule']}, judged {verdict['judged_at']:%Y-%m-%d %H:%M} UTC")
    for reason in verdict["reasons"]:
        say(f"  {reason}")
    for caveat in verdict["caveats"]:
        say(f"  caveat: {caveat}")
    if verdict["overruled"]:
        by = verdict["overruled"]
        say(f"Overruled by {by['name']}: {by['verdict']}. {by['reason']}")


def _criteria(found: dict[str, Any]) -> list[tuple[str, ...]]:
    from proposals.judging.show import show as shown
    from proposals.judging.show import show_interval
    from tasks.page import signed

    rows: list[tuple[str, ...]] = []
    for one in found["criteria"]:
        written = one["canonical"] or one["text"]
        if one["decision"] is None:
            rows.append((one["id"], one["role"], written, "–", "–", "–", "not judged"))
            continue
        interval = show_interval(one["low"], one["high"], one["unit"])
        margin, word = signed(one["margin"], one["unit"]), one["decision"].replace("_", " ")
        rows.append((one["id"], one["role"], written, shown(one["achieved"], one["unit"]), interval, margin, word))
    return rows


def _variants(found: dict[str, Any]) -> list[tuple[str, ...]]:
    from proposals.judging.show import show as shown

    return [
        (
            one["variant"],
            f"{one['collected']}/{one['runs']}",
            str(one["attempts"]),
            *(shown(one[name], one["unit"] or "") for name in ("median", "lowest", "highest")),
            ", ".join(one["devices"]) or "–",
        )
        for one in found["variants"]
    ]


def _faults(faults: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{one['variant']}, seed {one['seed']}, attempt {one['number']}: {one['state']}, {one['reason']}"
        for one in faults
    ]


def _deviations(deviations: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{one['field']}: {json.dumps(one['before'])} became {json.dumps(one['after'])}"
        + (", after results had been seen" if one["results_seen"] else "")
        for one in deviations
    ]
