import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from telehealth.access import Role
from telehealth.bus import REVOCATIONS, WORKLIST, Delivery, Event, Gap, room_topic
from telehealth.consultations import host, live_room
from telehealth.consultations.host import RoomLimits
from telehealth.consultations.live_room import MAX_JOBS, LiveRoom
from telehealth.consultations.messages import CaseView
from telehealth.consultations.model import Admission, EncounterStatus, Source
from telehealth.consultations.ports import MediaOffered
from telehealth.consultations.signalling import MEDIA_GRACE_S
from telehealth.errors import Forbidden, Gone, Invalid, NotFound, RoomFull, TooMany, Unavailable
from telehealth.ids import EncounterId, ParticipantId, UserId
from tests.builders import DOCTOR, ENCOUNTER, OTHER_DOCTOR, an_encounter
from tests.consultations.harness import RecordingOutbox, a_ticket
from tests.consultations.node import Node, a_node, until


@pytest.fixture
async def node() -> AsyncGenerator[Node]:
    async with a_node() as node:
        yield node


def other(number: int) -> EncounterId:
    return EncounterId(f"{number:032x}")


# A visit


async def test_a_patient_waits_is_admitted_and_talks_and_all_of_it_is_stored(node: Node) -> None:
    bo = await node.joins("bo")
    ana = await node.joins("ana")
    assert [message["type"] for message in ana.heard()] == ["welcome", "lobby"]
    assert (await node.encounter()).status is EncounterStatus.ARRIVED
    await bo.says("admit", participant=ana.me)
    assert (await node.encounter()).status is EncounterStatus.IN_PROGRESS
    [welcome] = ana.heard()
    assert welcome["admission"] == "admitted"
    assert welcome["ice_servers"][0]["urls"] == ["turn:turn.example:3478"]
    [line] = await ana.says("chat", key="1", text="Can you hear me?")
    assert line["number"] == 4
    assert await node.kinds() == ["arrived", "arrived", "admitted", "chat"]
    await bo.says("end")
    assert ana.heard()[-1] == {"type": "ended", "reason": "finished"}
    assert (ana.outbox.code, bo.outbox.code) == (4410, 4410)
    assert (await node.encounter()).status is EncounterStatus.FINISHED
    assert node.media.calls[-1] == ("close_room", ENCOUNTER)
    assert node.audit.actions == ["room.entered", "room.entered", "room.admitted", "room.ended"]


async def test_one_who_waits_gets_no_relay_credentials(node: Node) -> None:
    ana = await node.joins("ana")
    assert ana.heard()[0]["ice_servers"] == []


async def test_media_are_negotiated_through_the_room(node: Node) -> None:
    _, ana = await node.visit()
    await ana.says("connect")
    offer = await ana.until("offer")
    await ana.says("answer", negotiation=offer["negotiation"], sdp="v=0")
    await ana.until("participant", lambda message: message["participant"]["media"] == "connected")
    await ana.says("publish", source="camera")
    assert (await ana.until("offer"))["negotiation"] == 2
    assert ("publish", ana.me, Source.CAMERA) in node.media.calls


async def test_what_the_media_plane_refuses_changes_nothing_and_only_the_asker_hears_of_it(node: Node) -> None:
    bo, ana = await node.visit()
    await ana.says("connect")
    await ana.until("offer")
    bo.heard()
    node.media.refusing["publish"] = Invalid("This can't be sent.", code="bad_sdp")
    [refused] = await ana.says("publish", source="camera")
    assert (refused["code"], refused["about"]) == ("bad_sdp", "publish")
    assert bo.heard() == []
    [stale] = await ana.says("answer", negotiation=9, sdp="v=0")
    assert stale["code"] == "stale_negotiation"
    del node.media.refusing["publish"]
    await ana.says("publish", source="camera")
    await bo.until("participant", lambda message: "camera" in message["participant"]["sources"])


async def test_of_offers_that_come_faster_than_the_room_works_the_newest_counts(node: Node) -> None:
    _, ana = await node.visit()
    await ana.says("connect")
    await ana.until("offer")
    for number in (7, 8, 9):
        node.media.tell(MediaOffered(ENCOUNTER, ParticipantId(ana.me), number, "v=0", ()))
    assert [message["negotiation"] for message in await ana.says("ping", sent_at=1) if "sdp" in message] == [9]


async def test_an_unexpected_error_is_a_refusal_and_the_room_goes_on(node: Node) -> None:
    _, ana = await node.visit()
    await ana.says("connect")
    ana.heard()
    node.media.refusing["answer"] = ValueError("a bug")
    await ana.says("answer", negotiation=1, sdp="v=0")
    del node.media.refusing["answer"]
    assert (await ana.says("ping", sent_at=1))[-1]["type"] == "pong"


