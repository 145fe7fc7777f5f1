"""When a link is too weak for pictures: who gets what is left, who may say so, and stills instead of pictures."""

import base64
import binascii
from dataclasses import replace

from telehealth.clock import to_ms
from telehealth.consultations.changes import Change
from telehealth.consultations.effects import LockRung, Moment, Send
from telehealth.consultations.messages import Lock, RungOf, Still, StillOf
from telehealth.consultations.model import Rung
from telehealth.consultations.ports import MediaRungChanged
from telehealth.consultations.room import Room, Seat
from telehealth.errors import Conflict, Invalid

STILL_INTERVAL_S = 2.0
"""Between two stills of one participant; sooner ones are left out."""
_JPEG = b"\xff\xd8\xff"


def rung_changed(room: Room, event: MediaRungChanged) -> Change:
    """Return the room with the participant on the rung; announcements tell everybody."""
    seat = room.seat(event.participant)
    if seat is None or seat.media_of is None:
        return Change(room)
    return Change(room.having(replace(seat, rung=event.rung, rung_locked=event.locked)))


def locked(room: Room, seat: Seat, message: Lock) -> Change:
    """Let a participant choose their own rung, or leave it to measurement again."""
    if not seat.owns_media:
        raise Conflict("There is no media transport: connect first.", code="no_transport")
    return Change(room, first=(LockRung(seat.id, message.rung),))


def still(room: Room, seat: Seat, message: Still, now: Moment) -> Change:
    """Pass a picture on to those who get stills of this participant now."""
    if message.source not in seat.sources:
        raise Conflict("You do not send this.", code="not_published")
    if not is_jpeg(message.jpeg):
        raise Invalid("This is not a JPEG picture.", code="bad_picture")
    if seat.still_at is not None and now.monotonic - seat.still_at < STILL_INTERVAL_S:
        return Change(room)
    told = StillOf(participant=seat.id, source=message.source, jpeg=message.jpeg, at=to_ms(now.at))
    viewers = [viewer for viewer in room.seats if viewer.id != seat.id and viewer.admitted and _wants(viewer, seat)]
    sends = tuple(Send(viewer.connection, told) for viewer in viewers if viewer.connection is not None)
    return Change(room.having(replace(seat, still_at=now.monotonic)), then=sends)


def _wants(viewer: Seat, sender: Seat) -> bool:
    # Whose own link is weak sends stills to everybody; who has a weak link gets them of everybody, but not below.
    return Rung.STILLS in (viewer.rung, sender.rung) and viewer.rung not in (Rung.AUDIO, Rung.VITALS)


def is_jpeg(text: str) -> bool:
    """Tell whether this is base64 of what begins as a JPEG picture does."""
    try:
        return base64.b64decode(text, validate=True).startswith(_JPEG)
    except (binascii.Error, ValueError):
        return False


def rung_of(seat: Seat) -> RungOf:
    """Return what everybody is told of the seat's rung."""
    return RungOf(participant=seat.id, rung=seat.rung, locked=seat.rung_locked)
