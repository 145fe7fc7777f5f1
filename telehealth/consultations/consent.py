"""Whether a room is recorded: only while everybody who is there has agreed.

The practitioner asks; it begins once each who is admitted and there has accepted. Who comes later pauses it until they
accept, too. A refusal or withdrawal ends it, and so does the going of who asked.
"""

from dataclasses import replace

from telehealth.audit import AuditEvent
from telehealth.clock import to_ms
from telehealth.consultations.changes import Change, record_of
from telehealth.consultations.consents import Consents, RecordingState
from telehealth.consultations.effects import Moment, StartRecording, StopRecording
from telehealth.consultations.messages import RecordConsent, RecordingChanged, RecordRequest
from telehealth.consultations.model import EntryKind, TimelineEntry
from telehealth.consultations.rights import Right
from telehealth.consultations.room import Room, Seat
from telehealth.errors import Conflict, Forbidden


def asked_or_answered(room: Room, seat: Seat, message: RecordRequest | RecordConsent) -> Change:
    """Return what asking to record, or agreeing to it, leads to; a TelehealthError if it is refused."""
    consents = room.consents
    if isinstance(message, RecordRequest):
        if Right.RECORD not in seat.may:
            raise Forbidden("You may not do this here.")
        if not consents.off:
            raise Conflict("A recording is already asked for.", code="already_recording")
        return Change(replace(room, consents=Consents(RecordingState.ASKING, seat.id, frozenset({seat.id}))))
    if consents.off:
        raise Conflict("There is nothing to agree to any more.", code="not_recording")
    answered = consents.with_accepted(seat.id) if message.accepted else consents.ended(refused=seat.id)
    return Change(replace(room, consents=answered))


def failed(room: Room) -> Change:
    """Return the room when the recording could not go on."""
    return Change(room if room.consents.off else replace(room, consents=room.consents.ended()))


def settled(room: Room) -> Room:
    """Return the room recorded if, and only if, everybody who is there has agreed."""
    consents = room.consents
    if consents.off:
        return room
    there = [seat.id for seat in room.seats if _is_there(seat)]
    if room.ended or consents.by not in there:
        return replace(room, consents=consents.ended())
    state = RecordingState.ON if consents.accepted.issuperset(there) else RecordingState.ASKING
    return room if state is consents.state else replace(room, consents=replace(consents, state=state))


def starts(before: Room, after: Room, now: Moment) -> tuple[StartRecording, ...]:
    """Return what is to be done when the room is recorded from now on."""
    if _is_on(before) or not _is_on(after):
        return ()
    asker = after.seat(after.consents.by)
    if asker is None:
        return ()
    return (StartRecording(asker.participant, _record(after, asker, "started"), _entry(after, asker, now, on=True)),)


def stops(before: Room, after: Room, now: Moment) -> tuple[StopRecording, ...]:
    """Return what is to be done when the room is recorded no more."""
    if not _is_on(before) or _is_on(after):
        return ()
    who = after.seat(after.consents.refused) or after.seat(before.consents.by)
    if who is None:
        return (StopRecording(),)
    return (StopRecording(_record(after, who, "stopped"), _entry(after, who, now, on=False)),)


def recording_of(room: Room) -> RecordingChanged:
    """Return how it stands, as everybody in the room is told."""
    consents = room.consents
    return RecordingChanged(
        state=consents.state.value,
        by=consents.by,
        accepted=tuple(sorted(consents.accepted)),
        refused=consents.refused,
    )


def _is_on(room: Room) -> bool:
    return room.consents.state is RecordingState.ON


def _is_there(seat: Seat) -> bool:
    # Who lost the line for a moment is still heard and seen, and has not gone.
    return seat.admitted and (seat.connection is not None or seat.media_of is not None)


def _entry(room: Room, seat: Seat, now: Moment, *, on: bool) -> TimelineEntry:
    kind = EntryKind.RECORDING_STARTED if on else EntryKind.RECORDING_STOPPED
    return TimelineEntry(room.encounter.id, kind, now.at, author=seat.id, key=f"{kind.value}:{to_ms(now.at):.0f}")


def _record(room: Room, seat: Seat, what: str) -> AuditEvent:
    return record_of(room, seat, f"recording.{what}", f"encounter/{room.encounter.id}").event