# Stored before acknowledged


async def test_what_fails_behind_an_end_keeps_nobody_from_hearing_it(node: Node) -> None:
    _, ana = await node.visit()
    node.media.refusing["close_room"] = ValueError("a bug")
    bo = await node.joins("bo")
    async with node.bus.subscribe(room_topic(ENCOUNTER)) as room:
        await bo.says("end")
        ended = await anext(room)
    assert isinstance(ended, Delivery)
    assert ana.heard()[-1]["type"] == "ended"


async def test_an_end_that_was_published_while_the_store_was_silent_is_heard_later(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "RETRY_S", 0.01)
    _, ana = await node.visit()
    was = await node.encounter()
    await node.encounters.save(was.finished(node.clock.now()), was=was)
    node.encounters.failing.add("get")
    await node.bus.publish(room_topic(ENCOUNTER), Event("encounter_ended", b"{}"))
    await asyncio.sleep(0.03)
    assert ana.outbox.code is None
    node.encounters.failing.clear()
    await until(lambda: ana.outbox.code == 4410)


async def test_an_end_that_somebody_else_was_faster_to_store_is_an_end(node: Node) -> None:
    bo, ana = await node.visit()
    was = await node.encounter()
    await node.encounters.save(was.finished(node.clock.now()), was=was)
    await bo.says("end")
    assert ana.outbox.code == 4410


async def test_an_encounter_that_keeps_changing_is_not_fought_over_for_ever(node: Node) -> None:
    bo, _ = await node.visit()
    node.encounters.always = lambda was: replace(
        was, practitioner_id=UserId(DOCTOR if was.practitioner_id == OTHER_DOCTOR else OTHER_DOCTOR)
    )
    [refused] = await bo.says("end")
    assert refused["code"] == "unavailable"


@pytest.mark.parametrize("method", ["append", "save_seat", "save"])
async def test_an_admission_that_cannot_be_stored_has_not_taken_place(node: Node, method: str) -> None:
    bo, ana = await node.joins("bo"), await node.joins("ana")
    ana.heard(), bo.heard()
    node.encounters.failing.add(method)
    [refused] = await bo.says("admit", participant=ana.me)
    assert (refused["code"], refused["about"]) == ("unavailable", "admit")
    assert ana.heard() == []
    node.encounters.failing.clear()
    await bo.says("admit", participant=ana.me)
    assert ana.heard()[0]["admission"] == "admitted"


async def test_what_cannot_be_audited_does_not_happen(node: Node) -> None:
    bo, _ = await node.visit()
    node.audit.failing = True
    [refused] = await bo.says("end")
    assert refused["code"] == "unavailable"
    with pytest.raises(Unavailable):
        await node.joins("ana")


async def test_a_line_that_is_not_stored_is_heard_by_nobody_and_can_be_sent_again(node: Node) -> None:
    bo, ana = await node.visit()
    node.encounters.failing.add("append")
    [refused] = await ana.says("chat", key="1", text="Hello")
    assert refused["code"] == "unavailable"
    node.encounters.failing.clear()
    await ana.says("chat", key="1", text="Hello")
    await ana.says("chat", key="1", text="Hello")
    assert [message["text"] for message in bo.heard()] == ["Hello"]


async def test_a_store_that_hangs_is_given_up() -> None:
    async with a_node(RoomLimits(call_s=0.5)) as node:
        _, ana = await node.visit()
        node.encounters.hanging = True
        [refused] = await ana.says("chat", key="1", text="Hello")
        assert refused["code"] == "timeout"
        node.encounters.hanging = False


async def test_the_encounter_goes_on_although_somebody_else_changed_it_meanwhile(node: Node) -> None:
    bo, ana = await node.joins("bo"), await node.joins("ana")
    node.encounters.meanwhile = lambda was: replace(was, practitioner_id=UserId(OTHER_DOCTOR))
    await bo.says("admit", participant=ana.me)
    stored = await node.encounter()
    assert (stored.status, stored.practitioner_id) == (EncounterStatus.IN_PROGRESS, OTHER_DOCTOR)


async def test_an_admission_into_an_encounter_that_was_ended_meanwhile_ends_the_room(node: Node) -> None:
    bo, ana = await node.joins("bo"), await node.joins("ana")
    ana.heard()
    was = await node.encounter()
    await node.encounters.save(was.cancelled(node.clock.now()), was=was)
    await bo.says("admit", participant=ana.me)
    assert {"type": "ended", "reason": "cancelled"} in ana.heard()
    assert ana.outbox.code == 4410


