"""A visit is recorded once everybody has agreed, and the disk tells nothing of it; a still goes into the record."""

import io
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.acts import IN_A_BROWSER, expect_frames, meet, until
from tests.browser.stage import Demo, chromium, running_demo

pytestmark = IN_A_BROWSER

EBML = b"\x1a\x45\xdf\xa3"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    # The demo keeps its data where temporary files go.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running_demo() as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


def kept(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.sealed"))


async def listed(doctor: Page, what: str) -> list[dict[str, str]]:
    response = await doctor.request.get(_path(doctor, what))
    assert response.ok, await response.text()
    return list((await response.json())[what])


def _path(page: Page, what: str) -> str:
    origin, _, rest = page.url.partition("/rooms/")
    return f"{origin}/api/v1/encounters/{rest.split('#')[0].split('?')[0]}/{what}"


async def test_a_visit_is_recorded_only_after_consent_and_kept_encrypted(
    demo: Demo, browser: Browser, tmp_path: Path
) -> None:
    patient, doctor = await meet(browser, demo)
    await expect(patient.locator("#control-record")).to_be_hidden()

    await doctor.locator("#control-record").click()
    await expect(doctor.get_by_test_id("recording")).to_contain_text("waits for everybody")
    await patient.get_by_test_id("recording-refuse").click(timeout=10_000)
    await expect(doctor.locator("#room-note")).to_contain_text("does not agree", timeout=5_000)
    await expect(doctor.get_by_test_id("recording")).to_be_hidden()
    assert await listed(doctor, "recordings") == []
    assert kept(tmp_path) == []

    await doctor.locator("#control-record").click()
    await patient.get_by_test_id("recording-accept").click(timeout=10_000)
    for page in (doctor, patient):
        await expect(page.get_by_test_id("recording")).to_have_text("Recording", timeout=5_000)
    await doctor.wait_for_timeout(6_000)
    # Whoever agreed takes it back by the same button.
    await patient.locator("#control-record").click()
    for page in (doctor, patient):
        await expect(page.get_by_test_id("recording")).to_be_hidden(timeout=2_000)

    async def sealed() -> list[dict[str, str]]:
        return [one for one in await listed(doctor, "recordings") if one["ended_at"]]

    (recording,) = await until(sealed, seconds=5, what="a sealed recording")
    (raw,) = kept(tmp_path)
    assert EBML not in raw.read_bytes()
    link = doctor.locator("#recordings").get_by_test_id("recorded")
    await expect(link).to_have_attribute("href", re.compile(f"/recordings/{recording['id']}$"), timeout=5_000)
    await expect(patient.get_by_test_id("recorded")).to_have_count(0)
    answered = await doctor.request.get(_path(doctor, f"recordings/{recording['id']}"))
    assert answered.headers["content-type"] == "video/webm"
    film = await answered.body()
    assert film.startswith(EBML)
    refused = await patient.request.get(_path(patient, f"recordings/{recording['id']}"))
    assert refused.status == 403

    pictures, seconds = decoded(film)
    assert sorted(pictures) == [False, False, True, True], "two microphones and two cameras"
    assert seconds > 4


def decoded(film: bytes) -> tuple[list[bool], float]:
    """Decode every track that holds anything; return which of them are pictures, and how long the longest is."""
    with av.open(io.BytesIO(film), "r") as container:
        packets = [packet for packet in container.demux() if packet.size]
        used = sorted({packet.stream_index for packet in packets})
        longest = max(float(packet.pts * packet.time_base) for packet in packets if packet.pts is not None)
    pictures = []
    for index in used:
        with av.open(io.BytesIO(film), "r") as container:
            stream = container.streams[index]
            frames = len(list(container.decode(stream)))
            pictures.append(stream.type == "video")
        assert frames > 20, (index, frames)
    return pictures, longest


async def test_a_still_of_the_other_side_goes_into_the_record(demo: Demo, browser: Browser) -> None:
    patient, doctor = await meet(browser, demo)
    await expect(patient.locator("#control-still")).to_be_hidden()
    await expect_frames(doctor)
    await doctor.locator("#control-still").click()
    await expect(doctor.locator("#room-note")).to_have_text("The picture is in the record.", timeout=10_000)
    (photo,) = await listed(doctor, "photos")
    answered = await doctor.request.get(_path(doctor, f"photos/{photo['id']}"))
    assert "image/jpeg" in answered.headers["content-type"]
    with av.open(io.BytesIO(await answered.body()), "r", format="jpeg_pipe") as picture:
        (frame,) = list(picture.decode(video=0))
    assert frame.width > 300
