"""What comes into the state machine of a room, and what it wants done."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from typing import Literal

from telehealth.audit import AuditEvent
from telehealth.consultations.messages import CaseView, ClientMessage, Message
from telehealth.consultations.model import Encounter, Participant, Rung, Source, TimelineEntry
from telehealth.consultations.ports import (
    MediaClock,
    MediaOffered,
    MediaRecordingStopped,
    MediaRungChanged,
    MediaStateChanged,
)
from telehealth.ids import ConnectionId, ParticipantId

EndReason = Literal["finished", "cancelled"]


class CloseCode(IntEnum):
    """Close codes of the room socket (docs/protocol.md)."""

    COME_BACK = 1012
    BAD_MESSAGES = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408
    REPLACED = 4409
    ENDED = 4410
    TOO_MANY = 4429


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: wall time for facts, monotonic seconds for deadlines."""

    at: datetime
    monotonic: float


# What comes in.


@dataclass(frozen=True, slots=True)
class Joined:
    """A new connection of a participant, as stored; the encounter as it is stored now."""

    connection: ConnectionId
    participant: Participant
    encounter: Encounter


@dataclass(frozen=True, slots=True)
class Received:
    """A message came on a connection."""

    connection: ConnectionId
    message: ClientMessage


@dataclass(frozen=True, slots=True)
class Dropped:
    """A connection is gone."""

    connection: ConnectionId


@dataclass(frozen=True, slots=True)
class Revoked:
    """The right of this subject to be here has ended."""

    subject: str


@dataclass(frozen=True, slots=True)
class EntryStored:
    """The chat line that came on this connection is stored, now or by an earlier try."""

    connection: ConnectionId
    entry: TimelineEntry


@dataclass(frozen=True, slots=True)
class EncounterChanged:
    """The encounter is stored anew."""

    encounter: Encounter


@dataclass(frozen=True, slots=True)
class EncounterEnded:
    """The encounter was ended elsewhere, and that is stored."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class CaseProgressed:
    """The ringing went on."""

    case: CaseView


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Input = (
    Joined
    | Received
    | Dropped
    | Revoked
    | EntryStored
    | EncounterChanged
    | EncounterEnded
    | CaseProgressed
    | Tick
    | MediaOffered
    | MediaStateChanged
    | MediaClock
    | MediaRungChanged
    | MediaRecordingStopped
)


# What must succeed, or else the input is refused and the room stays as it was.


class Step(Enum):
    """How an encounter goes on."""

    ARRIVE = "arrive"
    BEGIN = "begin"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class StoreSeat:
    """Keep the participant as it is now."""

    participant: Participant


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """Write on the timeline; a connection is named when it is to hear its number (EntryStored)."""

    entry: TimelineEntry
    connection: ConnectionId | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """Take the stored encounter this step further."""

    step: Step


@dataclass(frozen=True, slots=True)
class Record:
    """Write to the audit trail."""

    event: AuditEvent


@dataclass(frozen=True, slots=True)
class OpenMedia:
    """Begin with a fresh transport."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class PublishSource:
    """Receive this source."""

    participant: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class UnpublishSource:
    """Receive this source no more."""

    participant: ParticipantId
    source: Source


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """Give the browser's answer to the media plane."""

    participant: ParticipantId
    negotiation: int
    sdp: str


@dataclass(frozen=True, slots=True)
class LockRung:
    """Keep what the participant gets on this rung, or measure again."""

    participant: ParticipantId
    rung: Rung | None


# What is done once that has succeeded; if it fails, the rest goes on.


@dataclass(frozen=True, slots=True)
class Send:
    """Say this to the connection."""

    connection: ConnectionId
    message: Message


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection."""

    connection: ConnectionId
    code: CloseCode


@dataclass(frozen=True, slots=True)
class CloseMedia:
    """Forget the participant's transport."""

    participant: ParticipantId


@dataclass(frozen=True, slots=True)
class CloseRoomMedia:
    """Forget all transports of the room."""


@dataclass(frozen=True, slots=True)
class TellEnded:
    """Publish that the encounter has ended."""

    reason: EndReason


@dataclass(frozen=True, slots=True)
class TellWorklists:
    """Publish that the work lists may have changed."""


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record the room: once that stands in the trail and on the timeline."""

    by: Participant
    event: AuditEvent
    entry: TimelineEntry


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Record the room no more, and then say so in the trail and on the timeline."""

    event: AuditEvent | None = None
    entry: TimelineEntry | None = None


@dataclass(frozen=True, slots=True)
class TellRevoked:
    """Publish that the subject's sockets are to close, of whatever kind and on whatever node."""

    subject: str


MediaRequest = OpenMedia | PublishSource | UnpublishSource | TakeAnswer | LockRung
Required = StoreSeat | StoreEntry | Advance | Record | MediaRequest
Following = (
    Send
    | Close
    | CloseMedia
    | CloseRoomMedia
    | TellEnded
    | TellRevoked
    | TellWorklists
    | StartRecording
    | StopRecording
)
Effect = Required | Following
