"""How much one process has under way at once on an executor, however many flows it runs: they all share one room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from tasks.executors import Executor

AHEAD = 2
"""Machines elsewhere get so many runs each: one that ends finds the next one waiting there. More would only have to be
asked after."""


@dataclass
class Room:
    """`planned`, `ended`: runs that flows of this event loop have brought, and those of them that are over. `dry`: held
    for a dry run, which is done on this machine, wherever the runs go."""

    free: asyncio.Semaphore
    planned: int = 0
    ended: int = 0
    dry: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a free place and have it, first come, first served."""
        async with self.free:
            yield
        self.ended += 1


_rooms: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Room]] = WeakKeyDictionary()


def room_of(executor: Executor) -> Room:
    """The room that all flows of the running event loop have on this executor."""
    rooms = _rooms.setdefault(asyncio.get_running_loop(), {})
    if executor.name not in rooms:
        rooms[executor.name] = Room(asyncio.Semaphore(executor.width * (AHEAD if executor.remote else 1)))
    return rooms[executor.name]
