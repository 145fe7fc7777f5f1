from dataclasses import replace

import pytest

from telehealth.consultations.effects import (
    Advance,
    CaseProgressed,
    CloseCode,
    CloseMedia,
    CloseRoomMedia,
    Effect,
    EncounterChanged,
    EntryStored,
    Joined,
    OpenMedia,
    PublishSource,
    Received,
    Record,
    Revoked,
    Send,
    Step,
    StoreEntry,
    StoreSeat,
    TakeAnswer,
    TellEnded,
    TellWorklists,
    Tick,
    UnpublishSource,
)
from telehealth.consultations.messages import (
    Admit,
    Answer,
    CaseChanged,
    CaseView,
    Chat,
    ChatLine,
    ClientMessage,
    ClockOfMedia,
    Connect,
    End,
    Ended,
    Hello,
    Leave,
    Lobby,
    Mute,
    Offer,
    ParticipantChanged,
    Ping,
    Pong,
    Publish,
    Refusal,
    Remove,
    Removed,
    Replaced,
    SourceState,
    Unpublish,
    Welcome,
)
from telehealth.consultations.model import Admission, EncounterStatus, EntryKind, Source, TimelineEntry
from telehealth.consultations.ports import MediaClock, MediaOffered, MediaState, MediaStateChanged
from telehealth.consultations.room import LINES_KEPT, LINES_SHOWN, opened
from telehealth.consultations.signalling import MEDIA_GRACE_S
from telehealth.ids import ConnectionId, ParticipantId
from tests.builders import NOON, an_encounter
from tests.consultations.harness import Story, an_ambulance

CASE = CaseView(id="80", status="ringing", complaint="chest_pain", acuity="red", rings=())


def a_visit() -> Story:
    """Ana and Bo talk; nothing that was said until now counts."""
    story = Story()
    story.joins("bo", "ana")
    story.admits("bo", "ana")
    story.forget()
    return story


def codes(messages: list[object]) -> list[str]:
    return [message.code for message in messages if isinstance(message, Refusal)]


def kinds(effects: list[Effect]) -> list[type[Effect]]:
    return [type(effect) for effect in effects]


# Coming in


def test_the_practitioner_of_the_encounter_is_admitted_as_they_come() -> None:
    story = Story()
    story.joins("bo")
    [welcome] = story.heard_by("bo")
    assert isinstance(welcome, Welcome)
    assert welcome.admission is Admission.ADMITTED
    assert welcome.may == ("admit", "chat", "end", "publish", "record", "remove", "share_screen")
    assert welcome.encounter.patient == "Ana Ruiz"


@pytest.mark.parametrize(("who", "admission"), [("lena", "admitted"), ("cy", "waiting"), ("ana", "waiting")])
def test_only_whose_consultation_it_is_comes_in_without_asking(who: str, admission: str) -> None:
    story = Story()
    story.joins(who)
    welcome = story.heard_by(who)[0]
    assert isinstance(welcome, Welcome)
    assert welcome.admission == admission


def test_one_who_waits_sees_only_themself_and_their_place() -> None:
    story = Story()
    story.joins("bo", "kim", "ana")
    welcome, lobby = story.heard_by("ana")
    assert isinstance(welcome, Welcome)
    assert [seen.name for seen in welcome.participants] == ["Ana Ruiz"]
    assert (welcome.may, welcome.chat, welcome.encounter.patient) == ((), (), "")
    assert lobby == Lobby(position=2, waiting=2, practitioner="in_room")


def test_places_in_the_lobby_move_up_and_the_practitioner_comes_and_goes() -> None:
    story = Story()
    story.joins("ana", "kim")
    story.forget()
    story.joins("bo")
    assert story.heard_by("kim") == [Lobby(position=2, waiting=2, practitioner="in_room")]
    story.admits("bo", "ana")
    assert story.heard_by("kim") == [Lobby(position=1, waiting=1, practitioner="in_room")]
    story.drops("bo")
    assert story.heard_by("kim") == [Lobby(position=1, waiting=1, practitioner="away")]


