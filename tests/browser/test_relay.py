"""Where no way leads out but a relay's, the check says so and the call goes through a real coturn."""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, expect_frames, let_in, sign_in, until
from tests.browser.stage import DESK, PHONE, Demo, running_demo
from tests.turn.relay import SECRET, TURNSERVER, Relay, coturn

pytestmark = [*IN_A_BROWSER, pytest.mark.skipif(TURNSERVER is None, reason="no coturn is installed here")]

RELAY_ONLY = """
(() => {
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration) { super({ ...configuration, iceTransportPolicy: 'relay' }); }
  };
})();
"""

CANDIDATES = """
async () => {
  const kinds = [];
  for (const connection of window.__connections) {
    if (connection.connectionState !== 'connected') continue;
    const report = await connection.getStats();
    for (const entry of report.values()) {
      if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
        kinds.push(report.get(entry.localCandidateId).candidateType);
      }
    }
  }
  return kinds;
}
"""


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with coturn(tmp_path_factory.mktemp("coturn"), reaches_loopback=True) as running:
        yield running


@pytest.fixture(scope="module")
def relayed_demo(relay: Relay) -> Iterator[Demo]:
    added = {"TELEHEALTH_TURN_URL": relay.url, "TELEHEALTH_TURN_SECRET": SECRET}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in added.items():
            patch.setitem(os.environ, name, value)
        with running_demo() as running:
            yield running


async def enter(browser: Browser, url: str, viewport: dict[str, int], *, check: str) -> Page:
    context, page = await sign_in(browser, url, viewport)
    await context.add_init_script(RELAY_ONLY)
    await page.reload()
    await expect(page.locator("#check-connection .check-words")).to_contain_text(check, timeout=10_000)
    await page.get_by_test_id("join-button").click()
    return page


async def test_a_call_through_nothing_but_a_relay(browser: Browser, relayed_demo: Demo) -> None:
    patient = await enter(browser, relayed_demo["patient_url"], PHONE, check="once you are let in")
    doctor = await enter(browser, relayed_demo["doctor_url"], DESK, check="relay (TURN over UDP)")
    await let_in(doctor)
    for page in (patient, doctor):
        await expect(page.get_by_test_id("remote-video").first).to_be_visible(timeout=30_000)
        await expect_frames(page, seconds=30)
        kinds: list[Any] = await until(partial(page.evaluate, CANDIDATES), seconds=10, what="a path")
        assert kinds == ["relay"]
