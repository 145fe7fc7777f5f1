"""A room to play stories in: people join and say things, and one asks what each of them has heard."""

from collections import defaultdict
from dataclasses import replace

from telehealth.access import Role
from telehealth.accounts.model import Purpose, Ticket
from telehealth.consultations.effects import (
    Close,
    CloseCode,
    Dropped,
    Effect,
    EncounterEnded,
    EndReason,
    EntryStored,
    Input,
    Joined,
    Moment,
    Received,
    Required,
    Send,
    StoreEntry,
    StoreSeat,
)
from telehealth.consultations.messages import Admit, ClientMessage, Connect, Message, Publish
from telehealth.consultations.model import Admission, Encounter, EncounterKind, Participant, Rung, Source, TimelineEntry
from telehealth.consultations.ports import (
    MediaEvent,
    MediaListener,
    MediaOffered,
    MediaRungChanged,
    MediaState,
    MediaStateChanged,
    OfferedTrack,
    SlowConsumer,
)
from telehealth.consultations.room import Seat, opened
from telehealth.consultations.signalling import step
from telehealth.errors import Invalid, NotFound
from telehealth.ids import ConnectionId, EncounterId, ParticipantId
from tests.builders import DOCTOR, ENCOUNTER, OTHER_DOCTOR, PARAMEDIC, PATIENT, an_encounter
from tests.doubles import FakeClock, counted_ids

PEOPLE = {
    "ana": (Role.PATIENT, "f0" * 16, "Ana Ruiz"),
    "bo": (Role.PRACTITIONER, DOCTOR, "Dr Bo Lindqvist"),
    "cy": (Role.PRACTITIONER, OTHER_DOCTOR, "Dr Cy Adeyemi"),
    "lena": (Role.PARAMEDIC, PARAMEDIC, "Lena Brandt"),
    "kim": (Role.PATIENT, "61" * 16, "Kim Ruiz"),
    "max": (Role.PATIENT, "62" * 16, "Max Ruiz"),
    "zoe": (Role.PATIENT, "63" * 16, "Zoe Ruiz"),
}
"""Ana is the patient, Bo her doctor, Lena the paramedic; Cy is another doctor, the others are family."""


def a_ticket(who: str, encounter: EncounterId = ENCOUNTER) -> Ticket:
    role, subject, name = PEOPLE[who]
    return Ticket(subject, role, Purpose.ROOM, encounter, PATIENT if who == "ana" else None, name)


def an_ambulance(**changes: object) -> Encounter:
    return an_encounter(**{"kind": EncounterKind.AMBULANCE, "paramedic_id": PARAMEDIC, **changes})


class Story:
    """One live room without any I/O; effects are kept, and a store that numbers lines is played."""

    def __init__(self, encounter: Encounter | None = None) -> None:
        self.clock = FakeClock()
        self.room = opened(encounter or an_encounter(paramedic_id=PARAMEDIC), "Ana Ruiz", (), ())
        self.seats: dict[str, Participant] = {}
        self.effects: list[Effect] = []
        self.log: list[Effect] = []
        self.closed: dict[ConnectionId, CloseCode] = {}
        self.connections: dict[str, list[ConnectionId]] = defaultdict(list)
        self._heard: dict[ConnectionId, list[Message]] = defaultdict(list)
        self._lines: dict[str, TimelineEntry] = {}
        self._new_id = counted_ids()

    def joins(self, *people: str) -> None:
        for who in people:
            role, subject, name = PEOPLE[who]
            if who not in self.seats:
                id_ = ParticipantId(who * 2)
                since = self.clock.now()
                self.seats[who] = Participant(id_, ENCOUNTER, subject, role, name, Admission.WAITING, since)
            connection = ConnectionId(f"{who}-{len(self.connections[who]) + 1}")
            self.connections[who].append(connection)
            self.happens(Joined(connection, self.seats[who], self.room.encounter))
            self.clock.advance(1)

    def admits(self, who: str, *others: str) -> None:
        for other in others:
            self.says(who, Admit(participant=self.id(other)))

    def says(self, who: str, message: ClientMessage) -> None:
        self.happens(Received(self.connection(who), message))

    def sends(self, who: str, *sources: Source) -> None:
        """Let somebody have a transport that works, and publish."""
        self.says(who, Connect())
        self.media(who, MediaState.CONNECTED)
        for source in sources:
            self.says(who, Publish(source=source))

    def media(self, who: str, state: MediaState) -> None:
        self.happens(MediaStateChanged(ENCOUNTER, self.id(who), state))

    def offers(self, who: str, number: int = 1, *, shows: str | None = None) -> None:
        tracks = (OfferedTrack("0", self.id(shows), Source.CAMERA),) if shows else ()
        self.happens(MediaOffered(ENCOUNTER, self.id(who), number, "v=0", tracks))

    def drops(self, who: str) -> None:
        self.happens(Dropped(self.connection(who)))

    def ends_elsewhere(self, reason: EndReason = "finished") -> None:
        self.happens(EncounterEnded(reason))

    def happens(self, event: Input) -> None:
        """Let it happen, and what a store would answer; `effects` holds what this led to."""
        self.effects = []
        events = [event]
        while events:
            moment = Moment(self.clock.now(), self.clock.monotonic())
            self.room, effects = step(self.room, events.pop(0), moment)
            required = [isinstance(effect, Required) for effect in effects]
            assert required == sorted(required, reverse=True), "somebody hears of it before it is stored"
            self.effects += effects
            self.log += effects
            for effect in effects:
                events += self._carry_out(effect)

    def heard_by(self, who: str) -> list[Message]:
        """Return what the newest connection has heard since one last asked."""
        return self._heard.pop(self.connection(who), [])

    def forget(self) -> None:
        """Let what was said until now count as heard."""
        self._heard.clear()

    def types_heard_by(self, who: str) -> list[str]:
        return [str(message.model_dump()["type"]) for message in self.heard_by(who)]

    def seat(self, who: str) -> Seat:
        seat = self.room.seat(self.id(who))
        assert seat is not None
        return seat

    def id(self, who: str) -> ParticipantId:
        return self.seats[who].id

    def connection(self, who: str) -> ConnectionId:
        return self.connections[who][-1]

    def _carry_out(self, effect: Effect) -> list[Input]:
        match effect:
            case Send(connection, message):
                assert connection not in self.closed, "a closed connection is told nothing"
                self._heard[connection].append(message)
            case Close(connection, code):
                self.closed[connection] = code
            case StoreSeat(participant):
                who = next(who for who, seat in self.seats.items() if seat.id == participant.id)
                self.seats[who] = participant
            case StoreEntry(entry, connection):
                stored = self._lines.setdefault(entry.key, replace(entry, number=len(self._lines) + 1))
                return [] if connection is None else [EntryStored(connection, stored)]
        return []