def test_one_who_waits_and_is_gone_holds_up_nobody() -> None:
    story = Story()
    story.joins("ana", "kim")
    story.forget()
    story.drops("ana")
    assert story.heard_by("kim") == [Lobby(position=1, waiting=1, practitioner="away")]


def test_only_those_who_may_admit_hear_of_one_who_waits() -> None:
    story = a_visit()
    story.joins("kim")
    [news] = story.heard_by("bo")
    assert isinstance(news, ParticipantChanged)
    assert (news.participant.name, news.participant.admission) == ("Kim Ruiz", Admission.WAITING)
    assert story.heard_by("ana") == []
    story.admits("bo", "kim")
    assert story.types_heard_by("ana") == ["participant"]


def test_the_admitted_get_the_whole_state_again() -> None:
    story = Story()
    story.joins("bo", "ana")
    story.says("bo", Chat(key="1", text="Good morning"))
    story.forget()
    story.admits("bo", "ana")
    [welcome] = story.heard_by("ana")
    assert isinstance(welcome, Welcome)
    assert [seen.name for seen in welcome.participants] == ["Dr Bo Lindqvist", "Ana Ruiz"]
    assert [line.text for line in welcome.chat] == ["Good morning"]
    assert welcome.may == ("chat", "publish", "share_screen")
    assert welcome.encounter.status is EncounterStatus.IN_PROGRESS


def test_who_was_admitted_stays_so_across_a_reload() -> None:
    story = a_visit()
    story.joins("ana")
    welcome = story.heard_by("ana")[0]
    assert isinstance(welcome, Welcome)
    assert welcome.admission is Admission.ADMITTED


def test_a_seat_that_was_read_before_the_admission_does_not_undo_it() -> None:
    story = Story()
    story.joins("bo", "ana")
    as_read = story.seats["ana"]
    story.admits("bo", "ana")
    story.happens(Joined(ConnectionId("late"), as_read, story.room.encounter))
    assert story.seat("ana").admitted


def test_the_newer_connection_replaces_the_older_and_its_media_go_on_until_it_asks() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    old = story.connection("ana")
    story.forget()
    story.joins("ana")
    assert Send(old, Replaced()) in story.effects
    assert story.closed[old] is CloseCode.REPLACED
    assert CloseMedia not in kinds(story.effects)
    assert Source.CAMERA in story.seat("ana").sources
    # An offer of the old page's transport is not for the new page.
    story.forget()
    story.offers("ana", 7)
    assert story.heard_by("ana") == []
    story.says("ana", Connect())
    assert OpenMedia(story.id("ana")) in story.effects
    assert story.seat("ana").sources == {}
    story.offers("ana", 8)
    assert "offer" in story.types_heard_by("ana")


def test_what_the_replaced_connection_still_says_means_nothing() -> None:
    story = a_visit()
    old = story.connection("ana")
    story.joins("ana")
    story.happens(Received(old, End()))
    assert story.effects == []


def test_a_doctor_who_took_the_patient_meanwhile_comes_in_directly() -> None:
    story = Story(an_encounter(practitioner_id=None))
    story.joins("bo")
    assert story.seat("bo").waiting
    taken = an_encounter()
    story.happens(Joined(ConnectionId("bo-2"), story.seats["bo"], taken))
    assert story.seat("bo").admitted
    assert StoreSeat in kinds(story.effects)


# Going


def test_a_lost_connection_keeps_the_seat_and_for_a_while_its_media() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.forget()
    story.drops("ana")
    [news] = story.heard_by("bo")
    assert isinstance(news, ParticipantChanged)
    assert not news.participant.connected
    story.clock.advance(MEDIA_GRACE_S - 1)
    story.happens(Tick())
    assert story.effects == []
    story.clock.advance(1)
    story.happens(Tick())
    assert CloseMedia(story.id("ana")) in story.effects
    [news] = story.heard_by("bo")
    assert isinstance(news, ParticipantChanged)
    assert (news.participant.media, news.participant.sources) == ("", {})


