"""Four people in one room: each sees and hears three others, one of them shares the screen."""

import asyncio
import re

from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, expect_frames, meet, sign_in, until
from tests.browser.stage import PHONE, Demo, picture

pytestmark = IN_A_BROWSER

INVITE = """
async (name) => {
  const encounter = location.pathname.split('/').at(-1);
  const answer = await fetch(`/api/v1/encounters/${encounter}/invitations`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  return (await answer.json()).url;
}
"""
# Tiles of others whose pictures move, by what they show.
SEEN = """
(source) => [...document.querySelectorAll(`.seat[data-source="${source}"] [data-testid="remote-video"]`)]
  .filter((video) => video.videoWidth > 0 && video.currentTime > 0).length
"""


async def test_four_see_each_other_and_one_shares_the_screen(demo: Demo, browser: Browser) -> None:
    patient, doctor = await meet(browser, demo)
    everybody = [patient, doctor, *[await _guest(browser, doctor, name) for name in ("Gil Moreau", "Ines Moreau")]]
    for page in everybody:
        await until(lambda page=page: _sees(page, "camera", 3), seconds=20, what="three others")  # type: ignore[misc]
    await asyncio.gather(*[expect_frames(page) for page in everybody])

    await doctor.locator("#tab-people").click()
    await expect(doctor.get_by_test_id("figures")).to_have_count(4)
    await expect(doctor.get_by_test_id("figures").filter(has_text="kbit/s")).to_have_count(4, timeout=10_000)
    await expect(doctor.get_by_test_id("figures").filter(has_text="by UDP")).to_have_count(1)
    await expect(doctor.locator("#link")).to_have_text(re.compile("Link (good|fair|poor)"), timeout=10_000)
    await picture(doctor, "four")

    speaking = doctor.locator('.seat[data-speaking="true"]')
    await expect(speaking.first).to_be_visible(timeout=10_000)
    await expect(doctor.locator(".seat-name", has_text=", speaking").first).to_be_visible()
    large = doctor.locator('.seat[data-place="main"]')
    for name in ("Gil Moreau", "Ines Moreau"):
        await doctor.get_by_role("button", name=re.compile(f"(Show|Keep) large: {name}")).click()
    await expect(large).to_have_count(2)
    await expect(large.nth(0)).to_contain_text("Gil Moreau")
    await picture(doctor, "four-pinned")
    for name in ("Gil Moreau", "Ines Moreau"):
        await doctor.get_by_role("button", name=f"No longer large: {name}").click()
    await expect(large).to_have_count(1)

    share = doctor.locator("#control-screen")
    await share.click()
    for page in everybody:
        if page is not doctor:
            await until(lambda page=page: _sees(page, "screen", 1), seconds=15, what="the screen")  # type: ignore[misc]
    await share.click()
    for page in everybody:
        await expect(page.locator('.seat[data-source="screen"]')).to_have_count(0)
        assert await _sees(page, "camera", 3)


async def _guest(browser: Browser, doctor: Page, name: str) -> Page:
    """Invite somebody, and let them in."""
    _, guest = await sign_in(browser, str(await doctor.evaluate(INVITE, name)), PHONE)
    await guest.get_by_test_id("join-button").click()
    await guest.wait_for_url("**/rooms/*")
    await guest.get_by_test_id("join-button").click()
    await doctor.get_by_test_id("admit-button").click(timeout=15_000)
    return guest


async def _sees(page: Page, source: str, count: int) -> bool:
    return int(await page.evaluate(SEEN, source)) == count
