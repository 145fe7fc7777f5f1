"""Participants that are programs: aiortc answering our offers on the loopback interface."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from aiortc.rtp import RtcpPsfbPacket

from telehealth.consultations.model import Source
from telehealth.consultations.ports import MediaEvent, MediaOffered, MediaPlane, MediaState, MediaStateChanged
from telehealth.ids import EncounterId, ParticipantId

ROOM = EncounterId("room")
FINGERPRINT = "sha-256 " + ":".join(["AB"] * 32)


async def until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Wait for something that real sockets bring about."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


class Listener:
    """Remembers what the plane says, by participant."""

    def __init__(self, plane: MediaPlane) -> None:
        self.offers: dict[str, list[MediaOffered]] = {}
        self.states: dict[str, list[MediaState]] = {}
        plane.listen(self._hear)

    def _hear(self, event: MediaEvent) -> None:
        match event:
            case MediaOffered():
                self.offers.setdefault(event.participant, []).append(event)
            case MediaStateChanged():
                self.states.setdefault(event.participant, []).append(event.state)


class Caller:
    """One participant: answers every offer, sends its tracks, counts the frames of the others.

    Attributes:
        frames: Decoded frames by (participant, source).
        asked: Keyframe requests that reached our camera.
    """

    def __init__(self, plane: MediaPlane, name: str, *, sends: bool = True) -> None:
        self.plane = plane
        self.name = ParticipantId(name)
        self.connection = RTCPeerConnection(RTCConfiguration(bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.local: dict[Source, MediaStreamTrack] = {}
        if sends:
            self.local = {Source.MICROPHONE: AudioStreamTrack(), Source.CAMERA: VideoStreamTrack()}
        self.frames: dict[tuple[str, Source], int] = {}
        self.asked = 0
        self.change_answer: Callable[[str], str] = lambda sdp: sdp
        self.errors: list[Exception] = []
        self._offers: asyncio.Queue[MediaOffered] = asyncio.Queue()
        self._watching: set[MediaStreamTrack] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._muted = False
        plane.listen(self._hear)

    def _hear(self, event: MediaEvent) -> None:
        if isinstance(event, MediaOffered) and event.participant == self.name and not self._muted:
            self._offers.put_nowait(event)

    @asynccontextmanager
    async def joined(self) -> AsyncIterator["Caller"]:
        """In the room as long as the block lasts."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            answering = tasks.create_task(self._answer_all())
            await self.plane.open(ROOM, self.name)
            try:
                yield self
            finally:
                answering.cancel()
                self._muted = True
                await self.connection.close()

    async def _answer_all(self) -> None:
        while True:
            offer = await self._offers.get()
            try:
                await self._answer(offer)
            except Exception as error:
                self.errors.append(error)

    async def _answer(self, offer: MediaOffered) -> None:
        await self.connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        tracks = {track.mid: track for track in offer.tracks}
        for line in self.connection.getTransceivers():
            track = tracks.get(line.mid or "")
            if track is not None and track.participant == self.name and track.source in self.local:
                line.direction = "sendonly"
                line.sender.replaceTrack(self.local[track.source])
                if track.source is Source.CAMERA:
                    self._count_requests(line.sender)
            elif track is not None and track.participant != self.name:
                self._watch(line.receiver.track, (track.participant, track.source))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        sdp = self.change_answer(self.connection.localDescription.sdp)
        await self.plane.answer(ROOM, self.name, offer.negotiation, sdp)

    def _watch(self, track: MediaStreamTrack | None, key: tuple[str, Source]) -> None:
        if track is None or track in self._watching or self._tasks is None:
            return
        self._watching.add(track)
        self._tasks.create_task(self._count_frames(track, key))

    async def _count_frames(self, track: MediaStreamTrack, key: tuple[str, Source]) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                self.frames[key] = self.frames.get(key, 0) + 1

    def _count_requests(self, sender: Any) -> None:
        if "counted" in sender.__dict__:
            return
        sender.counted = True
        handle: Callable[[Any], Awaitable[None]] = sender._handle_rtcp_packet

        async def counting(packet: Any) -> None:
            self.asked += isinstance(packet, RtcpPsfbPacket) and packet.fmt == 1
            await handle(packet)

        sender._handle_rtcp_packet = counting

    @property
    def dtls(self) -> Any:
        """aiortc's transport, to send authentic nonsense through."""
        return self.connection.getTransceivers()[0].receiver.transport

    async def gets(self, other: str, source: Source = Source.CAMERA, *, more_than: int = 1) -> None:
        """Wait until that many frames of the other are decoded."""
        await until(lambda: self.frames.get((other, source), 0) > more_than)

    async def send_raw(self, packet: bytes) -> None:
        await self.dtls._send_rtp(packet)


def crafted_answer(offer: MediaOffered, *, fingerprint: str = FINGERPRINT, sends: bool = False) -> str:
    """Return a formally right answer to the offer, as a browser that nobody sees would write it."""
    text = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    for section in offer.sdp.split("m=")[1:]:
        lines = section.splitlines()
        mid = next(line for line in lines if line.startswith("a=mid:"))
        direction = "sendonly" if sends and "a=recvonly" in lines else "inactive"
        if "a=sendonly" in lines:
            direction = "recvonly"
        text += [
            f"m={lines[0]}",
            mid,
            f"a={direction}",
            "a=rtcp-mux",
            "a=setup:active",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:abcdefghijklmnopqrstuvwx",
            f"a=fingerprint:{fingerprint}",
        ]
    return "\r\n".join(text) + "\r\n"