def test_who_comes_back_in_time_keeps_their_media() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.drops("ana")
    story.clock.advance(MEDIA_GRACE_S - 1)
    story.joins("ana")
    story.clock.advance(MEDIA_GRACE_S)
    story.happens(Tick())
    assert story.effects == []


def test_a_transport_that_stays_lost_is_given_up() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.media("ana", MediaState.LOST)
    story.clock.advance(MEDIA_GRACE_S)
    story.media("ana", MediaState.LOST)
    story.happens(Tick())
    assert CloseMedia(story.id("ana")) in story.effects


def test_a_transport_that_recovers_is_kept() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.media("ana", MediaState.LOST)
    story.media("ana", MediaState.CONNECTED)
    story.clock.advance(MEDIA_GRACE_S)
    story.happens(Tick())
    assert story.effects == []


def test_who_leaves_may_return_and_is_let_in_again() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.says("ana", Leave())
    assert story.closed[story.connection("ana")] is CloseCode.ENDED
    assert CloseMedia(story.id("ana")) in story.effects
    assert story.seats["ana"].admission.value == "left"
    story.joins("ana")
    assert story.seat("ana").admitted
    assert story.seats["ana"].admission is Admission.ADMITTED


def test_who_leaves_the_lobby_waits_again() -> None:
    story = Story()
    story.joins("ana")
    story.says("ana", Leave())
    story.joins("ana")
    assert story.seat("ana").waiting


def test_who_is_removed_is_told_and_may_not_return() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.forget()
    story.says("bo", Remove(participant=story.id("ana")))
    assert story.heard_by("ana") == [Removed()]
    assert story.closed[story.connection("ana")] is CloseCode.ENDED
    assert CloseMedia(story.id("ana")) in story.effects
    story.joins("ana")
    assert story.heard_by("ana") == [Removed()]
    assert story.closed[story.connection("ana")] is CloseCode.FORBIDDEN
    assert story.seat("ana").participant.admission is Admission.REMOVED


def test_one_who_is_not_connected_can_be_removed_and_once_is_enough() -> None:
    story = a_visit()
    story.drops("ana")
    story.says("bo", Remove(participant=story.id("ana")))
    assert story.seats["ana"].admission is Admission.REMOVED
    story.says("bo", Remove(participant=story.id("ana")))
    assert story.effects == []


@pytest.mark.parametrize("target", ["bo", "lena"])
def test_whose_consultation_it_is_cannot_be_removed(target: str) -> None:
    story = Story()
    story.joins("bo", "lena")
    story.forget()
    story.says("bo", Remove(participant=story.id(target)))
    assert codes(story.heard_by("bo")) == ["not_removable"]  # type: ignore[arg-type]


def test_whose_right_is_revoked_is_disconnected_and_heard_no_more() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.joins("kim")
    story.happens(Revoked(story.seats["ana"].subject))
    assert story.closed[story.connection("ana")] is CloseCode.UNAUTHENTICATED
    assert CloseMedia(story.id("ana")) in story.effects
    story.happens(Revoked(story.seats["ana"].subject))
    assert story.effects == []


# The end


def test_the_end_is_stored_and_then_everybody_hears_it() -> None:
    story = a_visit()
    story.joins("kim")
    story.forget()
    story.says("bo", End())
    assert kinds(story.effects)[:3] == [Record, Advance, StoreEntry]
    assert kinds(story.effects)[-3:] == [CloseRoomMedia, TellEnded, TellWorklists]
    for who in ("bo", "ana", "kim"):
        assert story.heard_by(who) == [Ended(reason="finished")]
        assert story.closed[story.connection(who)] is CloseCode.ENDED


