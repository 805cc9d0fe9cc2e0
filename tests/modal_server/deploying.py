"""Deploying and looking up. Images are not built: what is kept of them is the environment variables they set."""

import hashlib
import re
import time

from grpclib import GRPCError, Status
from modal_proto import api_pb2 as api

from tests.modal_server.account import Account
from tests.modal_server.rpc import answers
from tests.modal_server.state import App, Function

SUCCESS = api.GenericResult(status=api.GenericResult.GENERIC_STATUS_SUCCESS)


class Deploying(Account):
    @answers
    async def ClientHello(self, request, task):
        return api.ClientHelloResponse()

    @answers
    async def EnvironmentGetOrCreate(self, request, task):
        settings = api.EnvironmentSettings(image_builder_version="2025.06", webhook_suffix="")
        metadata = api.EnvironmentMetadata(name=request.deployment_name or "main", settings=settings)
        return api.EnvironmentGetOrCreateResponse(environment_id="en-local", metadata=metadata)

    # -- apps ------------------------------------------------------------------------------------------------

    @answers
    async def AppCreate(self, request, task):
        app = App(self.state.new_id("ap"), request.description)
        self.state.apps[app.id] = app
        return api.AppCreateResponse(app_id=app.id, app_page_url=f"local:{app.id}")

    @answers
    async def AppGetByDeploymentName(self, request, task):
        app = self._deployed(request.name)
        return api.AppGetByDeploymentNameResponse(app_id=app.id if app else "")

    @answers
    async def AppGetLayout(self, request, task):
        return api.AppGetLayoutResponse(app_layout=self.layout(request.app_id))

    @answers
    async def AppPublish(self, request, task):
        app = self.found(self.state.apps, request.app_id, "app")
        app.name = request.name or app.name
        app.functions = dict(request.function_ids)
        self.state.note("published", app=app.name, functions=list(app.functions))
        return api.AppPublishResponse(url=f"local:{app.name}", deployed_at=time.time())

    @answers
    async def AppGetOrCreate(self, request, task):
        """Looked up only; nobody here creates an app by it."""
        app = self._deployed(request.app_name)
        if app is None:
            raise GRPCError(Status.NOT_FOUND, f"App '{request.app_name}' not found")
        return api.AppGetOrCreateResponse(app_id=app.id)

    @answers
    async def AppSetTags(self, request, task):
        self.found(self.state.apps, request.app_id, "app").tags = dict(request.tags)
        return _empty()

    @answers
    async def AppGetTags(self, request, task):
        return api.AppGetTagsResponse(tags=self.found(self.state.apps, request.app_id, "app").tags)

    @answers
    async def AppHeartbeat(self, request, task):
        return _empty()

    @answers
    async def AppClientDisconnect(self, request, task):
        return _empty()

    def _deployed(self, name: str) -> App | None:
        return next((app for app in self.state.apps.values() if app.name == name and app.functions), None)

    def layout(self, app_id: str) -> api.AppLayout:
        app = self.found(self.state.apps, app_id, "app")
        objects = [
            api.Object(object_id=function, function_handle_metadata=self.metadata(function))
            for function in app.functions.values()
        ]
        objects += [
            api.Object(object_id=volume, volume_metadata=api.VolumeMetadata(name=name))
            for volume, name in self.state.volumes.items()
        ]
        objects += [api.Object(object_id=known) for known in (*self.state.images, *self.state.secrets)]
        return api.AppLayout(objects=objects, function_ids=app.functions)

    # -- images, mounts, secrets -----------------------------------------------------------------------------

    @answers
    async def ImageGetOrCreate(self, request, task):
        image = request.image
        variables: dict[str, str] = {}
        for base in image.base_images:
            variables |= self.state.images.get(base.image_id, {})
        for line in image.dockerfile_commands:
            if line.startswith("ENV "):
                variables |= {name: value.strip("'\"") for name, value in re.findall(r"(\w+)=('[^']*'|\S+)", line)}
        key = "im-" + hashlib.sha256(image.SerializeToString(deterministic=True)).hexdigest()[:20]
        self.state.images[key] = variables
        self.state.note("image", id=key, commands=list(image.dockerfile_commands))
        return api.ImageGetOrCreateResponse(image_id=key, result=SUCCESS, metadata=api.ImageMetadata())

    @answers
    async def MountBatchedCheckExistence(self, request, task):
        missing = [digest for digest in request.sha256_hex_hashes if not self._uploaded(digest).exists()]
        return api.MountBatchedCheckExistenceResponse(missing_sha256_hex_hashes=missing)

    @answers
    async def MountPutFile(self, request, task):
        path = self._uploaded(request.sha256_hex)
        if request.data or request.data_blob_id:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(request.data or self.blob(request.data_blob_id).read_bytes())
            self.state.note("uploaded", sha256=request.sha256_hex, bytes=path.stat().st_size)
        elif request.sha256_hex == hashlib.sha256(b"").hexdigest():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return api.MountPutFileResponse(exists=path.exists())

    @answers
    async def MountGetOrCreate(self, request, task):
        mount = self.state.new_id("mo")
        self.state.mounts[mount] = list(request.files)  # none: the client's own packages, which are here already
        return api.MountGetOrCreateResponse(mount_id=mount)

    def _uploaded(self, digest: str):
        if not re.fullmatch("[0-9a-f]{64}", digest):
            raise GRPCError(Status.INVALID_ARGUMENT, "a mount's file is named by its SHA-256")
        return self.state.root / "uploads" / digest

    @answers
    async def SecretGetOrCreate(self, request, task):
        name = request.deployment_name
        if name and f"st-{name}" not in self.state.secrets and not request.env_dict:
            raise GRPCError(Status.NOT_FOUND, f"Secret '{name}' not found")
        secret = f"st-{name}" if name else self.state.new_id("st")
        if request.env_dict:
            self.state.secrets[secret] = dict(request.env_dict)
        return api.SecretGetOrCreateResponse(secret_id=secret)

    # -- functions -------------------------------------------------------------------------------------------

    @answers
    async def FunctionPrecreate(self, request, task):
        function = Function(request.existing_function_id or self.state.new_id("fu"), request.app_id)
        self.state.functions.setdefault(function.id, function)
        metadata = api.FunctionHandleMetadata(
            function_name=request.function_name, function_type=request.function_type, app_id=request.app_id
        )
        return api.FunctionPrecreateResponse(function_id=function.id, handle_metadata=metadata)

    @answers
    async def FunctionCreate(self, request, task):
        function = self.found(self.state.functions, request.existing_function_id, "function")
        function.definition = request.function
        self.state.note("function", name=request.function.function_name, timeout=request.function.timeout_secs)
        return api.FunctionCreateResponse(
            function_id=function.id,
            function=request.function,
            function_data=_data(request.function),
            handle_metadata=self.metadata(function.id),
        )

    @answers
    async def FunctionGet(self, request, task):
        app = self._deployed(request.app_name)
        if app is None or request.object_tag not in app.functions:
            raise GRPCError(
                Status.NOT_FOUND, f"no function {request.object_tag!r} in a deployed app {request.app_name!r}"
            )
        function = self.state.functions[app.functions[request.object_tag]]
        return api.FunctionGetResponse(
            function_id=function.id, handle_metadata=self.metadata(function.id), function=_data(function.definition)
        )

    @answers
    async def FunctionBindParams(self, request, task):
        """`with_options`: the same function with a pool of containers of its own."""
        base = self.found(self.state.functions, request.function_id, "function")
        definition, options = api.Function(), request.function_options
        definition.CopyFrom(base.definition)
        if options.HasField("timeout_secs"):
            definition.timeout_secs = options.timeout_secs
        if options.HasField("concurrency_limit"):
            definition.concurrency_limit = options.concurrency_limit
        if options.HasField("task_idle_timeout_secs"):
            definition.task_idle_timeout_secs = options.task_idle_timeout_secs
        definition.resources.MergeFrom(options.resources)
        same = (
            "fu-" + hashlib.sha256(base.id.encode() + definition.SerializeToString(deterministic=True)).hexdigest()[:20]
        )
        self.state.functions[same] = Function(same, base.app, definition, base.id)
        self.state.note(
            "options", function=same, timeout=definition.timeout_secs, gpu=definition.resources.gpu_config.gpu_type
        )
        return api.FunctionBindParamsResponse(bound_function_id=same, handle_metadata=self.metadata(same))

    def metadata(self, function_id: str) -> api.FunctionHandleMetadata:
        function = self.state.functions[function_id]
        definition = function.definition
        return api.FunctionHandleMetadata(
            function_name=definition.function_name,
            function_type=definition.function_type,
            app_id=function.app,
            definition_id=f"de-{function_id}",
            base_function_id=function.base,
            function_schema=definition.function_schema,
            supported_input_formats=definition.supported_input_formats,
            supported_output_formats=definition.supported_output_formats,
        )


def _data(definition: api.Function) -> api.FunctionData:
    return api.FunctionData(
        module_name=definition.module_name,
        function_name=definition.function_name,
        function_type=definition.function_type,
        timeout_secs=definition.timeout_secs,
        concurrency_limit=definition.concurrency_limit,
        supported_input_formats=definition.supported_input_formats,
        supported_output_formats=definition.supported_output_formats,
        ranked_functions=[api.FunctionData.RankedFunction(rank=0, function=definition)],
    )


def _empty():
    from google.protobuf.empty_pb2 import Empty

    return Empty()
