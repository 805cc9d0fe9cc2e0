"""The story of one proposal: register, plan, dispatch, collect, judge, and once more if a look asks for it; report.

Tasks pass ids and paths; what they work on lies in the catalog. An `async` flow, since Prefect's sync ones take a
second more, and since waiting for many trainings is what it does.
"""

import asyncio

from prefect import flow
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

from proposals.judging.outcomes import Judgement
from proposals.workspace import Workspace, find_workspace
from tasks.announce import announce
from tasks.collect import sweep
from tasks.dry_run import dry_run
from tasks.executors import Executor, executor_named
from tasks.judge import judge, judge_paper
from tasks.lock import only_one
from tasks.mirror import mirror
from tasks.mirror import wanted as mirror_wanted
from tasks.plan import Planned, plan
from tasks.register import Registered, freeze_proposal
from tasks.report import report
from tasks.train import CrashError, InfrastructureError, train


@flow(name="mve", flow_run_name="{proposal}", validate_parameters=True, persist_result=False)
async def mve(
    proposal: str,
    workspace: str | None = None,
    catalog: str | None = None,
    quick: bool = False,
    executor: str = "local",
    wandb: bool = False,
) -> str:
    """Bring the proposal with the stem `proposal` to its verdict and return it. wandb: mirror it to Weights & Biases.

    Raises ProposalError where it is refused, BusyError where another process is testing it, and an ExceptionGroup of
    InfrastructureError where runs could not be trained: machines that fail say nothing about the idea.
    """
    place = find_workspace(workspace, catalog)
    executor_named(executor)
    log = get_run_logger()
    with only_one(place, proposal):
        registered = freeze_proposal(place, proposal, quick)
        log.info("%s is registered as %s", proposal, registered.sha256[:12])
        sweep(place)
        judgement = judge_paper(place, registered.id, quick) or await _train_and_judge(
            place, registered, executor, quick
        )
        page = report(place, registered.id)
        announce(registered.number, page, judgement)
        log.info("%s: %s", judgement.verdict, "; ".join(judgement.reasons))
    if mirror_wanted(wandb) and await mirror(place, registered.id):  # nobody else has to wait for it
        report(place, registered.id)  # with its links
    return str(judgement.verdict)


async def _train_and_judge(place: Workspace, registered: Registered, executor: str, quick: bool) -> Judgement:
    """Look after look, until one decides or none is left."""
    seeds = registered.first_look
    while True:
        planned = plan(place, registered.id, seeds, executor, quick)
        get_run_logger().info("%d of %d runs have no result yet", len(planned.missing), planned.total)
        if planned.missing and not quick and not planned.study:  # a quick run, and a study, are dry runs themselves
            dry_run(place, planned, executor_named(executor))
        await _train_all(place, planned, executor_named(executor))
        judgement = judge(place, registered.id, planned.experiment)
        if judgement.next_look is None:
            return judgement
        get_run_logger().info("undecided at %d seeds: going on to %d", seeds, judgement.next_look)
        seeds = judgement.next_look


async def _train_all(place: Workspace, planned: Planned, machine: Executor) -> None:
    """Every missing run, as many at once as the executor has room for, those of a study one after the other. One that
    crashes stops none of the others.

    Raises an ExceptionGroup of InfrastructureError.
    """
    if not planned.missing:
        return
    room = asyncio.Semaphore(1 if planned.study else machine.width)
    faults: list[InfrastructureError] = []
    done = 0
    artifact = await acreate_progress_artifact(progress=0.0, description=f"{len(planned.missing)} runs to train")

    async def one(key: str, name: str) -> None:
        nonlocal done
        async with room:
            try:
                await train.with_options(task_run_name=name)(place, planned.experiment, key, name, machine)
            except CrashError:
                pass  # in the catalog; the judge finds its metrics not measured
            except InfrastructureError as fault:
                faults.append(fault)
        done += 1
        await aupdate_progress_artifact(artifact, progress=100 * done / len(planned.missing))

    # a group: where the flow is cancelled, so is every training, and each says so in the catalog
    async with asyncio.TaskGroup() as group:
        for key, name in planned.missing.items():
            group.create_task(one(key, name))
    if faults:
        raise ExceptionGroup("no verdict, since machines failed; what was trained is kept, so run it again", faults)
