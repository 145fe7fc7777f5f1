"""All of a doctor's traffic, media and sockets, through one link of 40 kbit/s: the vitals keep up."""

import asyncio

import pytest
from playwright.async_api import Browser, Page

from benchmarks.loss.impairment import Impairment, Link, Relay, TcpRelay
from tests.browser.acts import COUNT_CONNECTIONS, IN_A_BROWSER, expect_frames, let_in, sign_in, until
from tests.browser.stage import DESK, FULL, PHONE, Demo, person
from tests.browser.test_network_switch import BY_RELAY
from tests.browser.test_throttled import OF_THE_DOCTOR

pytestmark = [*IN_A_BROWSER, pytest.mark.skipif(not FULL, reason="takes a minute: `make test-full` plays it")]

LAG_S = 2.0
LOOKED_S = 3.0
NOTE_LAGS = """
(() => {
  const ID = 16, BEGINS = ID + 16, FRAME_MS = 200;
  window.__lags = [];
  const Original = WebSocket;
  window.WebSocket = class extends Original {
    constructor(url, ...rest) {
      super(url, ...rest);
      this.addEventListener('message', async ({ data }) => {
        if (typeof data === 'string' || !url.toString().includes('/ws/vitals')) return;
        const now = Date.now();
        const octets = data instanceof ArrayBuffer ? data : await data.arrayBuffer();
        window.__lags.push({ now, lag: now - new DataView(octets).getFloat64(BEGINS, true) - FRAME_MS });
      });
    }
  };
})();
"""
"""Since when each wave has been over when it comes; device and page have one clock here."""


async def worst_lag_s(page: Page) -> float:
    """Return the longest lag of the waves of the last seconds."""
    late = f"window.__lags.filter(({{ now }}) => now > Date.now() - {1000 * LOOKED_S}).map(({{ lag }}) => lag)"
    return float(await page.evaluate(f"Math.max(0, ...{late})")) / 1000


async def test_at_forty_kilobits_the_vitals_keep_up_and_what_does_not_fit_gives_way(
    browser: Browser, demo: Demo
) -> None:
    http, media = int(demo["base_url"].rsplit(":", 1)[1]), int(demo.links["media_port"])
    up, down = Impairment(Link(delay_s=0.02), 1), Impairment(Link(delay_s=0.02), 2)
    relay = await Relay(("127.0.0.1", media), up, down).start()
    sockets = await TcpRelay(("127.0.0.1", http), up, down).start()
    _, patient = await sign_in(browser, demo["patient_url"], PHONE)
    await patient.get_by_test_id("join-button").click()
    context, doctor, _ = await person(browser, DESK)
    ports = f"window.__server_port = {media}; window.__relay_port = {relay.port};"
    await context.add_init_script(COUNT_CONNECTIONS + ports + BY_RELAY + NOTE_LAGS)
    await doctor.goto(demo["doctor_url"].replace(f":{http}", f":{sockets.port}"))
    await doctor.get_by_test_id("join-button").click()
    await let_in(doctor)
    for page in (patient, doctor):
        await expect_frames(page)

    up.link = down.link = Link(delay_s=0.02, bitrate_bps=40_000)
    loop = asyncio.get_running_loop()
    narrowed = loop.time()

    async def pictures_have_gone() -> bool:
        shown = str(await patient.evaluate(OF_THE_DOCTOR))
        return any(words in shown for words in ("stills", "sound only", "readings only"))

    await until(pictures_have_gone, seconds=20, what="pictures that give way")
    gone_s = loop.time() - narrowed
    await asyncio.sleep(LOOKED_S)
    behind_s = await worst_lag_s(doctor)

    async def vitals_keep_up() -> bool:
        return await worst_lag_s(doctor) <= LAG_S and int(await doctor.evaluate("window.__lags.length")) > 0

    await until(vitals_keep_up, seconds=120, what="vitals that keep up")
    shown = await patient.evaluate(OF_THE_DOCTOR)
    print(f"pictures gone after {gone_s:.1f} s, vitals then {behind_s:.1f} s behind")
    print(f"after {loop.time() - narrowed:.1f} s within {LAG_S:g} s, on {shown!r}")
    relay.close()
    await sockets.aclose()
