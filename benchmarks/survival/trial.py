"""The trial: faults at random moments while a gateway sends; then every sample is looked up in the database."""

import asyncio
import os
import random
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.survival.known_source import RATES, SAMPLES_PER_S, KnownSource
from benchmarks.survival.link import Link, link_to
from benchmarks.vitals.hospital import Bed, Hospital, hospital
from benchmarks.vitals.server_process import ServerProcess
from telehealth.clock import SystemClock
from telehealth.demo.source import CHUNK_S
from telehealth.interop.vital_frames import decode_frame
from telehealth.vitals.model import NUMERICS_CHANNEL, StoredFrame
from telehealth.vitals.ports import VitalFrames

PAGE = 2_000
_DRAIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is sent, and what goes wrong meanwhile."""

    samples: int = 1_000_000
    cuts: int = 20
    server_kills: int = 20
    gateway_kills: int = 5
    seed: int = 1

    @property
    def chunks(self) -> int:
        return -(-self.samples // round(SAMPLES_PER_S * CHUNK_S))

    def faults(self) -> list[tuple[float, str]]:
        """Return the faults with the share of the time at which each comes, in order."""
        chance = random.Random(self.seed)
        kinds = ["cut"] * self.cuts + ["server"] * self.server_kills + ["gateway"] * self.gateway_kills
        chance.shuffle(kinds)
        return [((n + chance.random()) / len(kinds), kind) for n, kind in enumerate(kinds)]


@dataclass
class Gateway:
    """The gateway's process, started again after each kill."""

    url: str
    token: str = field(repr=False)
    journal: Path
    chunks: int
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.survival.gateway", self.url, str(self.journal), str(self.chunks)),
                env={**os.environ, "GATEWAY_TOKEN": self.token},
                stdout=log,
                stderr=log,
            )

    async def kill(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def ended(self, within_s: float) -> int:
        """Wait until it has ended by itself; return its exit code."""
        assert self.process is not None
        async with asyncio.timeout(within_s):
            return await self.process.wait()


async def trial(plan: Plan, folder: Path, *, database: str = "") -> dict[str, Any]:
    """Run it; return what was found."""
    async with hospital(folder, 1, database=database) as found:
        (bed,) = found.beds
        server = ServerProcess(found.variables, folder / "server.log")
        await server.start()
        try:
            async with link_to(int(found.variables["TELEHEALTH_HTTP_PORT"])) as link:
                gateway = Gateway(link.url, bed.credential, folder / "journal", plan.chunks, folder / "gateway.log")
                began = perf_counter()
                done = await _under_fire(plan, server, link, gateway)
                lasted = perf_counter() - began
        finally:
            await server.stop()
        return {**done, "seconds": round(lasted, 1), **await _compared(plan, found, bed)}


async def _under_fire(plan: Plan, server: ServerProcess, link: Link, gateway: Gateway) -> dict[str, int]:
    chance = random.Random(plan.seed + 1)
    done = {"cuts": 0, "server_kills": 0, "gateway_kills": 0}
    await gateway.start()
    began, length_s = perf_counter(), plan.chunks * CHUNK_S
    try:
        for share, kind in plan.faults():
            await asyncio.sleep(max(0.0, began + share * length_s - perf_counter()))
            if kind == "cut":
                await link.cut(chance.uniform(0.05, 2.0), deaf_s=chance.choice((0.0, 0.5)))
                done["cuts"] += 1
            elif kind == "server":
                await server.kill()
                await server.start()
                done["server_kills"] += 1
            else:
                await gateway.kill()
                await gateway.start()
                done["gateway_kills"] += 1
        code = await gateway.ended(length_s + _DRAIN_S)
    finally:
        await gateway.kill()
    if code:
        raise RuntimeError(f"the gateway ended with {code}: {gateway.log.read_text()[-2000:]}")
    return done


async def _compared(plan: Plan, found: Hospital, bed: Bed) -> dict[str, int | bool]:
    """Look up each frame that was measured; count what is not there, there twice, or other than it was."""
    source = KnownSource(plan.chunks)
    stored = await _all_frames(found.frames, bed)
    wrong = lost = doubled = 0
    for channel in range(1, len(RATES) + 1):
        of_channel = stored.pop(channel, [])
        doubled += _doubled(of_channel)
        by_sequence = {frame.sequence: decode_frame(frame.body) for frame in of_channel}
        for number in range(plan.chunks):
            run = source.run(channel, number)
            block = by_sequence.pop(number + 1, None)
            if block is None:
                lost += len(run.samples) // 2
            else:
                wrong += (block.first_index, block.samples) != (run.first_index, run.samples)
        wrong += len(by_sequence)
    numerics = [frame.sequence for frame in stored.pop(NUMERICS_CHANNEL, [])]
    expected = list(range(1, plan.chunks // round(1 / CHUNK_S) + 1))
    return {
        "samples": source.samples,
        "lost": lost,
        "duplicated": doubled + len(numerics) - len(set(numerics)),
        "wrong": wrong,
        "numerics": len(numerics),
        "numerics_lost": len(set(expected) - set(numerics)),
        "in_order": not stored and sorted(numerics) == expected,
    }


def _doubled(frames: list[StoredFrame]) -> int:
    """Return how many samples are there that begin where others begin."""
    seen: set[int] = set()
    doubled = 0
    for block in (decode_frame(frame.body) for frame in frames):
        doubled += block.count if block.first_index in seen else 0
        seen.add(block.first_index)
    return doubled


async def _all_frames(frames: VitalFrames, bed: Bed) -> dict[int, list[StoredFrame]]:
    """Return all stored frames of the encounter by channel, in the order in which they are read."""
    by_channel: dict[int, list[StoredFrame]] = {}
    now, after = SystemClock().now(), ""
    while True:
        start, end = now - timedelta(days=1), now + timedelta(days=1)
        page = await frames.between(bed.encounter, start, end, limit=PAGE, after=after)
        for frame in page.frames:
            by_channel.setdefault(frame.channel, []).append(frame)
        if not (after := page.next):
            return by_channel