def test_an_end_from_elsewhere_is_not_published_again() -> None:
    story = a_visit()
    story.ends_elsewhere("cancelled")
    assert story.heard_by("ana") == [Ended(reason="cancelled")]
    assert TellEnded not in kinds(story.effects)
    story.ends_elsewhere()
    assert story.effects == []


def test_who_comes_after_the_end_is_told_so() -> None:
    story = a_visit()
    story.says("bo", End())
    story.joins("ana")
    assert story.heard_by("ana") == [Ended(reason="finished")]
    assert story.closed[story.connection("ana")] is CloseCode.ENDED


def test_who_comes_to_an_encounter_that_was_ended_elsewhere_brings_the_news() -> None:
    cancelled = Story(an_encounter(status=EncounterStatus.CANCELLED))
    cancelled.joins("ana")
    assert cancelled.heard_by("ana") == [Ended(reason="cancelled")]
    story = a_visit()
    story.room = replace(story.room, encounter=an_encounter())
    finished = an_encounter(status=EncounterStatus.FINISHED)
    story.happens(Joined(ConnectionId("bo-2"), story.seats["bo"], finished))
    assert story.heard_by("ana") == [Ended(reason="finished")]
    assert story.room.ended


# How the encounter goes on


def test_a_patient_who_comes_has_arrived_and_one_who_is_admitted_begins_it() -> None:
    story = Story()
    story.joins("bo")
    assert Advance not in kinds(story.effects)
    story.joins("ana")
    assert Advance(Step.ARRIVE) in story.effects
    story.admits("bo", "ana")
    assert Advance(Step.BEGIN) in story.effects
    story.joins("kim")
    story.admits("bo", "kim")
    assert Advance not in kinds(story.effects)


def test_an_ambulance_begins_with_its_second_person() -> None:
    story = Story(an_ambulance(status=EncounterStatus.ARRIVED))
    story.joins("lena")
    assert Advance not in kinds(story.effects)
    story.joins("bo")
    assert Advance(Step.BEGIN) in story.effects


def test_the_stored_encounter_replaces_what_the_room_thought() -> None:
    story = a_visit()
    changed = an_encounter(status=EncounterStatus.IN_PROGRESS, practitioner_id=None)
    story.happens(EncounterChanged(changed))
    assert story.room.encounter == changed


# Who may do what


MESSAGES: dict[str, ClientMessage] = {
    "connect": Connect(),
    "answer": Answer(negotiation=1, sdp="v=0"),
    "publish": Publish(source=Source.CAMERA),
    "publish screen": Publish(source=Source.SCREEN),
    "unpublish": Unpublish(source=Source.MICROPHONE),
    "mute": Mute(source=Source.MICROPHONE, muted=True, reason="user"),
    "chat": Chat(key="k", text="Hello"),
    "admit": Admit(participant="zoezoe"),
    "remove": Remove(participant="zoezoe"),
    "end": End(),
    "leave": Leave(),
    "ping": Ping(sent_at=1.0),
    "hello": Hello(version=1, ticket="t"),
}
EVERYBODY = {"leave", "ping"}
ADMITTED = EVERYBODY | {"connect", "answer", "publish", "publish screen", "unpublish", "mute", "chat"}
STAFF = ADMITTED | {"admit", "remove", "end"}
ALLOWED = {
    ("ana", "waiting"): EVERYBODY,
    ("ana", "admitted"): ADMITTED,
    ("kim", "waiting"): EVERYBODY,
    ("kim", "admitted"): ADMITTED,
    ("cy", "waiting"): EVERYBODY,
    ("cy", "admitted"): STAFF,
    ("bo", "admitted"): STAFF,
    ("lena", "admitted"): STAFF,
}


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize(("who", "admission"), ALLOWED)
def test_each_message_is_open_to_exactly_those_who_may(who: str, admission: str, message: str) -> None:
    story = Story()
    story.joins(*{"bo": 1, "zoe": 1, who: 1})
    if admission == "admitted":
        story.admits("bo", who)
        story.sends(who, Source.MICROPHONE)
    story.forget()
    before = story.room
    story.says(who, MESSAGES[message])
    refusals = codes(story.heard_by(who))  # type: ignore[arg-type]
    if message == "hello":
        assert refusals == ["unexpected_hello"]
    elif message in ALLOWED[who, admission]:
        assert refusals == []
    else:
        assert refusals == ["not_admitted" if admission == "waiting" else "not_allowed"]
        assert story.room == before


