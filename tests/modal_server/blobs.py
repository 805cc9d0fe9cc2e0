"""The server's HTTP side: payloads too large for a message, blocks of volumes, and faults on demand."""

import hashlib
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from modal_proto import api_pb2 as api

from tests.modal_server.containers import out_of_memory, timed_out
from tests.modal_server.faults import NEXT, NOW
from tests.modal_server.logs import Logs
from tests.modal_server.rpc import answers
from tests.modal_server.volumes import Volumes


class Service(Logs, Volumes):
    """All RPCs together, and the HTTP application beside them."""

    http: str = ""

    @answers
    async def BlobCreate(self, request, task):
        blob = self.state.new_id("bl")
        urls = api.UploadUrlList(items=[f"{self.http}/blob/{blob}"])
        return api.BlobCreateResponse(blob_id=blob, blob_ids=[blob], upload_urls=urls)

    @answers
    async def BlobGet(self, request, task):
        return api.BlobGetResponse(download_url=f"{self.http}/blob/{request.blob_id}")

    def blob(self, name: str) -> Path:
        path = (self.state.root / "blobs" / name).resolve()
        assert path.parent == (self.state.root / "blobs").resolve(), name
        return path

    # -- HTTP ------------------------------------------------------------------------------------------------

    def application(self) -> web.Application:
        application = web.Application(client_max_size=1024**3)
        application.router.add_put("/blob/{name}", self._put_blob)
        application.router.add_get("/blob/{name}", self._get_blob)
        application.router.add_get("/volume/{volume}/{start}/{length}/{name:.+}", self._get_block)
        application.router.add_post("/fault", self._fault)
        return application

    async def _put_blob(self, request: web.Request) -> web.Response:
        content = await request.read()
        self.blob(request.match_info["name"]).write_bytes(content)
        return web.Response(headers={"ETag": f'"{hashlib.md5(content).hexdigest()}"'})

    async def _get_blob(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self.blob(request.match_info["name"]))

    async def _get_block(self, request: web.Request) -> web.Response:
        path = self._inside(request.match_info["volume"], request.match_info["name"])
        with path.open("rb") as file:
            file.seek(int(request.match_info["start"]))
            return web.Response(body=file.read(int(request.match_info["length"])))

    async def _fault(self, request: web.Request) -> web.Response:
        fault: dict[str, Any] = await request.json()
        kind = fault["do"]
        self.state.note("fault", **fault)
        if kind == "lose_output" and "call" in fault:
            self.state.calls[fault["call"]].losing = True
            return web.json_response({"done": kind})
        if kind in NEXT:
            self.faults.plan(fault)
            return web.json_response({"planned": kind})
        if kind not in NOW:
            raise web.HTTPBadRequest(text=f"there is no fault {kind!r}")
        if kind == "expire":
            call = self.state.calls[fault["call"]]
            call.expired |= {one.index for one in call.inputs.values()}
            call.outputs.clear()
            call.order.clear()
            return web.json_response({"done": kind})
        return web.json_response({"done": kind if await self._strike(kind, fault) else None})

    async def _strike(self, kind: str, fault: dict[str, Any]) -> bool:
        """At the running call that is named, or at the one that runs longest. False where there is none."""
        running = [one for one in self.state.containers.values() if one.input and one.wanted]
        running = [one for one in running if fault.get("call") in (None, self.state.inputs[one.input].call)]
        if not running:
            return False
        container = min(running, key=lambda one: self.state.inputs[one.input].given_at or time.time())
        one = self.state.inputs[container.input]
        if kind == "kill":
            await self.stop(container, out_of_memory(), gently=False)
        elif kind == "timeout":
            limit = self.state.functions[container.function].definition.timeout_secs
            await self.stop(container, timed_out(one, limit), gently=False)
        else:
            given_up = api.GenericResult(
                status=api.GenericResult.GENERIC_STATUS_INTERNAL_FAILURE, exception="the worker was preempted"
            )
            await self.stop(container, None if fault.get("again", True) else given_up)
        return True
