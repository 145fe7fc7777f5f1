"""What people do in many of the tests: come in by a link, enter a room, look at a tile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.stage import CHROMIUM, DESK, PHONE, Demo, person

IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here"),
    pytest.mark.timeout(240),
]

COUNT_CONNECTIONS = """
(() => {
  const Original = window.RTCPeerConnection;
  window.__connections = [];
  window.RTCPeerConnection = class extends Original {
    constructor(...args) { super(...args); window.__connections.push(this); }
  };
})();
"""

DECODED = """
async () => {
  let frames = 0;
  for (const connection of window.__connections) {
    if (connection.connectionState === 'closed') continue;
    for (const report of (await connection.getStats()).values()) {
      if (report.type === 'inbound-rtp' && report.kind === 'video') frames += report.framesDecoded ?? 0;
    }
  }
  return frames;
}
"""


async def until(check: Callable[[], Awaitable[Any]], *, seconds: float, what: str, every_s: float = 0.1) -> Any:
    """Return the first truthy answer; fail with `what` and the last answer if none comes in time."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while True:
        seen = await check()
        if seen:
            return seen
        assert loop.time() < ends, f"{what}: still {seen!r} after {seconds:g} s"
        await asyncio.sleep(every_s)


async def sign_in(browser: Browser, url: str, viewport: dict[str, int], **options: Any) -> tuple[BrowserContext, Page]:
    """Open a link of the demonstration in a profile of its own, and wait until it has led somewhere."""
    context, page, _ = await person(browser, viewport, **options)
    await context.add_init_script(COUNT_CONNECTIONS)
    await page.goto(url)
    # The session's pages follow; the link's own page is none of them.
    await until(lambda: _left(page, "/demo"), seconds=15, what="signing in")
    return context, page


async def _left(page: Page, path: str) -> bool:
    return path not in page.url


async def meet(browser: Browser, demo: Demo) -> tuple[Page, Page]:
    """Bring patient and doctor into their room; return their pages."""
    _, patient = await sign_in(browser, demo["patient_url"], PHONE)
    await patient.get_by_test_id("join-button").click()
    _, doctor = await sign_in(browser, demo["doctor_url"], DESK)
    await doctor.get_by_test_id("join-button").click()
    await let_in(doctor)
    for page in (patient, doctor):
        await expect(page.get_by_test_id("remote-video").first).to_be_visible(timeout=20_000)
    return patient, doctor


async def let_in(doctor: Page) -> None:
    """Admit whoever waits; nobody waits if they were let in earlier."""
    admit = doctor.get_by_test_id("admit-button").first
    await expect(doctor.get_by_test_id("remote-video").first.or_(admit).first).to_be_visible(timeout=20_000)
    if await admit.is_visible():
        await admit.click()


async def frames(page: Page) -> int:
    """Return how many frames of others the page has decoded on the connections it has now."""
    return int(await page.evaluate(DECODED))


async def expect_frames(page: Page, *, seconds: float = 20) -> None:
    """Others are seen: frames are decoded, and more of them a moment later."""
    before = await frames(page)
    await until(lambda: _more(page, before), seconds=seconds, what="frames of others")


async def _more(page: Page, before: int) -> bool:
    # A new connection counts anew.
    now = await frames(page)
    return now > before + 5 or 5 < now < before


async def tile(page: Page, key: str) -> dict[str, str]:
    """Return what a tile over the picture shows: `state`, `value`, `age`, and `words`, all of it."""
    return dict(
        await page.get_by_test_id(f"vital-{key}").first.evaluate(
            """tile => ({
              state: tile.dataset.state,
              value: tile.querySelector('.vital-value').textContent,
              age: tile.querySelector('.vital-age').textContent,
              words: tile.textContent,
            })"""
        )
    )
