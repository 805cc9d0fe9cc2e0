"""Training on Modal's GPUs. Only this file and modal_app.py, which it deploys, import modal.

A submitted request is a call of the deployed function; its id is the handle, and whoever has it can ask. What the call
returned also lies on the volume, so that neither a lost client nor an expired output loses it. What comes back is
validated as data: text of a limited size, JSON, a TrainResult. It is never unpickled, whatever it says it is.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from models.request import TrainRequest, TrainResult
from tasks.executors.base import Fault, FaultState, Finished, Handle, Machine, Request, Running, State

MOST_SECONDS = 86_400
"""A launch with a longer timeout is refused by Modal."""
MOST_BYTES = 16 * 1024 * 1024
"""A result is kilobytes; what is larger is none."""
MOST_UPLOAD = 20 * 1024 * 1024
"""The code goes up, not an environment."""
PROBE_SECONDS = 3.0
"""Without a network the client itself would wait for a minute, in every call."""
PROBED_FOR = 10.0
"""Seconds for which a network that was there is taken to be there."""
LOOK_SECONDS = 15.0
"""So often the volume of a call that still runs is looked at, should its reply have been lost."""
LOG_LINES = 50
LOCAL = "local modal: "
"""Before the device of whatever a server on this machine ran: that is no GPU of Modal's."""


class NotReadyError(ConnectionError):
    """Nothing can be started on Modal. Nothing was reserved or started."""


class Modal:
    name = "modal"
    width = 8

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._reached = -inf

    def submit(self, request: Request, machine: Machine | None = None) -> Handle:
        if machine is None:
            raise ValueError("a call on Modal needs its time limit, and the GPU or None for a CPU")
        seconds = check_seconds(machine.seconds)
        check_ready()
        from tasks.executors import modal_app

        local = is_local()
        update: dict[str, Any] = {"device": "cuda" if machine.gpu and not local else "cpu"}
        if isinstance(request, TrainRequest):  # it stops itself and reports, a little before it would be stopped
            update["max_seconds"] = max(0.9 * machine.seconds, machine.seconds - 60)
        run = Path(request.directory).name
        order = {
            "request": request.model_copy(update=update).model_dump(mode="json", exclude={"directory"}),
            "run": run,
            "code": modal_app.code_of(request),
            "mark": LOCAL if local else "",
        }
        call = _spawn(machine.gpu, seconds, self.width, json.dumps(order, allow_nan=False))
        seeds = list(request.seeds) if isinstance(request, TrainRequest) else [request.seed]
        return {"call": call.object_id, "run": run, "seeds": seeds, "seconds": seconds, "at": time.time()}

    def poll(self, handle: Handle) -> State:
        """Asks the service, and the volume where the service has nothing to say. A service that cannot be asked now
        says nothing about the call: it counts as running."""
        call, now = str(handle["call"]), time.monotonic()
        if now - self._asked.get(call, -inf) < (0.2 if is_local() else 2.0):
            return Running()
        self._asked[call] = now
        if now - self._reached > PROBED_FOR:
            try:
                check_ready()
            except NotReadyError:
                return Running()
            self._reached = now
        state = self._ask(handle)
        if isinstance(state, Running) and now - self._looked.setdefault(call, now) > LOOK_SECONDS:
            self._looked[call] = now
            state = _left(handle) or state
        if not isinstance(state, Running):
            self._asked.pop(call, None)
            self._looked.pop(call, None)
        return state

    def _ask(self, handle: Handle) -> State:
        modal = _modal()
        call = modal.FunctionCall.from_id(str(handle["call"]))
        try:
            return read_outcome(call.get(timeout=0), handle)
        except TimeoutError:
            return Running()
        except (modal.exception.OutputExpiredError, modal.exception.NotFoundError):
            return _left(handle) or _fault(
                handle, "lost", "its output is no longer kept, and it left none on the volume"
            )
        except modal.exception.FunctionTimeoutError:
            return _fault(handle, "timed_out", f"stopped after {handle['seconds']} s: {_how_far(handle)}")
        except modal.exception.InternalFailure as error:
            state: FaultState = "preempted" if _interrupted(handle, str(error)) else "lost"
            return _left(handle) or _fault(handle, state, f"{error}; {_how_far(handle)}")
        except (modal.exception.RemoteError, modal.exception.ExecutionError) as error:
            return _left(handle) or _told(handle, call, str(error))
        except _PickleError as error:
            return _left(handle) or _fault(handle, "refused", str(error))
        except modal.exception.Error:  # not reached, overloaded, restarting
            return Running()

    def cancel(self, handle: Handle) -> None:
        """The container writes its checkpoint and goes on to other work."""
        modal = _modal()
        with suppress(modal.exception.NotFoundError):
            modal.FunctionCall.from_id(str(handle["call"])).cancel()


# -- before anything is started ------------------------------------------------------------------------------


