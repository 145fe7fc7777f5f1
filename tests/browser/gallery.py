"""Pictures of every page, from a small phone to a desk, by day and by night: for people to look at."""

from playwright.async_api import Browser

from tests.browser.acts import IN_A_BROWSER
from tests.browser.stage import ARTIFACTS, Demo
from tests.browser.tour import look, schemes, tour

pytestmark = IN_A_BROWSER

SIZES = [(320, 640), (390, 844), (1024, 768), (1440, 900)]


async def test_every_page_can_be_looked_at(demo: Demo, browser: Browser) -> None:
    folder = ARTIFACTS / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    async for stop in tour(browser, demo):
        for width, height in SIZES:
            for scheme in await schemes(stop.page):
                await look(stop.page, width, height, scheme)
                await stop.page.screenshot(path=folder / f"{stop.name}-{width}x{height}-{scheme}.png")
