"""Whatever people do, in whatever order: some things always hold."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from telehealth.consultations.effects import CloseCode, EncounterEnded, Revoked, Tick
from telehealth.consultations.messages import (
    Admit,
    Answer,
    Chat,
    ChatLine,
    ClientMessage,
    Connect,
    End,
    Leave,
    Message,
    Mute,
    Offer,
    ParticipantChanged,
    Ping,
    Publish,
    Remove,
    Unpublish,
    Welcome,
)
from telehealth.consultations.model import Admission, Source
from telehealth.consultations.ports import MediaState
from tests.consultations.harness import PEOPLE, Story

SIX = sorted(PEOPLE)[:6]
PERSON = st.sampled_from(SIX)
TARGET = PERSON.map(lambda who: who * 2)
SOURCES = st.sampled_from(Source)
MESSAGE: st.SearchStrategy[ClientMessage] = st.one_of(
    st.just(Connect()),
    st.just(Leave()),
    st.just(Ping(sent_at=0.0)),
    st.builds(Answer, negotiation=st.integers(0, 9), sdp=st.just("v=0")),
    st.builds(Publish, source=SOURCES),
    st.builds(Unpublish, source=SOURCES),
    st.builds(Mute, source=SOURCES, muted=st.booleans(), reason=st.sampled_from(["user", "hidden", ""])),
    st.builds(Chat, key=st.sampled_from("abc"), text=st.just("Hello")),
    st.builds(Admit, participant=TARGET),
    st.builds(Remove, participant=TARGET),
)


class Rooms(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.told: dict[str, list[Message]] = {}

    def connected(self, who: str) -> bool:
        return who in self.story.seats and self.story.room.seat_of(self.story.connection(who)) is not None

    @rule(who=PERSON)
    def joins(self, who: str) -> None:
        self.story.joins(who)

    @rule(who=PERSON, message=MESSAGE)
    def says(self, who: str, message: ClientMessage) -> None:
        if who in self.story.seats:
            self.story.says(who, message)

    @rule(who=PERSON)
    def drops(self, who: str) -> None:
        if who in self.story.seats:
            self.story.drops(who)

    @rule(who=PERSON, state=st.sampled_from(MediaState))
    def media_change(self, who: str, state: MediaState) -> None:
        if who in self.story.seats:
            self.story.media(who, state)

    @rule(who=PERSON, other=PERSON)
    def offers(self, who: str, other: str) -> None:
        if who in self.story.seats and other in self.story.seats:
            self.story.offers(who, shows=other)

    @rule(seconds=st.integers(1, 20))
    def time_passes(self, seconds: int) -> None:
        self.story.clock.advance(seconds)
        self.story.happens(Tick())

    @rule(who=PERSON)
    def is_revoked(self, who: str) -> None:
        self.story.happens(Revoked(PEOPLE[who][1]))

    @precondition(lambda self: len(self.story.log) > 60)
    @rule(how=st.sampled_from(["bo", "elsewhere"]))
    def ends(self, how: str) -> None:
        if how == "elsewhere":
            self.story.happens(EncounterEnded("finished"))
        elif "bo" in self.story.seats:
            self.story.says("bo", End())

    @invariant()
    def a_connection_has_one_seat_and_only_who_is_present_has_one(self) -> None:
        connections = [seat.connection for seat in self.story.room.seats if seat.connection is not None]
        assert len(connections) == len(set(connections))
        assert not set(connections) & set(self.story.closed)
        for seat in self.story.room.seats:
            if seat.participant.admission in (Admission.LEFT, Admission.REMOVED):
                assert seat.connection is None
                assert seat.media_of is None

    @invariant()
    def there_are_at_most_six_seats_each_of_one_person(self) -> None:
        subjects = [seat.participant.subject for seat in self.story.room.seats]
        assert len(subjects) == len(set(subjects)) <= 6

    @invariant()
    def only_the_admitted_have_media(self) -> None:
        for seat in self.story.room.seats:
            assert seat.admitted or (seat.media_of is None and not seat.sources)
            assert not seat.sources or seat.media_of is not None

    @invariant()
    def the_room_and_the_store_agree(self) -> None:
        for who, participant in self.story.seats.items():
            seat = self.story.room.seat(participant.id)
            if seat is not None:
                assert seat.participant == self.story.seats[who]

    @invariant()
    def who_waits_hears_nothing_of_the_others(self) -> None:
        for who in self.story.seats:
            if not self.connected(who) or self.story.seat(who).admitted:
                self.story.heard_by(who)
                continue
            mine = self.story.id(who)
            for message in self.story.heard_by(who):
                assert not isinstance(message, ChatLine | Offer)
                if isinstance(message, ParticipantChanged):
                    assert message.participant.id == mine
                if isinstance(message, Welcome):
                    assert {seen.id for seen in message.participants} == {mine}
                    assert not message.chat

    @invariant()
    def a_room_that_has_ended_is_empty(self) -> None:
        if self.story.room.ended:
            assert not self.story.room.occupied
            newest = [connections[-1] for connections in self.story.connections.values()]
            for connection in newest:
                code = self.story.closed.get(connection)
                assert code in (None, CloseCode.ENDED, CloseCode.FORBIDDEN, CloseCode.UNAUTHENTICATED)


TestRooms = Rooms.TestCase
TestRooms.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
