"""The media plane of this project as a system under test."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiortc.rtcdtlstransport import RTCCertificate

from benchmarks.media.descriptions import Section, answer, remote, sections
from benchmarks.media.load import Line, Member
from benchmarks.media.processes import LOAD_CORE, Child, child
from benchmarks.media.systems import ssrc_of
from benchmarks.media.transport import Transport

SETTLE_S = 15.0
WARM_S = 15.0


class Participant:
    """Answers the offers of one seat."""

    def __init__(self, room: str, name: str, transport: Transport, ssrc: int) -> None:
        self.room = room
        self.name = name
        self.transport = transport
        self.ssrc = ssrc
        self.own: dict[str, Section] = {}
        self.watched: list[int] = []
        self.connected = False

    async def answer(self, process: Child, offer: dict[str, Any]) -> None:
        parts = {part.mid: part for part in sections(offer["sdp"])}
        sources = {mid: source for mid, name, source in offer["tracks"] if name == self.name}
        self.own = {source: parts[mid] for mid, source in sources.items()}
        self.watched = [parts[mid].ssrc for mid, name, _ in offer["tracks"] if name != self.name]
        ssrcs = {mid: self.ssrc + (source == "camera") for mid, source in sources.items()}
        sdp = answer(offer["sdp"], self.transport.local, ssrcs)
        await process.ask(do="answer", room=self.room, name=self.name, number=offer["number"], sdp=sdp)
        if not self.connected:
            self.connected = True
            await self.transport.connect(remote(offer["sdp"]), answered=True)

    def member(self) -> Member:
        voice, video = (self._line(source) for source in ("microphone", "camera"))
        return Member(self.transport, self.transport, voice, video, self.watched)

    def _line(self, source: str) -> Line:
        part = self.own[source]
        is_video = source == "camera"
        wanted = "VP8/90000" if is_video else "opus/48000/2"
        numbers = [
            int(line.removeprefix("a=rtpmap:").split(" ")[0]) for line in part.lines if line.endswith(f" {wanted}")
        ]
        return Line(self.ssrc + is_video, numbers[0], part.mid, part.extensions)


class Plane:
    """Drives the child process; one room is filled after the other."""

    def __init__(self, process: Child, host: str, name: str = "telehealth") -> None:
        self.process = process
        self.pid = process.pid
        self.name = name
        self._host = host
        self._certificate = RTCCertificate.generateCertificate()

    async def fill(self, rooms: int, size: int, *, first: int = 0) -> Sequence[Member]:
        return [seat.member() for number in range(first, first + rooms) for seat in await self.room(number, size)]

    async def room(self, number: int, size: int) -> list[Participant]:
        """Fill one room; return when everybody has answered for everybody."""
        room = f"room-{number}"
        seats = {
            f"{room}-{place}": Participant(
                room, f"{room}-{place}", Transport(self._host, self._certificate), ssrc_of(number, place)
            )
            for place in range(size)
        }
        for name in seats:
            await self.process.ask(do="open", room=room, name=name)
        async with asyncio.timeout(SETTLE_S):
            while any(len(seat.watched) < 2 * (size - 1) or not seat.connected for seat in seats.values()):
                event = await self.process.events.get()
                if event["event"] == "offer":
                    await seats[event["name"]].answer(self.process, event)
        return list(seats.values())


@asynccontextmanager
async def plane(host: str) -> AsyncIterator[Plane]:
    async with child("benchmarks.media.plane_server", host, "alone") as process:
        yield Plane(process, host)


@asynccontextmanager
async def plane_apart(host: str) -> AsyncIterator[Plane]:
    """The same as a server has it: in a media process, which another process asks."""
    async with child("benchmarks.media.plane_server", host, "apart") as process:
        yield Plane(process, host, "apart")


@asynccontextmanager
async def plane_with_vitals(host: str, devices: int) -> AsyncIterator[Plane]:
    """A whole server, which has so many monitors, each watched twice, and page requests; both processes on one core.

    They run as all others do: it is for the system, not for us, to say which of the two goes first.
    """
    async with child("benchmarks.media.ward", str(devices), core=LOAD_CORE, first=False) as ward:
        variables = (await ward.ask(do="variables"))["variables"]
        variables |= {"TELEHEALTH_MEDIA_HOST": host, "TELEHEALTH_MEDIA_PORT": "0"}
        async with child("benchmarks.media.plane_server", host, json.dumps(variables), first=False) as process:
            await ward.ask(do="begin")
            await asyncio.sleep(WARM_S)
            try:
                yield Plane(process, host, f"with {devices} beds")
            finally:
                await ward.ask(do="end")
