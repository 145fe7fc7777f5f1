"""The child process that loads the same server with vitals and page requests while media is measured."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.media.processes import commands, say
from benchmarks.vitals.bedside import FRAME_S, Bedside, Phases, Watcher
from benchmarks.vitals.hospital import Hospital, hospital

PAGES = ("/", "/login", "/livez")
PAGES_PER_S = 20.0
WATCHERS = 2


async def serve(devices: int) -> None:
    """Make the hospital and say its variables; on `begin` connect everybody, and send until the other side closes."""
    with tempfile.TemporaryDirectory(prefix="telehealth-ward-") as folder:
        async with hospital(Path(folder), devices) as found, asyncio.TaskGroup() as tasks:
            sending: list[asyncio.Task[None]] = []
            phases = Phases()
            async for command in commands():
                if command["do"] == "variables":
                    say(variables=dict(found.variables))
                    continue
                if command["do"] == "begin":
                    url = f"http://127.0.0.1:{found.variables['TELEHEALTH_HTTP_PORT']}"
                    sending += [tasks.create_task(work) for work in await _begin(found, url, phases)]
                if command["do"] == "end":
                    for task in sending:
                        task.cancel()
                seen = phases.next()
                say(live_p99_ms=seen.percentile_ms(0.99))


async def _begin(found: Hospital, url: str, phases: Phases) -> list[Coroutine[None, None, None]]:
    await _ready(url)
    work: list[Coroutine[None, None, None]] = [_visit(url)]
    for number, bed in enumerate(found.beds):
        bedside = Bedside(bed, url)
        await bedside.open()
        for _ in range(WATCHERS):
            await Watcher(bedside, phases).open(url, await found.ticket(bed))
        work.append(bedside.measure(lambda: False, number * FRAME_S / len(found.beds)))
    return work


async def _ready(url: str) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(30):
        while True:
            try:
                async with http.get(url + "/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)


async def _visit(url: str) -> None:
    """Ask for pages, one after the other, at a steady rate."""
    async with aiohttp.ClientSession() as http:
        begin = time.monotonic()
        number = 0
        while True:
            number += 1
            async with http.get(url + PAGES[number % len(PAGES)]) as answer:
                await answer.read()
            await asyncio.sleep(max(0.0, begin + number / PAGES_PER_S - time.monotonic()))


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