class FakeMediaPlane:
    """Offers as the real one does, without any media. Implements consultations.ports.MediaPlane.

    Attributes:
        calls: What was asked of it, as (verb, participant, …).
        refusing: Errors to raise, by verb.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.refusing: dict[str, Exception] = {}
        self._listeners: list[MediaListener] = []
        self._offers: dict[ParticipantId, int] = {}

    def listen(self, listener: MediaListener) -> None:
        self._listeners.append(listener)

    def tell(self, event: MediaEvent) -> None:
        for listener in self._listeners:
            listener(event)

    async def open(self, encounter: EncounterId, participant: ParticipantId) -> None:
        self._called("open", participant)
        self._offers.setdefault(participant, 0)
        self._offer(encounter, participant)

    async def publish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        self._called("publish", participant, source)
        if participant not in self._offers:
            raise NotFound("There is no transport.")
        self._offer(encounter, participant)

    async def unpublish(self, encounter: EncounterId, participant: ParticipantId, source: Source) -> None:
        self._called("unpublish", participant, source)
        self._offer(encounter, participant)

    async def answer(self, encounter: EncounterId, participant: ParticipantId, negotiation: int, sdp: str) -> None:
        self._called("answer", participant, negotiation)
        if negotiation != self._offers.get(participant):
            raise Invalid("This offer is no longer open.", code="stale_negotiation")
        self.tell(MediaStateChanged(encounter, participant, MediaState.CONNECTED))

    async def lock(self, encounter: EncounterId, participant: ParticipantId, rung: Rung | None) -> None:
        self._called("lock", participant, rung)
        self.tell(MediaRungChanged(encounter, participant, rung or Rung.VIDEO, rung is not None))

    async def close(self, encounter: EncounterId, participant: ParticipantId) -> None:
        self._called("close", participant)
        self._offers.pop(participant, None)

    async def close_room(self, encounter: EncounterId) -> None:
        self._called("close_room", encounter)
        self._offers.clear()

    def _called(self, verb: str, *about: object) -> None:
        self.calls.append((verb, *about))
        if verb in self.refusing:
            raise self.refusing[verb]

    def _offer(self, encounter: EncounterId, participant: ParticipantId) -> None:
        self._offers[participant] += 1
        self.tell(MediaOffered(encounter, participant, self._offers[participant], "v=0\r\n", ()))


class RecordingOutbox:
    """Keeps what a socket would be sent. Implements consultations.ports.Outbox.

    Attributes:
        frames: What was put, until it is closed.
        code: What it was closed with.
        limit: Beyond so many frames it is too slow.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self.frames: list[str] = []
        self.code: int | None = None
        self.limit = limit

    def put(self, frame: str) -> None:
        if self.code is not None:
            return
        if len(self.frames) >= self.limit:
            raise SlowConsumer
        self.frames.append(frame)

    def close(self, code: int) -> None:
        if self.code is None:
            self.code = int(code)
