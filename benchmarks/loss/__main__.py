"""Sound and pictures over bad links: `make bench-loss` prints the matrix of docs/performance.md.

One participant of each room has the bad link, both ways; the other a good one. `up` is what the good one gets of the
bad one, `down` the other direction. How it is judged:

- A frame of sound (20 ms) is lost if neither it nor in-band redundancy of its successor is there 400 ms after it would
  have been over the fastest path; `raw` does not count redundancy.
- A picture can be shown once all packets of it and of those before it, back to a keyframe, are there. Players delay
  pictures so that repair fits in: by as much as 99 % of this call's pictures needed, 800 ms at most. Time is frozen
  where two pictures are shown more than 250 ms apart.
"""

import argparse
import asyncio
import itertools
import json
import platform
import sys
from dataclasses import asdict, dataclass

import uvloop

from benchmarks.loss.impairment import Impairment, Link, Relay
from benchmarks.loss.peer import AUDIO_S, Incoming, Peer
from telehealth.clock import SystemClock
from telehealth.ids import EncounterId, ParticipantId
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.plane import ForwardingPlane

LOSSES = (0.0, 0.01, 0.05, 0.10, 0.20)
ROUND_TRIPS_S = (0.02, 0.1, 0.3)
EXTRA = ((0.10, 0.15), (0.05, 0.06))
"""Cells that a target speaks of and the grid has not."""
SOUND_BUFFER_S = 0.4
PICTURE_BUFFER_S = 0.8
FROZEN_S = 0.25
STALLED_S = 0.1
"""Of a machine that paused for so long nothing can be said: the cells are played again, TRIES times at most."""
TRIES = 4


@dataclass(frozen=True, slots=True)
class Result:
    """One direction of one cell; shares in percent."""

    loss: float
    round_trip_ms: int
    way: str
    audio_lost: float
    audio_lost_raw: float
    frozen: float
    picture_delay_ms: float
    keyframes: int
    repeated: float


def audio_lost(stream: Incoming, sent: int) -> tuple[float, float]:
    """Return the percentage of sound lost with and without in-band redundancy."""
    arrivals = {frame: mark for (frame, _), mark in stream.marks.items()}
    first, last = min(arrivals), min(max(arrivals), sent) - 25
    base = min(mark[0] - mark[1] for mark in arrivals.values())
    begun = arrivals[first][1]
    lost = raw = 0
    for frame in range(first, last):
        due = begun + (frame - first) * AUDIO_S + base + SOUND_BUFFER_S
        if frame in arrivals and arrivals[frame][0] <= due:
            continue
        raw += 1
        later = arrivals.get(frame + 1)
        lost += later is None or not later[4] or later[0] > due
    total = max(1, last - first)
    return 100.0 * lost / total, 100.0 * raw / total


def frozen(stream: Incoming) -> tuple[float, float]:
    """Return the percentage of time frozen, and by how many ms pictures were delayed for repair."""
    frames: dict[int, list[tuple[float, float, int, int, int]]] = {}
    for (frame, _), mark in stream.marks.items():
        frames.setdefault(frame, []).append(mark)
    base = min(mark[0] - mark[1] for marks in frames.values() for mark in marks)
    first, last = min(frames), max(frames) - 30
    ready: list[tuple[float, float]] = []
    at: float | None = None
    for frame in range(first, last):
        marks = frames.get(frame, [])
        whole = bool(marks) and len(marks) == marks[0][2]
        if not whole:
            at = None
        elif marks[0][3] or at is not None:
            at = max(max(mark[0] for mark in marks), at or 0.0)
            ready.append((min(mark[1] for mark in marks), at))
    delays = sorted(at - sent - base for sent, at in ready)
    delay = min(PICTURE_BUFFER_S, delays[int(0.99 * len(delays))])
    shown = [max(at, sent + base + delay) for sent, at in ready]
    gaps = [later - earlier for earlier, later in itertools.pairwise(shown)]
    still = sum(gap for gap in gaps if gap > FROZEN_S)
    return 100.0 * still / max(1e-9, shown[-1] - shown[0]), 1000.0 * delay


