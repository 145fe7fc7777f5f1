"""Sensors paired in the page (made of nothing), typed values and photos: in Chromium, against the running server."""

import base64
from functools import partial
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.acts import IN_A_BROWSER, let_in, sign_in, tile, until
from tests.browser.devices import FixedMonitor
from tests.browser.stage import DESK, Demo, picture

pytestmark = IN_A_BROWSER

FAKE = (Path(__file__).parent / "fake_bluetooth.js").read_text()
STRAP = "fakeBluetooth.choose('Strap 7', { 0x180d: [0x2a37] })"
OXIMETER = "fakeBluetooth.choose('Clip', { 0x1822: [0x2a5f] })"
PHOTO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def in_the_room(browser: Browser, demo: Demo) -> tuple[BrowserContext, Page, Page]:
    """Return the patient's profile and page (whose Bluetooth is ours), and the doctor's, with the readings in sight."""
    context, patient = await sign_in(browser, demo["patient_url"], DESK)
    await context.add_init_script(FAKE)
    await patient.reload()
    await patient.get_by_test_id("join-button").click()
    _, doctor = await sign_in(browser, demo["doctor_url"], DESK)
    await doctor.get_by_test_id("join-button").click()
    await let_in(doctor)
    await expect(patient.get_by_test_id("remote-video").first).to_be_visible(timeout=20_000)
    await patient.locator("#tab-vitals").click()
    return context, patient, doctor


async def pair(page: Page, sensor: str, name: str) -> None:
    await page.evaluate(sensor)
    await page.get_by_test_id("add-reading").click()
    await page.get_by_test_id("pair-sensor").click()
    await expect(page.get_by_test_id("sensor").filter(has_text=name)).to_have_attribute(
        "data-state", "connected", timeout=10_000
    )


async def send(page: Page, sensor: str, characteristic: int, octets: list[int]) -> bool:
    call = f"([octets]) => {sensor}.send({characteristic}, octets)"
    return bool(await page.evaluate(call, [octets]))


async def test_a_sensor_is_paired_read_lost_and_found_again(demo: Demo, browser: Browser) -> None:
    _, patient, doctor = await in_the_room(browser, demo)
    await pair(patient, OXIMETER, "Clip")
    octets = [0x00, 0xB5, 0xF3, 0x48, 0x00]  # 94.9 %, 72 a minute

    async def shown(page: Page) -> bool:
        await send(patient, OXIMETER, 0x2A5F, octets)
        return "Clip" in await page.locator("#devices").inner_text()

    await until(partial(shown, doctor), seconds=15, what="the sensor among the doctor's devices", every_s=0.5)
    await picture(patient, "bluetooth-paired")

    await patient.evaluate(f"{OXIMETER}.reachable = false; {OXIMETER}.lose()")
    row = patient.get_by_test_id("sensor").filter(has_text="Clip")
    await expect(row).to_have_attribute("data-state", "lost", timeout=5_000)
    await picture(patient, "bluetooth-lost")
    await patient.evaluate(f"{OXIMETER}.reachable = true")
    await expect(row).to_have_attribute("data-state", "connected", timeout=15_000)


async def test_a_number_of_a_sensor_is_live_and_goes_stale_when_it_is_lost(demo: Demo, browser: Browser) -> None:
    _, patient, doctor = await in_the_room(browser, demo)
    async with FixedMonitor(demo["base_url"], demo["device_token"], heart_rate=88):
        # It takes the place of the simulated monitor, and leaves: the strap is alone.
        await expect(doctor.get_by_test_id("vital-heart-rate").first).to_contain_text("88", timeout=10_000)
    await pair(patient, STRAP, "Strap 7")

    async def live() -> bool:
        await send(patient, STRAP, 0x2A37, [*bytes.fromhex("164b40034c03")])
        seen = await tile(doctor, "heart-rate")
        return seen["state"] == "live" and seen["value"] == "75" and "Strap 7" in seen["words"]

    await until(live, seconds=30, what="the heart rate of the strap", every_s=0.5)
    await picture(doctor, "bluetooth-live")
    await patient.evaluate(f"{STRAP}.reachable = false; {STRAP}.lose()")

    async def is_in(state: str) -> bool:
        return (await tile(doctor, "heart-rate"))["state"] == state

    await until(partial(is_in, "grey"), seconds=8, what="a grey heart rate")
    await until(partial(is_in, "blank"), seconds=8, what="no heart rate")
    assert (await tile(doctor, "heart-rate"))["value"] == "-?-"
    await picture(doctor, "bluetooth-stale")


async def test_a_cuff_is_shown_with_its_name(demo: Demo, browser: Browser) -> None:
    _, patient, doctor = await in_the_room(browser, demo)
    await pair(patient, "fakeBluetooth.choose('Cuff', { 0x1810: [0x2a35] })", "Cuff")
    cuff = "fakeBluetooth.sensors.get('Cuff')"
    assert await send(patient, cuff, 0x2A35, [0x00, 0x7B, 0x00, 0x51, 0x00, 0x5D, 0x00])

    async def measured(page: Page) -> bool:
        return "123/81" in await page.locator("#monitor").inner_text()

    for page in (patient, doctor):
        await until(partial(measured, page), seconds=15, what="the pressure")
    await expect(doctor.locator("#monitor")).to_contain_text("Cuff")


async def test_what_is_measured_offline_arrives_later(demo: Demo, browser: Browser) -> None:
    context, patient, doctor = await in_the_room(browser, demo)
    meter = "fakeBluetooth.choose('Meter', { 0x1808: [0x2a18, 0x2a52] })"
    await pair(patient, meter, "Meter")
    await context.set_offline(True)
    assert await send(patient, meter, 0x2A18, [*bytes.fromhex("020700ea07071b081e006fb011")])  # 111 mg/dL
    await expect(patient.locator("#bedside-note")).to_contain_text("waits to be sent", timeout=10_000)
    await context.set_offline(False)

    async def arrived() -> bool:
        return "111" in await doctor.locator("#monitor").inner_text()

    await until(arrived, seconds=30, what="the glucose")


async def test_typing_and_a_photo_are_as_good(demo: Demo, browser: Browser) -> None:
    _, patient, doctor = await in_the_room(browser, demo)
    await patient.get_by_test_id("add-reading").click()
    form = patient.get_by_test_id("typed-form")
    await form.locator("select[name=typed-parameter]").select_option("glucose")
    await form.locator("input[name=typed-value]").fill("5,5")
    await form.locator("select[name=typed-unit]").select_option("mmol/L")
    await form.locator("button[type=submit]").click()
    await patient.locator("#reading-photo").set_input_files(
        {"name": "display.png", "mimeType": "image/png", "buffer": PHOTO}
    )
    await expect(patient.get_by_test_id("add-reading-dialog")).to_contain_text("The photo was added", timeout=10_000)
    await picture(patient, "bluetooth-dialog")

    async def typed() -> bool:
        words = await doctor.locator("#monitor").inner_text()
        return "99" in words and "Typed by patient" in words

    await until(typed, seconds=15, what="the glucose")
    await expect(doctor.get_by_test_id("photo").first).to_be_attached(timeout=10_000)
    natural = await doctor.get_by_test_id("photo").first.evaluate(
        "image => image.decode().then(() => image.naturalWidth)"
    )
    assert natural == 1
