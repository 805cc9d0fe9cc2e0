"""Everything before the first call on Modal: the library set up so that no pickle is loaded, whether it can be reached
and trains with this code, what goes up when the app is deployed, and what an hour costs there.
"""

import hashlib
import os
import socket
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlparse

from tasks.executors.base import NotReadyError, UnreachableError

MOST_SECONDS = 86_400
"""A launch with a longer timeout is refused by Modal."""
MOST_UPLOAD = 20 * 1024 * 1024
"""The code goes up, not an environment."""
PROBE_SECONDS = 3.0
"""Without a network the client itself would wait for a minute, in every call."""
ASK_SECONDS = 15.0
"""For what is asked of a service that can be reached, before anything is dispatched."""
RATES_SECONDS = 5.0
"""For what an hour costs, of which there is a table too."""
CODE = "code"
"""Tag of the deployed app: the version of the code in it."""
CARRIES_OUT = ("tasks/executors/modal_app.py", "tasks/executors/modal_image.py")
"""Of this folder, what a container uses."""

Answer = TypeVar("Answer")


def check_ready() -> None:
    """Raises NotReadyError, with what to do, where a call could not be carried out: as `reachable`, and where the token
    is not accepted, nothing is deployed, or what is deployed is other code than this."""
    reachable()
    modal = library()
    try:
        deployed = within(ASK_SECONDS, _deployed_code)
    except modal.exception.NotFoundError:
        raise NotReadyError("nothing is deployed to Modal yet: run `mve deploy-gpu` once") from None
    except modal.exception.AuthError as error:
        raise NotReadyError(f"Modal does not accept the token: {error}. Make another with `modal token new`") from None
    except (modal.exception.Error, TimeoutError) as error:
        raise UnreachableError(f"Modal does not say what is deployed: {type(error).__name__}: {error}") from None
    if deployed != (here := code_here()):
        raise NotReadyError(
            f"what is deployed to Modal is other code than this ({deployed[:12] or 'of no known version'}, here "
            f"{here[:12]}): run `mve deploy-gpu` again"
        )


def reachable() -> None:
    """Raises NotReadyError, with what to do, where modal is missing or has no token, and UnreachableError where it
    cannot be reached: within PROBE_SECONDS, and without asking Modal for anything."""
    config = library().config.config
    if not (config.get("token_id") and config.get("token_secret")):
        raise NotReadyError(
            "Modal has no token here. Make one with `modal token new`, or set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET"
        )
    server = urlparse(str(config.get("server_url")))
    port = server.port or (443 if server.scheme == "https" else 80)
    try:
        # in a thread, since looking up a name knows no time limit
        within(PROBE_SECONDS, lambda: socket.create_connection((str(server.hostname), port), PROBE_SECONDS).close())
    except OSError as problem:
        raise UnreachableError(
            f"Modal cannot be reached at {server.hostname}:{port} ({problem}). Look at the network and try again, or "
            "train here with --executor local"
        ) from None


def told_rates() -> dict[str, str]:
    """What Modal says that this workspace pays for an hour, by its own names, such as "gpu_hour_cost_t4". Raises what
    `reachable` and the client raise, and TimeoutError."""
    reachable()
    modal = library()
    return within(
        RATES_SECONDS,
        lambda: {str(name): str(rate) for name, rate in modal.Workspace.from_context().billing.rates().items()},
    )


def _deployed_code() -> str:
    """The version of the code that went up last; "" where it has none. Raises what the client raises."""
    modal = library()
    from tasks.executors import modal_app

    modal.Function.from_name(modal_app.APP, modal_app.FUNCTION).hydrate()
    return str(modal.App.lookup(modal_app.APP).get_tags().get(CODE, ""))


def within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """Raises what it raises, or TimeoutError; it then goes on in its thread, and nobody hears of it."""
    given: list[Answer] = []
    raised: list[Exception] = []

    def work() -> None:
        try:
            given.append(ask())
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not given:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return given[0]


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


def code_here() -> str:
    """Version of what carries out a call, of what would go up: a hash of names and contents, short enough for a tag.
    What this side alone uses may change without a new deployment."""
    root = Path(__file__).resolve().parent.parent.parent
    found = hashlib.sha256()
    for name in uploads():
        if name.startswith("models/") or name in CARRIES_OUT:
            found.update(f"{name}\0{hashlib.sha256((root / name).read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:40]


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
    reachable()
    sizes, version = uploads(), code_here()
    check_uploads(sizes)
    amount = f"{len(sizes)} files, {sum(sizes.values()) / 2**10:.0f} KiB"
    say(f"{amount} go up: the Python code of models and tasks/executors")
    modal = library()
    from tasks.executors import modal_app

    try:
        with modal.enable_output():
            modal_app.app.deploy()
            modal_app.app.set_tags({CODE: version})
    except modal.exception.AuthError as error:
        raise NotReadyError(f"Modal does not accept the token: {error}. Make another with `modal token new`") from None
    say(f"deployed as {modal_app.APP!r}; `mve run 008 --executor modal` trains there")


# -- the library ---------------------------------------------------------------------------------------------


def library() -> Any:
    """The library, set up so that nothing from a container is unpickled."""
    try:
        import modal
        from modal._utils import function_utils
    except ImportError as error:
        raise NotReadyError(f"modal is not installed ({error}): pip install 'mve[modal]'") from None
    modal.config.config.override_locally("payload_format", "cbor")
    # what waits is asked in a thread; only a flow that is told to stop asks from where it stands
    warnings.simplefilter("ignore", modal.exception.AsyncUsageWarning)
    _plain(function_utils)
    return modal


class PickleError(Exception):
    """An answer that is a pickle."""


def _refuse_pickle(data: bytes, client: Any) -> Any:
    raise PickleError("the container's answer is a pickle, and none is loaded here")


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
