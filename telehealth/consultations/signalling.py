"""The state machine of one live room, without I/O: something happens, the room changes, effects are to be carried out.

The host carries the effects out in order: first the required ones (what must be stored or done before anybody hears
of it; the audit record before all), then the rest. If a required one fails, the change has not taken place.
"""

from dataclasses import replace
from typing import assert_never

from telehealth.access import Role
from telehealth.consultations import consent
from telehealth.consultations.announcements import announcements, to_all
from telehealth.consultations.changes import Change, entry_of, over, record_of
from telehealth.consultations.effects import (
    Advance,
    CaseProgressed,
    Close,
    CloseCode,
    CloseMedia,
    Dropped,
    Effect,
    EncounterChanged,
    EncounterEnded,
    EndReason,
    EntryStored,
    Input,
    Joined,
    Moment,
    Received,
    Required,
    Revoked,
    Send,
    Step,
    StoreEntry,
    StoreSeat,
    TellWorklists,
    Tick,
)
from telehealth.consultations.messages import ClockOfMedia, Ended, Offer, Refusal, Removed, Replaced, Track
from telehealth.consultations.model import (
    ENDED,
    Admission,
    Encounter,
    EncounterKind,
    EncounterStatus,
    EntryKind,
    Participant,
)
from telehealth.consultations.ports import (
    MediaClock,
    MediaEvent,
    MediaOffered,
    MediaRecordingStopped,
    MediaRungChanged,
    MediaState,
    MediaStateChanged,
)
from telehealth.consultations.requests import answered
from telehealth.consultations.rights import is_host
from telehealth.consultations.room import Room, Seat, chat_line
from telehealth.consultations.weak_links import rung_changed
from telehealth.errors import TelehealthError

MEDIA_GRACE_S = 15.0
"""How long the transport of one who is gone, or that is lost, is kept."""


def step(room: Room, event: Input, now: Moment) -> tuple[Room, tuple[Effect, ...]]:
    """Return the room after the event, and what is to be done."""
    change = _next(room, event, now)
    # Only who comes or lets in can begin it; that a connection is gone must never be refused.
    after, begin = _begun(change.room, now) if isinstance(event, Joined | Received) else (change.room, ())
    after = consent.settled(after)
    before_they_hear: tuple[Required, ...] = (*change.first, *begin)
    news = announcements(room, after, now)
    # It has stopped before they hear so, and they hear of it before it starts.
    stops, starts = consent.stops(room, after, now), consent.starts(room, after, now)
    return after, (*before_they_hear, *stops, *news, *change.then, *starts)


def refusal(error: TelehealthError, about: str) -> Refusal:
    """Return what a client is told when its message was refused."""
    return Refusal(code=error.code, text=error.text, about=about)


def end_reason(encounter: Encounter) -> EndReason:
    """Return why an ended encounter has ended."""
    return "cancelled" if encounter.status is EncounterStatus.CANCELLED else "finished"


def admission_of(room: Room, participant: Participant) -> Admission:
    """Return where somebody stands who comes (again)."""
    if participant.admission in (Admission.ADMITTED, Admission.REMOVED):
        return participant.admission
    seat = room.seat(participant.id)
    if is_host(room.encounter, participant) or (seat is not None and seat.was_admitted):
        return Admission.ADMITTED
    return Admission.WAITING


def _next(room: Room, event: Input, now: Moment) -> Change:
    match event:
        case Joined():
            return _joined(room, event, now)
        case Received():
            return _received(room, event, now)
        case Dropped(connection):
            seat = room.seat_of(connection)
            return Change(room if seat is None else room.having(_disconnected(seat, now)))
        case Revoked(subject):
            return _revoked(room, subject)
        case MediaOffered() | MediaStateChanged() | MediaClock() | MediaRungChanged() | MediaRecordingStopped():
            return _from_media(room, event, now)
        case Tick():
            return _tick(room, now)
        case _:
            return _from_elsewhere(room, event)


def _from_elsewhere(room: Room, event: EntryStored | EncounterChanged | EncounterEnded | CaseProgressed) -> Change:
    match event:
        case EntryStored():
            return _entry_stored(room, event)
        case EncounterChanged(encounter):
            return Change(replace(room, encounter=encounter))
        case EncounterEnded(reason):
            return Change(room) if room.ended else over(room, reason)
        case CaseProgressed(case):
            return Change(replace(room, case=case))
        case _:
            assert_never(event)


def _joined(room: Room, event: Joined, now: Moment) -> Change:
    if room.ended or event.encounter.status in ENDED:
        reason = room.ended or end_reason(event.encounter)
        # If it was ended elsewhere and nobody said so, those who are here hear it now.
        ended = Change(room) if room.ended else over(room, reason)
        farewell = (Send(event.connection, Ended(reason=reason)), Close(event.connection, CloseCode.ENDED))
        return Change(ended.room, then=(*ended.then, *farewell))
    room = replace(room, encounter=event.encounter)
    known = room.seat(event.participant.id)
    # Who is here already stands where the room says; the store may have been asked before somebody was let in.
    was = event.participant if known is None else known.participant
    admission = admission_of(room, was)
    if admission is Admission.REMOVED:
        return Change(room, then=(Send(event.connection, Removed()), Close(event.connection, CloseCode.FORBIDDEN)))
    seat = replace((known or Seat(was)).stands(admission), connection=event.connection)
    if seat.media is not MediaState.LOST:
        seat = replace(seat, media_until=None)
    arrives = known is None or was.admission is Admission.LEFT
    arrived, advance = _patient_arrived(room, seat)
    return Change(
        arrived.having(seat),
        first=(
            record_of(room, seat, "room.entered", f"encounter/{room.encounter.id}"),
            *((StoreSeat(seat.participant),) if seat.participant != was else ()),
            *((StoreEntry(entry_of(room, seat, EntryKind.ARRIVED, now)),) if arrives else ()),
            *advance,
        ),
        then=(*_replaced(known), TellWorklists()),
    )