def check_ready() -> None:
    """Raises NotReadyError, with what to do, where modal is missing, has no token, or cannot be reached: within
    PROBE_SECONDS, and without asking Modal for anything."""
    config = _modal().config.config
    if not (config.get("token_id") and config.get("token_secret")):
        raise NotReadyError(
            "Modal has no token here. Make one with `modal token new`, or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET"
        )
    server = urlparse(str(config.get("server_url")))
    port = server.port or (443 if server.scheme == "https" else 80)
    if (problem := _problem_reaching(str(server.hostname), port)) is not None:
        raise NotReadyError(
            f"Modal cannot be reached at {server.hostname}:{port} ({problem}). Look at the network and try again, or "
            "train here with --executor local"
        )


def _problem_reaching(host: str, port: int) -> str | None:
    """In a thread, since looking up a name knows no time limit."""
    found: list[str | None] = []

    def connect() -> None:
        try:
            socket.create_connection((host, port), PROBE_SECONDS).close()
            found.append(None)
        except OSError as error:
            found.append(str(error))

    probe = threading.Thread(target=connect, daemon=True)
    probe.start()
    probe.join(PROBE_SECONDS)
    return found[0] if found else f"no answer within {PROBE_SECONDS:g} s"


def check_seconds(seconds: float) -> int:
    """The timeout of a call. Raises ValueError above Modal's own limit."""
    if seconds > MOST_SECONDS:
        raise ValueError(
            f"{seconds / 60:g} minutes are more than a call on Modal may take ({MOST_SECONDS // 60} minutes). Lower "
            "`minutes` in the proposal's compute"
        )
    return max(1, int(seconds))


def is_local() -> bool:
    """Is it a server on this machine that MODAL_SERVER_URL names, in place of Modal?"""
    return urlparse(os.environ.get("MODAL_SERVER_URL", "")).hostname in ("127.0.0.1", "localhost", "::1")


def uploads() -> dict[str, int]:
    """Sizes in bytes of what is deployed, by path below the project: the code of `models` and of this folder."""
    root = Path(__file__).resolve().parent.parent.parent
    paths = [
        *(root / "models").rglob("*.py"),
        *(root / "tasks" / "executors").glob("*.py"),
        root / "tasks" / "__init__.py",
    ]
    return {str(path.relative_to(root)): path.stat().st_size for path in sorted(paths)}


def check_uploads(sizes: dict[str, int]) -> None:
    """Raises ValueError, naming the largest, where they are too much to be code."""
    if sum(sizes.values()) > MOST_UPLOAD:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:5]
        named = ", ".join(f"{name} ({sizes[name] / 2**20:.1f} MiB)" for name in largest)
        raise ValueError(
            f"{sum(sizes.values()) / 2**20:.0f} MiB would go up, and the limit is {MOST_UPLOAD // 2**20} MiB. "
            f"The largest: {named}"
        )


def deploy(say: Callable[[str], None]) -> None:
    """Deploy the app, once for all experiments. Raises NotReadyError and ValueError before anything goes up."""
    check_ready()
    sizes = uploads()
    check_uploads(sizes)
    amount = f"{len(sizes)} files, {sum(sizes.values()) / 2**10:.0f} KiB"
    say(f"{amount} go up: the Python code of models and tasks/executors")
    modal = _modal()
    from tasks.executors import modal_app

    try:
        with modal.enable_output():
            modal_app.app.deploy()
    except modal.exception.AuthError as error:
        raise NotReadyError(f"Modal does not accept the token: {error}. Make another with `modal token new`") from None
    say(f"deployed as {modal_app.APP!r}; `mve run 008 --executor modal` trains there")


# -- talking to modal ----------------------------------------------------------------------------------------


def _modal() -> Any:
    """The library, set up so that nothing from a container is unpickled."""
    try:
        import modal
        from modal._utils import function_utils
    except ImportError as error:
        raise NotReadyError(f"modal is not installed ({error}): pip install 'mve[modal]'") from None
    modal.config.config.override_locally("payload_format", "cbor")
    _plain(function_utils)
    return modal


class _PickleError(Exception):
    """An answer that is a pickle."""


def _refuse_pickle(data: bytes, client: Any) -> Any:
    raise _PickleError("the container's answer is a pickle, and none is loaded here")


def _plain(function_utils: Any) -> None:
    """The format of an answer is what the answer says it is: the client would load a pickle that nobody asked for."""
    if function_utils.deserialize is _refuse_pickle:
        return
    from modal_proto import api_pb2

    load = function_utils.deserialize_data_format

    def only_cbor(data: bytes, data_format: int, client: Any) -> Any:
        return (
            load(data, data_format, client) if data_format == api_pb2.DATA_FORMAT_CBOR else _refuse_pickle(data, client)
        )

    function_utils.deserialize = _refuse_pickle
    function_utils.deserialize_data_format = only_cbor


