"""The state of one live room: seats, what they send, the chat; and how each of them sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from telehealth.access import Role
from telehealth.clock import to_ms
from telehealth.consultations.consents import NOT_ASKED, Consents
from telehealth.consultations.messages import (
    CaseView,
    ChatLine,
    EncounterView,
    Lobby,
    ParticipantView,
    SourceState,
    Welcome,
)
from telehealth.consultations.model import (
    Admission,
    Encounter,
    EntryKind,
    Participant,
    Rung,
    Source,
    TimelineEntry,
)
from telehealth.consultations.ports import MediaState
from telehealth.consultations.rights import RIGHTS, Right, is_host
from telehealth.ids import ConnectionId, ParticipantId

LINES_SHOWN = 100
"""Chat lines that a welcome carries, the newest."""
LINES_KEPT = 2_000
"""Chat lines that one consultation can have."""

_NOTHING: Mapping[Source, SourceState] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant in the live room.

    Attributes:
        was_admitted: Whether the person has ever been let in: then they come back without waiting.
        connection: The current one, if any.
        media_of: The connection that asked for the media transport; an earlier one's lives on until its heir asks.
        media_until: Monotonic time at which the transport is given up unless somebody comes back.
        sources: What is published, with what the others are told about it.
        rung: What the link is good for; `rung_locked` if the person chose it.
        still_at: Monotonic time of the last still picture.
    """

    participant: Participant
    was_admitted: bool = False
    connection: ConnectionId | None = None
    media_of: ConnectionId | None = None
    media: MediaState | None = None
    media_until: float | None = None
    sources: Mapping[Source, SourceState] = field(default_factory=lambda: _NOTHING)
    rung: Rung = Rung.VIDEO
    rung_locked: bool = False
    still_at: float | None = None

    @property
    def id(self) -> ParticipantId:
        return self.participant.id

    @property
    def admitted(self) -> bool:
        return self.participant.admission is Admission.ADMITTED

    @property
    def waiting(self) -> bool:
        return self.participant.admission is Admission.WAITING

    @property
    def may(self) -> frozenset[Right]:
        return RIGHTS.get(self.participant.role, frozenset()) if self.admitted else frozenset()

    @property
    def owns_media(self) -> bool:
        """Whether the transport belongs to the current connection."""
        return self.connection is not None and self.media_of == self.connection

    def stands(self, admission: Admission) -> "Seat":
        """Return the seat with this admission."""
        participant = replace(self.participant, admission=admission)
        return replace(self, participant=participant, was_admitted=self.was_admitted or admission is Admission.ADMITTED)

    def sends(self, sources: Mapping[Source, SourceState]) -> "Seat":
        """Return the seat publishing exactly these sources."""
        return replace(self, sources=MappingProxyType(dict(sources)))

    def without_media(self) -> "Seat":
        """Return the seat with no transport."""
        return replace(
            self, media_of=None, media=None, media_until=None, sources=_NOTHING, rung=Rung.VIDEO, rung_locked=False
        )

    def view(self) -> ParticipantView:
        """Return the seat as others see it."""
        return ParticipantView(
            id=self.id,
            name=self.participant.name,
            role=self.participant.role,
            admission=self.participant.admission,
            connected=self.connection is not None,
            media=self.media.value if self.media else "",
            sources=dict(self.sources),
        )


