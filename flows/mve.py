"""The story of one proposal: register, plan, dispatch, collect, judge, and once more if a look asks for it; report.

Tasks pass ids and paths; what they work on lies in the catalog. An `async` flow, since Prefect's sync ones take a
second more, and since waiting for many trainings is what it does.
"""

import asyncio

from prefect import flow
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.context import SyncClientContext
from prefect.logging import get_run_logger

from proposals.judging.outcomes import Judgement
from proposals.reading import path_of
from proposals.workspace import Workspace, find_workspace
from tasks.announce import announce
from tasks.collect import sweep
from tasks.dry_run import dry_run
from tasks.executors import Executor, check_ready, executor_named
from tasks.judge import judge, judge_paper
from tasks.leases import leased
from tasks.lock import only_one
from tasks.mirror import mirror
from tasks.mirror import wanted as mirror_wanted
from tasks.place import catalog_of
from tasks.plan import Planned, plan
from tasks.rates import PAID
from tasks.register import Registered, freeze_proposal
from tasks.report import report
from tasks.room import room_of
from tasks.settings import settings_of
from tasks.statement import lines_of, statement_of
from tasks.train import CrashError, InfrastructureError, train


@flow(name="mve", flow_run_name="{proposal}", validate_parameters=True, persist_result=False)
async def mve(
    proposal: str,
    workspace: str | None = None,
    catalog: str | None = None,
    quick: bool = False,
    executor: str | None = None,
    wandb: bool = False,
) -> str:
    """Bring the proposal with the stem `proposal` to its verdict and return it. executor: where to train, else the
    workspace's default. wandb: mirror it to Weights & Biases.

    Raises ProposalError where it is refused, BusyError where another process is testing it, NoRoomError or CapError
    where a budget or a cap on money has no room for a run, and an ExceptionGroup of InfrastructureError where runs
    could not be trained: machines that fail say nothing about the idea.
    """
    place = find_workspace(workspace, catalog)
    executor = executor or settings_of(place).executor.default
    await asyncio.to_thread(check_ready, executor)  # a service may have to be asked
    log = get_run_logger()
    # one catalog and one client for all steps: opening either anew takes longer than most of them
    with SyncClientContext.get_or_create(), catalog_of(place):
        with only_one(place, proposal):
            if executor in PAID:
                path = path_of(place.proposals, proposal)
                stated = await asyncio.to_thread(statement_of, place, path, quick, executor)
                log.info("%s", "\n".join(lines_of(stated)))
            registered = freeze_proposal(place, proposal, quick)
            log.info("%s is registered as %s", proposal, registered.sha256[:12])
            await asyncio.to_thread(sweep, place)  # it may have to ask a service
            judgement = await settle(place, registered, executor, quick)
        if mirror_wanted(wandb) and await mirror(place, registered.id):  # nobody else has to wait for it
            report(place, registered.id)  # with its links
    return str(judgement.verdict)


async def settle(place: Workspace, registered: Registered, executor: str, quick: bool) -> Judgement:
    """What is frozen, from wherever it stands to its verdict and its results page. Within a flow."""
    judgement = judge_paper(place, registered.id, quick) or await _train_and_judge(place, registered, executor, quick)
    page = report(place, registered.id)
    announce(registered.number, page, judgement)
    get_run_logger().info("%s: %s", judgement.verdict, "; ".join(judgement.reasons))
    return judgement


async def _train_and_judge(place: Workspace, registered: Registered, executor: str, quick: bool) -> Judgement:
    """Look after look, until one decides or none is left."""
    planned = plan(place, registered.id, registered.first_look, executor, quick)
    with leased(place, planned.experiment):
        while True:
            get_run_logger().info("%d of %d runs have no result yet", len(planned.missing), planned.total)
            machine = executor_named(executor)
            # a quick run, or a study, is a dry run itself, but where it is paid for
            if planned.missing and (executor in PAID or not (quick or planned.study)):
                async with room_of(machine).dry:
                    await asyncio.to_thread(dry_run, place, planned, machine)
            await _train_all(place, planned, machine)
            judgement = judge(place, registered.id, planned.experiment)
            if judgement.next_look is None:
                return judgement
            get_run_logger().info("undecided: going on to %d seeds", judgement.next_look)
            planned = plan(place, registered.id, judgement.next_look, executor, quick)


async def _train_all(place: Workspace, planned: Planned, machine: Executor) -> None:
    """Every missing run, as many at once as the executor has room for beside those of other flows, those of a study one
    after the other. One that crashes, or is refused, stops none of the others.

    Raises what refused a run (CapError, RateError), or an ExceptionGroup of InfrastructureError.
    """
    if not planned.missing:
        return
    room = room_of(machine)
    room.planned += len(planned.missing)
    side_by_side = asyncio.Semaphore(1 if planned.study else len(planned.missing))
    faults: list[InfrastructureError] = []
    refusals: list[ValueError] = []
    done = 0
    artifact = await acreate_progress_artifact(progress=0.0, description=f"{len(planned.missing)} runs to train")

    async def one(key: str, name: str) -> None:
        nonlocal done
        async with side_by_side, room.place():
            try:
                await train.with_options(task_run_name=name)(place, planned.experiment, key, name, machine)
            except CrashError:
                pass  # in the catalog; the judge finds its metrics not measured
            except InfrastructureError as fault:
                faults.append(fault)
            except ValueError as refusal:
                refusals.append(refusal)
        done += 1
        await aupdate_progress_artifact(artifact, progress=100 * done / len(planned.missing))

    # a group: where the flow is cancelled, so is every training, and each says so in the catalog
    async with asyncio.TaskGroup() as group:
        for key, name in planned.missing.items():
            group.create_task(one(key, name))
    if refusals:
        raise refusals[0]
    if faults:
        raise ExceptionGroup("no verdict, since machines failed; what was trained is kept, so run it again", faults)