# Coming, going and coming back


async def test_a_reload_returns_to_the_same_seat(node: Node) -> None:
    _, ana = await node.visit()
    again = await node.joins("ana")
    assert again.me == ana.me
    assert again.heard()[0]["admission"] == "admitted"
    assert ana.heard() == [{"type": "replaced"}]
    assert ana.outbox.code == 4409
    # The old socket's end, and what it still says, mean nothing now.
    await ana.says("leave")
    await node.host.disconnect(ana.connection)
    assert (await again.says("ping", sent_at=1))[-1]["type"] == "pong"


async def test_a_seat_survives_a_room_that_was_forgotten(node: Node) -> None:
    bo, ana = await node.visit()
    await ana.says("chat", key="1", text="Hello")
    await node.host.disconnect(bo.connection)
    await node.host.disconnect(ana.connection)
    await node.host.tick()
    assert node.host.rooms == 1
    node.clock.advance(60)
    await node.host.tick()
    assert node.host.rooms == 0
    again = await node.joins("ana")
    welcome = again.heard()[0]
    assert (welcome["participant"], welcome["admission"]) == (ana.me, "admitted")
    assert [line["text"] for line in welcome["chat"]] == ["Hello"]


async def test_media_of_one_who_does_not_come_back_are_closed(node: Node) -> None:
    _, ana = await node.visit()
    await ana.says("connect")
    await node.host.disconnect(ana.connection)
    node.clock.advance(MEDIA_GRACE_S)
    await node.host.tick()
    assert node.media.calls[-1] == ("close", ana.me)


async def test_media_that_cannot_be_closed_hold_up_nothing(node: Node) -> None:
    _, ana = await node.visit()
    await ana.says("connect")
    node.media.refusing["close"] = Unavailable("The media plane does not answer.")
    await ana.says("leave")
    assert ana.outbox.code == 4410
    seats = await node.stores.encounters.seats(ENCOUNTER)
    assert Admission.LEFT in [seat.admission for seat in seats]


async def test_a_long_history_is_read_to_its_end(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_room, "_PAGE", 4)
    bo, ana = await node.visit()
    for number in range(20):
        await ana.says("chat", key=str(number), text=f"line {number}")
    await node.host.disconnect(bo.connection)
    await node.host.disconnect(ana.connection)
    node.clock.advance(60)
    await node.host.tick()
    again = await node.joins("bo")
    assert again.heard()[0]["chat"][-1]["text"] == "line 19"


