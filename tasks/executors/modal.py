"""Training on Modal's GPUs. Only this file, modal_client.py and modal_app.py, which is deployed, import modal.

A submitted request is a call of the deployed function; its id is the handle, and whoever has it can ask. What the call
returned also lies on the volume, so that neither a lost client nor an expired output loses it. What comes back is
validated as data: text of a limited size, JSON, a TrainResult. It is never unpickled, whatever it says it is.
"""

import json
import time
from contextlib import suppress
from io import BytesIO
from math import inf
from pathlib import Path
from typing import Any

from models.code_version import version_of
from models.request import TrainRequest, TrainResult
from tasks.executors.base import (
    Fault,
    FaultState,
    Finished,
    Handle,
    Machine,
    NotReadyError,
    Request,
    Running,
    State,
    UnreachableError,
    fault_told,
)
from tasks.executors.boot import UNKNOWN, boot_id, up
from tasks.executors.modal_client import PickleError, check_seconds, is_local, library, reachable, within

MOST_BYTES = 16 * 1024 * 1024
"""A result is kilobytes; what is larger is none."""
PROBED_FOR = 10.0
"""Seconds for which a network that was there is taken to be there."""
LOOK_SECONDS = 15.0
"""So often the volume of a call that still runs is looked at, should its reply have been lost."""
ANSWER_SECONDS = 60.0
"""For which an answer is waited for that should come at once. Modal's client reckons by the wall clock: where that is
set back just then, it would wait for as long."""
LOG_LINES = 50
LOCAL = "local modal: "
"""Before the device of whatever a server on this machine ran: that is no GPU of Modal's."""


class Modal:
    name = "modal"
    width = 8
    remote = True

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._looked: dict[str, float] = {}
        self._reached = -inf

    def submit(self, request: Request, machine: Machine | None = None, ticket: str = "") -> Handle:
        if machine is None:
            raise ValueError("a call on Modal needs its time limit, and the GPU or None for a CPU")
        seconds = check_seconds(machine.seconds)
        reachable()

        local = is_local()
        update: dict[str, Any] = {"device": "cuda" if machine.gpu and not local else "cpu"}
        if isinstance(request, TrainRequest):  # it stops itself and reports, a little before it would be stopped
            update["max_seconds"] = max(0.9 * machine.seconds, machine.seconds - 60)
        seed = request.seeds[0] if isinstance(request, TrainRequest) else request.seed
        run = Path(request.directory).name
        order = {
            "request": request.model_copy(update=update).model_dump(mode="json", exclude={"directory"}),
            "run": run,
            "ticket": ticket,
            "code": version_of(request),
            "mark": LOCAL if local else "",
        }
        try:
            call = _spawn(machine.gpu, seconds, self.width, json.dumps(order, allow_nan=False))
        except UnreachableError as error:  # its answer may be what was lost
            try:
                found = self.recover(request.directory, seed, machine, ticket) if ticket else None
            except OSError:
                raise UnreachableError(str(error), unsure=True) from error
            if found is None:
                raise
            return found
        return {**_handle(str(call.object_id), run, seed, seconds), "boot": boot_id(), "up": up()}

    def recover(self, directory: str, seed: int, machine: Machine, ticket: str) -> Handle | None:
        """A call writes down whose it is before it does anything, and does nothing if it was given up. So either we
        find what it wrote, or it finds what we wrote, whichever is later."""
        reachable()
        run = Path(directory).name
        call = _claimed(run, ticket)
        if call is None:
            _give_up(run, ticket)
            call = _claimed(run, ticket)
        return None if call is None else _handle(call, run, seed, check_seconds(machine.seconds))

    def poll(self, handle: Handle) -> State:
        """Asks the service, and the volume where the service has nothing to say. Raises UnreachableError where it
        cannot be asked now, which says nothing about the call."""
        call, now = str(handle["call"]), time.monotonic()
        if now - self._asked.get(call, -inf) < (0.2 if is_local() else 2.0):
            return Running()
        if now - self._reached > PROBED_FOR:
            reachable()
            self._reached = now
        state = self._ask(handle)
        self._asked[call] = now
        if isinstance(state, Running) and now - self._looked.setdefault(call, now) > LOOK_SECONDS:
            self._looked[call] = now
            state = _left(handle) or state
        if not isinstance(state, Running):
            self._asked.pop(call, None)
            self._looked.pop(call, None)
        return state

    def _ask(self, handle: Handle) -> State:
        modal = library()
        call = modal.FunctionCall.from_id(str(handle["call"]))
        try:
            return read_outcome(within(ANSWER_SECONDS, lambda: call.get(timeout=0)), handle)
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
        except PickleError as error:
            return _left(handle) or _fault(handle, "refused", str(error))
        except modal.exception.Error as error:  # overloaded, restarting
            raise UnreachableError(f"Modal does not answer: {type(error).__name__}: {error}") from None

    def cancel(self, handle: Handle) -> None:
        """The container writes its checkpoint and goes on to other work."""
        reachable()
        modal = library()
        try:
            modal.FunctionCall.from_id(str(handle["call"])).cancel()
        except modal.exception.NotFoundError:
            return
        except modal.exception.Error as error:
            raise UnreachableError(f"Modal was not told: {type(error).__name__}: {error}") from None