def test_the_table_names_every_message() -> None:
    assert {message.split()[0] for message in MESSAGES} == {
        "hello",
        "connect",
        "answer",
        "publish",
        "unpublish",
        "mute",
        "chat",
        "admit",
        "remove",
        "leave",
        "end",
        "ping",
    }


# Media


@pytest.mark.parametrize(
    "message",
    [
        Answer(negotiation=1, sdp="v=0"),
        Publish(source=Source.CAMERA),
        Unpublish(source=Source.CAMERA),
        Mute(source=Source.CAMERA, muted=True, reason="user"),
    ],
    ids=lambda message: message.type,
)
def test_without_a_transport_there_is_nothing_to_talk_about(message: ClientMessage) -> None:
    story = a_visit()
    story.says("ana", message)
    assert codes(story.heard_by("ana")) == ["no_transport"]  # type: ignore[arg-type]
    # Nor does the transport of an earlier page count.
    story.sends("ana", Source.CAMERA)
    story.joins("ana")
    story.forget()
    story.says("ana", message)
    assert codes(story.heard_by("ana")) == ["no_transport"]  # type: ignore[arg-type]


def test_what_is_published_and_muted_is_told_to_the_others() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA, Source.MICROPHONE)
    assert PublishSource(story.id("ana"), Source.MICROPHONE) in story.effects
    story.forget()
    story.says("ana", Mute(source=Source.MICROPHONE, muted=True, reason="interrupted"))
    [news] = story.heard_by("bo")
    assert isinstance(news, ParticipantChanged)
    assert news.participant.sources[Source.MICROPHONE] == SourceState(muted=True, reason="interrupted")
    story.says("ana", Mute(source=Source.MICROPHONE, muted=False, reason="user"))
    [news] = story.heard_by("bo")
    assert isinstance(news, ParticipantChanged)
    assert news.participant.sources[Source.MICROPHONE] == SourceState()
    story.says("ana", Unpublish(source=Source.CAMERA))
    assert UnpublishSource(story.id("ana"), Source.CAMERA) in story.effects
    assert set(story.seat("ana").sources) == {Source.MICROPHONE}


def test_publishing_again_and_unpublishing_nothing_change_nothing() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.says("ana", Publish(source=Source.CAMERA))
    assert story.effects == []
    story.says("ana", Unpublish(source=Source.SCREEN))
    assert story.effects == []


def test_what_is_not_sent_cannot_be_muted() -> None:
    story = a_visit()
    story.sends("ana")
    story.forget()
    story.says("ana", Mute(source=Source.SCREEN, muted=True, reason="user"))
    assert codes(story.heard_by("ana")) == ["not_published"]  # type: ignore[arg-type]


def test_the_same_page_on_another_network_goes_on_with_what_it_sends() -> None:
    story = a_visit()
    story.sends("ana", Source.CAMERA)
    story.media("ana", MediaState.LOST)
    story.says("ana", Connect())
    assert story.effects[:2] == [OpenMedia(story.id("ana")), PublishSource(story.id("ana"), Source.CAMERA)]
    assert story.seat("ana").media is MediaState.CONNECTING
    assert story.seat("ana").media_until is None


def test_an_answer_goes_to_the_media_plane() -> None:
    story = a_visit()
    story.sends("ana")
    story.says("ana", Answer(negotiation=3, sdp="v=0"))
    assert story.effects == [TakeAnswer(story.id("ana"), 3, "v=0")]


