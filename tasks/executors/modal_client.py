"""Everything before the first call on Modal: the library set up so that no pickle is loaded, whether it can be reached,
and what goes up when the app is deployed.
"""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

MOST_SECONDS = 86_400
"""A launch with a longer timeout is refused by Modal."""
MOST_UPLOAD = 20 * 1024 * 1024
"""The code goes up, not an environment."""
PROBE_SECONDS = 3.0
"""Without a network the client itself would wait for a minute, in every call."""


class NotReadyError(ConnectionError):
    """Nothing can be started on Modal. Nothing was reserved or started."""


def check_ready() -> None:
    """Raises NotReadyError, with what to do, where modal is missing, has no token, or cannot be reached: within
    PROBE_SECONDS, and without asking Modal for anything."""
    config = library().config.config
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
    modal = library()
    from tasks.executors import modal_app

    try:
        with modal.enable_output():
            modal_app.app.deploy()
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
