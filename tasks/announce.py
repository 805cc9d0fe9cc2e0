"""Tell Prefect's UI what was found. The catalog and the results page are the record; this is a view of them."""

from pathlib import Path

from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from proposals.judging.outcomes import Judgement
from proposals.judging.show import show, show_interval
from tasks.place import OPTIONS
from templates.render import one_line


def announce_verdict(number: str, page: Path, judgement: Judgement) -> None:
    """The results page, the criteria and a link, as artifacts of the running flow. `page` is the results page."""
    key = f"mve-{number}"
    create_markdown_artifact(
        key=f"{key}-results", markdown=page.read_text(), description=f"Results of {page.parent.name}"
    )
    create_table_artifact(
        key=f"{key}-criteria",
        table=[
            {
                "criterion": outcome.id,
                "role": outcome.role,
                "target": outcome.target,
                "achieved": show(outcome.achieved, outcome.unit),
                "interval": show_interval(outcome.low, outcome.high, outcome.unit),
                "outcome": outcome.decision.replace("_", " "),
            }
            for outcome in judgement.outcomes
        ],
        description=f"{judgement.verdict}: {one_line('; '.join(judgement.reasons))}",
    )
    create_link_artifact(key=f"{key}-page", link=page.resolve().as_uri(), link_text=f"{judgement.verdict}: {page.name}")


announce = task(name="announce", **OPTIONS)(announce_verdict)
