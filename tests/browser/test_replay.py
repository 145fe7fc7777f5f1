"""Recorded ICU beds in the room: the numbers are the record's, each curve is drawn, and a hole in it stays a hole."""

import asyncio
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.acts import IN_A_BROWSER, sign_in, tile, until
from tests.browser.monitors import monitor
from tests.browser.stage import DESK, ROOT, Demo, picture

pytestmark = IN_A_BROWSER

RECORDS = ROOT.parent / "shared" / "data" / "waveforms"

INKED = """
canvas => {
  // Of each column: how many pixels the pen has coloured, and how many lie on the grey line that stands for nothing.
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const inked = new Array(width).fill(0);
  const grey = new Array(width).fill(0);
  for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) {
    const [r, g, b, a] = data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4);
    if (a < 64) continue;
    if (Math.max(r, g, b) - Math.min(r, g, b) > 60) inked[x] += 1; else grey[x] += 1;
  }
  return { inked, grey };
}
"""


async def doctor_alone(browser: Browser, demo: Demo) -> Page:
    _, doctor = await sign_in(browser, demo["doctor_url"], DESK)
    await doctor.get_by_test_id("join-button").click(timeout=15_000)
    await expect(doctor.get_by_test_id("vital-heart-rate").first).to_be_visible(timeout=15_000)
    return doctor


async def numbers(page: Page, key: str, *, samples: int) -> list[str]:
    """Return what the tile shows, once a second, while it is live."""
    found: list[str] = []
    for _ in range(samples):
        shown = await tile(page, key)
        assert shown["state"] == "live", shown
        found.append(shown["value"])
        await asyncio.sleep(1)
    return found


async def live(page: Page, key: str) -> bool:
    return (await tile(page, key))["state"] == "live"


def needs(path: Path) -> None:
    if not path.with_suffix(".hea").exists():
        pytest.skip(f"the recording {path.name} is not on this machine")


async def draws(page: Page, labels: Sequence[str]) -> None:
    await expect(page.locator(".trace-label")).to_have_text(list(labels), timeout=20_000)
    for label in labels:
        canvas = page.get_by_test_id(f"waveform-{label}")
        await expect(canvas).to_be_visible()

        await until(partial(quarter_drawn, canvas), seconds=20, what=f"a curve of {label}")


async def quarter_drawn(canvas: Locator) -> bool:
    columns: list[int] = (await canvas.evaluate(INKED))["inked"]
    return sum(inked > 0 for inked in columns) > len(columns) / 4


async def test_the_icu_bed_v102s_shows_its_rate_and_its_four_curves(demo: Demo, browser: Browser) -> None:
    needs(RECORDS / "v102s")
    with monitor(demo, "--record", str(RECORDS / "v102s")):
        doctor = await doctor_alone(browser, demo)
        await draws(doctor, ["II", "V", "Pleth", "Resp"])
        await until(lambda: live(doctor, "heart-rate"), seconds=20, what="a heart rate")
        shown = [float(value) for value in await numbers(doctor, "heart-rate", samples=6)]
        await picture(doctor, "replay-v102s")
    print("v102s, heart rate on screen:", shown, "reference 103.4 in the mean of 300 s")
    assert abs(statistics.mean(shown) - 103.4) <= 2
    # The record measures neither; a value of the monitor before must not stand for it.
    await until(lambda: blank(doctor, "spo2"), seconds=15, what="no oxygen")


async def blank(page: Page, key: str) -> bool:
    return (await tile(page, key))["value"] == "-?-"


async def test_the_icu_bed_041s_shows_its_rate_and_pressures(demo: Demo, browser: Browser) -> None:
    needs(RECORDS / "041s" / "041s")
    with monitor(demo, "--record", str(RECORDS / "041s" / "041s")):
        doctor = await doctor_alone(browser, demo)
        labels = ["III", "I", "V", "Pleth", "ABP", "PAP", "Resp"]
        await expect(doctor.locator(".trace-label")).to_have_text(labels, timeout=20_000)
        await until(lambda: live(doctor, "heart-rate"), seconds=20, what="a heart rate")
        await asyncio.sleep(4)
        shown = [float(value) for value in await numbers(doctor, "heart-rate", samples=5)]
        pressures = await numbers(doctor, "art", samples=2)
        await picture(doctor, "replay-041s")
    print("041s, heart rate on screen:", shown, "reference 95 to 96; pressures:", pressures)
    assert all(93.5 <= rate <= 97.5 for rate in shown)
    for pressure in pressures:
        systolic, diastolic, mean = (float(part.strip("()")) for part in pressure.replace("/", " ").split())
        assert abs(systolic - 83) <= 3
        assert abs(diastolic - 42) <= 3
        assert abs(mean - 56) <= 3


@pytest.fixture
def record_with_a_hole(tmp_path: Path) -> Path:
    """Two seconds of a loud tone and one of nothing, again and again, as an ECG."""
    import wfdb

    hz, seconds = 250, 30
    t = np.arange(hz * seconds) / hz
    wave = np.sin(2 * np.pi * 5 * t)
    wave[t % 3 >= 2] = np.nan
    wfdb.wrsamp(
        "holey",
        fs=hz,
        units=["mV"],
        sig_name=["II"],
        p_signal=wave.reshape(-1, 1),
        fmt=["16"],
        adc_gain=[1000.0],
        baseline=[0],
        write_dir=str(tmp_path),
    )
    return tmp_path / "holey"


@pytest.mark.filterwarnings("ignore")
async def test_a_hole_in_the_record_is_a_hole_on_the_screen(
    demo: Demo, browser: Browser, record_with_a_hole: Path
) -> None:
    with monitor(demo, "--record", str(record_with_a_hole)):
        doctor = await doctor_alone(browser, demo)
        await expect(doctor.locator(".trace-label")).to_have_text(["II"], timeout=20_000)
        canvas = doctor.get_by_test_id("waveform-II")
        # Once around, so that no column is of the time before.
        await asyncio.sleep(13)
        columns = await canvas.evaluate(INKED)
        await picture(doctor, "replay-hole")
    inked, grey = columns["inked"], columns["grey"]
    silent = runs([not pen for pen in inked])
    ms_per_column = 1000 / (25 * 96 / 25.4)
    holes = [length * ms_per_column for length in silent if length * ms_per_column > 500]
    print("holes on screen, ms:", [round(hole) for hole in holes])
    inner = [hole for hole in holes if 800 <= hole <= 1200]
    assert len(inner) >= 2, holes
    # Nothing joins the two sides: within a hole there is the broken grey line at most, never a stroke.
    assert all(count <= 2 for count, pen in zip(grey, inked, strict=True) if not pen)
    assert any(count > 0 for count, pen in zip(grey, inked, strict=True) if not pen)
    assert sum(pen > 0 for pen in inked) > len(inked) / 2


def runs(flags: Sequence[bool]) -> list[int]:
    """Return the lengths of the stretches that are true."""
    lengths: list[int] = []
    for before, flag in zip([False, *flags], flags, strict=False):
        if flag and before:
            lengths[-1] += 1
        elif flag:
            lengths.append(1)
    return lengths
