"""What one core carries: devices that all send waveforms, each watched twice, everything stored.

`python -m benchmarks.vitals` measures, in this order: live vitals of all devices; the same while one of them catches up
what it kept for half an hour; many watchers of numerics, one of whom does not read; and the same fan-out through
Mosquitto, which stores nothing. The last line is one JSON object.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import uvloop
from sqlalchemy import text

from benchmarks.vitals import mosquitto
from benchmarks.vitals.bedside import FRAME_S, Bedside, Latencies, Phases, Watcher
from benchmarks.vitals.hospital import Hospital, hospital
from benchmarks.vitals.server_process import ServerProcess, cores, cost_of
from telehealth.storage.database import Database

_SLOW_BUFFER = 4_096
_COUNTS = text(
    "SELECT device_id, boot, channel, count(*) AS found FROM device_frames "
    "JOIN device_boots ON device_boots.number = device_frames.boot_number GROUP BY device_id, boot, channel"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    devices: int
    watchers: int
    seconds: float
    warm_s: float
    backlog_minutes: float
    crowd: int
    crowd_s: float
    single: bool
    mosquitto: bool
    database: str
    first: bool


async def measure(options: Options, folder: Path) -> dict[str, Any]:
    """Run all phases; return what is printed."""
    core, others = cores()
    os.sched_setaffinity(0, others)
    if options.first:
        # Inherited by the server and by the broker.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    async with hospital(folder, options.devices, database=options.database) as found:
        server = ServerProcess(found.variables, folder / "server.log", core=core)
        await server.start()
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            result = await _ward(options, found, server)
            result["stored_lost"], result["stored_repeated"] = await _stored(found, result.pop("bedsides"))
            result["crowd"] = await _crowd(options, found, server)
        finally:
            await server.stop()
    result["lost"] += result["stored_lost"]
    result["duplicated"] += result["stored_repeated"]
    broker = None
    if options.mosquitto:
        broker = await mosquitto.measure(options.devices, options.watchers, min(options.seconds, 30.0), core)
    result["mosquitto"] = broker
    result["scheduled"] = "first" if options.first else "as all others"
    # What the same fan-out costs here and there; latencies are beside it.
    result["mosquitto_ratio"] = _ratio(result["cpu_percent"], broker["cpu_percent"] if broker else None)
    result["mosquitto_p99_ratio"] = _ratio(result["live_p99_ms"], broker["p99_ms"] if broker else None)
    return result


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return round(ours / theirs, 1) if ours and theirs else None


async def _ward(options: Options, found: Hospital, server: ServerProcess) -> dict[str, Any]:
    """Live vitals of every bed, then the same while the first device sends its backlog and one watcher sleeps."""
    backlog_s = round(options.backlog_minutes * 60)
    bedsides = [
        Bedside(
            bed, server.url, backlog_s=backlog_s if number == 0 else 0, together=not options.single, second=number % 5
        )
        for number, bed in enumerate(found.beds)
    ]
    phases = Phases()
    watchers = await _connected(options, found, server, bedsides, phases)
    sleeper = Watcher(bedsides[0], Latencies())
    await sleeper.open(server.url, await found.ticket(found.beds[0]), receive_buffer=_SLOW_BUFFER)
    _say(f"{len(bedsides)} devices and {len(watchers)} watchers are connected")
    result: dict[str, Any] = {}
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for number, bedside in enumerate(bedsides):
            tasks.create_task(bedside.measure(stop.is_set, number * FRAME_S / len(bedsides)))
        await asyncio.sleep(options.warm_s)
        result |= await _live(options, phases, server)
        if backlog_s:
            sleeper.stop_reading()
            result |= await _backlog(bedsides[0], phases)
        phases.next()
        await asyncio.sleep(1.0)
        stop.set()
    async with asyncio.TaskGroup() as tasks:
        for bedside in bedsides:
            tasks.create_task(bedside.settled())
    await asyncio.sleep(1.0)
    result["rss_after_backlog_mib"] = round(cost_of(server.pid).rss_mib)
    result |= _account(bedsides, watchers)
    for gone in (*watchers, sleeper, *bedsides):
        gone.abort()
    return {**result, "bedsides": bedsides}


async def _connected(
    options: Options, found: Hospital, server: ServerProcess, bedsides: list[Bedside], phases: Phases
) -> list[Watcher]:
    watchers = []
    for bedside in bedsides:
        await bedside.open()
        for _ in range(options.watchers):
            watcher = Watcher(bedside, phases)
            await watcher.open(server.url, await found.ticket(bedside.bed))
            watchers.append(watcher)
    return watchers


async def _own_lag(seconds: float) -> Latencies:
    """Return how late the load generator itself wakes: what of a latency is not the server's."""
    lag, end = Latencies(), perf_counter() + seconds
    while (began := perf_counter()) < end:
        await asyncio.sleep(0.01)
        lag.add(perf_counter() - began - 0.01)
    return lag


async def _live(options: Options, phases: Phases, server: ServerProcess) -> dict[str, Any]:
    live, before, began = phases.next(), cost_of(server.pid), perf_counter()
    lag = await _own_lag(options.seconds)
    after, lasted = cost_of(server.pid), perf_counter() - began
    phases.next()
    _say(f"live: p99 {live.percentile_ms(0.99)} ms")
    return {
        "seconds": options.seconds,
        "live_p50_ms": live.percentile_ms(0.5),
        "live_p99_ms": live.percentile_ms(0.99),
        "live_max_ms": live.percentile_ms(1.0),
        "generator_lag_p99_ms": lag.percentile_ms(0.99),
        "cpu_percent": round(100 * (after.cpu_s - before.cpu_s) / lasted),
        "rss_mib": round(after.rss_mib),
        "rss_growth_mib": round(after.rss_mib - before.rss_mib, 1),
    }


