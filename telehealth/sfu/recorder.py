"""Recorder: writes what is forwarded in a room into a file, as it was encoded.

Sound is Opus and pictures are VP8; H.264 is not kept. Each track of each participant has a track of its own in the
file, and nothing is mixed.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from telehealth.clock import Clock
from telehealth.consultations.ports import MediaListener, MediaRecordingStopped
from telehealth.consultations.recordings import Recording, RecordingFile, RecordingFiles, Recordings
from telehealth.errors import TelehealthError
from telehealth.ids import EncounterId, NewId, ParticipantId, RecordingId
from telehealth.interop.webm import WebmClusters, WebmTrack, picture_size, webm_head
from telehealth.rtp.depacketise import Frame, OpusFrames, Vp8Frames
from telehealth.rtp.packet import timestamp
from telehealth.sfu.offer import CLOCK_RATES, OPUS, VP8, Kind
from telehealth.sfu.publication import Publication
from telehealth.sfu.tasks import Tasks

logger = logging.getLogger(__name__)

HEAD_AFTER_S = 2.0
"""How long frames are held until the file's tracks are settled: what comes first stands first."""
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

    def __init__(self, file: RecordingFile, began: float, broken: Callable[[], None]) -> None:
        self._file = file
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

    def finish(self) -> None:
        """Write what is held back."""
        if self._held:
            self._begin()
        self._write(self._clusters.flush())

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
        if data and not self._file.write(data):
            self._broken()


@dataclass(slots=True)
class _UnderWay:
    recording: Recording
    by: ParticipantId
    file: RecordingFile
    tap: RoomTap


class RoomRecorder:
    """Implements consultations.recordings.Recorder on a media plane."""

    def __init__(
        self, plane: Tappable, recordings: Recordings, files: RecordingFiles, clock: Clock, new_id: NewId
    ) -> None:
        self._plane = plane
        self._recordings = recordings
        self._files = files
        self._clock = clock
        self._new_id = new_id
        self._under_way: dict[EncounterId, _UnderWay] = {}
        self._listeners: list[MediaListener] = []
        self._tasks = Tasks()

    def listen(self, listener: MediaListener) -> None:
        self._listeners.append(listener)

    async def start(self, encounter: EncounterId, by: ParticipantId, subject: str) -> None:
        self.stop(encounter)
        recording = Recording(RecordingId(self._new_id()), encounter, subject, self._clock.now())
        await self._recordings.add(recording)
        file = self._files.create(recording.id)
        tap = RoomTap(file, self._clock.monotonic(), lambda: self._broken(encounter, by))
        self._under_way[encounter] = _UnderWay(recording, by, file, tap)
        self._plane.tap(encounter, tap)
        logger.info("room %s: recording %s", encounter, recording.id)

    def stop(self, encounter: EncounterId) -> None:
        under_way = self._under_way.pop(encounter, None)
        if under_way is None:
            return
        self._plane.tap(encounter, None)
        under_way.tap.finish()
        self._tasks.start(self._seal(under_way))

    async def aclose(self) -> None:
        """Stop all recordings and wait until they are sealed."""
        for encounter in list(self._under_way):
            self.stop(encounter)
        await self._tasks.settle()
        await self._tasks.aclose()

    def _broken(self, encounter: EncounterId, by: ParticipantId) -> None:
        if encounter not in self._under_way:
            return
        logger.warning("room %s: the recording can't be kept", encounter)
        self.stop(encounter)
        for listener in self._listeners:
            listener(MediaRecordingStopped(encounter, by))

    async def _seal(self, under_way: _UnderWay) -> None:
        recording = under_way.recording
        pieces = await under_way.file.aclose()
        try:
            await self._recordings.finish(recording.id, self._clock.now(), pieces)
        except TelehealthError as error:
            logger.warning("recording %s: its end is not noted: %s", recording.id, error.code)
