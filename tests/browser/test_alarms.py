"""A patient whose oxygen falls, in Chromium: the alarm is seen, answered, gets worse, is told again; with pictures."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, meet, sign_in
from tests.browser.stage import DESK, Demo, picture, running_demo

pytestmark = IN_A_BROWSER

FALLS_S = 150
ANIMATION_MS = 333
"""Three flashes a second are one in 333 ms: none may be as fast."""


@pytest.fixture
def demo() -> Iterator[Demo]:
    with running_demo("--scenario", "desaturation") as running:
        yield running


async def set_limits(doctor: Page) -> None:
    """Set after how long without a breath there is an alarm, and below which oxygen: it need not fall so far."""
    await doctor.locator(".limits-editor summary").click()
    lows = doctor.locator('.limits tr[data-vital="spo2"] input')
    await lows.nth(0).fill("88")
    await lows.nth(1).fill("94")
    await doctor.locator("#limits-apnoea").select_option("30")
    await doctor.get_by_test_id("limits-save").click()
    row = doctor.locator('.limits tr[data-vital="resp_rate"]')
    await expect(row).to_contain_text("Dr Ifeoma Okafor")
    await expect(doctor.locator("#limits-apnoea")).to_have_value("30")
    await doctor.locator(".limits-editor summary").click()


async def turn_off_and_on(demo: Demo, browser: Browser, doctor: Page) -> None:
    """An administrator turns alarms off; the visit sees whose work it was, and turns them on."""
    context, admin = await sign_in(browser, demo["admin_url"], DESK)
    await admin.goto(demo["base_url"] + "/admin")
    await admin.get_by_role("button", name="Alarms: Monitor at home, Ana").click()
    await admin.get_by_role("button", name="Turn alarms off").click()
    line = doctor.locator("#alarm-signals")
    await expect(line).to_contain_text("Alarms are turned off")
    await expect(line).to_contain_text("Noor Haddad")
    await expect(doctor.get_by_test_id("pause-sound")).to_be_hidden()
    await picture(doctor, "alarms/off")
    await doctor.get_by_test_id("alarms-on").click()
    await expect(line).to_be_hidden()
    await context.close()


async def pause_all(doctor: Page, patient: Page) -> None:
    """Pause what is seen and heard, look at both ends and after a reload, and turn it on again."""
    await doctor.get_by_test_id("pause-alarms").click()
    ends = [page.locator("#alarm-signals") for page in (doctor, patient)]
    for end in ends:
        await expect(end).to_contain_text(re.compile(r"paused.*[12]:\d\d"))
        await expect(end).to_contain_text("not an alarm system")
    await expect(ends[0]).to_contain_text("Dr Ifeoma Okafor")
    await expect(doctor.locator("#alarm-bar")).to_be_hidden()
    await expect(doctor.locator("#alarms")).to_contain_text("SpO2 LOW")
    await expect(patient.locator("#alarm-bar")).to_be_hidden()
    await picture(doctor, "alarms/paused")
    await picture(patient, "alarms/patient-paused")
    await patient.reload()
    await expect(ends[1]).to_be_visible()
    await doctor.get_by_test_id("alarms-on").click()
    for end in ends:
        await expect(end).to_be_hidden()
    await expect(doctor.locator("#alarm-bar")).to_be_visible()


async def test_oxygen_falls(demo: Demo, browser: Browser) -> None:
    patient, doctor = await meet(browser, demo)
    bar = doctor.locator("#alarm-bar")
    await expect(doctor.get_by_test_id("alarm-sound")).to_contain_text("Alarm sound off")
    await doctor.locator("#scores select").nth(0).select_option("A")
    await doctor.locator("#scores select").nth(1).select_option("no")
    await expect(doctor.locator("#scores")).to_contain_text("Dr Ifeoma Okafor")
    await doctor.get_by_test_id("score-now").click()
    await expect(doctor.get_by_test_id("score-news2")).to_contain_text("DEMO")
    await doctor.get_by_test_id("score-news2").locator("summary").click()
    await expect(doctor.get_by_test_id("score-news2").locator("li").first).to_contain_text(
        re.compile(r"RR \d+ · .+ ago")
    )
    await set_limits(doctor)
    await turn_off_and_on(demo, browser, doctor)

    await expect(bar).to_have_attribute("data-priority", "medium", timeout=FALLS_S * 1000)
    await expect(doctor.get_by_test_id("alarm-text")).to_contain_text("** SpO2 LOW")
    await expect(bar).to_contain_text("not an alarm system")
    tile = doctor.get_by_test_id("vital-spo2").first
    await expect(tile).to_have_attribute("data-alarm", "medium")
    await expect(tile).to_contain_text("◆")
    await expect(patient.locator("#alarm-bar")).to_contain_text("Your team can see it")
    await expect(patient.locator("#alarm-bar button")).to_have_count(0)
    await picture(doctor, "alarms/medium")
    await picture(patient, "alarms/patient")

    await pause_all(doctor, patient)

    await doctor.get_by_test_id("alarm-acknowledge").click()
    await expect(bar).to_contain_text("Seen by Dr Ifeoma Okafor")
    await expect(doctor.get_by_test_id("alarm-acknowledge")).to_be_hidden()
    await picture(doctor, "alarms/acknowledged")

    await expect(bar).to_have_attribute("data-priority", "high", timeout=FALLS_S * 1000)
    await expect(doctor.get_by_test_id("alarm-text")).to_contain_text("*** SpO2 LOW")
    await expect(doctor.get_by_test_id("alarm-acknowledge")).to_be_visible()
    reading = tile.locator(".vital-reading")
    period = await reading.evaluate("one => parseFloat(getComputedStyle(one).animationDuration) * 1000")
    assert period > ANIMATION_MS
    await picture(doctor, "alarms/high")
    await doctor.emulate_media(reduced_motion="reduce")
    assert await reading.evaluate("one => getComputedStyle(one).animationName") == "none"
