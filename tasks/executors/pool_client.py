"""What the executor `pool` asks of Prefect's server, and whether there is anybody who would carry out a run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tasks.executors.base import NotReadyError, UnreachableError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse

FLOW, NAME = "carry-out", "pool"
DEPLOYMENT = f"{FLOW}/{NAME}"
READY_SECONDS = 5.0
REQUEST_SECONDS = 10.0
PASSING = (408, 429)
"""Statuses that ask for patience."""
SERVER = (
    "Start a server with `prefect server start`, or set PREFECT_API_URL to the one that the workers ask; or train here "
    "with --executor local"
)


@contextmanager
def prefect_client() -> Iterator["SyncPrefectClient"]:
    """Raises UnreachableError where the server cannot be asked, NotReadyError where it refuses what it is asked."""
    import httpx
    from prefect.client.orchestration import get_client

    if not _api():
        raise UnreachableError("no Prefect server is named")  # Prefect would start one of its own for us
    try:
        with get_client(sync_client=True, httpx_settings={"timeout": REQUEST_SECONDS}) as client:
            yield client
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        if code >= 500 or code in PASSING:
            raise UnreachableError(f"Prefect at {_api()} answers {code} for now: {error}") from None
        raise NotReadyError(f"Prefect at {_api()} refuses it: {error}") from None
    except httpx.HTTPError as error:
        raise UnreachableError(f"Prefect at {_api()} cannot be asked: {type(error).__name__}: {error}") from None


def create(parameters: dict[str, Any], ticket: str, name: str, state: "State[Any] | None" = None) -> "FlowRun":
    """A flow run under this ticket; the one that there is, where the ticket is known. state: in which it begins, else
    waiting for a worker. Raises NotReadyError where nothing is deployed, UnreachableError where it may have been made.
    """
    with prefect_client() as client:
        deployment = _deployment(client).id
    try:
        with prefect_client() as client:
            return client.create_flow_run_from_deployment(
                deployment, parameters=parameters, idempotency_key=ticket, name=name, state=state
            )
    except UnreachableError as error:
        raise UnreachableError(str(error), unsure=True) from None


def under(ticket: str) -> "FlowRun | None":
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey

    wanted = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[ticket]))
    with prefect_client() as client:
        return next(iter(client.read_flow_runs(flow_run_filter=wanted)), None)


def read(flow_run: str) -> "FlowRun | None":
    """None: Prefect does not know it, or knows it no longer."""
    from prefect.exceptions import ObjectNotFound

    with prefect_client() as client:
        try:
            return client.read_flow_run(UUID(flow_run))
        except ObjectNotFound:
            return None


def set_state(run: "FlowRun | None", state: "State[Any]", force: bool = False) -> None:
    """Unless it has ended by itself, or is known no longer."""
    from prefect.exceptions import ObjectNotFound

    if run is None or (run.state is not None and run.state.is_final()):
        return
    with prefect_client() as client:
        try:
            client.set_flow_run_state(run.id, state, force=force)
        except ObjectNotFound:
            return


def check_ready() -> None:
    """Raises NotReadyError, with what to do, where no flow run would be carried out: within READY_SECONDS."""
    found: list[NotReadyError | None] = []

    def look() -> None:
        try:
            found.append(_problem())
        except NotReadyError as error:
            found.append(error)

    # in a thread, since looking up a name knows no time limit; with this context, where Prefect keeps its settings
    probe = threading.Thread(target=copy_context().run, args=(look,), daemon=True)
    probe.start()
    probe.join(READY_SECONDS)
    problem = found[0] if found else UnreachableError(f"Prefect at {_api()} gave no answer for {READY_SECONDS:g} s")
    if isinstance(problem, UnreachableError):
        raise UnreachableError(f"{problem}. {SERVER}")
    if problem is not None:
        raise problem


def _problem() -> NotReadyError | None:
    with prefect_client() as client:
        pool = _pool(client)
        if pool.is_push_pool or pool.is_managed_pool:  # these have no workers
            return None
        workers = client.read_workers_for_work_pool(pool.name)
    if pool.is_paused:
        return NotReadyError(f"the work pool {pool.name!r} is paused: `prefect work-pool resume {pool.name}`")
    if any(worker.status == "ONLINE" for worker in workers):
        return None
    return NotReadyError(
        f"no worker of the work pool {pool.name!r} is online. Start one on each machine that is to train: "
        f"`prefect worker start --pool {pool.name}`"
    )


def _pool(client: "SyncPrefectClient") -> "WorkPool":
    name = _deployment(client).work_pool_name
    assert name is not None
    return client.read_work_pool(name)


def _deployment(client: "SyncPrefectClient") -> "DeploymentResponse":
    """Raises NotReadyError where there is none, or one that is in no pool, as when its pool was deleted."""
    from prefect.exceptions import ObjectNotFound

    with suppress(ObjectNotFound):
        found = client.read_deployment_by_name(DEPLOYMENT)
        if found.work_pool_name is not None:
            return found
    raise NotReadyError(
        f"Prefect at {_api()} has no deployment {DEPLOYMENT!r} in a work pool. Make it with `mve deploy-pool NAME`, "
        "NAME being the pool's"
    )


def _api() -> str:
    from prefect.settings import PREFECT_API_URL

    return str(PREFECT_API_URL.value() or "")
