"""Offer every proposal as a deployment of the flow `mve`, under its number: `prefect deployment run mve/008`; and what
runs on a schedule: `digest/scheduled` and `collect/scheduled`."""

from collections.abc import Callable
from pathlib import Path

from flows.parameters import catalog_parameter
from proposals.errors import ProposalError
from proposals.reading import list_proposals, read_proposal, stem_of
from proposals.workspace import Workspace


def serve_proposals(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Register the deployments and run what is asked for, until interrupted. A proposal that cannot be read is
    named and left out; the others are served.

    Raises ValueError where no proposal can be served.
    """
    from prefect import serve  # takes more than a second
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from flows.collect import EVERY, collect
    from flows.digest import CRON, digest
    from flows.mve import mve

    catalog = catalog_parameter(workspace)
    deployments: list[RunnerDeployment] = []
    for path in list_proposals(workspace.proposals):
        refusal = _why_not(path)
        if refusal:
            say(f"left out {path.relative_to(workspace.proposals)}: {refusal}")
            continue
        stem = stem_of(path)
        deployments.append(
            RunnerDeployment.from_flow(
                mve,
                name=stem.split("-", 1)[0],
                parameters={"proposal": stem, "workspace": str(workspace.root), "catalog": catalog},
                description=f"Train and judge {stem}",
                entrypoint_type=EntrypointType.MODULE_PATH,
            )
        )
    if not deployments:
        raise ValueError(f"nothing to serve: no readable proposal with a setup block in {workspace.proposals}")
    deployments.append(
        RunnerDeployment.from_flow(
            digest,
            name="scheduled",
            parameters={"workspace": str(workspace.root), "catalog": catalog},
            cron=CRON,
            description="What has happened since the last digest, in research-log/",
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
    )
    deployments.append(
        RunnerDeployment.from_flow(
            collect,
            name="scheduled",
            parameters={"workspace": str(workspace.root), "catalog": catalog},
            interval=EVERY,
            description="Bring in results that nobody waited for, and take up what a dead flow left",
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
    )
    for deployment in deployments:
        say(f"prefect deployment run {deployment.flow_name}/{deployment.name}")
    serve(*deployments, print_starting_message=False)


def _why_not(path: Path) -> str | None:
    try:
        proposal = read_proposal(path)
    except ProposalError as error:
        return str(error.problems[0])
    return None if proposal.setup else "it has no setup block, so there is nothing to train"
