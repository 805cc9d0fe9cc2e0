"""The digest as a flow: `mve serve` schedules it, `prefect deployment run digest/scheduled` asks for one now."""

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.logging import get_run_logger

from proposals.workspace import find_workspace
from tasks.collect import sweep
from tasks.digest import write

CRON = "0 */12 * * *"
"""In UTC. A schedule that was missed is made up for by the next one: a digest covers all since the last."""


@flow(name="digest", validate_parameters=True, persist_result=False)
def digest(workspace: str | None = None, catalog: str | None = None) -> str | None:
    """Write what has happened since the last digest; returns the path, None where nothing has."""
    place = find_workspace(workspace, catalog)
    sweep(place)  # what has ended and nobody waited for is news too
    written = write(place)
    log = get_run_logger()
    for path in written.restored:
        log.info("%s was missing and has been made again", path)
    if written.path is None:
        log.info("nothing has changed since the last digest")
        return None
    log.info("%s: %s", written.path, written.summary)
    create_markdown_artifact(
        key="digest", markdown=written.path.read_text(encoding="utf-8"), description=f"Digest {written.id}"
    )
    return str(written.path)
