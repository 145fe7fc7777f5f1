"""A running demo and a Chromium with an invented camera and microphone: what browser tests play on."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "test-artifacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FAKE_MEDIA = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
FULL = bool(os.environ.get("TELEHEALTH_FULL_TESTS"))
"""`make test-full` measures what is named in the documents: twenty times, against its 95th percentile."""
REPEATS = 20 if FULL else 5
PICTURE_TRIES = 3
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}


@dataclass(frozen=True)
class Demo:
    """The links that a demo prints, its process, and where it keeps its data."""

    process: subprocess.Popen[str]
    links: dict[str, Any]
    log: Path

    def __getitem__(self, name: str) -> str:
        return str(self.links[name])


@contextmanager
def running_demo(*arguments: str) -> Iterator[Demo]:
    """Start `telehealth demo --json`; stop it as Ctrl-C would."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        environment = {**os.environ, "TELEHEALTH_DATA_DIR": str(Path(folder) / "data")}
        with log.open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "telehealth", "demo", "--json", "--port", "0", *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=environment,
            )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"the demo did not start: {log.read_text()[-2000:]}"
            yield Demo(process, json.loads(line), log)
        finally:
            process.send_signal(signal.SIGINT)
            code = process.wait(timeout=20)
            if process.stdout is not None:
                process.stdout.close()
        assert code == 0, f"the demo ended with {code}: {log.read_text()[-2000:]}"


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """Launch a headless Chromium with an invented camera and microphone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FAKE_MEDIA, *arguments])
        try:
            yield browser
        finally:
            await browser.close()


async def person(browser: Browser, viewport: dict[str, int], **options: Any) -> tuple[BrowserContext, Page, list[str]]:
    """Open a fresh browser profile; return it, a page, and the list that gathers what the page complains about."""
    context = await browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        permissions=["camera", "microphone"],
        **options,
    )
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: complaints.append(f"console: {said.text}") if said.type == "error" else None,
    )
    return context, page, complaints


def judged(values: list[float]) -> float:
    """Return what a target is held against: of twenty the 95th percentile, of a few the median."""
    ordered = sorted(values)
    return ordered[18] if FULL else ordered[len(ordered) // 2]


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page for people to look at.

    A page that is just being replaced can't be drawn: then it is tried again, and in the end let be, since a picture
    decides nothing.
    """
    path = ARTIFACTS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(PICTURE_TRIES):
        try:
            await page.screenshot(path=path)
        except PlaywrightError as error:
            print(f"no picture {name}: {error.message.splitlines()[0]}")
            await asyncio.sleep(0.5)
        else:
            return