@dataclass(frozen=True, slots=True)
class Room:
    """The live place of one encounter. A value: each change makes a new one.

    Attributes:
        seats: In the order in which people came.
        chat: The newest LINES_SHOWN lines.
        lines: How many lines there are in all.
        consents: What was said to being recorded.
        ended: `finished` or `cancelled` once it is over, else empty.
    """

    encounter: Encounter
    patient_name: str
    seats: tuple[Seat, ...] = ()
    chat: tuple[ChatLine, ...] = ()
    lines: int = 0
    case: CaseView | None = None
    ended: Literal["finished", "cancelled", ""] = ""
    consents: Consents = NOT_ASKED

    def seat(self, participant: str) -> Seat | None:
        """Return the seat of this participant."""
        return next((seat for seat in self.seats if seat.id == participant), None)

    def seat_of(self, connection: ConnectionId) -> Seat | None:
        """Return the seat whose current connection this is."""
        return next((seat for seat in self.seats if seat.connection == connection), None)

    def having(self, changed: Seat) -> "Room":
        """Return the room with this seat in place of the same participant's, or as a new one."""
        if self.seat(changed.id) is None:
            return replace(self, seats=(*self.seats, changed))
        return replace(self, seats=tuple(changed if seat.id == changed.id else seat for seat in self.seats))

    def saying(self, line: ChatLine) -> "Room":
        """Return the room with one more line."""
        chat = tuple(sorted((*self.chat, line), key=lambda other: other.number))[-LINES_SHOWN:]
        return replace(self, chat=chat, lines=self.lines + 1)

    def has_said(self, line: ChatLine) -> bool:
        """Say whether the line was told before."""
        if len(self.chat) == LINES_SHOWN and line.number < self.chat[0].number:
            return True
        return any(other.number == line.number for other in self.chat)

    @property
    def occupied(self) -> bool:
        """Whether anybody is connected or any media goes on."""
        return any(seat.connection is not None or seat.media_of is not None for seat in self.seats)

    @property
    def queue(self) -> tuple[Seat, ...]:
        """Those who are here and wait, in the order in which they came."""
        waiting = [seat for seat in self.seats if seat.waiting and seat.connection is not None]
        return tuple(sorted(waiting, key=lambda seat: (seat.participant.since, seat.id)))

    @property
    def practitioner_is_here(self) -> bool:
        return any(
            seat.admitted and seat.connection is not None and seat.participant.role is Role.PRACTITIONER
            for seat in self.seats
        )

    def sees(self, viewer: Seat, seat: Seat) -> bool:
        """Say whether the viewer may know of the seat: who waits knows nobody, who may admit knows who waits."""
        if viewer.id == seat.id:
            return True
        return viewer.admitted and (seat.was_admitted or Right.ADMIT in viewer.may)

    def lobby(self, seat: Seat) -> Lobby | None:
        """Return where a waiting participant stands, None for anybody else."""
        order = [other.id for other in self.queue]
        if seat.id not in order:
            return None
        return Lobby(
            position=order.index(seat.id) + 1,
            waiting=len(order),
            practitioner="in_room" if self.practitioner_is_here else "away",
        )

    def welcome(self, viewer: Seat, at: datetime) -> Welcome:
        """Return the whole state for this viewer, who is waiting or admitted."""
        begun_at = self.encounter.begun_at
        return Welcome(
            participant=viewer.id,
            admission=Admission.ADMITTED if viewer.admitted else Admission.WAITING,
            may=tuple(sorted(right.value for right in viewer.may)),
            encounter=EncounterView(
                id=self.encounter.id,
                kind=self.encounter.kind,
                status=self.encounter.status,
                patient=self.patient_name if viewer.admitted else "",
                begun_at=to_ms(begun_at) if begun_at else None,
            ),
            participants=tuple(seat.view() for seat in self.seats if self.sees(viewer, seat)),
            chat=self.chat if viewer.admitted else (),
            ice_servers=(),
            server_time=to_ms(at),
        )


def stored_key(author: str, key: str) -> str:
    """Return the timeline's key of a chat line: each author has keys of their own."""
    return f"{author}:{key}"


def chat_line(entry: TimelineEntry) -> ChatLine:
    """Return a stored line as it goes over the wire."""
    return ChatLine(
        number=entry.number,
        participant=entry.author,
        text=entry.text,
        at=to_ms(entry.at),
        key=entry.key.removeprefix(stored_key(entry.author, "")),
    )


def opened(
    encounter: Encounter, patient_name: str, seats: tuple[Participant, ...], timeline: tuple[TimelineEntry, ...]
) -> Room:
    """Return the room as the store remembers it, with nobody connected."""
    let_in = {entry.author for entry in timeline if entry.kind is EntryKind.ADMITTED}
    room = Room(encounter, patient_name)
    for participant in seats:
        was_admitted = (
            participant.admission is Admission.ADMITTED or participant.id in let_in or is_host(encounter, participant)
        )
        room = room.having(Seat(participant, was_admitted=was_admitted))
    for entry in timeline:
        if entry.kind is EntryKind.CHAT:
            room = room.saying(chat_line(entry))
    return room
