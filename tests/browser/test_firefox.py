"""A visit between Firefox and Chromium on the real pages: the patient's browser is Firefox, the doctor's Chromium."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.acts import COUNT_CONNECTIONS, DECODED, IN_A_BROWSER, expect_frames, let_in, sign_in
from tests.browser.firefox import IN_FIREFOX, Firefox, FirefoxPage, firefox
from tests.browser.stage import DESK, PHONE, Demo
from tests.browser.test_network_switch import BY_RELAY, a_relay, seconds_until_frames

pytestmark = [*IN_A_BROWSER, IN_FIREFOX]

HEARD = """
async () => {
  let packets = 0;
  for (const connection of window.__connections) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'audio') packets += report.packetsReceived ?? 0;
    }
  }
  return packets;
}
"""
PROTOCOLS = """
async () => {
  const protocols = [];
  for (const connection of window.__connections) {
    if (connection.connectionState !== 'connected') continue;
    const report = await connection.getStats();
    for (const entry of report.values()) {
      // Firefox nominates more than one pair, and says itself which it uses.
      if (entry.type === 'candidate-pair' && entry.selected) {
        protocols.push(report.get(entry.localCandidateId).protocol);
      }
    }
  }
  return protocols;
}
"""
WITHOUT_UDP = """
(() => {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const lines = description.sdp.split('\\r\\n').filter((line) => !/^a=candidate:.* udp /i.test(line));
    return original.call(this, { type: description.type, sdp: lines.join('\\r\\n') });
  };
})();
"""
PLAYS = """
(() => {
  const video = document.querySelector('[data-testid=remote-video]');
  return video !== null && !video.paused && !video.muted && video.currentTime > 0;
})()
"""
RATE = "Number(document.querySelector('[data-testid=vital-heart-rate] .vital-value')?.textContent ?? 0)"


@pytest.fixture
async def fox() -> AsyncIterator[Firefox]:
    async with firefox() as running:
        yield running


async def meet(fox: Firefox, browser: Browser, demo: Demo, script: str) -> tuple[FirefoxPage, Page]:
    """Bring the patient in by Firefox and the doctor by Chromium; return their pages."""
    patient = await fox.page(PHONE)
    await patient.prepare(f"() => {{ {COUNT_CONNECTIONS} {script} }}")
    await patient.goto(demo["patient_url"])
    await patient.press("join-button")
    await patient.until("!document.querySelector('[data-testid=join-button]')?.checkVisibility()", seconds=30)
    _, doctor = await sign_in(browser, demo["doctor_url"], DESK)
    await doctor.get_by_test_id("join-button").click()
    await let_in(doctor)
    return patient, doctor


async def both_see_and_hear(patient: FirefoxPage, doctor: Page) -> None:
    await patient.until(f"({DECODED})().then((frames) => frames > 10)")
    await patient.until(f"({HEARD})().then((packets) => packets > 50)")
    # The press on "join" is all that the browser needs to play sound.
    await patient.until(PLAYS)
    await expect_frames(doctor)
    async with asyncio.timeout(20):
        while await doctor.evaluate(HEARD) <= 50:
            await asyncio.sleep(0.1)


async def test_firefox_and_chromium_see_and_hear_each_other_and_find_each_other_again(
    fox: Firefox, browser: Browser, demo: Demo
) -> None:
    with closing(await a_relay(demo)) as relay, closing(await a_relay(demo)) as fresh:
        ports = f"window.__server_port = {demo.links['media_port']}; window.__relay_port = {relay.port};"
        patient, doctor = await meet(fox, browser, demo, ports + BY_RELAY)
        await both_see_and_hear(patient, doctor)
        assert 40 < await patient.until(RATE) < 140
        await patient.picture("firefox-patient")

        await patient.evaluate(f"void (window.__relay_port = {fresh.port})")
        await asyncio.sleep(1)
        relay.open = False
        cut = time.monotonic()
        took = await seconds_until_frames(doctor, cut)
        print(f"Firefox is seen again {took:.2f} s after its path was cut")
        assert took < 10.0
        await patient.until(PLAYS)
        assert patient.complaints == []


async def test_firefox_comes_back_to_its_seat_after_a_reload_and_does_without_udp(
    fox: Firefox, browser: Browser, demo: Demo
) -> None:
    patient, doctor = await meet(fox, browser, demo, "")
    await both_see_and_hear(patient, doctor)
    await patient.until(f"({PROTOCOLS})().then((used) => used.join() === 'udp')")
    await patient.prepare(f"() => {{ {WITHOUT_UDP} }}")
    await patient.reload()
    await patient.until(f"({DECODED})().then((frames) => frames > 10)", seconds=45.0)
    await expect_frames(doctor)
    await patient.until(f"({PROTOCOLS})().then((used) => used.join() === 'tcp')")
    await expect(doctor.locator(".seat")).to_have_count(2)
    assert patient.complaints == []
