"""`mve deploy-pool`: what workers of a Prefect work pool carry out, deployed once for all experiments."""

from typing import Annotated

import typer

from flows.options import Root
from proposals.workspace import find_workspace


def deploy_pool(
    pool: Annotated[str, typer.Argument(metavar="NAME", help="Of the work pool; it is made where there is none.")],
    workspace: Root = None,
) -> None:
    """Let the workers of a Prefect work pool train: on machines of your own. Afterwards: `mve run 008 --executor pool`.

    \b
    Examples:
      mve deploy-pool gpus
    """
    from flows.server import configure_prefect, ensure_server

    ensure_server(configure_prefect(find_workspace(workspace).root), say=typer.echo)
    from flows.pool import deploy

    deploy(pool, say=typer.echo)
