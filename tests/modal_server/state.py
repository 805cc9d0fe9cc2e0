"""What the server knows. Nothing survives its end but the files under its root."""

import asyncio
import contextlib
import itertools
import json
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modal_proto import api_pb2 as api


@dataclass
class App:
    id: str
    name: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    """Function ids by tag, as they were published."""
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Function:
    """`definition` None: its id is given out, and nothing is known yet. `base`: the function this one is a variant of,
    with other options."""

    id: str
    app: str
    definition: api.Function | None = None
    base: str = ""
    bad_starts: int = 0
    """Containers that ended before they took an input."""


@dataclass
class Input:
    id: str
    index: int
    call: str
    content: api.FunctionInput
    retry: int = 0
    task: str = ""
    given_at: float | None = None
    cancelled: bool = False


@dataclass
class Call:
    """`outputs` by index of the input; one that was lost is in `expired`."""

    id: str
    function: str
    kind: int
    inputs: dict[str, Input] = field(default_factory=dict)
    outputs: dict[int, api.FunctionGetOutputsItem] = field(default_factory=dict)
    expired: set[int] = field(default_factory=set)
    losing: bool = False
    """Its outputs are to be dropped when they come."""
    order: list[int] = field(default_factory=list)
    """Indices in the order in which their outputs came."""


@dataclass
class Container:
    id: str
    function: str
    folder: Path
    process: asyncio.subprocess.Process | None = None
    input: str = ""
    cancellations: list[str] = field(default_factory=list)
    verdict: api.GenericResult | None = None
    """What its input gets when the process has ended; None: its input goes to another container."""
    started_failed: api.GenericResult | None = None
    wanted: bool = True
    spans: list[tuple[str, int, int | None]] = field(default_factory=list)
    """(call, from byte, to byte) of its log."""

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"


class State:
    """`changed` is notified of everything that someone may wait for."""

    def __init__(self, root: Path, width: int) -> None:
        self.root, self.width = root, width
        self.apps: dict[str, App] = {}
        self.functions: dict[str, Function] = {}
        self.calls: dict[str, Call] = {}
        self.inputs: dict[str, Input] = {}
        self.queues: dict[str, deque[str]] = {}
        self.containers: dict[str, Container] = {}
        self.images: dict[str, dict[str, str]] = {}
        """Environment variables that an image sets."""
        self.mounts: dict[str, list[api.MountFile]] = {}
        self.secrets: dict[str, dict[str, str]] = {}
        self.volumes: dict[str, str] = {}
        """Names by id."""
        self.changed = asyncio.Condition()
        self.ending = False
        self._numbers = itertools.count(1)
        self._journal = (root / "journal.jsonl").open("a", encoding="utf-8")

    def new_id(self, prefix: str) -> str:
        # the time, so that ids of two servers on one root are never the same
        return f"{prefix}-{int(time.time() * 1000):x}{next(self._numbers):05d}"

    def note(self, event: str, **about: Any) -> None:
        """One line of ROOT/journal.jsonl, for tests to read."""
        self._journal.write(json.dumps({"at": round(time.time(), 3), "event": event, **about}) + "\n")
        self._journal.flush()

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def wait(self, seconds: float) -> None:
        """Until something has changed, or so long."""
        async with self.changed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, seconds)):
                    await self.changed.wait()

    def close(self) -> None:
        self._journal.close()
