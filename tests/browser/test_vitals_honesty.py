"""What is live, old or absent never looks alike, whichever part breaks: the device, its lead, the media, the line."""

import asyncio
import signal

from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, meet, tile, until
from tests.browser.devices import FixedMonitor
from tests.browser.monitors import monitor
from tests.browser.stage import Demo, picture

pytestmark = IN_A_BROWSER

SCAN_S = 0.1
SLACK_S = 0.8
"""How often the page looks at the clock, and how long it takes us to look at the page."""


async def states(page: Page, key: str, *, seconds: float) -> list[tuple[float, str, str]]:
    """Watch a tile; return (seconds since we began, state, value) of each look."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    seen: list[tuple[float, str, str]] = []
    while loop.time() - began < seconds:
        shown = await tile(page, key)
        seen.append((loop.time() - began, shown["state"], shown["value"]))
        await asyncio.sleep(SCAN_S)
    return seen


async def is_in(page: Page, key: str, state: str) -> bool:
    return (await tile(page, key))["state"] == state


async def beats(page: Page, least: float, most: float) -> bool:
    """The heart rate is live, and that of our own monitor: no other one of these tests has such a patient."""
    shown = await tile(page, "heart-rate")
    return shown["state"] == "live" and least < float(shown["value"].rstrip("?")) < most


async def is_live(page: Page) -> bool:
    return await is_in(page, "heart-rate", "live")


async def signal_of(page: Page, label: str) -> str:
    trace = page.locator(".trace", has=page.get_by_test_id(f"waveform-{label}"))
    return str(await trace.get_attribute("data-state"))


async def test_a_device_that_falls_silent_greys_then_reads_nothing(demo: Demo, browser: Browser) -> None:
    with monitor(demo, "--scenario", "tachycardia") as device:
        patient, doctor = await meet(browser, demo)
        await until(lambda: beats(doctor, 130, 170), seconds=30, what="our own heart rate")
        cuff = (await tile(doctor, "nibp"))["value"]
        device.send_signal(signal.SIGSTOP)
        seen, theirs = await asyncio.gather(
            states(doctor, "heart-rate", seconds=12.5), states(patient, "heart-rate", seconds=12.5)
        )
        for watched in (seen, theirs):
            last_live = max(at for at, state, _ in watched if state == "live")
            first_blank = min(at for at, state, value in watched if state == "blank" and value == "-?-")
            print(f"silent device: live for {last_live:.1f} s, absent after {first_blank:.1f} s")
            assert last_live <= 5 + SLACK_S
            assert last_live < first_blank <= 10 + SLACK_S
            assert all(value != "-?-" for _, state, value in watched if state != "blank")
            assert {state for at, state, _ in watched if last_live < at < first_blank} == {"grey"}
        # A cuff measures now and then: its value stays, and always says how old it is.
        nibp = await tile(doctor, "nibp")
        assert nibp["value"] == cuff != "-?-"
        assert nibp["age"].endswith("ago")
        assert await signal_of(doctor, "II") == "lost"
        await expect(doctor.get_by_text("No signal").first).to_be_visible()
        await picture(doctor, "vitals-silent")
        device.send_signal(signal.SIGCONT)
        await until(lambda: is_live(doctor), seconds=20, what="the heart rate again")


async def test_without_picture_and_sound_the_readings_go_on(demo: Demo, browser: Browser) -> None:
    _, doctor = await meet(browser, demo)
    async with FixedMonitor(demo["base_url"], demo["device_token"], heart_rate=66):
        await expect(doctor.get_by_test_id("vital-heart-rate").first).to_contain_text("66", timeout=15_000)
        await until(lambda: signal_is(doctor, "II", "live"), seconds=10, what="the curve")
        await doctor.evaluate("() => { for (const connection of window.__connections) connection.close(); }")
        canvas = doctor.get_by_test_id("waveform-II")
        drawings: set[str] = set()
        for _ in range(6):
            assert await is_live(doctor)
            drawings.add(await canvas.evaluate("canvas => canvas.toDataURL()"))
            await asyncio.sleep(0.5)
        assert len(drawings) == 6


async def test_a_cut_line_greys_everything_and_all_of_it_comes_back(demo: Demo, browser: Browser) -> None:
    with monitor(demo, "--scenario", "bradycardia"):
        _, doctor = await meet(browser, demo)
        await until(lambda: beats(doctor, 30, 55), seconds=30, what="our own heart rate")
        await doctor.context.set_offline(True)
        seen = await states(doctor, "heart-rate", seconds=12)
        last_live = max(at for at, state, _ in seen if state == "live")
        print(f"cut line: live for {last_live:.1f} s, at last {seen[-1][1:]}")
        assert last_live <= 5 + SLACK_S
        assert seen[-1][1:] == ("blank", "-?-")
        for key in ("spo2", "resp-rate"):
            assert await is_in(doctor, key, "blank")
        assert await signal_of(doctor, "II") == "lost"
        await expect(doctor.locator("#vitals-line")).to_be_visible(timeout=20_000)
        await picture(doctor, "vitals-offline")
        await doctor.context.set_offline(False)
        await until(lambda: is_live(doctor), seconds=20, what="the heart rate again")
        await expect(doctor.locator("#vitals-line")).to_be_hidden()
        await until(lambda: signal_is(doctor, "II", "live"), seconds=10, what="the curve again")


async def signal_is(page: Page, label: str, wanted: str) -> bool:
    return await signal_of(page, label) == wanted


async def lead_is_off(page: Page) -> bool:
    curves = [await signal_of(page, label) for label in ("II", "Pleth")]
    return curves == ["lost", "live"] and await is_in(page, "spo2", "live")


async def test_a_lead_that_fell_off_takes_its_number_and_its_curve_only(demo: Demo, browser: Browser) -> None:
    with monitor(demo, "--scenario", "lead_off"):
        _, doctor = await meet(browser, demo)
        await until(lambda: lead_is_off(doctor), seconds=30, what="the lead falls off, and the probe stays on")
        shown = await tile(doctor, "heart-rate")
        await picture(doctor, "vitals-lead-off")
        # The probe on the finger has a rate too; what it says is called by its own name.
        assert shown["value"] == "-?-" or "Pleth" in shown["words"], shown
        assert "ECG" not in shown["words"] or shown["value"] == "-?-", shown
