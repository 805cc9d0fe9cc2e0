"""How RPCs are answered: a handler takes the request and the caller's task id ("" for a client) and gives the
response; the many that are not implemented say so, to the caller and in the journal."""

from collections.abc import Awaitable, Callable
from typing import Any

from grpclib import GRPCError, Status
from modal_proto.api_grpc import ModalClientBase

from tests.modal_server.state import State

Handler = Callable[[Any, Any, str], Awaitable[Any]]
TASK = "x-modal-task-id"
TOKEN = "ak-local"
"""The only one that is accepted of a client."""


def answers(handler: Handler) -> Any:
    """One request, one response."""

    async def serve(self: Any, stream: Any) -> None:
        request = await stream.recv_message()
        await stream.send_message(await handler(self, request, _task(stream)))

    return serve


def streams(handler: Any) -> Any:
    """One request, any number of responses: the handler is an async generator."""

    async def serve(self: Any, stream: Any) -> None:
        request = await stream.recv_message()
        async for response in handler(self, request, _task(stream)):
            await stream.send_message(response)

    return serve


def _task(stream: Any) -> str:
    """The container's; "" of a client, whose token is looked at."""
    task = str(stream.metadata.get(TASK, ""))
    if not task and stream.metadata.get("x-modal-token-id") != TOKEN:
        raise GRPCError(Status.UNAUTHENTICATED, "Token ID not found")
    return task


def _missing(name: str) -> Any:
    async def refuse(self: Any, stream: Any) -> None:
        await stream.recv_message()
        self.state.note("unimplemented", rpc=name)
        raise GRPCError(Status.UNIMPLEMENTED, f"the local server does not implement {name}")

    return refuse


_Unimplemented: Any = type(
    "_Unimplemented", (ModalClientBase,), {name: _missing(name) for name in ModalClientBase.__abstractmethods__}
)


class Answering(_Unimplemented):
    state: State

    def found(self, known: dict[str, Any], name: str, what: str) -> Any:
        if name not in known:
            raise GRPCError(Status.NOT_FOUND, f"there is no {what} {name!r}")
        return known[name]
