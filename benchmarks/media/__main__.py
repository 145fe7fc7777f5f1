"""`python -m benchmarks.media`: compare this media plane, Janus and aiortc's relay under one load, on one machine."""

import argparse
import asyncio
import datetime as dt
import functools
import json
import logging
import socket
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.media import report
from benchmarks.media.janus import installed, janus, version
from benchmarks.media.load import synthetic_frames, synthetic_voice
from benchmarks.media.measuring import Case, Opens, Row, idle_kib, measure
from benchmarks.media.plane import plane, plane_with_vitals
from benchmarks.media.processes import LOAD_CORE, pin, scheduling
from benchmarks.media.relay import real_frames, real_voice, relay
from benchmarks.media.systems import echo

RESULTS = Path(__file__).parents[1] / "results"


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.media", description=__doc__)
    parser.add_argument("--rooms", default="1,25,50", help="numbers of rooms, by commas")
    parser.add_argument("--sizes", default="2,4", help="participants in a room, by commas")
    parser.add_argument("--seconds", type=int, default=8, help="length of each run")
    parser.add_argument("--repeat", type=int, default=1, help="repetitions; medians of the quieter half count")
    parser.add_argument("--idle", type=int, default=100, help="participants by which memory is measured")
    parser.add_argument(
        "--most", type=int, default=15_000, help="packets/s the generator may send; cases beyond are left out"
    )
    parser.add_argument(
        "--patience", type=float, default=5.0, help="seconds to wait for a quiet machine before each run"
    )
    parser.add_argument("--host", default="", help="address of this machine to send over; never another's")
    parser.add_argument("--with-vitals", type=int, default=0, help="also beside so many monitors in the same process")
    parser.add_argument("--without-janus", action="store_true")
    parser.add_argument("--without-relay", action="store_true")
    parser.add_argument("--janus-loops", type=int, default=0, help="also measure Janus with so many event loops")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the JSON file")
    return parser.parse_args(arguments)


def own_address() -> str:
    """Return an address of this machine that is not 127.0.0.1, which Janus leaves out; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


class Comparison:
    """All measurements of one call of the program."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._chosen = chosen
        self._host: str = chosen.host or own_address()
        self._rows: list[Row] = []
        self._repetition = 0
        self._frames, self._voice = synthetic_frames(), synthetic_voice()
        self.systems: dict[str, Opens] = {report.OURS: functools.partial(plane, self._host)}
        if not chosen.without_janus and installed() and not self._host.startswith("127."):
            self.systems["janus"] = functools.partial(janus, self._host)
            if chosen.janus_loops:
                self.systems["janus, loops"] = functools.partial(janus, self._host, loops=chosen.janus_loops)

    async def run(self) -> dict[str, Any]:
        for repetition in range(self._chosen.repeat):
            self._repetition = repetition
            await self._once()
        idle = {
            name: await idle_kib(opens, self._chosen.idle)
            for name, opens in self.systems.items()
            if name in (report.OURS, "janus")
        }
        rows = report.with_added(report.medians(self._rows))
        return {
            "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),  # noqa: TID251 - when it was measured.
            "machine": {
                **report.machine(),
                "scheduled": scheduling(),
                "janus": version() if "janus" in self.systems else "",
            },
            "summary": report.summary(rows, idle),
            "rows": rows,
            "runs": [asdict(row) for row in self._rows],
        }

    async def _once(self) -> None:
        chosen = self._chosen
        for size in _numbers(chosen.sizes):
            for rooms in _numbers(chosen.rooms):
                case = Case(rooms, size, chosen.seconds, self._frames, self._voice, patience_s=chosen.patience)
                await self._measure(case, functools.partial(echo, self._host))
                for opens in self.systems.values():
                    await self._measure(case, opens)
        if chosen.with_vitals:
            case = Case(report.HEADLINE_ROOMS, 2, chosen.seconds, self._frames, self._voice)
            await self._measure(case, functools.partial(plane_with_vitals, self._host, chosen.with_vitals))
        if not chosen.without_relay:
            frames, voice = real_frames(), real_voice()
            case = Case(1, 2, max(4, chosen.seconds), frames, voice, stamped=False, patience_s=chosen.patience)
            await self._measure(case, functools.partial(relay, self._host))

    async def _measure(self, case: Case, opens: Opens) -> None:
        if case.rooms * case.size * 200 > self._chosen.most:
            return
        row = replace(await measure(opens, case), repetition=self._repetition)
        self._rows.append(row)
        print(report.table(report.with_added(report.medians([row]))).splitlines()[1], flush=True)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main(arguments: list[str]) -> int:
    logging.disable(logging.INFO)
    chosen = options(arguments)
    pin(LOAD_CORE)
    result = asyncio.run(Comparison(chosen).run())
    chosen.results.mkdir(parents=True, exist_ok=True)
    path = chosen.results / f"media-{result['date'][:10]}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    print()
    print(report.table(result["rows"]))
    print(json.dumps(result["summary"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
