"""The gateway: a monitor with a journal on disk, in a process of its own that may die at any moment."""

import asyncio
import os
import sys
from pathlib import Path

import aiohttp

from benchmarks.survival.known_source import KnownSource
from telehealth.demo import monitor
from telehealth.demo.journal import Journal
from telehealth.demo.monitor import MonitorClient, MonitorOptions


async def run(url: str, journal: Path, chunks: int) -> None:
    """Measure, send, and end when all of it is acknowledged."""
    monitor.DRAIN_S = 120.0
    options = MonitorOptions(url=url, token=os.environ["GATEWAY_TOKEN"], report=lambda text: None)
    async with aiohttp.ClientSession() as http:
        with Journal(1_000_000, journal) as kept:
            await MonitorClient(http, options, KnownSource(chunks), journal=kept).run()
            if len(kept) or kept.lost:
                raise SystemExit(3)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