def _patient_arrived(room: Room, seat: Seat) -> tuple[Room, tuple[Advance, ...]]:
    if seat.participant.role is not Role.PATIENT or room.encounter.status is not EncounterStatus.PLANNED:
        return room, ()
    return replace(room, encounter=room.encounter.arrived()), (Advance(Step.ARRIVE),)


def _replaced(known: Seat | None) -> tuple[Send | Close, ...]:
    if known is None or known.connection is None:
        return ()
    return Send(known.connection, Replaced()), Close(known.connection, CloseCode.REPLACED)


def _received(room: Room, event: Received, now: Moment) -> Change:
    seat = room.seat_of(event.connection)
    if seat is None:
        # Replaced, removed or gone: what was still on its way means nothing.
        return Change(room)
    try:
        return answered(room, seat, event.message, now)
    except TelehealthError as error:
        return Change(room, then=(Send(event.connection, refusal(error, event.message.type)),))


def _disconnected(seat: Seat, now: Moment) -> Seat:
    until = None if seat.media_of is None else now.monotonic + MEDIA_GRACE_S
    return replace(seat, connection=None, media_until=until)


def _revoked(room: Room, subject: str) -> Change:
    closing: list[Close | CloseMedia] = []
    for seat in room.seats:
        if seat.participant.subject != subject:
            continue
        if seat.connection is not None:
            closing.append(Close(seat.connection, CloseCode.UNAUTHENTICATED))
        if seat.media_of is not None:
            closing.append(CloseMedia(seat.id))
        room = room.having(replace(seat.without_media(), connection=None))
    return Change(room, then=tuple(closing))


def _from_media(room: Room, event: MediaEvent, now: Moment) -> Change:
    match event:
        case MediaOffered() | MediaStateChanged():
            return _media(room, event, now)
        case MediaClock():
            return Change(room, then=tuple(_clock(room, event)))
        case MediaRungChanged():
            return rung_changed(room, event)
        case MediaRecordingStopped():
            return consent.failed(room)
        case _:
            assert_never(event)


def _media(room: Room, event: MediaOffered | MediaStateChanged, now: Moment) -> Change:
    seat = room.seat(event.participant)
    if seat is None or seat.media_of is None:
        return Change(room)
    if isinstance(event, MediaStateChanged):
        return Change(room.having(_in_state(seat, event.state, now)))
    if seat.connection is None or not seat.owns_media:
        # The offer is for a page that is gone; the page that is here has not asked for its own yet.
        return Change(room)
    return Change(room, then=(Send(seat.connection, _offer(event)),))


def _in_state(seat: Seat, state: MediaState, now: Moment) -> Seat:
    until = seat.media_until
    if state is MediaState.LOST and until is None:
        until = now.monotonic + MEDIA_GRACE_S
    elif state is not MediaState.LOST and seat.connection is not None:
        until = None
    return replace(seat, media=state, media_until=until)


def _offer(event: MediaOffered) -> Offer:
    tracks = tuple(
        Track(mid=track.mid, participant=track.participant, source=track.source, layer=track.layer)
        for track in event.tracks
    )
    return Offer(negotiation=event.negotiation, sdp=event.sdp, tracks=tracks)


def _clock(room: Room, event: MediaClock) -> list[Send]:
    told = ClockOfMedia(
        participant=event.participant,
        source=event.source,
        rtp=event.rtp_timestamp,
        at=event.at_ms,
        rate=event.rate,
    )
    viewers = (seat for seat in room.seats if seat.admitted and seat.id != event.participant)
    return [Send(seat.connection, told) for seat in viewers if seat.connection is not None]


def _tick(room: Room, now: Moment) -> Change:
    overdue = [seat for seat in room.seats if seat.media_until is not None and seat.media_until <= now.monotonic]
    for seat in overdue:
        room = room.having(seat.without_media())
    return Change(room, then=tuple(CloseMedia(seat.id) for seat in overdue))


def _entry_stored(room: Room, event: EntryStored) -> Change:
    line = chat_line(event.entry)
    if not room.has_said(line):
        told = room.saying(line)
        return Change(told, then=tuple(to_all(told, line)))
    if room.seat_of(event.connection) is None:
        return Change(room)
    # Said before: the others have it; only who repeated it does not know that we do.
    return Change(room, then=(Send(event.connection, line),))


def _begun(room: Room, now: Moment) -> tuple[Room, tuple[Advance, ...]]:
    """Return the room in progress, once it is: a patient is let in, or an ambulance has got its second person."""
    encounter = room.encounter
    if room.ended or encounter.ended or encounter.status is EncounterStatus.IN_PROGRESS:
        return room, ()
    let_in = [seat.participant.role for seat in room.seats if seat.admitted]
    together = len(let_in) > 1 if encounter.kind is EncounterKind.AMBULANCE else Role.PATIENT in let_in
    if not together:
        return room, ()
    return replace(room, encounter=encounter.begun(now.at)), (Advance(Step.BEGIN),)
