"""Lines break and servers die: everybody comes back to their seat by themselves."""

import asyncio
import base64
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.acts import COUNT_CONNECTIONS, IN_A_BROWSER, expect_frames, frames, let_in, meet, until
from tests.browser.stage import DESK, PHONE, ROOT, Demo, person

pytestmark = IN_A_BROWSER


class House:
    """`telehealth serve` on ports and in a folder of its own, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log.jsonl"
        with socket.socket() as http, socket.socket(type=socket.SOCK_DGRAM) as media:
            http.bind(("127.0.0.1", 0))
            media.bind(("127.0.0.1", 0))
            ports = http.getsockname()[1], media.getsockname()[1]
        self.url = f"http://127.0.0.1:{ports[0]}"
        self._environment = {
            **os.environ,
            "TELEHEALTH_DATA_DIR": str(folder / "data"),
            "TELEHEALTH_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "TELEHEALTH_HTTP_PORT": str(ports[0]),
            "TELEHEALTH_MEDIA_PORT": str(ports[1]),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "telehealth", "serve"], cwd=ROOT, env=self._environment, stderr=log
            )

    def add(self, name: str, role: str, password: str) -> None:
        words = ["user", "add", "--email", f"{role}@clinic.example", "--name", name, "--role", role]
        subprocess.run(
            [sys.executable, "-m", "telehealth", *words],
            cwd=ROOT,
            env=self._environment,
            input=f"{password}\n{password}\n",
            text=True,
            check=True,
            capture_output=True,
        )

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=10)
            self._process = None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    try:
        yield house
    finally:
        house.kill()


PASSWORD = "nine quiet otters swim"


async def signed_in(browser: Browser, house: House, email: str, viewport: dict[str, int]) -> Page:
    context, page, _ = await person(browser, viewport)
    await context.add_init_script(COUNT_CONNECTIONS)
    await page.goto(f"{house.url}/login")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).not_to_have_url(re.compile("/login"))
    return page


async def ask_to_be_seen(patient: Page) -> None:
    await patient.get_by_label("What is it about?").fill("A rash")
    await patient.get_by_role("button", name="Wait for the next practitioner").click()
    await expect(patient.get_by_test_id("join-button")).to_be_enabled(timeout=15_000)
    await patient.get_by_test_id("join-button").click()
    await expect(patient.get_by_role("heading", name="You are next")).to_be_visible(timeout=15_000)


async def test_a_killed_server_comes_back_and_everybody_with_it(house: House, browser: Browser) -> None:
    house.add("Dr Ifeoma Okafor", "practitioner", PASSWORD)
    house.add("Ana Ruiz", "patient", PASSWORD)
    house.start()
    await until(lambda: listens(house.url), seconds=20, what="the server listens")
    patient = await signed_in(browser, house, "patient@clinic.example", PHONE)
    await ask_to_be_seen(patient)
    doctor = await signed_in(browser, house, "practitioner@clinic.example", DESK)
    # Whoever takes a patient goes straight in.
    await doctor.locator("#waiting .row").get_by_role("button").click()
    await let_in(doctor)
    pages = (patient, doctor)
    for page in pages:
        await expect_frames(page)
    await doctor.get_by_test_id("chat-input").first.fill("Before the cut")
    await doctor.get_by_test_id("chat-input").first.press("Enter")
    await expect(patient.locator(".chat-text")).to_have_text("Before the cut")

    loop = asyncio.get_running_loop()
    house.kill()
    killed = loop.time()
    for page in pages:
        await expect(page.locator("#status")).to_contain_text("interrupted", timeout=15_000)
    noticed = loop.time()
    marks = [await frames(page) for page in pages]
    house.start()
    await until(lambda: listens(house.url), seconds=20, what="the server listens again", every_s=0.02)
    listening = loop.time()
    for page, before in zip(pages, marks, strict=True):
        await until(partial(more, page, before), seconds=30, what="frames after the cut")
    back = loop.time()
    print(
        f"server killed: noticed after {noticed - killed:.1f} s; listening again after {listening - noticed:.1f} s; "
        f"both see each other {back - listening:.1f} s later"
    )
    for page in pages:
        assert "/rooms/" in page.url
        await expect(page.locator("#status")).to_have_text("Connected", timeout=15_000)
        await expect(page.get_by_test_id("remote-video")).to_have_count(1)
        await expect(page.locator(".chat-text")).to_have_text(["Before the cut"])
    assert back - listening < 15


async def listens(url: str) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
    except OSError:
        return False
    writer.close()
    return True


async def more(page: Page, before: int) -> bool:
    """More frames than before, or some on a new connection, which counts anew."""
    now = await frames(page)
    return now > before + 5 or 5 < now < before


async def test_a_killed_media_process_takes_pictures_and_sound_for_a_moment_and_nothing_else(
    demo: Demo, browser: Browser
) -> None:
    pages = await meet(browser, demo)
    for page in pages:
        await until(partial(many, page), seconds=30, what="frames of the other")
    marks = [await frames(page) for page in pages]
    loop = asyncio.get_running_loop()
    killed = loop.time()
    os.kill(media_process(demo.process.pid), signal.SIGKILL)
    for page, before in zip(pages, marks, strict=True):
        await until(partial(more_anew, page, before), seconds=20, what="frames by another process")
    back = loop.time() - killed
    print(f"media process killed: both see each other again after {back:.1f} s")
    for page in pages:
        await expect(page.locator("#status")).to_have_text("Connected", timeout=15_000)
    assert back < 10


def media_process(server: int) -> int:
    """Return the one of the server's processes that carries media."""
    (found,) = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return int(found)


