"""Recorder: keeps the films of rooms, sealed, and notes in the store when each began and ended."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from telehealth.clock import Clock
from telehealth.consultations.ports import MediaListener, MediaRecordingStopped
from telehealth.consultations.recordings import Recording, RecordingFile, RecordingFiles, Recordings
from telehealth.errors import TelehealthError
from telehealth.ids import EncounterId, NewId, ParticipantId, RecordingId
from telehealth.tasks import Tasks

logger = logging.getLogger(__name__)

Keep = Callable[[bytes], bool]
"""Takes a piece of a film; False if it can't be kept, now and from then."""


class Films(Protocol):
    """What films rooms."""

    def film(self, encounter: EncounterId, recording: RecordingId, keep: Keep, broken: Callable[[], None]) -> None:
        """Give what is forwarded in the room to `keep` as a WebM file, piece by piece, from now on.

        `broken` is called when nothing more will come, though nobody has said `cut`.
        """
        ...

    def cut(self, recording: RecordingId) -> Awaitable[None]:
        """Take nothing more from now on; once awaited, all that was taken is with `keep`."""
        ...


@dataclass(slots=True)
class _UnderWay:
    recording: Recording
    by: ParticipantId
    file: RecordingFile


class RoomRecorder:
    """Implements consultations.recordings.Recorder on what films rooms."""

    def __init__(
        self, films: Films, recordings: Recordings, files: RecordingFiles, clock: Clock, new_id: NewId
    ) -> None:
        self._films = films
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
        self._under_way[encounter] = _UnderWay(recording, by, file)
        self._films.film(encounter, recording.id, file.write, lambda: self._broken(encounter, recording.id))
        logger.info("room %s: recording %s", encounter, recording.id)

    def stop(self, encounter: EncounterId) -> None:
        under_way = self._under_way.pop(encounter, None)
        if under_way is None:
            return
        cut = self._films.cut(under_way.recording.id)
        self._tasks.start(self._seal(under_way, cut), "sealing a recording")

    async def aclose(self) -> None:
        """Stop all recordings and wait until they are sealed."""
        for encounter in list(self._under_way):
            self.stop(encounter)
        await self._tasks.settle()
        await self._tasks.aclose()

    def _broken(self, encounter: EncounterId, recording: RecordingId) -> None:
        under_way = self._under_way.get(encounter)
        if under_way is None or under_way.recording.id != recording:
            return
        logger.warning("room %s: the recording can't be kept", encounter)
        self.stop(encounter)
        for listener in self._listeners:
            listener(MediaRecordingStopped(encounter, under_way.by))

    async def _seal(self, under_way: _UnderWay, cut: Awaitable[None]) -> None:
        recording = under_way.recording
        try:
            await cut
        except TelehealthError as error:
            logger.warning("recording %s: its last pieces are lost: %s", recording.id, error.code)
        pieces = await under_way.file.aclose()
        try:
            await self._recordings.finish(recording.id, self._clock.now(), pieces)
        except TelehealthError as error:
            logger.warning("recording %s: its end is not noted: %s", recording.id, error.code)