async def _backlog(bedside: Bedside, phases: Phases) -> dict[str, Any]:
    live = phases.next()
    took = await bedside.fill()
    _say(f"backlog: {took:.1f} s, live p99 {live.percentile_ms(0.99)} ms")
    return {
        "backlog_minutes": bedside.backlog_s / 60,
        "backlog_s": round(took, 1),
        "backlog_live_p99_ms": live.percentile_ms(0.99),
    }


def _account(bedsides: list[Bedside], watchers: list[Watcher]) -> dict[str, Any]:
    return {
        "devices": len(bedsides),
        "watchers": len(watchers),
        "messages_in_per_s": round(len(bedsides) * (3 / FRAME_S + 1)),
        "messages_out_per_s": round(len(watchers) * (3 / FRAME_S + 1)),
        "lost": sum(_missing(watcher) for watcher in watchers),
        "duplicated": sum(watcher.repeated for watcher in watchers),
        "refused": sum(len(bedside.refused) for bedside in bedsides),
        "gaps": sum(watcher.gaps for watcher in watchers),
    }


def _missing(watcher: Watcher) -> int:
    return sum(wanted - len(seen) for wanted, seen in zip(watcher.bedside.expected, watcher.seen, strict=True))


async def _stored(found: Hospital, bedsides: list[Bedside]) -> tuple[int, int]:
    """Return how many frames are not in the database, and how many are there that were never sent."""
    counts: dict[tuple[str, str, int], int] = {}
    async with Database.open(found.database) as database, database.read() as connection:
        for row in (await connection.execute(_COUNTS)).all():
            counts[row.device_id, row.boot, row.channel] = row.found
    lost = extra = 0
    for bedside in bedsides:
        for channel, wanted in enumerate(bedside.expected):
            have = counts.get((bedside.bed.device, bedside.boot, channel), 0)
            lost += max(0, wanted - have)
            extra += max(0, have - wanted)
    return lost, extra


async def _crowd(options: Options, found: Hospital, server: ServerProcess) -> dict[str, Any] | None:
    """Many watchers of one update a second, one of whom does not read."""
    if not options.crowd:
        return None
    # Another boot: the numbers begin anew.
    bedsides = [
        Bedside(bed, server.url, waves=False, boot="crowd", second=number % 5) for number, bed in enumerate(found.beds)
    ]
    phases, watchers = Phases(), []
    for bedside in bedsides:
        await bedside.open()
    for number in range(options.crowd):
        watcher = Watcher(bedsides[number % len(bedsides)], phases)
        await watcher.open(server.url, await found.ticket(watcher.bedside.bed), receive_buffer=0)
        watchers.append(watcher)
    sleeper = Watcher(bedsides[0], Latencies())
    await sleeper.open(server.url, await found.ticket(found.beds[0]), receive_buffer=_SLOW_BUFFER)
    sleeper.stop_reading()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for number, bedside in enumerate(bedsides):
            tasks.create_task(bedside.measure(stop.is_set, number / len(bedsides)))
        await asyncio.sleep(2.0)
        seen, before, began = phases.next(), cost_of(server.pid), perf_counter()
        await asyncio.sleep(options.crowd_s)
        after, lasted = cost_of(server.pid), perf_counter() - began
        stop.set()
    await asyncio.sleep(1.0)
    _say(f"crowd: p99 {seen.percentile_ms(0.99)} ms")
    for gone in (*watchers, sleeper, *bedsides):
        gone.abort()
    return {
        "watchers": len(watchers),
        "lost": sum(_missing(watcher) for watcher in watchers),
        "p50_ms": seen.percentile_ms(0.5),
        "p99_ms": seen.percentile_ms(0.99),
        "cpu_percent": round(100 * (after.cpu_s - before.cpu_s) / lasted),
    }


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _options(arguments: list[str]) -> tuple[Options, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vitals", description=__doc__)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--watchers", type=int, default=2, help="of each device")
    parser.add_argument("--seconds", type=float, default=60.0, help="of live vitals that are measured")
    parser.add_argument("--warm", type=float, default=80.0, help="seconds before, in which histories fill")
    parser.add_argument("--backlog", type=float, default=30.0, help="minutes that one device has kept")
    parser.add_argument("--crowd", type=int, default=2_000, help="watchers of one update a second")
    parser.add_argument("--crowd-seconds", type=float, default=20.0)
    parser.add_argument("--single", action="store_true", help="send each frame in a message of its own")
    parser.add_argument("--no-mosquitto", action="store_true")
    parser.add_argument("--database", default="", help="URL; SQLite in a fresh folder by default")
    parser.add_argument("--first", action="store_true", help="before all other programs of this machine (SCHED_RR)")
    parser.add_argument("--json", type=Path, help="write the result to this file, too")
    given = parser.parse_args(arguments)
    options = Options(
        devices=given.devices,
        watchers=given.watchers,
        seconds=given.seconds,
        warm_s=given.warm,
        backlog_minutes=given.backlog,
        crowd=given.crowd,
        crowd_s=given.crowd_seconds,
        single=given.single,
        mosquitto=not given.no_mosquitto,
        database=given.database,
        first=given.first,
    )
    return options, given.json


def main(arguments: list[str]) -> None:
    """Measure, and print one JSON object on the last line."""
    options, where = _options(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="telehealth-bench-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        result = runner.run(measure(options, Path(folder)))
    if where is not None:
        where.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
