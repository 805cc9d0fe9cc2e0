"""`mve deploy-gpu`: what trains on Modal, deployed once for all experiments."""

import typer


def deploy_gpu() -> None:
    """Deploy the training code to Modal; again after the code has changed. Afterwards: `mve run 008 --executor modal`.

    Needs `pip install 'mve[modal]'` and a token (`modal token new`). Nothing runs, and nothing is billed, until a run.
    """
    from tasks.executors import modal_client

    modal_client.deploy(typer.echo)
