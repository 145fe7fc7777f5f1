"""Two pages of Chromium, one of them behind a bad link: what is heard and seen by its own account (getStats).

`python -m benchmarks.loss.chromium --loss 0.05 --round-trip-ms 60` starts a demonstration of its own. `down` is what
the end behind the link gets, `up` what the other end gets of it. Counting begins when the link has been bad for a
while, as people meet it: browsers lengthen their buffers first. `without` is the share of seconds in which no picture
came at all: pictures that gave way to stills do not count as frozen.
"""

import argparse
import asyncio
import itertools
import json
import sys
from dataclasses import replace
from typing import Any

from playwright.async_api import Page

from benchmarks.loss.impairment import Impairment, Link, Relay
from tests.browser.acts import COUNT_CONNECTIONS, expect_frames, let_in, sign_in
from tests.browser.stage import DESK, PHONE, chromium, person, running_demo
from tests.browser.test_network_switch import BY_RELAY

COUNTED = """
async () => {
  const found = {};
  for (const connection of window.__connections) {
    if (connection.connectionState !== 'connected') continue;
    for (const report of (await connection.getStats()).values()) {
      if (report.type === 'inbound-rtp') found[report.kind] = report;
      if (report.type === 'outbound-rtp') found[`${report.kind}_out`] = report;
    }
  }
  return found;
}
"""


def growth(before: dict[str, Any], after: dict[str, Any], kind: str, name: str) -> float:
    """Return by how much a counter has grown."""
    return float(after.get(kind, {}).get(name, 0)) - float(before.get(kind, {}).get(name, 0))


def judged(before: dict[str, Any], after: dict[str, Any], seconds: float) -> dict[str, float]:
    """Return what one end got: shares in percent, delays in ms, the rest in counts."""

    def video(name: str) -> float:
        return growth(before, after, "video", name)

    samples = max(1.0, growth(before, after, "audio", "totalSamplesReceived"))
    silent = growth(before, after, "audio", "silentConcealedSamples")
    emitted = max(1.0, video("jitterBufferEmittedCount"))
    return {
        "sound_concealed": round(100 * (growth(before, after, "audio", "concealedSamples") - silent) / samples, 2),
        "frozen": round(100 * video("totalFreezesDuration") / seconds, 1),
        "freezes": video("freezeCount"),
        "frames_s": round(video("framesDecoded") / seconds, 1),
        "kbit_s": round(8 * video("bytesReceived") / seconds / 1000),
        "buffer_ms": round(1000 * video("jitterBufferDelay") / emitted),
        "lost": video("packetsLost"),
        "nacks": video("nackCount"),
        "plis": video("pliCount"),
        "keyframes": video("keyFramesDecoded"),
        "dropped": video("framesDropped"),
        "sound_ms": round(
            1000
            * growth(before, after, "audio", "jitterBufferDelay")
            / max(1.0, growth(before, after, "audio", "jitterBufferEmittedCount"))
        ),
    }


async def played(pages: dict[str, Page], seconds: int) -> dict[str, dict[str, float]]:
    """Count for so long at both ends."""
    looks = [await look(pages)]
    for _ in range(seconds):
        await asyncio.sleep(1.0)
        looks.append(await look(pages))
    found = {}
    for way in pages:
        ends = [one[way] for one in looks]
        idle = sum(growth(earlier, later, "video", "framesDecoded") <= 0 for earlier, later in itertools.pairwise(ends))
        found[way] = {**judged(ends[0], ends[-1], seconds), "without": round(100 * idle / seconds, 1)}
    return found


async def look(pages: dict[str, Page]) -> dict[str, Any]:
    """Return the counters of both ends."""
    return {way: await page.evaluate(COUNTED) for way, page in pages.items()}


async def measured(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Play one cell."""
    with running_demo() as demo:
        async with chromium() as browser:
            port = int(demo.links["media_port"])
            # Long from the beginning: a way that gets longer in a moment is taken for a queue, which is another story.
            long = Link(delay_s=options.round_trip_ms / 2000, jitter_s=0.005)
            ways = [Impairment(long, options.seed), Impairment(long, options.seed + 1)]
            relay = await Relay(("127.0.0.1", port), *ways).start()
            _, patient = await sign_in(browser, demo["patient_url"], PHONE)
            await patient.get_by_test_id("join-button").click()
            context, doctor, _ = await person(browser, DESK)
            ports = f"window.__server_port = {port}; window.__relay_port = {relay.port};"
            await context.add_init_script(COUNT_CONNECTIONS + ports + BY_RELAY)
            await doctor.goto(demo["doctor_url"])
            await doctor.get_by_test_id("join-button").click()
            await let_in(doctor)
            for page in (patient, doctor):
                await expect_frames(page)
            relay.up.link = relay.down.link = replace(long, loss=options.loss)
            await asyncio.sleep(options.settle)
            found = await played({"down": doctor, "up": patient}, options.seconds)
            relay.close()
            return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loss", type=float, default=0.1)
    parser.add_argument("--round-trip-ms", type=float, default=300.0)
    parser.add_argument("--settle", type=float, default=15.0)
    parser.add_argument("--seconds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = asyncio.run(measured(options))
    sys.stdout.write(json.dumps({"loss": options.loss, "round_trip_ms": options.round_trip_ms, **found}) + "\n")


if __name__ == "__main__":
    main()
