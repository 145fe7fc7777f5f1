"""What consultations need of the outside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from telehealth.consultations.model import Encounter, Layer, Participant, Patient, Rung, Source, TimelineEntry
from telehealth.ids import EncounterId, ParticipantId, PatientId, UserId


class Patients(Protocol):
    """Stored patients."""

    async def add(self, patient: Patient) -> None: ...
    async def get(self, patient: PatientId) -> Patient:
        """Return the patient; NotFound."""
        ...

    async def of_user(self, user: UserId) -> Patient | None: ...
    async def all(self, limit: int) -> Sequence[Patient]: ...


class Encounters(Protocol):
    """Stored encounters, their seats and their timelines."""

    async def add(self, encounter: Encounter) -> None: ...
    async def get(self, encounter: EncounterId) -> Encounter:
        """Return the encounter; NotFound."""
        ...

    async def save(self, changed: Encounter, *, was: Encounter) -> None:
        """Replace `was` by `changed`; Conflict if the stored status or practitioner is no longer `was`'s."""
        ...

    async def open_of_practitioner(self, practitioner: UserId) -> Sequence[Encounter]:
        """Return those not ended that are this practitioner's, soonest first; at most 200."""
        ...

    async def queue(self) -> Sequence[Encounter]:
        """Return the on-demand encounters that nobody has taken, oldest first; at most 200."""
        ...

    async def open_of_patient(self, patient: PatientId) -> Sequence[Encounter]:
        """Return those not ended of this patient, soonest first; at most 50."""
        ...

    async def open_of_paramedic(self, paramedic: UserId) -> Sequence[Encounter]: ...

    async def seat(self, participant: Participant) -> Participant:
        """Store the participant, or return the one already stored for the same encounter and subject.

        RoomFull beyond the limit of seats.
        """
        ...

    async def save_seat(self, participant: Participant) -> None: ...
    async def seats(self, encounter: EncounterId) -> Sequence[Participant]: ...

    async def append(self, entry: TimelineEntry) -> TimelineEntry:
        """Store the entry and return it with its number; a known key returns what is stored."""
        ...

    async def timeline(
        self, encounter: EncounterId, *, after: int = 0, limit: int = 500
    ) -> Sequence[TimelineEntry]: ...


class SlowConsumer(Exception):
    """A socket does not take what it is sent; too much waits for it already."""


class Outbox(Protocol):
    """What is to go out on one socket. Nothing here waits."""

    def put(self, frame: str) -> None:
        """Queue a text frame; SlowConsumer when the queue is full. No effect after `close`."""
        ...

    def close(self, code: int) -> None:
        """Close the socket with this code once what is queued has gone out, or cannot; later calls change nothing."""
        ...


class MediaState(StrEnum):
    """How a participant's media transport fares."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    SUSPECT = "suspect"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class OfferedTrack:
    """A line of an offer: its mid, whose track, what it shows, and in which size."""

    mid: str
    participant: ParticipantId
    source: Source
    layer: Layer = Layer.FULL


@dataclass(frozen=True, slots=True)
class MediaOffered:
    """The media plane wants the browser to answer this SDP; `tracks` names all live lines."""

    encounter: EncounterId
    participant: ParticipantId
    negotiation: int
    sdp: str
    tracks: tuple[OfferedTrack, ...]


@dataclass(frozen=True, slots=True)
class MediaStateChanged:
    """A participant's transport changed state."""

    encounter: EncounterId
    participant: ParticipantId
    state: MediaState


@dataclass(frozen=True, slots=True)
class MediaClock:
    """What of a participant's pictures bears this RTP timestamp was taken at `at_ms`, by the server's clock."""

    encounter: EncounterId
    participant: ParticipantId
    source: Source
    rtp_timestamp: int
    at_ms: float
    rate: int


@dataclass(frozen=True, slots=True)
class MediaRungChanged:
    """What the participant's link is good for now; `locked` if a person said so."""

    encounter: EncounterId
    participant: ParticipantId
    rung: Rung
    locked: bool


@dataclass(frozen=True, slots=True)
class MediaRecordingStopped:
    """The recording that the participant asked for can't go on: the disk is full, or too slow."""

    encounter: EncounterId
    participant: ParticipantId


MediaEvent = MediaOffered | MediaStateChanged | MediaClock | MediaRungChanged | MediaRecordingStopped
MediaListener = Callable[[MediaEvent], None]


class MediaPlane(Protocol):
    """Carries the tracks of rooms. The plane always offers, the browser always answers.

    An offer has a `recvonly` line for each source the participant may send and a `sendonly` line for each track of
    the others. At most one offer is outstanding per participant; changes meanwhile are gathered into the next.
    """

    def listen(self, listener: MediaListener) -> None:
        """Tell the listener, in the event loop and without awaiting, what happens from now on."""
        ...

    async def open(self, encounter: EncounterId, participant: ParticipantId) -> None:
        """Begin with a fresh transport for the participant and offer; an older one lives until this one connects."""
        ...

    async def publish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        """Offer a line to receive this source; no effect if there is one. NotFound without a transport."""
        ...

    async def unpublish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        """Stop receiving and forwarding this source."""
        ...

    async def answer(self, encounter: EncounterId, participant: ParticipantId, negotiation: int, sdp: str) -> None:
        """Take the browser's answer. Invalid (codes `bad_sdp`, `stale_negotiation`) if it cannot be used."""
        ...

    async def lock(self, encounter: EncounterId, participant: ParticipantId, rung: Rung | None) -> None:
        """Keep what the participant gets on this rung; None leaves it to measurement again. NotFound without one."""
        ...

    async def close(self, encounter: EncounterId, participant: ParticipantId) -> None:
        """Forget the participant's transport and tracks; the others get new offers."""
        ...

    async def close_room(self, encounter: EncounterId) -> None:
        """Forget all of the room."""
        ...


class MediaTrials(Protocol):
    """Lets a browser find out, before it joins, which way it reaches the media plane."""

    async def try_path(self, person: str) -> str:
        """Return an SDP offer of a transport that carries nothing and soon ends; it ends the person's last one.

        Unavailable (`trials_full`) if too many others try just now.
        """
        ...