async def many(page: Page) -> bool:
    """So many that those on a new connection can be told from them."""
    return await frames(page) > 60


async def more_anew(page: Page, before: int) -> bool:
    """Some frames on a new connection, which counts anew."""
    return 5 < await frames(page) < before


async def test_a_page_that_was_offline_returns_to_its_seat(demo: Demo, browser: Browser) -> None:
    patient, doctor = await meet(browser, demo)
    for page in (patient, doctor):
        await expect_frames(page)
    loop = asyncio.get_running_loop()
    await patient.context.set_offline(True)
    await expect(patient.locator("#status")).to_contain_text("interrupted", timeout=30_000)
    await patient.context.set_offline(False)
    began = loop.time()
    await expect_frames(patient)
    await expect_frames(doctor)
    print(f"offline and online again: both see each other after {loop.time() - began:.1f} s")
    for page in (patient, doctor):
        await expect(page.get_by_test_id("remote-video")).to_have_count(1)
    await doctor.get_by_role("tab", name="People").click()
    await expect(doctor.locator("#people li")).to_have_count(2)


async def test_a_second_tab_takes_the_seat_and_the_first_says_so(demo: Demo, browser: Browser) -> None:
    patient, doctor = await meet(browser, demo)
    await expect_frames(doctor)
    second = await patient.context.new_page()
    await second.goto(patient.url)
    await expect(second.get_by_test_id("join-button").or_(second.locator("#room"))).to_be_visible(timeout=15_000)
    if await second.get_by_test_id("join-button").is_visible():
        await second.get_by_test_id("join-button").click()
    await expect(patient.get_by_role("heading", name="You are in this visit elsewhere")).to_be_visible(timeout=15_000)
    await expect_frames(second)
    await expect_frames(doctor)
    await expect(doctor.get_by_test_id("remote-video")).to_have_count(1)
    # It stays so: the two do not take the seat from each other for ever.
    await patient.get_by_role("button", name="Go on here").click()
    await expect(second.get_by_role("heading", name="You are in this visit elsewhere")).to_be_visible(timeout=15_000)
    await expect_frames(patient)
    await expect(second.get_by_role("heading", name="You are in this visit elsewhere")).to_be_visible()
