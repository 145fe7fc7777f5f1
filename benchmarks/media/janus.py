"""Janus VideoRoom as a system under test: its own program with its own defaults, commanded through a Unix socket."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from json import dumps, loads
from pathlib import Path
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate

from benchmarks.media.descriptions import OPUS, VP8, answer, offer, remote, sections
from benchmarks.media.load import Line, Member
from benchmarks.media.processes import SERVER_CORE, pinned
from benchmarks.media.systems import ssrc_of
from benchmarks.media.transport import Transport

PLUGINS = (
    "/usr/lib/x86_64-linux-gnu/janus",
    "/usr/lib/aarch64-linux-gnu/janus",
    "/usr/lib/janus",
    "/opt/janus/lib/janus",
)
START_S = 15.0
REPLY_S = 15.0
ROOMS_AT_ONCE = 8
_MESSAGE = 1 << 16
_MAIN = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{installed}/plugins"
    transports_folder = "{installed}/transports"
    events_folder = "{folder}"
    loggers_folder = "{folder}"
    debug_level = 2
    session_timeout = 0
    {loops}
}}
nat: {{
    ice_lite = true
    ice_enforce_list = "{host}"
}}
plugins: {{ disable = "{disabled}" }}
transports: {{ disable = "{unused}" }}
"""
_SOCKET = """
general: {{
    enabled = true
    json = "compact"
    path = "{folder}/api"
    type = "SOCK_SEQPACKET"
}}
"""


def installed() -> Path | None:
    """Return where the plugins of an installed Janus are, or None."""
    if shutil.which("janus") is None:
        return None
    return next(
        (Path(place) for place in PLUGINS if (Path(place) / "plugins" / "libjanus_videoroom.so").exists()), None
    )


class _Api:
    """Requests and replies by transaction; what nobody asked for (media up, hang-ups) is dropped."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def read(self) -> None:
        loop = asyncio.get_running_loop()
        while text := await loop.sock_recv(self._connection, _MESSAGE):
            message = loads(text)
            waiting = self._waiting.get(message.get("transaction", ""))
            if waiting is not None and message["janus"] != "ack" and not waiting.done():
                waiting.set_result(message)

    async def ask(self, **request: object) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        transaction = secrets.token_hex(6)
        self._waiting[transaction] = loop.create_future()
        await loop.sock_sendall(self._connection, dumps({**request, "transaction": transaction}).encode())
        try:
            reply = await asyncio.wait_for(self._waiting[transaction], REPLY_S)
        finally:
            del self._waiting[transaction]
        data = reply.get("plugindata", {}).get("data", {})
        if reply["janus"] == "error" or "error" in data:
            raise RuntimeError(f"janus: {reply.get('error') or data.get('error')}")
        return reply


@dataclass(frozen=True, slots=True)
class _Published:
    """A publisher's number, its connection, and the ids of header extensions by kind of media."""

    feed: int
    transport: Transport
    extensions: dict[str, dict[str, int]]


