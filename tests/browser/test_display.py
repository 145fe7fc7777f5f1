"""How vitals are shown: full rate, frozen and measured, late, again, beside the picture, with it, and as a ward."""

import asyncio
import statistics
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, let_in, sign_in, tile, until
from tests.browser.lead_monitor import LeadMonitor
from tests.browser.stage import DESK, FULL, PHONE, REPEATS, Demo, judged, picture

pytestmark = IN_A_BROWSER

FRAMES = """
async seconds => {
  let frames = 0;
  const began = performance.now();
  return new Promise((done) => {
    const count = (now) => {
      frames += 1;
      if (now - began < seconds * 1000) requestAnimationFrame(count);
      else done(frames / ((now - began) / 1000));
    };
    requestAnimationFrame(count);
  });
}
"""

BEATS = """
() => {
  // Middle of each beat on the strip: columns with ink of the curve's colour in the upper third.
  const canvas = document.querySelector('.strip-row canvas');
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const box = canvas.getBoundingClientRect();
  const found = [];
  for (let x = 0; x < width; x += 1) {
    let top = height;
    for (let y = 0; y < height; y += 1) {
      const [r, g, b, a] = data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4);
      if (a > 64 && Math.max(r, g, b) - Math.min(r, g, b) > 60) { top = y; break; }
    }
    if (top < height * 0.4) {
      const at = box.left + (x / width) * box.width;
      const last = found.at(-1);
      if (last && at - last.to < 6) last.to = at;
      else found.push({ from: at, to: at });
    }
  }
  return found;
}
"""