async def test_whose_socket_dies_while_they_are_being_seated_does_not_stay(node: Node) -> None:
    bo = await node.joins("bo")
    bo.heard()
    node.encounters.hanging = True
    joining = asyncio.get_running_loop().create_task(node.joins("ana"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    node.encounters.hanging = False
    await until(
        lambda: not any(message["participant"]["connected"] for message in bo.heard() if "participant" in message)
    )


# No way in


async def test_seven_do_not_fit(node: Node) -> None:
    for who in ("ana", "bo", "lena", "kim", "max", "zoe"):
        await node.joins(who)
    outbox = RecordingOutbox()
    with pytest.raises(RoomFull):
        await node.host.connect(a_ticket("cy"), outbox)
    assert json.loads(outbox.frames[0])["code"] == "room_full"
    assert outbox.code == 4429


async def test_an_encounter_that_does_not_exist_has_no_room(node: Node) -> None:
    outbox = RecordingOutbox()
    with pytest.raises(NotFound):
        await node.host.connect(a_ticket("ana", other(1)), outbox)
    assert outbox.code == 4404
    assert node.host.rooms == 0


async def test_an_encounter_that_has_ended_has_no_seat(node: Node) -> None:
    was = await node.encounter()
    await node.encounters.save(was.finished(node.clock.now()), was=was)
    outbox = RecordingOutbox()
    with pytest.raises(Gone):
        await node.host.connect(a_ticket("ana"), outbox)
    assert json.loads(outbox.frames[0]) == {"type": "ended", "reason": "finished"}
    assert outbox.code == 4410
    assert await node.stores.encounters.seats(ENCOUNTER) == []


async def test_who_was_removed_stays_out(node: Node) -> None:
    bo, ana = await node.visit()
    await bo.says("remove", participant=ana.me)
    outbox = RecordingOutbox()
    with pytest.raises(Gone):
        await node.host.connect(a_ticket("ana"), outbox)
    assert outbox.code == 4403


async def test_a_device_has_no_place_in_a_consultation(node: Node) -> None:
    outbox = RecordingOutbox()
    with pytest.raises(Forbidden):
        await node.host.connect(replace(a_ticket("ana"), role=Role.DEVICE), outbox)
    assert outbox.code == 4403


async def test_a_socket_that_is_full_at_once_is_closed(node: Node) -> None:
    outbox = RecordingOutbox(limit=0)
    with pytest.raises(Gone):
        await node.host.connect(a_ticket("ana"), outbox)
    assert outbox.code == 4408


async def test_there_are_only_so_many_rooms_and_the_empty_ones_make_way() -> None:
    async with a_node(RoomLimits(rooms=2)) as node:
        for number in (1, 2):
            await node.encounters.add(an_encounter(id=other(number)))
        first = await node.joins("bo")
        await node.joins("bo", other(1))
        outbox = RecordingOutbox()
        with pytest.raises(TooMany):
            await node.host.connect(a_ticket("bo", other(2)), outbox)
        assert outbox.code == 4429
        await node.host.disconnect(first.connection)
        await node.joins("bo", other(2))
        assert node.host.rooms == 2


# Limits


async def test_three_messages_that_are_not_understood_end_the_connection(node: Node) -> None:
    _, ana = await node.visit()
    for _ in range(2):
        await node.host.receive(ana.connection, "{")
    assert [message["code"] for message in ana.heard()] == ["bad_message", "bad_message"]
    await node.host.receive(ana.connection, "{")
    assert ana.outbox.code == 4400


async def test_a_flood_ends_only_its_own_connection(node: Node) -> None:
    bo, ana = await node.visit()
    for _ in range(50):
        await ana.says("ping", sent_at=1)
    assert ana.outbox.code == 4429
    assert bo.outbox.code is None
    assert (await bo.says("ping", sent_at=1))[-1]["type"] == "pong"


async def test_who_does_not_read_is_dropped_and_the_others_hear_so(node: Node) -> None:
    bo, ana = await node.visit()
    ana.outbox.limit = len(ana.outbox.frames)
    await bo.says("chat", key="1", text="Hello")
    assert ana.outbox.code == 4408
    await bo.until("participant", lambda message: not message["participant"]["connected"])


async def test_a_room_takes_only_so_much_work_at_once(node: Node) -> None:
    _, ana = await node.visit()
    node.encounters.hanging = True
    line = json.dumps({"type": "ping", "sent_at": 1})
    async with asyncio.TaskGroup() as group:
        lines = [group.create_task(node.host.receive(ana.connection, line)) for _ in range(30)]
        chat = json.dumps({"type": "chat", "key": "1", "text": "Hello"})
        lines.append(group.create_task(node.host.receive(ana.connection, chat)))
        dropping = [group.create_task(node.host.disconnect(ana.connection)) for _ in range(MAX_JOBS + 10)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        node.encounters.hanging = False
        for task in (*lines, *dropping):
            task.cancel()
    assert node.host.rooms == 1


# What happens elsewhere


async def test_ringing_and_the_end_come_over_the_bus(node: Node) -> None:
    bo, ana = await node.visit()
    case = CaseView(id="80", status="ringing", complaint="stroke", acuity="red", rings=())
    await node.bus.publish(room_topic(ENCOUNTER), Event("something_else", b""))
    await node.bus.publish(room_topic(ENCOUNTER), Event("case_changed", b"nonsense"))
    await node.bus.publish(room_topic(ENCOUNTER), Event("case_changed", case.model_dump_json().encode()))
    assert (await bo.until("case"))["case"]["status"] == "ringing"
    was = await node.encounter()
    await node.encounters.save(was.finished(node.clock.now()), was=was)
    closed = replace_status(case, "closed")
    await node.bus.publish(room_topic(ENCOUNTER), Event("case_changed", closed.model_dump_json().encode()))
    assert (await ana.until("ended"))["reason"] == "finished"
    assert bo.outbox.code == 4410


def replace_status(case: CaseView, status: str) -> CaseView:
    return case.model_copy(update={"status": status})


async def test_a_room_that_opens_late_knows_how_the_ringing_went(node: Node) -> None:
    case = CaseView(id="80", status="accepted", complaint="stroke", acuity="red", rings=())
    await node.bus.publish(room_topic(ENCOUNTER), Event("case_changed", case.model_dump_json().encode()))
    lena = await node.joins("lena")
    assert (await lena.until("case"))["case"]["status"] == "accepted"


async def test_an_event_of_an_end_that_is_not_stored_ends_nothing(node: Node) -> None:
    _, ana = await node.visit()
    await node.bus.publish(room_topic(ENCOUNTER), Event("encounter_ended", b"{}"))
    await node.bus.publish(room_topic(ENCOUNTER), Event("case_changed", b"nonsense"))
    assert (await ana.says("ping", sent_at=1))[-1]["type"] == "pong"


async def test_a_revoked_person_is_disconnected(node: Node) -> None:
    bo, ana = await node.visit()
    subject = a_ticket("ana").subject
    await until(lambda: node.host.rooms == 1)
    await asyncio.sleep(0)
    await node.bus.publish(REVOCATIONS, Event("revoked", b"somebody else"))
    await node.bus.publish(REVOCATIONS, Event("revoked", subject.encode()))
    await until(lambda: ana.outbox.code == 4401)
    assert bo.outbox.code is None


async def test_a_fault_of_ours_loses_no_revocation(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "RETRY_S", 0.001)
    _, ana = await node.visit()
    subject, has, faults = a_ticket("ana").subject, LiveRoom.has, list[str]()

    def faulty(room: LiveRoom, who: str) -> bool:
        if who == subject and not faults:
            faults.append(who)
            raise RuntimeError("a fault of ours")
        return has(room, who)

    monkeypatch.setattr(LiveRoom, "has", faulty)
    await asyncio.sleep(0)
    await node.bus.publish(REVOCATIONS, Event("revoked", b"somebody else"))
    await node.bus.publish(REVOCATIONS, Event("revoked", subject.encode()))
    await until(lambda: ana.outbox.code == 4401)
    assert faults == [subject]


async def test_a_fault_of_ours_does_not_end_the_ticks(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "TICK_S", 0.001)
    asked: list[float] = []

    def faulty(room: LiveRoom, now: float) -> bool:
        asked.append(now)
        if len(asked) == 1:
            raise RuntimeError("a fault of ours")
        return False

    monkeypatch.setattr(LiveRoom, "is_due", faulty)
    await node.visit()
    await until(lambda: len(asked) > 1)


async def test_work_lists_hear_of_arrival_and_the_bus_of_the_end(node: Node) -> None:
    heard: list[Delivery | Gap] = []
    async with node.bus.subscribe(WORKLIST) as worklist, node.bus.subscribe(room_topic(ENCOUNTER)) as room:
        bo = await node.joins("bo")
        heard.append(await anext(worklist))
        await bo.says("end")
        ended = await anext(room)
    assert isinstance(ended, Delivery)
    assert ended.event == Event("encounter_ended", b'{"reason": "finished"}')
    assert isinstance(heard[0], Delivery)


async def test_a_bus_that_fails_keeps_nobody_from_their_seat(node: Node) -> None:
    await node.bus.aclose()
    bo, ana = await node.visit()
    await ana.says("chat", key="1", text="Hello")
    assert bo.heard()[0]["text"] == "Hello"


async def test_events_of_media_in_no_room_mean_nothing(node: Node) -> None:
    node.media.tell(MediaOffered(other(1), ParticipantId("p"), 1, "v=0", ()))
    bo = await node.joins("bo")
    assert bo.heard()[0]["type"] == "welcome"


# The end of the node


async def test_a_node_that_stops_sends_everybody_to_the_next_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with a_node() as node:
        _, ana = await node.visit()
        await node.host.aclose()
        assert ana.outbox.code == 1012
        outbox = RecordingOutbox()
        with pytest.raises(Unavailable):
            await node.host.connect(a_ticket("ana"), outbox)
        assert outbox.code == 1012
        await node.host.receive(ana.connection, '{"type": "leave"}')
        await node.host.disconnect(ana.connection)
    await until(lambda: asyncio.all_tasks() <= before)


async def test_whoever_waits_for_an_answer_when_the_node_stops_gets_none(node: Node) -> None:
    _, ana = await node.visit()
    node.encounters.hanging = True
    async with asyncio.TaskGroup() as group:
        group.create_task(node.host.receive(ana.connection, '{"type": "chat", "key": "1", "text": "a"}'))
        group.create_task(node.host.receive(ana.connection, '{"type": "leave"}'))
        await asyncio.sleep(0.01)
        await node.host.aclose()
    node.encounters.hanging = False
    assert ana.outbox.code == 1012
    assert "left" not in await node.kinds()


async def test_a_hundred_rooms_come_and_go_without_leaving_anything(node: Node) -> None:
    before = len(asyncio.all_tasks())
    for number in range(1, 101):
        await node.encounters.add(an_encounter(id=other(number)))
        bo = await node.joins("bo", other(number))
        await bo.says("end")
    await node.host.tick()
    assert node.host.rooms == 0
    # The host's own two, which watch the clock and revocations.
    assert len(asyncio.all_tasks()) <= before + 2
