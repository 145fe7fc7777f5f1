"""Films rooms: writes what is forwarded in a room as WebM, as it was encoded.

Sound is Opus and pictures are VP8; H.264 is not kept. Each track of each participant has a track of its own in the
film, and nothing is mixed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from telehealth.clock import Clock
from telehealth.ids import EncounterId, RecordingId
from telehealth.interop.webm import WebmClusters, WebmTrack, picture_size, webm_head
from telehealth.rtp.depacketise import Frame, OpusFrames, Vp8Frames
from telehealth.rtp.packet import timestamp
from telehealth.sfu.offer import CLOCK_RATES, OPUS, VP8, Kind
from telehealth.sfu.publication import Publication
from telehealth.sfu.recorder import Keep

HEAD_AFTER_S = 2.0
"""How long frames are held until the film's tracks are settled: what comes first stands first."""
HELD_FRAMES = 2_000
SPARE = 3
"""Tracks of each kind for who begins to send later."""
KEYFRAME_S = 5.0
"""How often a picture that stands by itself is asked for, so that one can begin to look there."""

_WRAP = 1 << 32


class Tappable(Protocol):
    """A media plane that shows what it forwards."""

    def tap(self, encounter: EncounterId, tap: Callable[[Publication, bytes, float], None] | None) -> None:
        """Show each packet of the room's publications to this from now on; to none if it is None."""
        ...


class _Line:
    """The frames of one publication, and where they stand in time."""

    def __init__(self, publication: Publication) -> None:
        self.codec: Literal["vp8", "opus"] = "opus" if publication.kind is Kind.AUDIO else "vp8"
        self.name = f"{publication.participant} {publication.source}"
        self.number: int | None = None
        self.ssrc = 0
        self.keyframe_at = float("-inf")
        self._payload_type = OPUS if publication.kind is Kind.AUDIO else VP8
        self._rate = CLOCK_RATES[self._payload_type]
        self._frames: OpusFrames | Vp8Frames = OpusFrames()
        self._at_ms = 0.0
        self._timestamp = 0
        self._last_ms = 0

    def put(self, packet: bytes, at_ms: float) -> list[tuple[int, Frame]]:
        """Take a packet; return the frames that are complete with it, each with its time."""
        if packet[1] & 0x7F != self._payload_type:
            return []
        ssrc = int.from_bytes(packet[8:12], "big")
        if ssrc != self.ssrc:
            # Another stream, with timestamps and numbers of its own.
            self.ssrc = ssrc
            self._frames = OpusFrames() if self.codec == "opus" else Vp8Frames()
            self._at_ms, self._timestamp = at_ms, timestamp(packet)
        return [(self._time(frame), frame) for frame in self._frames.put(packet)]

    def wants_keyframe(self, now: float) -> bool:
        """Tell whether one is to be asked for; the plane limits how often."""
        return self.codec == "vp8" and (self._frames.needs_keyframe or now - self.keyframe_at >= KEYFRAME_S)

    def _time(self, frame: Frame) -> int:
        ahead = (frame.timestamp - self._timestamp + _WRAP // 2) % _WRAP - _WRAP // 2
        self._at_ms += ahead * 1000 / self._rate
        self._timestamp = frame.timestamp
        self._last_ms = max(self._last_ms, round(self._at_ms))
        return self._last_ms


@dataclass(frozen=True, slots=True)
class _Held:
    """A frame that waits for the head of the file."""

    line: _Line
    at_ms: int
    frame: Frame


class RoomTap:
    """One recording under way: packets in, WebM out."""

    def __init__(self, keep: Keep, began: float, broken: Callable[[], None]) -> None:
        self._keep_data = keep
        self._began = began
        self._broken = broken
        self._lines: dict[Publication, _Line] = {}
        self._held: list[_Held] | None = []
        self._spare: dict[str, list[int]] = {"opus": [], "vp8": []}
        self._clusters = WebmClusters()

    def __call__(self, publication: Publication, packet: bytes, now: float) -> None:
        """Take a packet that is forwarded."""
        line = self._lines.get(publication)
        if line is None:
            line = self._lines[publication] = _Line(publication)
        for at_ms, frame in line.put(packet, (now - self._began) * 1000):
            if frame.keyframe:
                line.keyframe_at = now
            self._keep(_Held(line, at_ms, frame))
        if line.wants_keyframe(now):
            publication.keyframes.want()
        if self._held is not None and (now - self._began >= HEAD_AFTER_S or len(self._held) >= HELD_FRAMES):
            self._begin()

    def finish(self, at: float) -> None:
        """Write what is held back, of until then."""
        end_ms = round((at - self._began) * 1000)
        if self._held:
            self._held = [one for one in self._held if one.at_ms <= end_ms]
        if self._held:
            self._begin()
        self._write(self._clusters.flush(end_ms))

    def _keep(self, held: _Held) -> None:
        if self._held is not None:
            self._held.append(held)
            return
        line = held.line
        if line.number is None:
            spare = self._spare[line.codec]
            if not spare:
                return
            line.number = spare.pop(0)
        self._write(self._clusters.add(line.number, held.at_ms, held.frame.data, keyframe=held.frame.keyframe))

    def _begin(self) -> None:
        held, self._held = self._held or [], None
        tracks: list[WebmTrack] = []
        for one in held:
            if one.line.number is None:
                width, height = picture_size(one.frame.data) if one.line.codec == "vp8" else (640, 480)
                tracks.append(WebmTrack(one.line.codec, one.line.name, width, height))
                one.line.number = len(tracks)
        for codec in ("opus", "vp8"):
            for _ in range(SPARE):
                tracks.append(WebmTrack("opus" if codec == "opus" else "vp8", "later"))
                self._spare[codec].append(len(tracks))
        self._write(webm_head(tracks))
        for one in held:
            self._keep(one)

    def _write(self, data: bytes) -> None:
        if data and not self._keep_data(data):
            self._broken()


class Filming:
    """The films under way on one media plane, at most one of each room. Implements sfu.recorder.Films."""

    def __init__(self, plane: Tappable, clock: Clock) -> None:
        self._plane = plane
        self._clock = clock
        self._under_way: dict[RecordingId, tuple[EncounterId, RoomTap]] = {}

    def film(self, encounter: EncounterId, recording: RecordingId, keep: Keep, broken: Callable[[], None]) -> None:
        tap = RoomTap(keep, self._clock.monotonic(), broken)
        self._under_way[recording] = (encounter, tap)
        self._plane.tap(encounter, tap)

    def cut(self, recording: RecordingId, at: float | None = None) -> Awaitable[None]:
        """Cut; `at` is when that was said, and nothing of later is kept."""
        encounter, tap = self._under_way.pop(recording, (None, None))
        if encounter is not None and tap is not None:
            self._plane.tap(encounter, None)
            tap.finish(self._clock.monotonic() if at is None else at)
        # All was handed over before anybody could wait for it.
        handed_over = asyncio.get_running_loop().create_future()
        handed_over.set_result(None)
        return handed_over
