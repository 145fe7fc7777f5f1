"""A weak link in Chromium: sound only, stills and pictures again, as a person chooses; both ends are told."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.stage import CHROMIUM, DESK, PHONE, Demo, chromium, person, running_demo

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here"),
    pytest.mark.timeout(240),
]
FRAMES = "document.querySelector('[data-testid=remote-video]')?.getVideoPlaybackQuality().totalVideoFrames ?? 0"
DRAWN = "document.querySelectorAll('.seat[data-still=true] canvas[data-drawn=true]').length"


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def until(page: Page, condition: str, timeout_s: float = 20.0) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            while not await page.evaluate(condition):
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"never: {condition}")


async def test_one_end_chooses_what_its_link_carries_and_the_other_end_sees_it(demo: Demo, browser: Browser) -> None:
    _, patient, patient_says = await person(browser, PHONE)
    await patient.goto(demo["patient_url"])
    await patient.get_by_test_id("join-button").click()
    _, doctor, doctor_says = await person(browser, DESK)
    await doctor.goto(demo["doctor_url"])
    await doctor.get_by_test_id("join-button").click()
    await doctor.get_by_test_id("admit-button").first.click(timeout=15_000)
    for page in (doctor, patient):
        await until(page, f"{FRAMES} > 5")

    await doctor.get_by_test_id("rung").select_option("stills")
    await expect(patient.get_by_text("stills", exact=True).first).to_be_attached(timeout=5_000)
    for page in (doctor, patient):
        await until(page, f"{DRAWN} === 1")

    await doctor.get_by_test_id("rung").select_option("audio")
    await expect(patient.get_by_text("sound only", exact=True).first).to_be_attached(timeout=5_000)

    await doctor.get_by_test_id("rung").select_option("video")
    for page in (doctor, patient):
        await until(page, f"{DRAWN} === 0")
        before = await page.evaluate(FRAMES)
        await until(page, f"{FRAMES} > {before} + 5")
    assert patient_says == doctor_says == []
