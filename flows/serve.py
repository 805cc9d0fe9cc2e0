"""Offer every proposal as a deployment of the flow `mve`, under its number: `prefect deployment run mve/008`; and what
runs on a schedule: `digest/scheduled` and `collect/scheduled`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.parameters import catalog_parameter
from proposals.errors import ProposalError
from proposals.reading import list_proposals, read_proposal, stem_of
from proposals.workspace import Workspace

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.deployments.runner import RunnerDeployment


def serve_proposals(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Register the deployments and run what is asked for, until interrupted. A proposal that cannot be read is
    named and left out; the others are served.

    Raises ValueError where no proposal can be served.
    """
    from prefect import serve  # takes more than a second

    from flows.collect import EVERY, collect
    from flows.digest import CRON, digest
    from flows.mve import mve

    where = {"workspace": str(workspace.root), "catalog": catalog_parameter(workspace)}
    deployments = []
    for path in list_proposals(workspace.proposals):
        refusal = _why_not(path)
        if refusal:
            say(f"left out {path.relative_to(workspace.proposals)}: {refusal}")
            continue
        stem = stem_of(path)
        what = f"Train and judge {stem}"
        deployments.append(_deployment(mve, stem.split("-", 1)[0], what, {"proposal": stem, **where}))
    if not deployments:
        raise ValueError(f"nothing to serve: no readable proposal with a setup block in {workspace.proposals}")
    what = "What has happened since the last digest, in research-log/"
    deployments.append(_deployment(digest, "scheduled", what, where, cron=CRON))
    what = "Bring in results that nobody waited for, and take up what a dead flow left"
    deployments.append(_deployment(collect, "scheduled", what, where, interval=EVERY))
    for deployment in deployments:
        say(f"prefect deployment run {deployment.flow_name}/{deployment.name}")
    serve(*deployments, print_starting_message=False)


def _deployment(
    flow: "Flow[..., Any]", name: str, description: str, parameters: dict[str, str | None], **schedule: Any
) -> "RunnerDeployment":
    """schedule: `cron` or `interval`, or nothing."""
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    return RunnerDeployment.from_flow(
        flow,
        name=name,
        parameters=parameters,
        description=description,
        entrypoint_type=EntrypointType.MODULE_PATH,
        **schedule,
    )


def _why_not(path: Path) -> str | None:
    try:
        proposal = read_proposal(path)
    except ProposalError as error:
        return str(error.problems[0])
    return None if proposal.setup else "it has no setup block, so there is nothing to train"
