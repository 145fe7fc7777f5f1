"""A doctor whose link becomes narrow and wide again, in Chromium: the ladder steps down in time and comes back."""

import asyncio
import re
import time
from collections.abc import Iterable

from playwright.async_api import Browser, Page, expect

from benchmarks.loss.impairment import Link
from tests.browser.acts import COUNT_CONNECTIONS, IN_A_BROWSER, expect_frames, let_in, sign_in, until
from tests.browser.stage import DESK, FULL, PHONE, Demo, person
from tests.browser.test_network_switch import BY_RELAY, a_relay

pytestmark = IN_A_BROWSER

WIDE = Link(delay_s=0.01)
DOWN_S = 5.0 if FULL else 10.0
"""On a machine that does much else a browser itself needs a while."""
OF_THE_DOCTOR = "[...document.querySelectorAll('.seat-rung')].map((seat) => seat.textContent).join('')"
WIDTH = """
async () => {
  for (const connection of window.__connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video' && report.frameWidth) return report.frameWidth;
    }
  }
  return 0;
}
"""


async def seconds_until_both_show(pages: Iterable[Page], words: str, *, within_s: float) -> float:
    """Return when both ends show one of these (a pattern) as the state of the doctor's link."""
    since = time.monotonic()

    async def all_show() -> bool:
        shown = [str(await page.evaluate(OF_THE_DOCTOR)) for page in pages]
        return all(re.fullmatch(words, text) for text in shown)

    await until(all_show, seconds=within_s, what=f"a link for {words or 'everything'}")
    return time.monotonic() - since


async def test_pictures_give_way_within_seconds_and_come_back(browser: Browser, demo: Demo) -> None:
    relay = await a_relay(demo)
    _, patient = await sign_in(browser, demo["patient_url"], PHONE)
    await patient.get_by_test_id("join-button").click()
    context, doctor, complaints = await person(browser, DESK)
    ports = f"window.__server_port = {demo.links['media_port']}; window.__relay_port = {relay.port};"
    await context.add_init_script(COUNT_CONNECTIONS + ports + BY_RELAY)
    await doctor.goto(demo["doctor_url"])
    await doctor.get_by_test_id("join-button").click()
    await let_in(doctor)
    pages = (patient, doctor)
    for page in pages:
        await expect_frames(page)

    async def pictures_are_large() -> bool:
        return int(await doctor.evaluate(WIDTH)) >= 480

    await until(pictures_are_large, seconds=30, what="a large picture")
    narrowed = {}
    for kilobits, words in ((300, "small picture|stills|sound only"), (100, "stills|sound only")):
        relay.up.link = relay.down.link = Link(delay_s=0.01, bitrate_bps=1000 * kilobits)
        narrowed[kilobits] = await seconds_until_both_show(pages, words, within_s=DOWN_S)
    heard = await patient.evaluate(OF_THE_DOCTOR)
    relay.up.link = relay.down.link = WIDE
    back = await seconds_until_both_show(pages, "", within_s=90)
    print({kilobits: round(taken, 1) for kilobits, taken in narrowed.items()}, heard, f"back after {back:.1f} s")
    await expect(patient.get_by_test_id("remote-video").first).to_be_visible()
    for page in pages:
        await expect_frames(page)
    assert complaints == []
    relay.close()
    await asyncio.sleep(0.1)