WATCH_MARKS = """
() => {
  const seen = { flashes: [], spikes: [] };
  window.__seen = seen;
  const small = document.createElement('canvas');
  small.width = small.height = 8;
  const pen = small.getContext('2d', { willReadFrequently: true });
  const video = document.querySelector('.seat[data-place="main"] video');
  let bright = true;
  const frame = (_now, meta) => {
    pen.drawImage(video, 0, 0, 8, 8);
    const { data } = pen.getImageData(0, 0, 8, 8);
    let sum = 0;
    for (let n = 0; n < data.length; n += 4) sum += data[n];
    const is = sum / 64 > 170;
    if (is && !bright) seen.flashes.push(meta.expectedDisplayTime);
    bright = is;
    video.requestVideoFrameCallback(frame);
  };
  video.requestVideoFrameCallback(frame);
  const canvas = document.querySelector('[data-testid="waveform-I"]');
  let before = null;
  let last = 0;
  const look = (now) => {
    const { width, height } = canvas;
    const rows = Math.max(1, Math.floor(height * 0.45));
    const { data } = canvas.getContext('2d').getImageData(0, 0, width, rows);
    const inked = new Uint8Array(width);
    for (let x = 0; x < width; x += 1) {
      for (let y = 0; y < rows; y += 1) if (data[(y * width + x) * 4 + 3] > 100) { inked[x] = 1; break; }
    }
    if (before && before.length === width) {
      let fresh = 0;
      for (let x = 0; x < width; x += 1) if (inked[x] && !before[x]) fresh += 1;
      if (fresh > 0) {
        if (now - last > 500) seen.spikes.push(now);
        last = now;
      }
    }
    before = inked;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""

FLASHING_CAMERA = """
(() => {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 480;
  const pen = canvas.getContext('2d');
  const stream = canvas.captureStream(0);
  const [track] = stream.getVideoTracks();
  let tick = 0;
  setInterval(() => {
    const white = Date.now() % 2000 < 400;
    pen.fillStyle = white ? '#ffffff' : '#303030';
    pen.fillRect(0, 0, 640, 480);
    pen.fillStyle = '#808080';
    pen.fillRect((tick += 3) % 640, 440, 20, 20);
    track.requestFrame();
  }, 33);
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const sound = wanted.audio ? (await original({ audio: wanted.audio })).getAudioTracks() : [];
    return new MediaStream([...sound, ...(wanted.video ? [track.clone()] : [])]);
  };
})();
"""


async def doctor_alone(browser: Browser, demo: Demo, viewport: dict[str, int] = DESK) -> Page:
    _, doctor = await sign_in(browser, demo["doctor_url"], viewport)
    await doctor.get_by_test_id("join-button").click(timeout=15_000)
    return doctor


async def leads(page: Page, count: int) -> None:
    await expect(page.locator("#traces .trace")).to_have_count(count, timeout=20_000)
    await expect(page.locator("#traces .trace[data-state=live]").first).to_be_attached(timeout=15_000)


async def choose(page: Page, label: str) -> None:
    if not await page.locator(".looks-more[open]").count():
        await page.locator(".looks-more summary").click()
    await page.get_by_label(label, exact=True).check()


async def test_twelve_leads_at_full_rate_leave_thirty_frames_a_second(demo: Demo, browser: Browser) -> None:
    doctor = await doctor_alone(browser, demo)
    async with LeadMonitor(demo["base_url"], demo["device_token"]):
        await leads(doctor, 12)
        for label in ("Over the picture", "Alone"):
            await choose(doctor, label)
            await asyncio.sleep(1)
            rate = await doctor.evaluate(FRAMES, 4)
            print(f"12 leads of 500 Hz, {label}: {rate:.1f} frames a second")
            assert rate >= 30
        await picture(doctor, "display-twelve-leads")


async def test_a_frozen_strip_is_measured_with_the_caliper(demo: Demo, browser: Browser) -> None:
    doctor = await doctor_alone(browser, demo)
    async with LeadMonitor(demo["base_url"], demo["device_token"], leads=2, period_ms=800):
        await leads(doctor, 2)
        await asyncio.sleep(8)
        await doctor.locator("#freeze").click()
        beats = await doctor.evaluate(BEATS)
        assert len(beats) >= 5, beats
        strip = doctor.locator(".strip-scroller")
        box = await strip.bounding_box()
        assert box is not None
        inside = [beat for beat in beats if box["x"] + 60 < beat["from"] < box["x"] + box["width"] - 120]
        for mark, beat in enumerate(inside[2:4]):
            await drag(doctor, mark, (beat["from"] + beat["to"]) / 2)
        apart, rate, change = await measured(doctor)
        print("caliper from beat to beat:", apart, "ms", rate, "/min", change)
        assert abs(apart - 800) <= 12
        assert rate in (74, 75, 76)
        assert change == "0.00 mV"
        await picture(doctor, "display-caliper")
        # By keyboard, from the middle of a beat to the line before it: the height of the beat.
        first = doctor.locator(".caliper[data-mark='0']")
        await first.focus()
        for _ in range(3):
            await doctor.keyboard.press("Shift+ArrowLeft")
        _, _, change = await measured(doctor)
        assert change == "1.00 mV"
        await doctor.keyboard.press("Escape")
        await expect(doctor.locator("#strip")).to_be_hidden()
        await expect(doctor.locator("#freeze")).to_be_focused()


async def drag(page: Page, mark: int, to_x: float) -> None:
    box = await page.locator(f".caliper[data-mark='{mark}']").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(to_x, box["y"] + box["height"] / 2, steps=5)
    await page.mouse.up()


async def measured(page: Page) -> tuple[int, int, str]:
    words = (await page.locator("#strip-result").text_content()) or ""
    apart, rate, change = words.split(" · ")
    return int(apart.split()[1]), int(rate.removesuffix("/min")), change.removeprefix("Δ ")


async def test_what_came_late_is_drawn_into_the_past_as_received_late(demo: Demo, browser: Browser) -> None:
    doctor = await doctor_alone(browser, demo)
    async with LeadMonitor(demo["base_url"], demo["device_token"], leads=2, rate=250) as device:
        await leads(doctor, 2)
        await asyncio.sleep(4)
        device.held_back = True
        await asyncio.sleep(2)
        device.held_back = False
        await asyncio.sleep(5.5)
        await expect(doctor.locator("#traces .trace-late").first).to_be_hidden()
        await picture(doctor, "display-before-late")
        device.fill_now = True
        await expect(doctor.locator("#traces .trace-late").first).to_be_visible(timeout=5000)
        await picture(doctor, "display-late")


async def test_a_lead_that_is_off_and_a_monitor_that_is_silent_are_seen(demo: Demo, browser: Browser) -> None:
    doctor = await doctor_alone(browser, demo)
    async with LeadMonitor(demo["base_url"], demo["device_token"], leads=2) as device:
        await leads(doctor, 2)
        await asyncio.sleep(4)
        device.off = {"II"}
        row = doctor.locator("#traces .trace", has=doctor.get_by_test_id("waveform-II"))
        await expect(row).to_have_attribute("data-state", "lost", timeout=8000)
        await expect(row.locator(".trace-note")).to_have_text("No signal")
        other = doctor.locator("#traces .trace", has=doctor.get_by_test_id("waveform-I"))
        await expect(other).to_have_attribute("data-state", "live")
        await picture(doctor, "display-lead-off")
    await until(lambda: not_live(doctor), seconds=15, what="a stale heart rate")
    await picture(doctor, "display-stale")


async def not_live(page: Page) -> bool:
    return (await tile(page, "heart-rate"))["state"] != "live"


async def test_who_joins_late_sees_what_was_before_and_replays_it_while_live_goes_on(
    demo: Demo, browser: Browser
) -> None:
    async with LeadMonitor(demo["base_url"], demo["device_token"], leads=2) as device:
        await asyncio.sleep(14)
        doctor = await doctor_alone(browser, demo)
        await leads(doctor, 2)
        await expect(doctor.get_by_test_id("trend-heart-rate")).to_be_visible(timeout=10_000)
        await doctor.locator("#look-back").click()
        await expect(doctor.get_by_role("heading", name="REPLAY")).to_be_visible()
        past = int(await doctor.locator("#replay-at").get_attribute("max") or 0)
        assert past >= 12, past
        await doctor.locator("#replay-at").fill("0")
        await doctor.locator("#replay-speed").select_option("4")
        began = await seconds_at(doctor)
        await asyncio.sleep(2)
        passed = await seconds_at(doctor) - began
        print("replayed at 4×:", passed, "s in 2 s")
        assert 6 <= passed <= 12
        assert (await tile(doctor, "heart-rate"))["state"] == "live"
        await expect(doctor.locator("#traces .trace[data-state=live]").first).to_be_visible()
        await picture(doctor, "display-replay")
        assert device.numerics


async def seconds_at(page: Page) -> int:
    return int(await page.locator("#replay").get_attribute("data-at") or 0)


async def test_the_monitor_stands_beside_the_picture_or_alone(demo: Demo, browser: Browser) -> None:
    doctor = await doctor_alone(browser, demo)
    async with LeadMonitor(demo["base_url"], demo["device_token"], leads=3):
        await leads(doctor, 3)
        await choose(doctor, "Alone")
        await asyncio.sleep(1)
        size = (
            await doctor.get_by_test_id("vital-heart-rate")
            .locator(".vital-value")
            .evaluate("value => parseFloat(getComputedStyle(value).fontSize)")
        )
        assert size >= 70
        await picture(doctor, "display-alone")
        await choose(doctor, "Beside the picture")
        await choose(doctor, "Alternative")
        await asyncio.sleep(1)
        await picture(doctor, "display-beside-alternative")
        await doctor.reload()
        await expect(doctor.locator("#room")).to_have_attribute("data-layout", "beside")
        await expect(doctor.locator("html")).to_have_attribute("data-palette", "alternative")
        await leads(doctor, 3)
        await doctor.set_viewport_size({"width": 390, "height": 844})
        await doctor.locator("[data-close-panel]").click(timeout=2000)
        await asyncio.sleep(1)
        await picture(doctor, "display-beside-phone")


async def test_the_ward_shows_who_is_measured(demo: Demo, browser: Browser) -> None:
    _, doctor = await sign_in(browser, demo["doctor_url"], DESK)
    async with LeadMonitor(demo["base_url"], demo["device_token"], leads=2):
        await doctor.goto(demo["base_url"] + "/ward")
        bed = doctor.get_by_test_id("bed").first
        await expect(bed).to_be_visible(timeout=10_000)
        await expect(bed.get_by_test_id("bed-heart-rate").locator(".vital-value")).to_have_text("75", timeout=10_000)
        await expect(bed.locator(".trace[data-state=live]")).to_be_visible(timeout=10_000)
        await asyncio.sleep(2)
        await picture(doctor, "display-ward")
        await doctor.set_viewport_size({"width": 390, "height": 844})
        await picture(doctor, "display-ward-phone")
        await bed.locator("a").click()
        await expect(doctor.get_by_test_id("join-button")).to_be_visible(timeout=10_000)


async def test_a_mark_in_picture_and_ecg_is_seen_at_the_same_moment(demo: Demo, browser: Browser) -> None:
    context, patient = await sign_in(browser, demo["patient_url"], PHONE)
    await context.add_init_script(FLASHING_CAMERA)
    await patient.reload()
    await patient.get_by_test_id("join-button").click()
    doctor = await doctor_alone(browser, demo)
    await let_in(doctor)
    await expect(doctor.get_by_test_id("remote-video").first).to_be_visible(timeout=20_000)
    device = LeadMonitor(demo["base_url"], demo["device_token"], leads=1, rate=250, period_ms=2000, beat_ms=400)
    async with device:
        await leads(doctor, 1)
        await choose(doctor, "As it happens")
        await asyncio.sleep(3)
        await doctor.evaluate(WATCH_MARKS)
        # Of what is not aligned nothing is asked for: the documents name it.
        await asyncio.sleep(12 if FULL else 3)
        before = offsets(await doctor.evaluate("window.__seen"))
        await choose(doctor, "Aligned with the picture")
        await expect(doctor.locator("#vitals-lag")).to_contain_text("behind", timeout=10_000)
        # The picture is held back in steps until what belongs to it has come.
        await asyncio.sleep(15)
        await doctor.evaluate("window.__seen.flashes.length = window.__seen.spikes.length = 0")
        await until(lambda: enough(doctor), seconds=80, what="marks", every_s=1)
        seen = await doctor.evaluate("window.__seen")
        lag = await doctor.locator("#room").get_attribute("data-lag")
        await picture(doctor, "display-aligned")
    found = offsets(seen)[:REPEATS]
    print("as it happens, ms:", [round(offset) for offset in before])
    print("aligned, ms:", [round(offset) for offset in found], "picture behind", lag)
    print("mean", round(statistics.mean(found)))
    assert judged([abs(offset) for offset in found]) <= 150


async def enough(page: Page) -> bool:
    return len(offsets(await page.evaluate("window.__seen"))) >= REPEATS


def offsets(seen: dict[str, Any]) -> list[float]:
    """Pair each flash with the spike that belongs to it: marks are two seconds apart."""
    pairs = [(flash, min(seen["spikes"], key=lambda at: abs(at - flash), default=None)) for flash in seen["flashes"]]
    return [spike - flash for flash, spike in pairs if spike is not None and abs(spike - flash) < 1000]
