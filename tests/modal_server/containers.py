"""Containers: child processes in the wheel's entrypoint, started while inputs wait and there is room, stopped when they
are idle, too slow, cancelled or told to fail."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from google.protobuf.empty_pb2 import Empty
from modal_proto import api_pb2 as api

from tests.modal_server.deploying import Deploying
from tests.modal_server.faults import Faults
from tests.modal_server.rpc import TASK, answers
from tests.modal_server.serving import REPOSITORY
from tests.modal_server.state import Call, Container, Function, Input

HEARTBEAT_SECONDS = 12.0
"""So long is a heartbeat held, so that a cancellation reaches the container at once; its client gives up after 15."""
MOST_STARTS = 8
"""Containers that one input is given to before its call is given up."""

BARE = f"""
import sys

sys.path[:] = [path for path in sys.path if path != {str(REPOSITORY)!r}]
sys.meta_path[:] = [one for one in sys.meta_path if "editable" not in getattr(one, "__module__", "").lower()]
"""
"""Run at the start of a container's Python: the project, where it is installed for development, is not there."""

Status = api.GenericResult


class Containers(Deploying):
    faults: Faults
    grace: float
    address: str
    tasks: set[asyncio.Task[Any]]

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    # -- scheduling ------------------------------------------------------------------------------------------

    async def schedule(self) -> None:
        """Start containers for inputs that wait, as many as the function and the server have room for."""
        for function, queue in self.state.queues.items() if not self.state.ending else ():
            pool = [one for one in self.state.containers.values() if one.function == function and one.wanted]
            free = sum(not one.input for one in pool)
            limit = self.state.functions[function].definition.concurrency_limit or self.state.width
            for _ in range(min(len(queue) - free, limit - len(pool))):
                if len(self.state.containers) >= self.state.width and not self._make_room(function):
                    break
                self._start(function)
        await self.state.notify()

    def _make_room(self, function: str) -> bool:
        """Let an idle container of another function go. False where none is idle; its end will schedule again."""
        for one in self.state.containers.values():
            if one.wanted and not one.input and one.process and not self.state.queues.get(one.function):
                one.wanted = False
                break
        return False

    def _start(self, function: str) -> None:
        task = self.state.new_id("ta")
        folder = self.state.root / "containers" / task
        folder.mkdir(parents=True)
        container = Container(task, function, folder)
        self.state.containers[task] = container
        self.background(self._run(container))

    async def _run(self, container: Container) -> None:
        """The life of one container, and what becomes of its input when it dies."""
        function = self.state.functions[container.function]
        definition = function.definition
        await asyncio.to_thread(self._lay_out, container, definition)
        arguments = api.ContainerArguments(
            task_id=container.id, function_id=function.id, app_id=function.app, function_def=definition,
            environment_name="main", app_layout=self.layout(function.app),
        )  # fmt: skip
        (container.folder / "arguments").write_bytes(arguments.SerializeToString())
        with container.log.open("wb") as log:
            container.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "modal._container_entrypoint",
                cwd=container.folder / "root", env=self._variables(container, definition),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent,
            )  # fmt: skip
        self.state.note("started", task=container.id, pid=container.process.pid, function=definition.function_name)
        code = await container.process.wait()
        del self.state.containers[container.id]
        self.state.note("ended", task=container.id, exit=code, input=container.input)
        if container.input:
            self._after_death(container, code)
        elif code != 0 or container.started_failed is not None:
            self._after_bad_start(function, container, code)
        await asyncio.to_thread(shutil.rmtree, container.folder / "volumes", True)
        await self.schedule()

    def _after_death(self, container: Container, code: int) -> None:
        one = self.state.inputs[container.input]
        self._close_span(container)
        verdict = container.verdict
        if one.cancelled and verdict is None:
            verdict = Status(status=Status.GENERIC_STATUS_TERMINATED, exception="Function call was cancelled by user")
        if verdict is None and one.retry + 1 >= MOST_STARTS:
            text = f"the container ended {MOST_STARTS} times, the last time with exit code {code}"
            verdict = Status(status=Status.GENERIC_STATUS_INTERNAL_FAILURE, exception=text)
        if verdict is not None:
            self.put_output(one, verdict)
        else:
            one.retry, one.task, one.given_at = one.retry + 1, "", None
            self.state.queues[container.function].appendleft(one.id)

    def _after_bad_start(self, function: Function, container: Container, code: int) -> None:
        """It ended before it took an input. The real service tries for a while; a function that cannot be imported, or
        ends so a second time, is given up here."""
        function.bad_starts += 1
        queue = self.state.queues.get(function.id)
        if queue and (container.started_failed is not None or function.bad_starts > 1):
            text = f"the container ended with exit code {code} before it took its input"
            failed = container.started_failed or Status(status=Status.GENERIC_STATUS_INIT_FAILURE, exception=text)
            self.put_output(self.state.inputs[queue.popleft()], failed)

    def put_output(self, one: Input, result: api.GenericResult, **more: Any) -> None:
        """The first output of an input stands."""
        call: Call = self.state.calls[one.call]
        if one.index in call.outputs or one.index in call.expired:
            return
        if more and (call.losing or self.faults.due("lose_output")):
            call.expired.add(one.index)
            self.state.note("lost_output", call=call.id)
            return
        call.outputs[one.index] = api.FunctionGetOutputsItem(
            result=result, idx=one.index, input_id=one.id, task_id=one.task, **more
        )
        call.order.append(one.index)
        seconds = None if one.given_at is None else round(time.time() - one.given_at, 3)
        self.state.note(
            "output", call=call.id, status=Status.GenericStatus.Name(result.status), seconds=seconds, task=one.task
        )

    # -- stopping --------------------------------------------------------------------------------------------

    async def stop(self, container: Container, verdict: api.GenericResult | None, gently: bool = True) -> None:
        """SIGINT, as a preempted or stopped container gets, and SIGKILL after the time of grace. What its input gets
        is `verdict`, or with None another container."""
        container.verdict, container.wanted = verdict, False
        process = container.process
        if process is None or process.returncode is not None:
            return
        if gently:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.wait(), self.grace)
                return
            except TimeoutError:
                self.state.note("grace_over", task=container.id)
        if process.returncode is None:
            process.kill()

    async def watch_time(self) -> None:
        """End what runs longer than its function's timeout."""
        while not self.state.ending:
            for container in list(self.state.containers.values()):
                one = self.state.inputs.get(container.input)
                limit = self.state.functions[container.function].definition.timeout_secs
                late = one is not None and one.given_at is not None and time.time() - one.given_at > limit
                if late and container.wanted:
                    await self.stop(container, timed_out(one, limit), gently=False)
            await asyncio.sleep(0.1)

    # -- what a container asks -------------------------------------------------------------------------------

    @answers
    async def ContainerHello(self, request, task):
        return Empty()

    @answers
    async def ContainerHeartbeat(self, request, task):
        container = self.state.containers.get(task)
        deadline = time.monotonic() + HEARTBEAT_SECONDS
        while container is not None and not container.cancellations and time.monotonic() < deadline:
            if self.state.ending:
                break
            await self.state.wait(deadline - time.monotonic())
        if container is None or not container.cancellations:
            return api.ContainerHeartbeatResponse()
        named, container.cancellations = container.cancellations, []
        event = api.CancelInputEvent(input_ids=named)
        return api.ContainerHeartbeatResponse(cancel_input_event=event)

    @answers
    async def FunctionGetInputs(self, request, task):
        """The next input, or the end of the container where there is none for as long as its function keeps it."""
        container = self.found(self.state.containers, task, "container")
        definition = self.state.functions[container.function].definition
        queue = self.state.queues.setdefault(container.function, _empty_queue())
        deadline = time.monotonic() + (definition.task_idle_timeout_secs or 10)
        while not queue and container.wanted and time.monotonic() < deadline and not self.state.ending:
            await self.state.wait(deadline - time.monotonic())
        if not queue or not container.wanted or self.state.ending:
            container.wanted = False
            return api.FunctionGetInputsResponse(inputs=[api.FunctionGetInputsItem(kill_switch=True)])
        one = self.state.inputs[queue.popleft()]
        container.input, one.task = one.id, container.id
        if slow := self.faults.due("slow"):
            await asyncio.sleep(float(slow.get("seconds", 1)))
        one.given_at = time.time()
        container.spans.append((one.call, container.log.stat().st_size, None))
        self.state.note("given", call=one.call, task=container.id, retry=one.retry)
        item = api.FunctionGetInputsItem(
            input_id=one.id, input=one.content, function_call_id=one.call, retry_count=one.retry,
            attempt_token=f"at-{one.id}-{one.retry}",
            function_call_invocation_type=self.state.calls[one.call].kind,
        )  # fmt: skip
        return api.FunctionGetInputsResponse(inputs=[item])

    @answers
    async def FunctionPutOutputs(self, request, task):
        for item in request.outputs:
            one = self.state.inputs.get(item.input_id)
            container = self.state.containers.get(task)
            if one is None or container is None or one.task != task or not container.wanted:
                continue  # it was given to another container since
            result, data_format = item.result, item.data_format
            self.state.note("finished", call=one.call, task=task)
            if pickled := self.faults.due("pickle"):
                result, data_format = _trap(str(pickled["path"])), api.DATA_FORMAT_PICKLE
            self.put_output(one, result, data_format=data_format, output_created_at=item.output_created_at)
            self._close_span(container)
            container.input = ""
        await self.state.notify()
        return Empty()

    @answers
    async def TaskResult(self, request, task):
        container = self.found(self.state.containers, task, "container")
        container.started_failed, container.wanted = request.result, False
        self.state.note("start_failed", task=task, why=request.result.exception)
        return Empty()

    def _close_span(self, container: Container) -> None:
        call, start, _ = container.spans[-1]
        container.spans[-1] = (call, start, container.log.stat().st_size)
        with (self.state.root / "spans.txt").open("a") as file:
            file.write(f"{call} {container.id} {start} {container.spans[-1][2]}\n")

    # -- what a container finds ------------------------------------------------------------------------------

    def _lay_out(self, container: Container, definition: api.Function) -> None:
        """Its file system: what was uploaded, below `root`, and a copy of each volume."""
        (container.folder / "root").mkdir()
        (container.folder / "bare").mkdir()
        (container.folder / "bare" / "sitecustomize.py").write_text(BARE)
        broken = self.faults.due("break") is not None
        for mount in definition.mount_ids:
            for file in self.state.mounts.get(mount, []):
                path = (container.folder / file.filename.lstrip("/")).resolve()
                assert path.is_relative_to(container.folder.resolve()), file.filename
                if broken and path.suffix == ".py":
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._uploaded(file.sha256_hex), path)
        for mount in definition.volume_mounts:
            self.check_out(container, mount.volume_id)

    def _variables(self, container: Container, definition: api.Function) -> dict[str, str]:
        """Only what a container needs: nothing of the client's environment, its token least of all. Variables of the
        image that name a volume's place name the folder here."""
        variables = {name: os.environ[name] for name in ("PATH", "LANG", "HOME", "TMPDIR") if name in os.environ}
        image = dict(self.state.images.get(definition.image_id, {}))
        for mount in definition.volume_mounts:
            place = str(self.working_copy(container, mount.volume_id))
            image = {name: place if value == mount.mount_path else value for name, value in image.items()}
        for secret in definition.secret_ids:
            variables |= self.state.secrets.get(secret, {})
        return variables | image | {
            "PYTHONPATH": f"{container.folder / 'root'}:{container.folder / 'bare'}",
            "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
            "MODAL_SERVER_URL": self.address, "MODAL_IS_REMOTE": "1", "MODAL_TASK_ID": container.id,
            "MODAL_CONFIG_PATH": str(container.folder / "no-config"),
            "MODAL_CONTAINER_ARGUMENTS_PATH": str(container.folder / "arguments"),
            "MODAL_OVERRIDE_HEADERS": f"{TASK}:{container.id}",
        }  # fmt: skip

    def check_out(self, container: Container, volume: str) -> None:
        raise NotImplementedError  # volumes.py

    def working_copy(self, container: Container, volume: str) -> Path:
        raise NotImplementedError


def timed_out(one: Input, limit: float) -> api.GenericResult:
    text = f"Task's current input {one.id} hit its timeout of {limit:g}s"
    return Status(status=Status.GENERIC_STATUS_TIMEOUT, exception=text)


def out_of_memory() -> api.GenericResult:
    text = "Container killed: out of memory (exit code 137)"
    return Status(status=Status.GENERIC_STATUS_KERNEL_OOM_KILL, exception=text, exitcode=137)


class _Trap:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


def _trap(path: str) -> api.GenericResult:
    import pickle

    return Status(status=Status.GENERIC_STATUS_SUCCESS, data=pickle.dumps(_Trap(path)))


def _empty_queue() -> Any:
    from collections import deque

    return deque()


def _die_with_parent() -> None:
    """A container does not outlive the server, whatever kills it."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
