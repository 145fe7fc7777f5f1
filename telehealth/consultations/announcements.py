"""What each connection is told when a room has changed: found by comparing what it could see before and after."""

from telehealth.consultations.consent import recording_of
from telehealth.consultations.consents import NOT_ASKED, Consents
from telehealth.consultations.effects import Moment, Send
from telehealth.consultations.messages import CaseChanged, Message, ParticipantChanged
from telehealth.consultations.model import Rung
from telehealth.consultations.rights import Right
from telehealth.consultations.room import Room, Seat
from telehealth.consultations.weak_links import rung_of
from telehealth.ids import ConnectionId


def announcements(before: Room, after: Room, now: Moment) -> list[Send]:
    """Return what is to be sent, in order.

    A new connection, and one whose person has just been admitted, gets the whole state; the others what is new to
    them. Nobody is told what they may not see, because only what they see is compared.
    """
    sends = []
    for viewer in after.seats:
        if viewer.connection is not None:
            sends += [Send(viewer.connection, message) for message in _news(before, after, viewer, now)]
    return sends


def _news(before: Room, after: Room, viewer: Seat, now: Moment) -> list[Message]:
    earlier = before.seat(viewer.id)
    if earlier is None or _is_fresh(earlier, viewer):
        news = [*_rungs(None, after, viewer), *_lobby(None, after, viewer), *_case(None, after, viewer)]
        news += _recording(NOT_ASKED, after, viewer)
        return [after.welcome(viewer, now.at), *news]
    changed = [
        ParticipantChanged(participant=seat.view())
        for seat in after.seats
        if after.sees(viewer, seat) and not _is_known(before, earlier, seat)
    ]
    news = [*_rungs(before, after, viewer), *_lobby(before, after, viewer), *_case(before, after, viewer)]
    return [*changed, *news, *_recording(before.consents, after, viewer)]


def _is_fresh(earlier: Seat, viewer: Seat) -> bool:
    return earlier.connection != viewer.connection or earlier.admitted != viewer.admitted


def _is_known(before: Room, earlier: Seat, seat: Seat) -> bool:
    known = before.seat(seat.id)
    if known is seat:
        return before.sees(earlier, seat)
    return known is not None and before.sees(earlier, known) and known.view() == seat.view()


def _rungs(before: Room | None, after: Room, viewer: Seat) -> list[Message]:
    """What the links are good for: for one who comes those that are not at their best, later each that changed."""
    told: list[Message] = []
    for seat in after.seats if viewer.admitted else ():
        known = before.seat(seat.id) if before is not None else None
        was = (known.rung, known.rung_locked) if known is not None else (Rung.VIDEO, False)
        if (seat.rung, seat.rung_locked) != was and after.sees(viewer, seat):
            told.append(rung_of(seat))
    return told


def _lobby(before: Room | None, after: Room, viewer: Seat) -> list[Message]:
    place = after.lobby(viewer)
    if place is None or (before is not None and before.lobby(viewer) == place):
        return []
    return [place]


def _recording(known: Consents, after: Room, viewer: Seat) -> list[Message]:
    return [recording_of(after)] if viewer.admitted and after.consents != known else []


def _case(before: Room | None, after: Room, viewer: Seat) -> list[Message]:
    # How the ringing goes names colleagues: it is for those whose work it is.
    if after.case is None or Right.ADMIT not in viewer.may:
        return []
    if before is not None and before.case == after.case:
        return []
    return [CaseChanged(case=after.case)]


def to_all(room: Room, message: Message) -> list[Send]:
    """Return the message for each who is admitted and connected."""
    return [Send(connection, message) for connection in admitted_connections(room)]


def admitted_connections(room: Room) -> list[ConnectionId]:
    """Return the connections of those who are admitted."""
    return [seat.connection for seat in room.seats if seat.admitted and seat.connection is not None]
