"""Devices change, stop and come back in the middle of a call; the network goes, and it is said soon."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, expect_frames, meet, until
from tests.browser.stage import Demo, chromium, picture

pytestmark = IN_A_BROWSER

# What the system does to a track of ours: the browser offers no way to unplug an invented camera.
HAPPENS = """
(event) => {
  const track = document.querySelector('[data-testid="local-video"]').srcObject.getVideoTracks()[0];
  if (event === 'ended') track.stop();
  track.dispatchEvent(new Event(event));
}
"""
SENT = """
() => {
  const live = window.__connections.filter((connection) => connection.connectionState === 'connected');
  const senders = live.flatMap((connection) => connection.getSenders());
  return senders.find((sender) => sender.track?.kind === 'video')?.track.label;
}
"""


# The second of the invented cameras measures depth, and nobody sees a depth.
@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium("--use-fake-device-for-media-stream=device-count=3") as running:
        yield running


async def test_devices_change_and_come_back(demo: Demo, browser: Browser) -> None:
    patient, doctor = await meet(browser, demo)
    await expect_frames(doctor)

    await patient.locator("#control-devices").click()
    cameras = patient.get_by_label("Camera", exact=True)
    await until(lambda: cameras.locator("option").count(), seconds=5, what="cameras")
    before = await patient.evaluate(SENT)
    other = await cameras.locator("option").last.inner_text()
    assert other != before
    await picture(patient, "devices")
    await cameras.select_option(label=other)
    await until(lambda: _sends(patient, other), seconds=10, what=f"sending {other}")
    await patient.get_by_role("button", name="Done").click()
    await expect_frames(doctor)

    resume = patient.get_by_role("button", name="Resume")
    for event, told in (("ended", "Ana Ruiz's camera is unplugged"), ("mute", "Ana Ruiz's phone interrupted the call")):
        await expect(resume).to_be_hidden()
        await patient.evaluate(HAPPENS, event)
        await expect(doctor.locator("#status")).to_have_text(told)
        await resume.click()
        await expect(doctor.locator("#status")).to_have_text("Connected", timeout=10_000)

    # Chromium has picture-in-picture, and there is somebody to look at.
    await expect(doctor.locator("#control-float")).to_be_visible()

    await patient.context.set_offline(True)
    await expect(patient.locator("#status")).to_contain_text("Your connection is interrupted", timeout=5000)
    await patient.context.set_offline(False)
    await expect(patient.locator("#status")).to_have_text("Connected", timeout=15_000)


async def _sends(page: Page, label: str) -> bool:
    return bool(await page.evaluate(SENT) == label)