def _spawn(gpu: str | None, seconds: int, containers: int, order: str) -> Any:
    modal = _modal()
    from tasks.executors import modal_app

    try:
        function = modal.Function.from_name(modal_app.APP, modal_app.FUNCTION)
        return function.with_options(gpu=gpu, timeout=seconds, max_containers=containers).spawn(order)
    except modal.exception.NotFoundError:
        raise NotReadyError("nothing is deployed to Modal yet: run `mve deploy-gpu` once") from None
    except modal.exception.AuthError as error:
        raise NotReadyError(f"Modal does not accept the token: {error}. Make another with `modal token new`") from None
    except modal.exception.Error as error:
        raise NotReadyError(f"Modal did not take the call: {type(error).__name__}: {error}") from None


# -- what became of a call -----------------------------------------------------------------------------------


def read_outcome(text: object, handle: Handle) -> State:
    """What the function returned, or left on the volume: validated, since it comes from elsewhere."""
    try:
        if not isinstance(text, str) or len(text) > MOST_BYTES:
            raise ValueError(f"not text of at most {MOST_BYTES // 2**20} MiB")
        outcome = json.loads(text)
        seconds = float(outcome["seconds"])
        if not 0 <= seconds < inf:
            raise ValueError("it took no such time")
        if "refused" in outcome:
            return _fault(handle, "refused", str(outcome["refused"]), seconds)
        if "failed" in outcome:
            told = outcome["failed"]
            return _failed(handle, str(told["type"]), str(told["message"]), seconds)
        result = TrainResult.model_validate(outcome["result"])
        if [seed.seed for seed in result.seeds] != handle["seeds"]:
            raise ValueError("it is of other seeds")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        said = f"{type(error).__name__}: {str(error)[:500]}"
        return _fault(handle, "refused", f"the container's answer is no result: {said}")
    return Finished(result, seconds)


def _failed(handle: Handle, kind: str, message: str, seconds: float) -> Fault:
    if kind in ("OutOfMemoryError", "MemoryError"):
        return _fault(handle, "refused", f"out of memory: {message}", seconds)
    return _fault(handle, "failed", f"{kind}: {message}", seconds)


def _told(handle: Handle, call: Any, text: str) -> Fault:
    """A failure of which the service tells, not our function."""
    words = text.lower()
    if "137" in words or "out of memory" in words or "oom" in words:
        return _fault(handle, "refused", f"out of memory: {text}; {_how_far(handle)}")
    modal = _modal()
    with suppress(modal.exception.Error):
        statuses = [one.status for one in call.get_call_graph()]
        if modal.types.InputStatus.TERMINATED in statuses:
            return _fault(handle, "cancelled", f"the call was cancelled; its checkpoint is kept: {_how_far(handle)}")
    return _fault(handle, "refused", f"the harness crashed in its container: {text}")


def _fault(handle: Handle, state: FaultState, reason: str, seconds: float | None = None) -> Fault:
    sitting = _sitting(handle)
    if seconds is None and sitting:
        with suppress(KeyError, TypeError, ValueError):
            seconds = max(0.0, float(sitting["last"]) - float(sitting["began"]))
    if seconds is None and state == "timed_out":
        seconds = float(handle["seconds"])
    device = sitting.get("device")
    return Fault(state, reason, _log(handle), seconds, device if isinstance(device, str) else None)


def _log(handle: Handle) -> str:
    modal = _modal()
    try:
        entries = modal.FunctionCall.from_id(str(handle["call"])).logs.tail(LOG_LINES)
        return "".join(str(entry.message) for entry in entries)
    except modal.exception.Error as error:
        return f"(its log could not be had: {type(error).__name__})"


# -- the volume ----------------------------------------------------------------------------------------------


def _left(handle: Handle) -> State | None:
    """The outcome that the call left on the volume."""
    text = _read(handle, f"outcome-{handle['call']}.json")
    return None if text is None else read_outcome(text, handle)


def _sitting(handle: Handle) -> dict[str, Any]:
    """What is known of this call's work, from its last commit; empty where that was another call, or nothing."""
    with suppress(ValueError):
        found = json.loads(_read(handle, "sitting.json") or "{}")
        if isinstance(found, dict) and found.get("call") == handle["call"]:
            return found
    return {}


def _interrupted(handle: Handle, text: str) -> bool:
    return "preempt" in text.lower() or _sitting(handle).get("state") == "interrupted"


def _how_far(handle: Handle) -> str:
    lines = (_read(handle, "progress.jsonl") or "").splitlines()
    with suppress(ValueError, KeyError, IndexError, TypeError):
        line = json.loads(lines[-1])
        return f"it had come to epoch {int(line['epoch'])}, step {int(line['step'])}, as far as its last commit tells"
    return "it had committed no progress"


def _read(handle: Handle, name: str) -> str | None:
    """A file of the run on the volume; None where there is none, or it is too large to be ours."""
    modal = _modal()
    from tasks.executors import modal_app

    content = bytearray()
    try:
        for block in modal.Volume.from_name(modal_app.VOLUME).read_file(f"runs/{handle['run']}/{name}"):
            content += block
            if len(content) > MOST_BYTES:
                return None
    except (FileNotFoundError, modal.exception.Error):
        return None
    return content.decode(errors="replace")
