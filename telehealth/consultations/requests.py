"""What a message of a client does to the room, or why it is refused."""

from dataclasses import replace
from typing import assert_never

from telehealth.clock import to_ms
from telehealth.consultations.changes import Change, entry_of, over, record_of
from telehealth.consultations.consent import asked_or_answered
from telehealth.consultations.effects import (
    Advance,
    Close,
    CloseCode,
    CloseMedia,
    Moment,
    OpenMedia,
    PublishSource,
    Send,
    Step,
    StoreEntry,
    StoreSeat,
    TakeAnswer,
    TellEnded,
    TellRevoked,
    TellWorklists,
    UnpublishSource,
)
from telehealth.consultations.messages import (
    Admit,
    Answer,
    Chat,
    ClientMessage,
    Connect,
    End,
    Hello,
    Leave,
    Lock,
    Mute,
    Ping,
    Pong,
    Publish,
    RecordConsent,
    RecordRequest,
    Remove,
    Removed,
    SourceState,
    Still,
    Unpublish,
)
from telehealth.consultations.model import Admission, EntryKind, Source, TimelineEntry
from telehealth.consultations.ports import MediaState
from telehealth.consultations.rights import Right, is_host, right_to_send
from telehealth.consultations.room import LINES_KEPT, Room, Seat, stored_key
from telehealth.consultations.weak_links import locked, still
from telehealth.errors import Conflict, Forbidden, Gone, Invalid, NotFound, TooMany
from telehealth.ids import ConnectionId

MediaMessage = Connect | Answer | Publish | Unpublish | Mute
PeopleMessage = Chat | Admit | Remove | End | RecordRequest | RecordConsent


def answered(room: Room, seat: Seat, message: ClientMessage, now: Moment) -> Change:
    """Return what the message of this connected participant leads to; a TelehealthError if it is refused."""
    connection = _connection(seat)
    match message:
        case Hello():
            raise Invalid("A hello comes once, and first.", code="unexpected_hello")
        case Ping(sent_at=sent_at):
            pong = Pong(sent_at=sent_at, server_time=to_ms(now.at))
            return Change(room, then=(Send(connection, pong),))
        case Leave():
            return _leave(room, seat, now)
        case Connect() | Answer() | Publish() | Unpublish() | Mute():
            _require_admitted(seat)
            return _about_media(room, seat, message)
        case Lock() | Still():
            _require_admitted(seat)
            return locked(room, seat, message) if isinstance(message, Lock) else still(room, seat, message, now)
        case Chat() | Admit() | Remove() | End() | RecordRequest() | RecordConsent():
            _require_admitted(seat)
            return _about_people(room, seat, message, now)
        case _:
            assert_never(message)


def _about_media(room: Room, seat: Seat, message: MediaMessage) -> Change:
    match message:
        case Connect():
            return _connect(room, seat)
        case Answer(negotiation=negotiation, sdp=sdp):
            _require_transport(seat)
            return Change(room, first=(TakeAnswer(seat.id, negotiation, sdp),))
        case Publish(source=source):
            return _publish(room, seat, source)
        case Unpublish(source=source):
            return _unpublish(room, seat, source)
        case Mute():
            return _mute(room, seat, message)
        case _:
            assert_never(message)


def _about_people(room: Room, seat: Seat, message: PeopleMessage, now: Moment) -> Change:
    match message:
        case Chat():
            _require(seat, Right.CHAT)
            return _chat(room, seat, message, now)
        case Admit(participant=participant):
            _require(seat, Right.ADMIT)
            return _admit(room, seat, _target(room, participant), now)
        case Remove(participant=participant):
            _require(seat, Right.REMOVE)
            return _remove(room, seat, _target(room, participant), now)
        case End():
            _require(seat, Right.END)
            return _end(room, seat, now)
        case RecordRequest() | RecordConsent():
            return asked_or_answered(room, seat, message)
        case _:
            assert_never(message)


def _leave(room: Room, seat: Seat, now: Moment) -> Change:
    gone = replace(seat.stands(Admission.LEFT).without_media(), connection=None)
    return Change(
        room.having(gone),
        first=(StoreSeat(gone.participant), StoreEntry(entry_of(room, gone, EntryKind.LEFT, now))),
        then=(Close(_connection(seat), CloseCode.ENDED), CloseMedia(seat.id), TellWorklists()),
    )


def _connect(room: Room, seat: Seat) -> Change:
    # A new page publishes anew; the same page, on another network, goes on with what it sends.
    kept = seat.sources if seat.owns_media else {}
    state = seat.media if seat.media not in (None, MediaState.LOST) else MediaState.CONNECTING
    connecting = replace(seat.sends(kept), media_of=seat.connection, media=state, media_until=None)
    publish = tuple(PublishSource(seat.id, source) for source in kept)
    return Change(room.having(connecting), first=(OpenMedia(seat.id), *publish))


