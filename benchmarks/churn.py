"""`python -m benchmarks.churn`: thousands of joins and leaves, after which the media plane must be as it was before.

Rooms of two are filled and left, half of them without a word; descriptors, tasks and threads of the media process and
of its parent have to come back to the exact number, and memory must not follow the joins.
"""

import argparse
import asyncio
import json
import logging
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.media.plane import Plane, plane_apart
from benchmarks.media.processes import family, resident_kib

SETTLE_S = 10.0
LOOK_S = 1.2
"""The media process tells once a second how it is."""
WARM_UP = 20
"""Joins before the first count: what is made once is not a leak."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the processes hold together."""

    descriptors: int
    threads: int
    tasks: int
    transports: int
    rooms: int


async def footprint(running: Plane) -> Footprint:
    told = await running.process.ask(do="collect")
    processes = [Path(f"/proc/{pid}") for pid in family(running.pid)]
    return Footprint(
        descriptors=sum(len(list((process / "fd").iterdir())) for process in processes),
        threads=sum(len(list((process / "task").iterdir())) for process in processes),
        tasks=told["tasks"],
        transports=told["transports"],
        rooms=told["rooms"],
    )


async def join_and_leave(running: Plane, number: int) -> None:
    """Fill a room and empty it again; in every second one the browsers are gone before anybody says so."""
    seats = await running.room(number, 2)
    silent = number % 2
    for seat in seats:
        if silent:
            await seat.transport.vanish()
        await running.process.ask(do="close", room=seat.room, name=seat.name)
        if not silent:
            await seat.transport.aclose()
    while not running.process.events.empty():
        running.process.events.get_nowait()


async def churn(host: str, joins: int) -> dict[str, object]:
    """Return what the server held before and after, and how its memory went."""
    async with plane_apart(host) as running:
        for number in range(WARM_UP // 2):
            await join_and_leave(running, number)
        before = await settled(running, None)
        memory = [resident_kib(running.pid)]
        for number in range(joins // 2):
            await join_and_leave(running, WARM_UP + number)
            if (number + 1) % max(1, joins // 20) == 0:
                # Collected, since cycles that wait for the collector are no leak.
                await running.process.ask(do="collect")
                memory.append(resident_kib(running.pid))
        after = await settled(running, before)
        memory.append(resident_kib(running.pid))
    return {
        "joins": joins,
        "before": asdict(before),
        "after": asdict(after),
        "same": before == after,
        "memory_kib": memory,
        "kib_per_join_second_half": round((memory[-1] - memory[len(memory) // 2]) / max(1, joins // 2), 3),
    }


async def settled(running: Plane, expected: Footprint | None) -> Footprint:
    """Return the footprint once goodbyes are said: when it is the expected one, or stands still."""
    deadline = asyncio.get_running_loop().time() + SETTLE_S
    last = await footprint(running)
    while asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(LOOK_S)
        now = await footprint(running)
        if now == (expected or last):
            return now
        last = now
    return last


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.churn", description=__doc__)
    parser.add_argument("--joins", type=int, default=2_000)
    parser.add_argument("--host", default="127.0.0.1")
    chosen = parser.parse_args(arguments)
    logging.disable(logging.INFO)
    result = asyncio.run(churn(chosen.host, chosen.joins))
    print(json.dumps(result))
    return 0 if result["same"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
