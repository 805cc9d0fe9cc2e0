"""The room that all flows of a process share, and the two bars that show how full it is."""

import asyncio
import io
import time
from collections.abc import Callable

from rich.console import Console

from flows.progress import bars_of_all
from tasks.executors import InProcess
from tasks.room import AHEAD, Room, room_of


class Elsewhere(InProcess):
    name = "elsewhere"
    width = 2
    remote = True


async def under_way(flows: int, runs: int) -> tuple[int, list[tuple[int, int]], Room]:
    """So many flows, each with an executor of its own. The most runs at once, and (flow, run) as they began."""
    now = most = 0
    began: list[tuple[int, int]] = []

    async def one(flow: int, run: int, room: Room) -> None:
        nonlocal now, most
        async with room.place():
            began.append((flow, run))
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    async with asyncio.TaskGroup() as group:
        for flow in range(flows):
            room = room_of(Elsewhere())
            room.planned += runs
            for run in range(runs):
                group.create_task(one(flow, run, room))
    return most, began, room_of(Elsewhere())


def test_all_flows_of_a_process_share_it_first_come_first_served() -> None:
    most, began, room = asyncio.run(under_way(flows=5, runs=4))
    assert most == AHEAD * Elsewhere.width
    assert began == sorted(began), "of two flows that wait, the first to come has all its runs begun first"
    assert (room.planned, room.ended) == (20, 20)


def test_another_event_loop_has_a_room_of_its_own() -> None:
    async def planned() -> int:
        room_of(Elsewhere()).planned += 1
        return room_of(Elsewhere()).planned

    assert [asyncio.run(planned()) for _ in range(2)] == [1, 1]


def test_a_machine_of_ours_is_given_no_more_than_it_can_do() -> None:
    async def places() -> bool:
        room = room_of(InProcess())
        async with room.place():
            return room.free.locked()

    assert asyncio.run(places()), "its width is one"


def test_a_run_that_is_stopped_gives_its_place_back() -> None:
    async def stopped() -> bool:
        room = room_of(InProcess())

        async def run() -> None:
            async with room.place():
                await asyncio.sleep(60)

        running = asyncio.ensure_future(run())
        await asyncio.sleep(0)
        assert room.free.locked()
        running.cancel()
        await asyncio.wait([running])
        return room.free.locked() or room.ended > 0

    assert not asyncio.run(stopped())


def shown(console: Console, seen: Callable[[], bool]) -> None:
    async def show() -> None:
        room = Room(asyncio.Semaphore(1), planned=40, ended=13)
        with bars_of_all(console, {1: "over", 2: "over"}, 7, room):
            deadline = time.monotonic() + 30
            while not seen() and time.monotonic() < deadline:
                await asyncio.sleep(0.05)

    asyncio.run(show())


def test_a_terminal_has_a_bar_for_proposals_and_one_for_runs() -> None:
    written = io.StringIO()
    shown(Console(file=written, force_terminal=True, width=100), lambda: "13/40" in written.getvalue())
    for words in ("proposals", "2/7", "runs", "13/40"):
        assert words in written.getvalue()


def test_without_a_terminal_there_are_none() -> None:
    written = io.StringIO()
    shown(Console(file=written), lambda: True)
    assert written.getvalue() == ""