def _publish(room: Room, seat: Seat, source: Source) -> Change:
    _require(seat, right_to_send(source))
    _require_transport(seat)
    if source in seat.sources:
        return Change(room)
    sending = seat.sends({**seat.sources, source: SourceState()})
    return Change(room.having(sending), first=(PublishSource(seat.id, source),))


def _unpublish(room: Room, seat: Seat, source: Source) -> Change:
    _require_transport(seat)
    if source not in seat.sources:
        return Change(room)
    rest = {other: state for other, state in seat.sources.items() if other is not source}
    return Change(room.having(seat.sends(rest)), first=(UnpublishSource(seat.id, source),))


def _mute(room: Room, seat: Seat, message: Mute) -> Change:
    _require_transport(seat)
    if message.source not in seat.sources:
        raise Conflict("You do not send this.", code="not_published")
    state = SourceState(muted=message.muted, reason=message.reason if message.muted else "")
    return Change(room.having(seat.sends({**seat.sources, message.source: state})))


def _chat(room: Room, seat: Seat, message: Chat, now: Moment) -> Change:
    key = stored_key(seat.id, message.key)
    known = any(line.participant == seat.id and line.key == message.key for line in room.chat)
    if room.lines >= LINES_KEPT and not known:
        raise TooMany("This consultation has too many lines of chat.", code="chat_full")
    entry = TimelineEntry(room.encounter.id, EntryKind.CHAT, now.at, author=seat.id, key=key, text=message.text)
    return Change(room, first=(StoreEntry(entry, _connection(seat)),))


def _admit(room: Room, seat: Seat, target: Seat, now: Moment) -> Change:
    if target.admitted:
        # Two of us pressed at once: both have what they want.
        return Change(room)
    if not target.waiting:
        raise Conflict("This person is not waiting any more.", code="not_waiting")
    admitted = target.stands(Admission.ADMITTED)
    return Change(
        room.having(admitted),
        first=(
            record_of(room, seat, "room.admitted", f"participant/{target.id}"),
            StoreSeat(admitted.participant),
            StoreEntry(entry_of(room, target, EntryKind.ADMITTED, now)),
        ),
        then=(TellWorklists(),),
    )


def _remove(room: Room, seat: Seat, target: Seat, now: Moment) -> Change:
    if target.id == seat.id or is_host(room.encounter, target.participant):
        raise Forbidden("Whose consultation it is can only leave.", code="not_removable")
    if target.participant.admission is Admission.REMOVED:
        return Change(room)
    gone = replace(target.stands(Admission.REMOVED).without_media(), connection=None)
    told: tuple[Send | Close, ...] = ()
    if target.connection is not None:
        told = (Send(target.connection, Removed()), Close(target.connection, CloseCode.ENDED))
    return Change(
        room.having(gone),
        first=(
            record_of(room, seat, "room.removed", f"participant/{target.id}"),
            StoreSeat(gone.participant),
            StoreEntry(entry_of(room, target, EntryKind.REMOVED, now)),
        ),
        # Being removed ends all that one may see of the patient: the vitals have a socket of their own.
        then=(*told, CloseMedia(target.id), TellRevoked(target.participant.subject), TellWorklists()),
    )


def _end(room: Room, seat: Seat, now: Moment) -> Change:
    ended = over(room, "finished")
    return Change(
        ended.room,
        first=(
            record_of(room, seat, "room.ended", f"encounter/{room.encounter.id}"),
            Advance(Step.FINISH),
            StoreEntry(entry_of(room, seat, EntryKind.ENDED, now)),
        ),
        then=(*ended.then, TellEnded("finished"), TellWorklists()),
    )


def _require_admitted(seat: Seat) -> None:
    if not seat.admitted:
        raise Forbidden("You are still in the waiting room.", code="not_admitted")


def _require(seat: Seat, right: Right) -> None:
    if right not in seat.may:
        raise Forbidden("You may not do this here.", code="not_allowed")


def _require_transport(seat: Seat) -> None:
    if not seat.owns_media:
        raise Conflict("There is no media transport: connect first.", code="no_transport")


def _target(room: Room, participant: str) -> Seat:
    target = room.seat(participant)
    if target is None:
        raise NotFound("There is no such participant.", code="no_such_participant")
    return target


def _connection(seat: Seat) -> ConnectionId:
    if seat.connection is None:
        raise Gone("This connection has ended.")
    return seat.connection
