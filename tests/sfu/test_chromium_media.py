"""The offer-answer design against a real browser: two pages of Chromium in one room."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from playwright.async_api import Browser, Page, async_playwright

from telehealth.clock import SystemClock
from telehealth.consultations.model import Rung, Source
from telehealth.consultations.ports import MediaEvent, MediaOffered, MediaStateChanged
from telehealth.ids import EncounterId, ParticipantId
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.plane import ForwardingPlane

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed"),
]
SCRIPT = Path(__file__).with_name("room_page.js")
ROOM = EncounterId("room")
FLAGS = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    # Chromium gathers nothing on a machine that has no interface but loopback, as some build machines, unless told so.
    "--allow-loopback-in-peer-connection",
]

PROTOCOL = """
async () => {
  const report = await room.peer.getStats();
  const pair = [...report.values()].find((x) => x.type === "candidate-pair" && x.nominated && x.state === "succeeded");
  return report.get(pair.localCandidateId).protocol;
}
"""


class Stage:
    """A web server with one page, whose WebSockets carry offers and answers between browser and media plane."""

    def __init__(self, plane: ForwardingPlane) -> None:
        self.plane = plane
        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.outbox: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.answers: list[str] = []
        self.offers: list[MediaOffered] = []
        plane.listen(self.heard)

    def heard(self, event: MediaEvent) -> None:
        who = str(event.participant)
        if isinstance(event, MediaOffered):
            tracks = [
                {"mid": t.mid, "participant": t.participant, "source": t.source, "layer": t.layer} for t in event.tracks
            ]
            self.offers.append(event)
            frame = {"negotiation": event.negotiation, "sdp": event.sdp, "tracks": tracks}
        elif isinstance(event, MediaStateChanged):
            frame = {"state": event.state}
        else:
            return
        self.outbox.put_nowait((who, frame))

    async def deliver(self) -> None:
        while True:
            who, frame = await self.outbox.get()
            if who in self.sockets:
                await self.sockets[who].send_json(frame)

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><body><script src=/room.js></script>", content_type="text/html")

    async def script(self, request: web.Request) -> web.Response:
        return web.Response(text=SCRIPT.read_text(), content_type="text/javascript")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        who = ParticipantId(request.query["participant"])
        self.sockets[who] = socket
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self.act(who, json.loads(message.data))
        return socket

    async def act(self, who: ParticipantId, message: dict[str, Any]) -> None:
        match message:
            case {"open": True}:
                await self.plane.open(ROOM, who)
            case {"publish": source}:
                await self.plane.publish(ROOM, who, Source(source))
            case {"unpublish": source}:
                await self.plane.unpublish(ROOM, who, Source(source))
            case {"negotiation": number, "sdp": sdp}:
                self.answers.append(sdp)
                await self.plane.answer(ROOM, who, number, sdp)


@asynccontextmanager
async def staged(settings: MediaSettings | None = None) -> AsyncIterator[tuple[Stage, Callable[[str], Any]]]:
    plane = ForwardingPlane(settings or MediaSettings(host="127.0.0.1"), SystemClock())
    await plane.start()
    stage = Stage(plane)
    app = web.Application()
    app.add_routes([web.get("/", stage.page), web.get("/room.js", stage.script), web.get("/ws", stage.socket)])
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with played(stage, port) as join:
            yield stage, join
    finally:
        await runner.cleanup()
        await plane.aclose()


@asynccontextmanager
async def played(stage: Stage, port: int) -> AsyncIterator[Callable[[str], Any]]:
    async with asyncio.TaskGroup() as tasks, async_playwright() as playwright:
        delivering = tasks.create_task(stage.deliver())
        browser: Browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        async def join(who: str) -> Page:
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{port}/?participant={who}")
            await page.evaluate("room.join()")
            return page

        try:
            yield join
        finally:
            await browser.close()
            delivering.cancel()


async def until(page: Page, condition: str, timeout_s: float = 15.0) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            while not await page.evaluate(condition):
                await asyncio.sleep(0.05)
    except TimeoutError:
        errors = await page.evaluate("[room.errors, room.states, room.peer?.connectionState]")
        pytest.fail(f"never: {condition}; page says {errors}")


async def test_two_browsers_see_and_hear_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    async with staged() as (stage, join):
        ana = await join("ana")
        bo = await join("bo")
        await until(ana, "room.frames('bo/camera') > 10")
        await until(bo, "room.frames('ana/camera') > 10")
        await until(ana, "room.audioPackets().then(n => n > 20)")
        await until(bo, "room.audioPackets().then(n => n > 20)")
        first = await bo.evaluate("room.firstFrame")
        with capsys.disabled():
            sys.stdout.write(f"\nfirst remote frame {first:.0f} ms after getUserMedia\n")
        assert first < 1500
        assert await ana.evaluate("room.errors") == await bo.evaluate("room.errors") == []
        assert stage.plane.statistics().dropped["failed"] == 0


async def test_a_screen_is_shared_beside_the_camera_and_taken_away_twice() -> None:
    async with staged() as (_, join):
        ana, bo, cy = await join("ana"), await join("bo"), await join("cy")
        for page in (bo, cy):
            await until(page, "room.frames('ana/camera') > 3")
        for _ in range(2):
            await ana.evaluate("room.share()")
            for page in (bo, cy):
                await until(page, "room.frames('ana/screen') > 3")
            before = await bo.evaluate("room.frames('ana/camera')")
            await until(bo, f"room.frames('ana/camera') > {before + 3}")
            await ana.evaluate("room.unshare()")
            for page in (bo, cy):
                await until(page, "!('ana/screen' in room.remote)")
        lines = await bo.evaluate("room.peer.currentRemoteDescription.sdp.split('m=').length - 1")
        assert lines == 7  # Two of its own, two of each other person, and one for both shares in turn.
        assert [await page.evaluate("room.errors") for page in (ana, bo, cy)] == [[], [], []]


async def test_a_camera_comes_back_after_it_was_unpublished() -> None:
    async with staged() as (_, join):
        ana, bo = await join("ana"), await join("bo")
        await until(bo, "room.frames('ana/camera') > 3")
        await ana.evaluate("room.mute()")
        await until(bo, "!('ana/camera' in room.remote)")
        await ana.evaluate("room.unmute()")
        await until(bo, "room.frames('ana/camera') > 3")
        assert [await page.evaluate("room.errors") for page in (ana, bo)] == [[], []]


async def test_a_new_connection_takes_over_under_the_same_seat() -> None:
    async with staged() as (stage, join):
        ana, bo = await join("ana"), await join("bo")
        await until(bo, "room.frames('ana/camera') > 3")
        await ana.evaluate("room.reopen()")
        await until(ana, "room.frames('bo/camera') > 3")
        before = await bo.evaluate("room.frames('ana/camera')")
        await until(bo, f"room.frames('ana/camera') > {before + 10}")
        assert stage.plane.statistics().transports == 2


SHOWN = "(room.remote['ana/camera']?.videoHeight ?? 0)"
STATS = """
async () => {
  const track = room.remote["ana/camera"].srcObject.getVideoTracks()[0];
  const receiver = room.peer.getReceivers().find((one) => one.track === track);
  const report = [...(await receiver.getStats()).values()].find((one) => one.type === "inbound-rtp");
  return [report.framesDecoded, report.freezeCount, report.totalFreezesDuration, report.framesDropped];
}
"""


async def test_one_weak_viewer_gets_small_pictures_and_the_others_stay_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with staged() as (stage, join):
        ana, bo, cy = await join("ana"), await join("bo"), await join("cy")
        for page in (bo, cy):
            await until(page, "room.frames('ana/camera') > 10")
            await until(page, f"{SHOWN} === 240")
        for _ in range(2):
            await stage.plane.lock(ROOM, ParticipantId("cy"), Rung.REDUCED)
            await until(cy, f"{SHOWN} === 120")
            before = await cy.evaluate("room.frames('ana/camera')")
            await until(cy, f"room.frames('ana/camera') > {before + 15}")
            assert await bo.evaluate(SHOWN) == 240
            await stage.plane.lock(ROOM, ParticipantId("cy"), None)
            await stage.plane.lock(ROOM, ParticipantId("cy"), Rung.VIDEO)
            await until(cy, f"{SHOWN} === 240")
            before = await cy.evaluate("room.frames('ana/camera')")
            await until(cy, f"room.frames('ana/camera') > {before + 15}")
        told = {name: await page.evaluate(STATS) for name, page in (("bo", bo), ("cy", cy))}
        with capsys.disabled():
            sys.stdout.write(f"\ndecoded, freezes, frozen s, dropped: {told}\n")
        assert told["cy"][2] < 2.0
        assert [await page.evaluate("room.errors") for page in (ana, bo, cy)] == [[], [], []]
        assert stage.plane.statistics().dropped["failed"] == 0


async def test_someone_who_only_listens_is_not_suspected() -> None:
    async with staged() as (_, join):
        ana = await join("ana")
        await until(ana, "room.states.includes('connected')")
        await ana.evaluate("Object.values(room.local).forEach(track => track.stop())")
        await ana.evaluate("room.peer.getSenders().forEach(sender => sender.replaceTrack(null))")
        await asyncio.sleep(4)
        assert await ana.evaluate("room.states.at(-1)") == "connected"


async def test_where_udp_is_blocked_the_call_works_over_tcp() -> None:
    async with staged(MediaSettings(host="127.0.0.1", protocols=("tcp",))) as (stage, join):
        ana, bo = await join("ana"), await join("bo")
        for page, other in ((ana, "bo"), (bo, "ana")):
            await until(page, f"room.frames('{other}/camera') > 10")
            await until(page, "room.audioPackets().then(n => n > 20)")
            assert await page.evaluate(PROTOCOL) == "tcp"
        assert stage.plane.statistics().dropped["tcp_slow"] == 0


async def test_where_both_work_udp_is_taken() -> None:
    async with staged() as (_, join):
        ana, bo = await join("ana"), await join("bo")
        await until(bo, "room.frames('ana/camera') > 10")
        assert [await page.evaluate(PROTOCOL) for page in (ana, bo)] == ["udp", "udp"]
