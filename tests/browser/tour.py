"""A tour of every page in each of its states, for tests that look at all of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

from playwright.async_api import Browser, Page, expect

from tests.browser.acts import let_in, sign_in
from tests.browser.stage import DESK, PHONE, Demo, person

Scheme = Literal["light", "dark"]

STILL = {"reduced_motion": "reduce"}
"""Colours on their way from one to another are neither of the two."""

AT_REST = """
async () => {
  // Styles are computed for the next frame; what they set in motion, however short, ends later.
  for (let n = 0; n < 2; n += 1) await new Promise((done) => requestAnimationFrame(done));
  await Promise.allSettled(document.getAnimations().map((animation) => animation.finished));
  await new Promise((done) => requestAnimationFrame(done));
}
"""


@dataclass(frozen=True, slots=True)
class Stop:
    """A page in one of its states."""

    name: str
    page: Page
    path: str


async def schemes(page: Page) -> tuple[Scheme, ...]:
    """Return the colours worth a look: a page with a theme of its own looks the same in both."""
    return (
        ("light", "dark") if await page.evaluate("'themeSwitchable' in document.documentElement.dataset") else ("dark",)
    )


async def look(page: Page, width: int, height: int, scheme: Scheme = "light") -> None:
    """Show the page in this size and these colours, and let it come to rest."""
    await page.set_viewport_size({"width": width, "height": height})
    await page.emulate_media(color_scheme=scheme)
    await page.evaluate(AT_REST)


async def tour(browser: Browser, demo: Demo) -> AsyncIterator[Stop]:
    """Yield each page when it has come to rest. A stop lasts until the next one is asked for."""
    for part in (_of_anybody, _of_patients, _of_admins, _of_the_room):
        async for stop in part(browser, demo):
            size = stop.page.viewport_size
            assert size is not None
            yield stop
            # What follows on a phone must not have begun on a desk.
            await stop.page.set_viewport_size(size)


async def _of_anybody(browser: Browser, demo: Demo) -> AsyncIterator[Stop]:
    context, page, _ = await person(browser, PHONE, **STILL)
    links = [("front", "/"), ("login", "/login"), ("about", "/about"), ("docs", "/docs"), ("error", "/nothing")]
    for name, path in links:
        await page.goto(demo["base_url"] + path)
        yield Stop(name, page, path)
    await page.goto(demo["base_url"] + "/login")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    yield Stop("login-faults", page, "/login")
    await page.goto(demo["invitation_url"])
    await expect(page.get_by_test_id("join-button")).to_be_enabled()
    yield Stop("join", page, "/join")
    await page.goto(demo["base_url"] + "/join")
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()
    yield Stop("join-refused", page, "/join")
    await page.goto(demo["base_url"] + "/demo")
    await expect(page.get_by_text("does not work")).to_be_visible()
    yield Stop("demo-refused", page, "/demo")
    await context.close()


async def _of_patients(browser: Browser, demo: Demo) -> AsyncIterator[Stop]:
    context, page = await sign_in(browser, demo["patient_url"], PHONE, **STILL)
    await page.goto(demo["base_url"] + "/home")
    await expect(page.locator("#visits")).not_to_have_attribute("data-state", "loading")
    yield Stop("home", page, "/home")
    await page.goto(demo["base_url"] + "/book")
    await expect(page.locator("#week")).not_to_have_attribute("data-state", "loading")
    yield Stop("book", page, "/book")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("alert").first).to_be_visible()
    yield Stop("book-faults", page, "/book")
    await page.goto(demo["base_url"] + "/book")
    await expect(page.locator("#week")).to_have_attribute("data-state", "filled")
    await page.get_by_role("radio").first.check(force=True)
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("button", name="Book this visit")).to_be_visible()
    yield Stop("book-summary", page, "/book")
    await page.get_by_role("button", name="Book this visit").click()
    await expect(page.get_by_role("heading", name="Your visit is booked")).to_be_visible()
    yield Stop("book-done", page, "/book")
    await page.goto(demo["base_url"] + "/worklist")
    yield Stop("forbidden", page, "/worklist")
    await context.close()


async def _of_admins(browser: Browser, demo: Demo) -> AsyncIterator[Stop]:
    context, page = await sign_in(browser, demo["admin_url"], DESK, **STILL)
    await page.goto(demo["base_url"] + "/admin")
    await expect(page.locator("#audit")).not_to_have_attribute("data-state", "loading")
    yield Stop("admin", page, "/admin")
    for summary in await page.locator("details.form-card > summary").all():
        await summary.click()
    yield Stop("admin-forms", page, "/admin")
    await context.close()


async def _of_the_room(browser: Browser, demo: Demo) -> AsyncIterator[Stop]:
    patient_context, patient = await sign_in(browser, demo["patient_url"], PHONE, **STILL)
    await expect(patient.get_by_test_id("join-button")).to_be_enabled(timeout=15_000)
    await expect(patient.get_by_text("Your camera works")).to_be_visible(timeout=15_000)
    yield Stop("room-check-patient", patient, "/rooms")
    await patient.get_by_test_id("join-button").click()
    await expect(patient.get_by_role("heading", name="You are next")).to_be_visible(timeout=15_000)
    yield Stop("room-waiting", patient, "/rooms")
    doctor_context, doctor = await sign_in(browser, demo["doctor_url"], DESK, **STILL)
    room = doctor.url
    await doctor.goto(demo["base_url"] + "/worklist")
    await expect(doctor.locator("#today")).not_to_have_attribute("data-state", "loading")
    yield Stop("worklist", doctor, "/worklist")
    await doctor.goto(demo["base_url"] + "/ward")
    await expect(doctor.get_by_test_id("bed-heart-rate").first).to_have_attribute("data-state", "live", timeout=15_000)
    yield Stop("ward", doctor, "/ward")
    await doctor.goto(demo["base_url"] + "/availability")
    await expect(doctor.locator("#hours")).not_to_have_attribute("data-state", "loading")
    yield Stop("availability", doctor, "/availability")
    async for stop in _of_paramedics(browser, demo, doctor):
        yield stop
    await doctor.goto(room)
    await expect(doctor.get_by_test_id("join-button")).to_be_enabled(timeout=15_000)
    await expect(doctor.get_by_test_id("admit-button")).to_be_visible(timeout=15_000)
    await expect(doctor.get_by_text("Your camera works")).to_be_visible(timeout=15_000)
    yield Stop("room-check-doctor", doctor, "/rooms")
    await doctor.get_by_test_id("join-button").click()
    await expect(doctor.get_by_test_id("admit-button").first).to_be_visible(timeout=15_000)
    yield Stop("room-knock-doctor", doctor, "/rooms")
    await let_in(doctor)
    await expect(doctor.get_by_test_id("remote-video").first).to_be_visible(timeout=15_000)
    await expect(doctor.get_by_test_id("vital-heart-rate").first).to_have_attribute("data-state", "live")
    yield Stop("room-doctor", doctor, "/rooms")
    await doctor.locator("#freeze").click()
    yield Stop("room-doctor-frozen", doctor, "/rooms")
    await doctor.locator("#strip-close").click()
    await doctor.locator("#look-back").click()
    yield Stop("room-doctor-replay", doctor, "/rooms")
    await doctor.locator("#replay-close").click()
    await doctor.locator(".looks-more summary").click()
    await doctor.get_by_label("Beside the picture").check()
    yield Stop("room-doctor-monitor", doctor, "/rooms")
    await doctor.get_by_label("Over the picture").check()
    await expect(patient.get_by_test_id("remote-video").first).to_be_visible(timeout=15_000)
    yield Stop("room-patient", patient, "/rooms")
    await doctor.get_by_test_id("chat-input").first.fill("Please sit down and breathe calmly.")
    await doctor.get_by_test_id("chat-input").first.press("Enter")
    await patient.locator("#control-messages").click()
    await expect(patient.get_by_text("breathe calmly").first).to_be_visible()
    yield Stop("room-patient-chat", patient, "/rooms")
    await doctor.get_by_role("tab", name="People").click()
    yield Stop("room-doctor-people", doctor, "/rooms")
    await doctor.get_by_test_id("leave-button").click()
    await expect(doctor.get_by_test_id("join-button")).to_be_visible()
    yield Stop("room-left", doctor, "/rooms")
    await patient_context.close()
    await doctor_context.close()


async def _of_paramedics(browser: Browser, demo: Demo, doctor: Page) -> AsyncIterator[Stop]:
    """Yield a crew's pages, and what a doctor sees of them."""
    context, crew = await sign_in(browser, demo["paramedic_url"], PHONE, **STILL)
    await expect(crew.locator("#open-cases")).not_to_have_attribute("data-state", "loading")
    yield Stop("ambulance", crew, "/ambulance")
    await crew.get_by_test_id("new-case-button").click()
    yield Stop("ambulance-new-case", crew, "/ambulance")
    await crew.get_by_test_id("ring-button").click()
    await expect(crew.locator("#control-leave")).to_be_visible(timeout=15_000)
    await expect(crew.get_by_test_id("vital-heart-rate").first).to_have_attribute("data-state", "live", timeout=15_000)
    yield Stop("room-paramedic", crew, "/rooms")
    await doctor.goto(demo["base_url"] + "/worklist")
    await expect(doctor.get_by_test_id("accept-button").first).to_be_visible(timeout=15_000)
    yield Stop("worklist-ringing", doctor, "/worklist")
    await crew.get_by_test_id("end-button").click()
    # Ending takes its seconds to be undone.
    await expect(crew.locator("#over-title")).to_be_visible(timeout=15_000)
    yield Stop("room-ended", crew, "/rooms")
    await context.close()