def _handle(call: str, run: str, seed: int, seconds: int) -> Handle:
    return {"call": call, "run": run, "seeds": [seed], "seconds": seconds}


def _spawn(gpu: str | None, seconds: int, containers: int, order: str) -> Any:
    modal = library()
    from tasks.executors import modal_app

    try:
        function = modal.Function.from_name(modal_app.APP, modal_app.FUNCTION)
        return function.with_options(gpu=gpu, timeout=seconds, max_containers=containers).spawn(order)
    except modal.exception.NotFoundError:
        raise NotReadyError("nothing is deployed to Modal yet: run `mve deploy-gpu` once") from None
    except modal.exception.AuthError as error:
        raise NotReadyError(f"Modal does not accept the token: {error}. Make another with `modal token new`") from None
    except modal.exception.InvalidError as error:
        raise NotReadyError(f"Modal did not take the call: {error}") from None
    except (modal.exception.Error, OSError) as error:
        raise UnreachableError(f"Modal did not say that it took the call: {type(error).__name__}: {error}") from None


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
        if "given_up" in outcome:
            return _fault(handle, "lost", "it began after it had been given up, and did nothing", seconds)
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
    told = fault_told(kind, message)
    return _fault(handle, told.state, told.reason, seconds)


def _told(handle: Handle, call: Any, text: str) -> Fault:
    """A failure of which the service tells, not our function."""
    words = text.lower()
    if "137" in words or "out of memory" in words or "oom" in words:
        return _fault(handle, "out_of_memory", f"{text}; {_how_far(handle)}")
    modal = library()
    with suppress(modal.exception.Error):
        statuses = [one.status for one in call.get_call_graph()]
        if modal.types.InputStatus.TERMINATED in statuses:
            begun = None if _sitting(handle) else 0.0  # in a queue nothing is billed
            return _fault(
                handle, "cancelled", f"the call was cancelled; its checkpoint is kept: {_how_far(handle)}", begun
            )
    return _fault(handle, "crashed", f"the harness crashed in its container: {text}")


def _fault(handle: Handle, state: FaultState, reason: str, seconds: float | None = None) -> Fault:
    sitting = _sitting(handle)
    if seconds is None:
        since = _since_submission(handle)
        longest = float(handle["seconds"]) if since is None else min(since, float(handle["seconds"]))
        if since is not None or state == "timed_out":
            seconds = longest
        with suppress(KeyError, TypeError, ValueError):
            # what was still running at its last commit ran on for a while: rather too much than too little
            until = time.time() if sitting["state"] == "running" else float(sitting["last"])
            worked = until - float(sitting["began"])
            seconds = min(worked, longest) if worked >= 0 else seconds  # else a clock was set back
    device = sitting.get("device")
    return Fault(state, reason, _log(handle), seconds, device if isinstance(device, str) else None)


def _since_submission(handle: Handle) -> float | None:
    """By a clock that nobody sets. None where another machine, or this one before it was started anew, submitted it, or
    where whoever did died before it could say when."""
    if handle.get("boot", UNKNOWN) == UNKNOWN or handle["boot"] != boot_id():
        return None
    return up() - float(handle["up"])


def _log(handle: Handle) -> str:
    modal = library()
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
    """A file of the run on the volume; None where there is none, or none that can be had now."""
    try:
        return _content(str(handle["run"]), name)
    except UnreachableError:
        return None


def _claimed(run: str, ticket: str) -> str | None:
    """The id of the call that has begun under this ticket. Raises UnreachableError."""
    text = _content(run, f"claim-{ticket}.json")
    try:
        found = None if text is None else json.loads(text)["call"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnreachableError(f"what call {ticket} wrote down cannot be read: {error}") from None
    return None if found is None else str(found)


def _give_up(run: str, ticket: str) -> None:
    modal = library()
    from tasks.executors import modal_app

    try:
        with modal.Volume.from_name(modal_app.VOLUME).batch_upload(force=True) as upload:
            upload.put_file(BytesIO(b"given up"), f"/runs/{run}/given-up-{ticket}")
    except modal.exception.Error as error:
        raise UnreachableError(f"Modal's volume cannot be written: {type(error).__name__}: {error}") from None


def _content(run: str, name: str) -> str | None:
    """A file of a run on the volume; None where there is none, or it is too large to be ours. Raises
    UnreachableError."""
    modal = library()
    from tasks.executors import modal_app

    content = bytearray()
    try:
        for block in modal.Volume.from_name(modal_app.VOLUME).read_file(f"runs/{run}/{name}"):
            content += block
            if len(content) > MOST_BYTES:
                return None
    except (FileNotFoundError, modal.exception.NotFoundError):
        return None
    except modal.exception.Error as error:
        raise UnreachableError(f"Modal's volume cannot be read: {type(error).__name__}: {error}") from None
    return content.decode(errors="replace")