def test_an_offer_reaches_only_its_page() -> None:
    story = a_visit()
    story.sends("ana")
    story.forget()
    story.offers("ana", 4, shows="bo")
    [offer] = story.heard_by("ana")
    assert isinstance(offer, Offer)
    assert (offer.negotiation, offer.tracks[0].participant) == (4, story.id("bo"))
    assert story.heard_by("bo") == []


def test_when_a_picture_was_taken_is_told_to_those_who_see_it() -> None:
    story = a_visit()
    story.sends("ana")
    story.forget()
    story.happens(MediaClock(story.room.encounter.id, ParticipantId(story.id("ana")), Source.CAMERA, 7, 5.0, 90_000))
    [clock] = story.heard_by("bo")
    assert isinstance(clock, ClockOfMedia)
    assert (clock.participant, clock.source, clock.rtp, clock.at) == (story.id("ana"), Source.CAMERA, 7, 5.0)
    assert story.heard_by("ana") == []


def test_events_of_a_transport_that_is_gone_mean_nothing() -> None:
    story = a_visit()
    story.offers("ana")
    story.media("ana", MediaState.LOST)
    assert story.effects == []
    story.happens(MediaStateChanged(story.room.encounter.id, ParticipantId("nobody"), MediaState.LOST))
    story.happens(MediaOffered(story.room.encounter.id, ParticipantId("nobody"), 1, "v=0", ()))
    assert story.effects == []
    story.sends("ana")
    story.drops("ana")
    story.offers("ana")
    assert story.effects == []


# Chat


def test_a_line_reaches_all_who_are_admitted_in_its_place() -> None:
    story = a_visit()
    story.joins("kim")
    story.forget()
    story.says("ana", Chat(key="1", text="It hurts here."))
    [line] = story.heard_by("bo")
    assert isinstance(line, ChatLine)
    assert (line.participant, line.text, line.key) == (story.id("ana"), "It hurts here.", "1")
    assert story.heard_by("ana") == [line]
    assert story.heard_by("kim") == []


def test_a_line_sent_twice_appears_once_and_is_acknowledged_again() -> None:
    story = a_visit()
    story.says("ana", Chat(key="1", text="Hello"))
    story.forget()
    story.says("ana", Chat(key="1", text="Hello"))
    assert story.types_heard_by("ana") == ["chat"]
    assert story.heard_by("bo") == []
    assert len(story.room.chat) == 1


def test_two_people_may_choose_the_same_key() -> None:
    story = a_visit()
    story.says("ana", Chat(key="1", text="Hello"))
    story.says("bo", Chat(key="1", text="Good morning"))
    assert [line.text for line in story.room.chat] == ["Hello", "Good morning"]
    assert {line.key for line in story.room.chat} == {"1"}


def test_a_line_stored_by_an_earlier_try_is_told_late_rather_than_never() -> None:
    story = a_visit()
    missed = TimelineEntry(story.room.encounter.id, EntryKind.CHAT, NOON, "anaana", "anaana:0", "First", number=5)
    story.says("bo", Chat(key="b", text="Second"))
    second = replace(missed, author="bobo", key="bobo:x", text="Later", number=90)
    story.happens(EntryStored(story.connection("bo"), second))
    story.forget()
    story.happens(EntryStored(story.connection("ana"), replace(missed, number=89)))
    assert story.types_heard_by("bo") == ["chat"]
    assert [line.text for line in story.room.chat][-2:] == ["First", "Later"]


def test_a_repeated_line_of_one_who_is_gone_is_told_to_nobody() -> None:
    story = a_visit()
    story.says("ana", Chat(key="1", text="Hello"))
    entry = TimelineEntry(
        story.room.encounter.id, EntryKind.CHAT, NOON, "anaana", "anaana:1", "Hello", story.room.chat[0].number
    )
    story.happens(EntryStored(ConnectionId("gone"), entry))
    assert story.effects == []


