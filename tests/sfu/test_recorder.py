"""What is forwarded while a room is recorded is in the file, and nothing of before or after."""

import io
from collections.abc import AsyncIterator
from datetime import datetime

import av
import pytest

from telehealth.consultations.model import Source
from telehealth.consultations.ports import MediaEvent, MediaRecordingStopped
from telehealth.consultations.recordings import Recording
from telehealth.ids import ParticipantId, RecordingId
from telehealth.sfu.filming import HEAD_AFTER_S, HELD_FRAMES, SPARE, Filming
from telehealth.sfu.media_settings import MediaSettings
from telehealth.sfu.offer import H264, OPUS, VP8
from telehealth.sfu.plane import ForwardingPlane
from telehealth.sfu.publication import Publication
from telehealth.sfu.recorder import RoomRecorder
from tests.doubles import FakeClock, counted_ids
from tests.sfu.peers import ROOM

ANA, BO = ParticipantId("ana"), ParticipantId("bo")
SILENCE = b"\xf8\xff\xfe"
KEYFRAME = b"\x10" + b"\x10\x02\x00\x9d\x01\x2a\xa0\x00\x60\x00" + bytes(20)
DELTA = b"\x10" + b"\x11\x02\x00" + bytes(20)


class Files:
    """Files in memory. Implements consultations.recordings.RecordingFiles and RecordingFile, for one file at a time."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.full = False
        self._name = ""

    def create(self, name: str) -> "Files":
        self._name = name
        self.kept[name] = b""
        return self

    def write(self, data: bytes) -> bool:
        if not self.full:
            self.kept[self._name] += data
        return not self.full

    async def aclose(self) -> int:
        return 1

    async def read(self, name: str, pieces: int | None) -> AsyncIterator[bytes]:
        yield self.kept[name]

    async def remove(self, name: str) -> None:
        self.kept.pop(name, None)


class Kept:
    """Implements consultations.recordings.Recordings."""

    def __init__(self) -> None:
        self.added: list[Recording] = []
        self.finished: list[str] = []

    async def add(self, recording: Recording) -> None:
        self.added.append(recording)

    async def finish(self, recording: RecordingId, ended_at: datetime, pieces: int) -> None:
        self.finished.append(recording)

    async def get(self, encounter: str, recording: RecordingId) -> Recording:
        return self.added[0]

    async def of_encounter(self, encounter: str) -> list[Recording]:
        return self.added

    async def begun_before(self, before: datetime, *, limit: int) -> list[Recording]:
        return [one for one in self.added if one.started_at < before][:limit]

    async def remove(self, recording: RecordingId) -> None:
        self.added = [one for one in self.added if one.id != recording]


class Recorded:
    """A room under recording."""

    def __init__(self) -> None:
        self.clock, self.files, self.store = FakeClock(), Files(), Kept()
        self.plane = ForwardingPlane(MediaSettings(), self.clock)
        self.recorder = RoomRecorder(Filming(self.plane, self.clock), self.store, self.files, self.clock, counted_ids())
        self.heard: list[MediaEvent] = []
        self.recorder.listen(self.heard.append)
        self._numbers: dict[Publication, int] = {}

    async def starts(self) -> None:
        await self.recorder.start(ROOM, BO, "dr-bo")

    async def publications(self) -> tuple[Publication, Publication]:
        """Return the microphone and the camera of Ana."""
        await self.plane.open(ROOM, ANA)
        _, seat = self.plane._find(ROOM, ANA)
        return seat.publications[Source.MICROPHONE], seat.publications[Source.CAMERA]

    def sends(self, publication: Publication, payload: bytes, at: int, payload_type: int) -> None:
        number = self._numbers[publication] = self._numbers.get(publication, 0) + 1
        head = bytes([0x80, 0x80 | payload_type]) + number.to_bytes(2, "big")
        packet = head + at.to_bytes(4, "big") + (7).to_bytes(4, "big") + payload
        publication.forward(packet, self.clock.monotonic())

    async def film(self) -> bytes:
        await self.recorder.aclose()
        return self.files.kept[self.store.added[0].id]


def packets_of(film: bytes) -> dict[int, list[int]]:
    """Return the times in ms of the packets of each track that has any."""
    times: dict[int, list[int]] = {}
    with av.open(io.BytesIO(film), "r") as container:
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                times.setdefault(packet.stream_index, []).append(round(packet.pts * packet.time_base * 1000))
    return times


async def test_sound_and_pictures_stand_where_they_were() -> None:
    room = Recorded()
    await room.starts()
    microphone, camera = await room.publications()
    for step in range(60):
        room.sends(microphone, SILENCE, step * 4800, OPUS)
        room.sends(camera, KEYFRAME if step % 20 == 0 else DELTA, step * 9000, VP8)
        room.clock.advance(0.1)
    times = packets_of(await room.film())
    assert times[1] == [step * 100 for step in range(60)]
    # Readers take off what the decoder needs to begin (RFC 7845 §4.2), so sound stands a few ms earlier.
    assert all(abs(at - step * 100) < 10 for step, at in enumerate(times[0]))
    assert len(times[0]) == 60
    assert room.store.finished == [room.store.added[0].id]


async def test_nothing_of_before_or_after_is_kept() -> None:
    room = Recorded()
    microphone, _ = await room.publications()
    room.sends(microphone, SILENCE, 0, OPUS)
    await room.starts()
    room.sends(microphone, SILENCE, 960, OPUS)
    room.recorder.stop(ROOM)
    room.sends(microphone, SILENCE, 1920, OPUS)
    film = await room.film()
    assert film.count(SILENCE) == 1
    assert microphone.tap is None


@pytest.mark.parametrize("after_s", [1.0, 4.0])
async def test_what_came_after_it_was_said_is_not_kept_even_if_that_is_heard_late(after_s: float) -> None:
    room = Recorded()
    microphone, _ = await room.publications()
    file = room.files.create("one")
    filming = Filming(room.plane, room.clock)
    filming.film(ROOM, RecordingId("one"), file.write, lambda: None)
    said_at = 0.0
    for step in range(50):
        room.sends(microphone, SILENCE, step * 4800, OPUS)
        if step * 0.1 == after_s:
            said_at = room.clock.monotonic()
        room.clock.advance(0.1)
    await filming.cut(RecordingId("one"), said_at)
    assert room.files.kept["one"].count(SILENCE) == round(after_s * 10) + 1


async def test_who_comes_later_is_kept_on_a_spare_track_while_there_is_one() -> None:
    room = Recorded()
    await room.starts()
    microphone, camera = await room.publications()
    room.clock.advance(HEAD_AFTER_S)
    room.sends(microphone, SILENCE, 0, OPUS)
    room.sends(camera, KEYFRAME, 0, VP8)
    for _ in range(SPARE):
        other = Publication("9", BO, Source.MICROPHONE)
        other.tap = microphone.tap
        room.sends(other, SILENCE, 0, OPUS)
    film = await room.film()
    assert film.count(SILENCE) == 1 + SPARE


async def test_the_head_is_written_when_as_much_is_held_as_may_be() -> None:
    room = Recorded()
    await room.starts()
    microphone, _ = await room.publications()
    for step in range(HELD_FRAMES):
        room.sends(microphone, SILENCE, step * 960, OPUS)
    assert len(room.files.kept[room.store.added[0].id]) > HELD_FRAMES
    await room.film()


async def test_h264_is_not_kept() -> None:
    room = Recorded()
    await room.starts()
    _, camera = await room.publications()
    room.sends(camera, KEYFRAME, 0, H264)
    assert await room.film() == b""


async def test_a_keyframe_is_asked_for_at_the_start_and_every_five_seconds() -> None:
    room = Recorded()
    await room.starts()
    _, camera = await room.publications()
    wishes = 0
    for step in range(120):
        room.sends(camera, KEYFRAME if wishes == 0 and step else DELTA, step * 9000, VP8)
        if camera.keyframes.due(room.clock.monotonic()):
            wishes += 1
            room.sends(camera, KEYFRAME, step * 9000 + 4500, VP8)
        room.clock.advance(0.1)
    assert wishes == 3
    await room.film()


async def test_a_full_disk_ends_it_and_is_told() -> None:
    room = Recorded()
    await room.starts()
    microphone, _ = await room.publications()
    room.files.full = True
    room.clock.advance(HEAD_AFTER_S)
    room.sends(microphone, SILENCE, 0, OPUS)
    assert room.heard == [MediaRecordingStopped(ROOM, BO)]
    assert microphone.tap is None
    await room.recorder.aclose()
