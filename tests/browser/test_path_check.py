"""Before joining, the check names the way that picture and sound take through the network, and what to do if none."""

from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, sign_in
from tests.browser.stage import DESK, PHONE, Demo, chromium, picture

pytestmark = IN_A_BROWSER

# What a firewall blocks can't be reached: for the browser that is as if it had not been offered.
WITHOUT_UDP = """
(() => {
  const original = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return original.call(this, { type, sdp: sdp.replace(/a=candidate:\\S+ 1 udp .*\\r\\n/g, '') });
  };
})();
"""
NOTHING_THROUGH = """
(() => {
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration) { super({ ...configuration, iceTransportPolicy: 'relay' }); }
  };
})();
"""


async def checking(browser: Browser, url: str, viewport: dict[str, int], network: str) -> Page:
    """Come to the check by a link, in such a network."""
    context, page = await sign_in(browser, url, viewport)
    await context.add_init_script(network)
    await page.reload()
    return page


async def line(page: Page, state: str) -> str:
    """Wait until the check of the connection ends so; return its words."""
    await expect(page.locator("#check-connection")).to_have_attribute("data-state", state, timeout=8_000)
    return await page.locator("#check-connection .check-words").inner_text()


async def test_where_udp_works_the_way_is_direct(demo: Demo, browser: Browser) -> None:
    _, doctor = await sign_in(browser, demo["doctor_url"], DESK)
    assert "direct (UDP)" in await line(doctor, "ok")
    await picture(doctor, "check-udp-desk")


async def test_where_udp_is_blocked_it_is_tcp(demo: Demo) -> None:
    # To connect to the loopback interface Chromium needs an address of that interface.
    async with chromium("--allow-loopback-in-peer-connection") as browser:
        doctor = await checking(browser, demo["doctor_url"], DESK, WITHOUT_UDP)
        assert "over TCP, because UDP is blocked" in await line(doctor, "ok")


async def test_without_a_way_it_says_what_to_do_and_one_can_go_in(demo: Demo, browser: Browser) -> None:
    patient = await checking(browser, demo["patient_url"], PHONE, NOTHING_THROUGH)
    assert "Use another network, or mobile data" in await line(patient, "bad")
    await picture(patient, "check-none-phone")
    await patient.get_by_role("button", name="Try the connection again").click()
    await expect(patient.locator("#check-connection")).to_have_attribute("data-state", "busy")
    await patient.get_by_test_id("join-button").click()
    await expect(patient.get_by_role("heading", name="You are next")).to_be_visible(timeout=15_000)