def test_the_welcome_carries_the_newest_lines_and_there_is_an_end_to_them() -> None:
    story = a_visit()
    for number in range(LINES_KEPT):
        story.says("ana", Chat(key=str(number), text=f"line {number}"))
    story.forget()
    story.says("ana", Chat(key="too much", text="One more"))
    assert codes(story.heard_by("ana")) == ["chat_full"]  # type: ignore[arg-type]
    # An old line that comes again is still known.
    story.happens(
        EntryStored(
            story.connection("ana"),
            TimelineEntry(story.room.encounter.id, EntryKind.CHAT, NOON, "anaana", "anaana:0", "line 0", number=1),
        )
    )
    assert story.heard_by("bo") == []
    story.joins("bo")
    welcome = story.heard_by("bo")[0]
    assert isinstance(welcome, Welcome)
    assert len(welcome.chat) == LINES_SHOWN
    assert welcome.chat[-1].text == f"line {LINES_KEPT - 1}"


# The rest


def test_a_ping_tells_the_time() -> None:
    story = a_visit()
    story.says("ana", Ping(sent_at=5.0))
    [pong] = story.heard_by("ana")
    assert isinstance(pong, Pong)
    assert pong.sent_at == 5.0
    assert pong.server_time == story.clock.now().timestamp() * 1000


@pytest.mark.parametrize("message", [Admit(participant="nobody"), Remove(participant="nobody")])
def test_nobody_can_be_admitted_or_removed_who_is_not_there(message: ClientMessage) -> None:
    story = a_visit()
    story.says("bo", message)
    assert codes(story.heard_by("bo")) == ["no_such_participant"]  # type: ignore[arg-type]


def test_two_who_admit_at_once_both_have_what_they_want() -> None:
    story = a_visit()
    story.admits("bo", "ana")
    assert story.effects == []


def test_one_who_has_left_cannot_be_admitted() -> None:
    story = Story()
    story.joins("bo", "ana")
    story.says("ana", Leave())
    story.forget()
    story.admits("bo", "ana")
    assert codes(story.heard_by("bo")) == ["not_waiting"]  # type: ignore[arg-type]


def test_staff_hear_how_the_ringing_goes_and_whoever_comes_later_too() -> None:
    story = Story(an_ambulance(status=EncounterStatus.ARRIVED))
    story.joins("lena", "kim")
    story.forget()
    story.happens(CaseProgressed(CASE))
    assert story.heard_by("lena") == [CaseChanged(case=CASE)]
    story.happens(CaseProgressed(CASE))
    assert story.heard_by("lena") == []
    story.joins("bo")
    assert story.types_heard_by("bo") == ["welcome", "case"]
    story.admits("lena", "kim")
    assert "case" not in story.types_heard_by("kim")


def test_a_room_that_is_opened_again_remembers_who_was_let_in_and_what_was_said() -> None:
    story = a_visit()
    story.says("ana", Chat(key="1", text="Hello"))
    story.says("ana", Leave())
    seats = tuple(story.seats.values())
    encounter = story.room.encounter
    line = TimelineEntry(encounter.id, EntryKind.CHAT, NOON, "anaana", "anaana:1", "Hello", number=3)
    admitted = TimelineEntry(encounter.id, EntryKind.ADMITTED, NOON, "anaana", "admitted:anaana:1", number=2)
    story.room = opened(encounter, "Ana Ruiz", seats, (admitted, line))
    story.joins("ana")
    welcome = story.heard_by("ana")[0]
    assert isinstance(welcome, Welcome)
    assert welcome.admission is Admission.ADMITTED
    assert [(said.number, said.key) for said in welcome.chat] == [(3, "1")]
    assert {seen.name for seen in welcome.participants} == {"Ana Ruiz", "Dr Bo Lindqvist"}
