"""A patient books, moves and cancels on the page; of two who want one time, the slower one is told kindly."""

import re

from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, sign_in
from tests.browser.stage import DESK, PHONE, Demo

pytestmark = IN_A_BROWSER

WITH_ZONE = re.compile(r"\d{2}:\d{2} \(Central European (Standard|Summer) Time, GMT\+[12]\)")


async def free_times(page: Page, path: str) -> None:
    """Open the page of free times and turn to next week, where nothing passes while we look."""
    await page.goto(path)
    await expect(page.locator("#week")).to_have_attribute("data-state", "filled")
    await page.get_by_role("button", name="Later").click()
    await expect(page.get_by_role("button", name="Earlier")).to_be_enabled()
    await expect(page.locator("#week")).to_have_attribute("data-state", "filled")


async def choose(page: Page, number: int) -> str:
    """Choose the free time of that number; return its instant."""
    times = page.locator("#days input[name=slot]")
    value = await times.nth(number).get_attribute("value")
    assert value is not None
    await take(page, value)
    return value


async def take(page: Page, value: str) -> None:
    """Choose this time as a finger would: unfold its day, press its tile."""
    tile = page.locator(f'label.tile:has(input[value="{value}"])')
    day = page.locator("details.week-day", has=tile)
    if await day.count() and await day.get_attribute("open") is None:
        await day.locator("summary").click()
    await tile.click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Is this right?")).to_be_focused()


async def test_a_patient_books_moves_and_cancels_a_visit(demo: Demo, browser: Browser) -> None:
    _, page = await sign_in(browser, demo["patient_url"], PHONE)
    await free_times(page, demo["base_url"] + "/book")
    await page.get_by_label("What is it about?").fill("Results of the blood test")
    first = await choose(page, 2)
    await expect(page.locator("#summary-when")).to_have_text(WITH_ZONE)
    chosen = await page.locator("#summary-when").inner_text()
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="Your visit is booked")).to_be_focused()
    await expect(page.locator("#done-when")).to_have_text(chosen)
    calendar = await page.request.get(demo["base_url"] + str(await page.locator("#calendar").get_attribute("href")))
    assert "BEGIN:VEVENT" in await calendar.text()

    await page.goto(demo["base_url"] + "/home")
    row = page.locator("#visits .row", has_text="Results of the blood test")
    await expect(row).to_contain_text(chosen)
    await row.get_by_role("link", name="Move").click()
    await expect(page.get_by_role("heading", name="Choose a new time")).to_be_visible()
    await free_times(page, page.url)
    second = await choose(page, 6)
    assert second != first
    moved = await page.locator("#summary-when").inner_text()
    await page.locator("#confirm").click()
    await expect(page.locator("#done-when")).to_have_text(moved)

    await page.goto(demo["base_url"] + "/home")
    await expect(row).to_contain_text(moved)
    await expect(page.locator("#visits")).not_to_contain_text(chosen)
    await row.get_by_role("button", name="Cancel").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(moved)
    await dialog.get_by_role("button", name=re.compile("cancel", re.IGNORECASE)).click()
    await expect(row).to_have_count(0)

    await free_times(page, demo["base_url"] + "/book")
    for value in (first, second):
        await expect(page.locator(f'#days input[value="{value}"]')).to_have_count(1)


async def test_of_two_who_want_one_time_the_slower_one_is_told_kindly(demo: Demo, browser: Browser) -> None:
    _, quick = await sign_in(browser, demo["patient_url"], PHONE)
    _, slow = await sign_in(browser, demo["patient_url"], DESK)
    for page in (quick, slow):
        await free_times(page, demo["base_url"] + "/book")
    wanted = await choose(slow, 4)
    await take(quick, wanted)
    await quick.get_by_role("button", name="Book this visit").click()
    await expect(quick.get_by_role("heading", name="Your visit is booked")).to_be_visible()

    await slow.get_by_role("button", name="Book this visit").click()
    await expect(slow.get_by_role("alert").filter(visible=True)).to_contain_text("choose another", ignore_case=True)
    await expect(slow.get_by_role("heading", name="Book a visit")).to_be_visible()
    # What was written is still there, and the time that is gone is not.
    await expect(slow.locator(f'#days input[value="{wanted}"]')).to_have_count(0)
    await choose(slow, 4)
    await slow.get_by_role("button", name="Book this visit").click()
    await expect(slow.get_by_role("heading", name="Your visit is booked")).to_be_visible()