async def cell(plane: ForwardingPlane, loss: float, round_trip_s: float, options: argparse.Namespace) -> list[Result]:
    """Play one cell."""
    seed = int(1000 * loss) * 1000 + int(1000 * round_trip_s) + options.seed
    delay = Link(delay_s=round_trip_s / 2)
    relay = await Relay(("127.0.0.1", plane.port), Impairment(delay, seed), Impairment(delay, seed + 1)).start()
    room = EncounterId(f"loss-{seed}-{options.seed}")
    bad = Peer(plane, room, ParticipantId("bad"), ("127.0.0.1", relay.port), round_trip_s)
    good = Peer(plane, room, ParticipantId("good"), ("127.0.0.1", plane.port), 0.005)
    await bad.join()
    await good.join()
    await asyncio.sleep(0.5)
    link = Link(loss=loss, burst=options.burst, delay_s=round_trip_s / 2, jitter_s=options.jitter_ms / 1000)
    relay.up.link = relay.down.link = link
    for peer in (bad, good):
        peer.send_media()
    await asyncio.sleep(options.seconds)
    found = []
    for way, sender, receiver in (("up", bad, good), ("down", good, bad)):
        streams = {stream.video: stream for stream in receiver.incoming.values() if stream.marks}
        with_redundancy, without = audio_lost(streams[False], sender.sent_audio)
        still, delayed = frozen(streams[True])
        repeated = 100.0 * sender.repeated / (sender.sent_audio + 3 * sender.sent_video)
        found.append(
            Result(
                loss,
                round(1000 * round_trip_s),
                way,
                with_redundancy,
                without,
                still,
                delayed,
                sender.keyframes,
                repeated,
            )
        )
    for peer in (bad, good):
        await peer.leave()
    await plane.close_room(room)
    relay.close()
    return found


async def worst_lag(seconds: float) -> float:
    """Return the longest time for which this process did not get to run."""
    loop = asyncio.get_running_loop()
    worst, end = 0.0, loop.time() + seconds
    while (now := loop.time()) < end:
        await asyncio.sleep(0.01)
        worst = max(worst, loop.time() - now - 0.01)
    return worst


async def matrix(options: argparse.Namespace) -> list[Result]:
    """Play all cells, those of one round trip at the same time."""
    plane = ForwardingPlane(MediaSettings(host="127.0.0.1"), SystemClock())
    await plane.start()
    found: list[Result] = []
    try:
        batches = [[(loss, trip) for loss in LOSSES] for trip in ROUND_TRIPS_S]
        batches.append(list(EXTRA))
        if options.only_ms:
            batches = [batch for batch in batches if any(round(1000 * trip) == options.only_ms for _, trip in batch)]
        for batch in batches:
            for _ in range(TRIES):
                plays = [cell(plane, loss, trip, options) for loss, trip in batch]
                lag, results = await asyncio.gather(worst_lag(options.seconds), asyncio.gather(*plays))
                sys.stderr.write(f"round trip {1000 * batch[0][1]:.0f} ms: ran with pauses up to {1000 * lag:.0f} ms\n")
                if lag < STALLED_S:
                    break
            found += [result for both in results for result in both]
    finally:
        await plane.aclose()
    return found


def table(results: list[Result]) -> str:
    """Return the results as Markdown; each value is `up / down`."""
    lines = [
        "| loss | round trip | sound lost | without redundancy | frozen | pictures delayed |",
        "|---|---|---|---|---|---|",
    ]
    for up, down in zip(results[::2], results[1::2], strict=True):
        lines.append(
            f"| {100 * up.loss:.0f} % | {up.round_trip_ms} ms "
            f"| {up.audio_lost:.2f} / {down.audio_lost:.2f} % | {up.audio_lost_raw:.2f} / {down.audio_lost_raw:.2f} % "
            f"| {up.frozen:.1f} / {down.frozen:.1f} % | {up.picture_delay_ms:.0f} / {down.picture_delay_ms:.0f} ms |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--only-ms", type=int, default=0, help="only the cells played with those of this round trip")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--burst", type=float, default=1.0, help="mean length of a run of losses")
    parser.add_argument("--jitter-ms", type=float, default=5.0)
    options = parser.parse_args()
    results = uvloop.run(matrix(options))
    sys.stdout.write(f"{platform.machine()}, Python {platform.python_version()}, seed {options.seed}, ")
    sys.stdout.write(f"bursts of {options.burst:g}, jitter {options.jitter_ms:g} ms, {options.seconds:g} s a cell\n\n")
    sys.stdout.write(table(results) + "\n")
    sys.stdout.write(json.dumps({"cells": [asdict(result) for result in results]}) + "\n")


if __name__ == "__main__":
    main()