class Janus:
    """Each participant publishes on one connection and receives all others on a second one."""

    def __init__(self, api: _Api, pid: int, host: str, *, loops: int) -> None:
        self.name = f"janus, {loops} loops" if loops else "janus"
        self.pid = pid
        self._api = api
        self._host = host
        self._certificate = RTCCertificate.generateCertificate()
        self._session = 0
        self._turns = asyncio.Semaphore(ROOMS_AT_ONCE)

    async def begin(self) -> None:
        self._session = (await self._api.ask(janus="create"))["data"]["id"]

    async def fill(self, rooms: int, size: int, *, first: int = 0) -> Sequence[Member]:
        # Many at a time: each connection waits a second for a record that Janus was not yet ready for.
        filled = await asyncio.gather(*(self._room(number, size) for number in range(first, first + rooms)))
        return [member for members in filled for member in members]

    async def _room(self, number: int, size: int) -> list[Member]:
        async with self._turns:
            desk = await self._attach()
            await self._message(desk, request="create", room=number + 1, publishers=size, audiocodec="opus",
                                videocodec="vp8", bitrate=0, permanent=False)  # fmt: skip
            published = await asyncio.gather(*(self._publish(number, place) for place in range(size)))
            return await asyncio.gather(*(self._member(number, place, published) for place in range(size)))

    async def _member(self, number: int, place: int, published: Sequence[_Published]) -> Member:
        own = published[place]
        receiving, watched = await self._subscribe(number, [other.feed for other in published if other is not own])
        ssrc = ssrc_of(number, place)
        voice = Line(ssrc, OPUS, "0", own.extensions["audio"])
        video = Line(ssrc + 1, VP8, "1", own.extensions["video"])
        return Member(own.transport, receiving, voice, video, watched)

    async def _publish(self, number: int, place: int) -> _Published:
        handle = await self._attach()
        transport = Transport(self._host, self._certificate)
        ssrc = ssrc_of(number, place)
        sdp = offer(transport.local, ssrc, ssrc + 1, direction="sendonly")
        reply = await self._message(
            handle, {"type": "offer", "sdp": sdp}, request="joinandconfigure", ptype="publisher", room=number + 1
        )
        accepted = reply["jsep"]["sdp"]
        await transport.connect(remote(accepted), answered=False)
        feed = reply["plugindata"]["data"]["id"]
        return _Published(feed, transport, {part.kind: part.extensions for part in sections(accepted)})

    async def _subscribe(self, number: int, feeds: Sequence[int]) -> tuple[Transport, list[int]]:
        handle = await self._attach()
        transport = Transport(self._host, self._certificate)
        reply = await self._message(
            handle, request="join", ptype="subscriber", room=number + 1, streams=[{"feed": feed} for feed in feeds]
        )
        offered = reply["jsep"]["sdp"]
        sdp = answer(offered, transport.local, {})
        await self._message(handle, {"type": "answer", "sdp": sdp}, request="start")
        await transport.connect(remote(offered), answered=True)
        return transport, [part.ssrc for part in sections(offered)]

    async def _attach(self) -> int:
        reply = await self._api.ask(janus="attach", session_id=self._session, plugin="janus.plugin.videoroom")
        return int(reply["data"]["id"])

    async def _message(self, handle: int, jsep: dict[str, str] | None = None, **body: object) -> dict[str, Any]:
        more = {"jsep": jsep} if jsep else {}
        return await self._api.ask(janus="message", session_id=self._session, handle_id=handle, body=body, **more)


@asynccontextmanager
async def janus(host: str, *, loops: int = 0) -> AsyncIterator[Janus]:
    """Run Janus as long as the block lasts.

    `loops` are event loops shared by all connections; 0 is its default, a thread for each connection.
    """
    place = installed()
    if place is None:
        raise FileNotFoundError("janus is not installed")
    with tempfile.TemporaryDirectory(prefix="janus-") as folder:
        _configure(Path(folder), place, host, loops)
        process = await asyncio.create_subprocess_exec(
            "janus", "-F", folder, "-C", f"{folder}/janus.jcfg", stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, preexec_fn=pinned(SERVER_CORE))  # fmt: skip
        try:
            async with asyncio.TaskGroup() as tasks:
                with await _connected(f"{folder}/api") as connection:
                    api = _Api(connection)
                    reading = tasks.create_task(api.read())
                    try:
                        running = Janus(api, process.pid, host, loops=loops)
                        await running.begin()
                        yield running
                    finally:
                        reading.cancel()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), START_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def _configure(folder: Path, place: Path, host: str, loops: int) -> None:
    text = _MAIN.format(
        folder=folder,
        installed=place,
        host=host,
        disabled=_all_but("libjanus_videoroom.so", place / "plugins"),
        unused=_all_but("libjanus_pfunix.so", place / "transports"),
        loops=f"event_loops = {loops}" if loops else "",
    )
    (folder / "janus.jcfg").write_text(text)
    (folder / "janus.transport.pfunix.jcfg").write_text(_SOCKET.format(folder=folder))
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")


def _all_but(kept: str, folder: Path) -> str:
    return ",".join(sorted(path.name for path in folder.glob("*.so") if path.name != kept))


async def _connected(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(0)
    async with asyncio.timeout(START_S):
        while True:
            try:
                connection.connect(path)
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                await asyncio.sleep(0.05)
            else:
                return connection


def version() -> str:
    """Return what the installed program calls itself."""
    with os.popen("janus --version 2>/dev/null") as reading:
        return next((line.strip() for line in reading if "janus" in line.lower()), "")
