"""A headless Firefox with an invented camera and microphone, driven over WebDriver BiDi (W3C)."""

import asyncio
import base64
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.browser.stage import ARTIFACTS

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
IN_FIREFOX = pytest.mark.skipif(FIREFOX is None, reason="no Firefox is installed here")
ANSWER_S = 30.0
START_S = 60.0

PREFERENCES: dict[str, bool | int | str] = {
    "media.navigator.streams.fake": True,
    # Whoever may use the camera may show all addresses; an invented camera alone does not count.
    "permissions.default.camera": 1,
    "permissions.default.microphone": 1,
    "media.peerconnection.ice.loopback": True,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "toolkit.telemetry.server": "",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "browser.safebrowsing.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
}
"""Autoplay stays as people have it: blocked, until they press something."""

Reply = dict[str, Any]

PRESSES = 3


class BidiError(Exception):
    """Firefox refused a command."""


class Firefox:
    """One browser process; `page` opens a tab of a fresh container of cookies."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._pages: dict[str, FirefoxPage] = {}

    async def command(self, method: str, **parameters: Any) -> Reply:
        """Send a command; return its result; BidiError, TimeoutError."""
        self._number += 1
        number = self._number
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(ANSWER_S):
            result: Reply = await answer
        return result

    async def listen(self) -> None:
        """Give each answer to whoever waits for it, until the socket closes."""
        async for message in self._socket:
            said = json.loads(message.data)
            if said.get("method") == "log.entryAdded":
                self._note(said["params"])
            elif (waiting := self._waiting.pop(said.get("id"), None)) is not None and not waiting.done():
                if said["type"] == "error":
                    waiting.set_exception(BidiError(f"{said['error']}: {said['message']}"))
                else:
                    waiting.set_result(said["result"])

    def _note(self, entry: Reply) -> None:
        page = self._pages.get(entry["source"].get("context", ""))
        if page is not None and entry["level"] == "error":
            page.complaints.append(str(entry["text"]))

    async def page(self, viewport: dict[str, int]) -> "FirefoxPage":
        container = await self.command("browser.createUserContext")
        made = await self.command("browsingContext.create", type="tab", userContext=container["userContext"])
        page = FirefoxPage(self, made["context"])
        self._pages[made["context"]] = page
        await self.command("browsingContext.setViewport", context=page.context, viewport=viewport)
        return page


class FirefoxPage:
    """One tab.

    Attributes:
        complaints: Errors that its scripts have thrown or written to the console.
    """

    def __init__(self, browser: Firefox, context: str) -> None:
        self.context = context
        self.complaints: list[str] = []
        self._browser = browser

    async def prepare(self, script: str) -> None:
        """Run a function in each document to come, before any script of its own."""
        await self._browser.command("script.addPreloadScript", functionDeclaration=script, contexts=[self.context])

    async def goto(self, url: str) -> None:
        await self._browser.command("browsingContext.navigate", context=self.context, url=url, wait="complete")

    async def reload(self) -> None:
        await self._browser.command("browsingContext.reload", context=self.context, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """Return what the expression gives, or its promise, or, if it is a function, calling it; JSON values only."""
        called = f"(async () => {{ const it = {expression}; return typeof it === 'function' ? it() : it; }})()"
        found = await self._run(f"{called}.then((value) => JSON.stringify(value) ?? 'null')")
        return json.loads(found["value"])

    async def _run(self, expression: str) -> Reply:
        answer = await self._browser.command(
            "script.evaluate", expression=expression, target={"context": self.context}, awaitPromise=True
        )
        if answer["type"] != "success":
            raise BidiError(answer["exceptionDetails"]["text"])
        return dict(answer["result"])

    async def until(self, expression: str, *, seconds: float = 20.0) -> Any:
        """Return the expression's first truthy value; fail with what it said last."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        seen: Any = None
        while not seen:
            assert loop.time() < ends, f"never in Firefox: {expression}; last {seen!r}; it says {self.complaints}"
            # Between two documents there is nothing to ask.
            with contextlib.suppress(BidiError):
                seen = await self.evaluate(expression)
            await asyncio.sleep(0.0 if seen else 0.1)
        return seen

    async def press(self, test_id: str) -> None:
        """Press with the mouse what has this test id, once it can be pressed: a gesture, as a person makes it.

        What a page adds meanwhile may push it away from under the mouse; then it is pressed again.
        """
        button = f"document.querySelector('[data-testid={test_id}]')"
        for _ in range(PRESSES):
            await self.until(f"{button}?.checkVisibility() && !{button}.disabled")
            await self._run(
                f"{button}.addEventListener('click', () => {{ window.__pressed = true; }}, {{ once: true }})"
            )
            await self._run("window.__pressed = false")
            await self._press(button)
            # Another document knows nothing of it: then the press has led there.
            if await self.evaluate("window.__pressed !== false"):
                return
        raise AssertionError(f"{test_id} moves away from the mouse")

    async def _press(self, button: str) -> None:
        await self._run(f"{button}.scrollIntoView({{ block: 'center', behavior: 'instant' }})")
        element = await self._run(button)
        origin = {"type": "element", "element": {"sharedId": element["sharedId"]}}
        pointer = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        actions = [{"type": "pointer", "id": "mouse", "actions": pointer}]
        await self._browser.command("input.performActions", context=self.context, actions=actions)

    async def picture(self, name: str) -> None:
        """Keep a picture of the page for people to look at."""
        taken = await self._browser.command("browsingContext.captureScreenshot", context=self.context)
        ARTIFACTS.mkdir(exist_ok=True)
        (ARTIFACTS / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))


@asynccontextmanager
async def firefox() -> AsyncIterator[Firefox]:
    """Run a headless Firefox with a fresh profile."""
    assert FIREFOX is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
        (Path(profile) / "user.js").write_text("\n".join(lines))
        process = await asyncio.create_subprocess_exec(
            *[FIREFOX, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with driven(await _address(Path(profile) / "WebDriverBiDiServer.json")) as browser:
                yield browser
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _address(announced: Path) -> str:
    async with asyncio.timeout(START_S):
        while (address := _announced(announced)) is None:
            await asyncio.sleep(0.05)
    return address


def _announced(announced: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError):
        said = json.loads(announced.read_text())
        return f"ws://{said['ws_host']}:{said['ws_port']}/session"
    return None


@asynccontextmanager
async def driven(url: str) -> AsyncIterator[Firefox]:
    async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
        browser = Firefox(socket)
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(browser.listen())
            await browser.command("session.new", capabilities={})
            await browser.command("session.subscribe", events=["log.entryAdded"])
            try:
                yield browser
            finally:
                listening.cancel()
