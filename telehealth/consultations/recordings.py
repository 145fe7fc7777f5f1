"""Recordings of a consultation: what is kept of one, and what rooms need to make them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from telehealth.consultations.ports import MediaListener
from telehealth.errors import Unavailable
from telehealth.ids import EncounterId, ParticipantId, RecordingId

MAX_PER_ENCOUNTER = 100


@dataclass(frozen=True, slots=True)
class Recording:
    """One stretch of a consultation during which everybody had agreed; a pause ends it and the next one is new.

    Attributes:
        by: Subject of who asked for it.
        pieces: How many pieces its file has; None until it is complete, and for good if the server was cut off.
    """

    id: RecordingId
    encounter_id: EncounterId
    by: str
    started_at: datetime
    ended_at: datetime | None = None
    pieces: int | None = None


class Recordings(Protocol):
    """Stored recordings, without their contents."""

    async def add(self, recording: Recording) -> None:
        """Store it; TooMany beyond MAX_PER_ENCOUNTER."""
        ...

    async def finish(self, recording: RecordingId, ended_at: datetime, pieces: int) -> None:
        """Note that it is complete."""
        ...

    async def get(self, encounter: EncounterId, recording: RecordingId) -> Recording:
        """Return it; NotFound."""
        ...

    async def of_encounter(self, encounter: EncounterId) -> Sequence[Recording]:
        """Return those of an encounter, oldest first."""
        ...

    async def begun_before(self, before: datetime, *, limit: int) -> Sequence[Recording]:
        """Return the oldest of those that began before then."""
        ...

    async def remove(self, recording: RecordingId) -> None:
        """Forget it; no effect if it is not known."""
        ...


class RecordingFile(Protocol):
    """A file being written; nothing here waits except closing."""

    def write(self, data: bytes) -> bool:
        """Take data; False if it can't be kept, now and from then."""
        ...

    async def aclose(self) -> int:
        """Write what waits, and return how many pieces there are."""
        ...


class RecordingFiles(Protocol):
    """Where the contents are kept, encrypted."""

    def create(self, name: str) -> RecordingFile: ...
    def read(self, name: str, pieces: int | None) -> AsyncIterator[bytes]: ...
    async def remove(self, name: str) -> None:
        """Delete the file; no effect if there is none. Unavailable if it can't be."""
        ...


class Recorder(Protocol):
    """Keeps what the media plane forwards in a room. At most one recording is under way in each."""

    def listen(self, listener: MediaListener) -> None:
        """Tell the listener when a recording can't go on: MediaRecordingStopped of who asked for it."""
        ...

    async def start(self, encounter: EncounterId, by: ParticipantId, subject: str) -> None:
        """Begin a new recording; TooMany or Unavailable if that can't be."""
        ...

    def stop(self, encounter: EncounterId) -> None:
        """Take nothing more from now on; what was taken is sealed meanwhile. No effect if there is none."""
        ...


class NoRecorder:
    """Records nothing: for a media plane that shows nobody its packets. Implements Recorder."""

    def listen(self, listener: MediaListener) -> None:
        """There is nothing to tell."""

    async def start(self, encounter: EncounterId, by: ParticipantId, subject: str) -> None:
        raise Unavailable("This server can't record.", code="no_recorder")

    def stop(self, encounter: EncounterId) -> None:
        """There is nothing to stop."""
