"""Which runs a look needs: variants x seeds, each with the key of all that determines its result."""

from dataclasses import dataclass

from prefect import task
from sqlalchemy import Engine

from db.catalog import ChangedCodeError, load_registration, plan_runs, runs_without_result, start_experiment
from models.code_version import run_key, study_key
from proposals.spec import AnySetup, StudySetup
from proposals.workspace import Workspace
from tasks.place import OPTIONS, catalog_of, now
from tasks.register import code_commit


@dataclass(frozen=True)
class Planned:
    """`missing`: the runs that have no result yet, key -> name for people, in the order in which to train them;
    `total`: how many there are in all. `study`: nothing is trained, and each run has the machine to itself, since it
    is timed."""

    experiment: int
    missing: dict[str, str]
    total: int
    study: bool = False


def plan_look(place: Workspace, registration: int, seeds: int, executor: str, quick: bool) -> Planned:
    """Plan seeds 0 .. `seeds`-1 of every variant. What has a result, from whatever experiment, is not trained again.

    Goes on with the experiment that is under way, unless the code has changed since. Runs of one seed stand together,
    so that an interrupted experiment has whole pairs to compare.
    """
    with catalog_of(place) as engine:
        setup = load_registration(engine, registration).setup
        runs = runs_of(setup, seeds)
        try:
            experiment = _experiment(engine, registration, executor, quick)
            plan_runs(engine, experiment, runs, now())
        except ChangedCodeError:
            experiment = _experiment(engine, registration, executor, quick, fresh=True)
            plan_runs(engine, experiment, runs, now())
        left = {run.key for run in runs_without_result(engine, experiment)}
    missing = {key: f"{variant}-seed-{seed}" for key, variant, seed, _ in runs if key in left}
    total = len({key for key, *_ in runs})
    return Planned(experiment, missing, total, study=isinstance(setup, StudySetup))


def runs_of(setup: AnySetup, seeds: int) -> list[tuple[str, str, int, str]]:
    """(key, variant, seed, what the variant is) of seeds 0 .. `seeds`-1 of every variant."""
    every = [(name, seed) for seed in range(seeds) for name in setup.variants]
    if isinstance(setup, StudySetup):
        forms = {name: variant.form for name, variant in setup.variants.items()}
        return [
            (study_key(setup.study, forms[name], seed), name, seed, forms[name].model_dump_json())
            for name, seed in every
        ]
    mixers = {name: variant.mixer for name, variant in setup.variants.items()}
    shared = (setup.synthetic, setup.backbone, setup.training)
    return [
        (
            run_key(mixers[name], *shared, seed, setup.evaluations, setup.probes),
            name,
            seed,
            mixers[name].model_dump_json(),
        )
        for name, seed in every
    ]


def _experiment(engine: Engine, registration: int, executor: str, quick: bool, fresh: bool = False) -> int:
    commit, dirty = code_commit()
    return start_experiment(
        engine,
        registration,
        executor=executor,
        profile="quick" if quick else "full",
        git_commit=commit,
        git_dirty=dirty,
        now=now(),
        fresh=fresh,
    )


plan = task(name="plan", **OPTIONS)(plan_look)
