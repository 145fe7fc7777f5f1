"""A change of a room: the room afterwards, and what must and what shall be done for it."""

from dataclasses import dataclass, replace

from telehealth.audit import AuditEvent
from telehealth.clock import to_ms
from telehealth.consultations.effects import (
    Close,
    CloseCode,
    CloseRoomMedia,
    EndReason,
    Following,
    Moment,
    Record,
    Required,
    Send,
)
from telehealth.consultations.messages import Ended
from telehealth.consultations.model import EntryKind, TimelineEntry
from telehealth.consultations.room import Room, Seat


@dataclass(frozen=True, slots=True)
class Change:
    """What one input leads to."""

    room: Room
    first: tuple[Required, ...] = ()
    then: tuple[Following, ...] = ()


def over(room: Room, reason: EndReason) -> Change:
    """Return the room ended: everybody is told and disconnected, and all media stop."""
    here = [seat.connection for seat in room.seats if seat.connection is not None]
    told = [Send(connection, Ended(reason=reason)) for connection in here]
    closed = [Close(connection, CloseCode.ENDED) for connection in here]
    empty = tuple(replace(seat.without_media(), connection=None) for seat in room.seats)
    return Change(replace(room, seats=empty, ended=reason), then=(*told, *closed, CloseRoomMedia()))


def entry_of(room: Room, seat: Seat, kind: EntryKind, now: Moment) -> TimelineEntry:
    """Return a timeline entry that tells what happened to the participant."""
    key = f"{kind.value}:{seat.id}"
    if kind in (EntryKind.ARRIVED, EntryKind.LEFT):
        # One comes and goes many times; all else happens once, however often it is tried.
        key += f":{to_ms(now.at):.0f}"
    return TimelineEntry(room.encounter.id, kind, now.at, author=seat.id, key=key)


def record_of(room: Room, actor: Seat, action: str, entity: str) -> Record:
    """Return the audit record of what the actor did in the room."""
    who = actor.participant
    return Record(AuditEvent(action, who.subject, who.role.value, entity, room.encounter.patient_id))
