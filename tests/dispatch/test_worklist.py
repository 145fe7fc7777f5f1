"""The work list: what rings, who waits, what is on today."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from telehealth.access import Role
from telehealth.consultations.model import Admission, EncounterKind, EncounterStatus
from telehealth.dispatch.model import Acuity, CaseStatus, Complaint, NewCase
from telehealth.dispatch.worklist import MAX_WAITING, Worklist
from telehealth.errors import Forbidden
from telehealth.ids import AppointmentId, CaseId, EncounterId, ParticipantId
from telehealth.interop.worklist_messages import Worklist as WorklistMessage
from telehealth.interop.worklist_messages import parse_server
from tests.builders import (
    DOCTOR,
    NOON,
    OTHER_DOCTOR,
    OTHER_PATIENT,
    PATIENT,
    a_participant,
    an_appointment,
    an_encounter,
    the_doctor,
    the_paramedic,
)
from tests.dispatch.conftest import Post

CASE = CaseId("80" * 16)
MINUTE = timedelta(minutes=1)


async def of(post: Post) -> Worklist:
    return await post.worklists.of(the_doctor())


async def on_demand(post: Post, number: int = 1, **changes: Any) -> EncounterId:
    id_ = EncounterId(f"{number:032x}")
    values = {"kind": EncounterKind.ON_DEMAND, "status": EncounterStatus.ARRIVED, "practitioner_id": None}
    await post.stores.encounters.add(an_encounter(id=id_, reason="Cough", **(values | changes)))
    return id_


async def booked(post: Post, at: datetime, number: int = 100) -> EncounterId:
    id_ = EncounterId(f"{number:032x}")
    appointment = an_appointment(id=AppointmentId(f"{number:032x}"), encounter_id=id_, starts_at=at)
    await post.stores.appointments.book(appointment)
    return id_


async def change(post: Post, id_: EncounterId, **changes: Any) -> None:
    encounter = await post.stores.encounters.get(id_)
    await post.stores.encounters.save(replace(encounter, **changes), was=encounter)


async def test_with_nothing_to_do_the_list_is_empty_and_reading_it_is_written_down(post: Post) -> None:
    assert await of(post) == Worklist(on_call=False, server_time=NOON, ringing=(), waiting=(), today=())
    assert post.audit.actions == ["worklist.read"]


async def test_only_practitioners_have_one(post: Post) -> None:
    with pytest.raises(Forbidden):
        await post.worklists.of(the_paramedic())


async def test_an_ambulance_rings_until_it_is_answered(post: Post) -> None:
    case = await post.dispatch.open_case(the_paramedic(), NewCase(CASE, Complaint.STROKE, Acuity.RED))
    await post.dispatch.set_on_call(the_doctor(), on=True)
    post.clock.advance(10)
    await post.dispatch.ring(the_paramedic(), CASE)
    found = await of(post)
    assert found.on_call
    (ringing,) = found.ringing
    assert (ringing.case, ringing.encounter) == (CASE, case.encounter_id)
    assert (ringing.complaint, ringing.acuity, ringing.paramedic) == (Complaint.STROKE, Acuity.RED, "Lena Brandt")
    assert ringing.since == NOON + timedelta(seconds=10)
    await post.dispatch.accept(the_doctor(), CASE)
    answered = await of(post)
    assert answered.ringing == ()
    assert [(visit.encounter, visit.patient) for visit in answered.today] == [(case.encounter_id, "")]


async def test_two_ambulances_of_one_crew_ring_longest_first(post: Post) -> None:
    await post.dispatch.set_on_call(the_doctor(), on=True)
    for id_ in ("90" * 16, "80" * 16):
        await post.dispatch.open_case(the_paramedic(), NewCase(CaseId(id_)))
        await post.dispatch.ring(the_paramedic(), CaseId(id_))
        post.clock.advance(1)
    found = (await of(post)).ringing
    assert [(ringing.case, ringing.paramedic) for ringing in found] == [
        ("90" * 16, "Lena Brandt"),
        ("80" * 16, "Lena Brandt"),
    ]


async def test_an_ambulance_whose_room_was_ended_rings_no_more(post: Post) -> None:
    case = await post.dispatch.open_case(the_paramedic(), NewCase(CASE))
    await post.dispatch.set_on_call(the_doctor(), on=True)
    await post.dispatch.ring(the_paramedic(), CASE)
    await change(post, case.encounter_id, status=EncounterStatus.CANCELLED)
    assert (await of(post)).ringing == ()
    assert (await post.stores.cases.get(CASE)).status is CaseStatus.RINGING


async def test_whoever_waits_for_anybody_or_for_me_is_shown_longest_first(post: Post) -> None:
    anybodys = await on_demand(post, 1, created_at=NOON - MINUTE)
    mine = await on_demand(post, 2, created_at=NOON - 2 * MINUTE, practitioner_id=DOCTOR, patient_id=OTHER_PATIENT)
    await on_demand(post, 3, practitioner_id=OTHER_DOCTOR)
    await on_demand(post, 4, practitioner_id=DOCTOR, status=EncounterStatus.IN_PROGRESS)
    shown = [(w.encounter, w.patient, w.mine, w.since) for w in (await of(post)).waiting]
    assert shown == [
        (mine, "Bo Lind", True, NOON - 2 * MINUTE),
        (anybodys, "Ana Ruiz", False, NOON - MINUTE),
    ]


async def test_a_booked_patient_waits_since_they_sat_down_in_the_waiting_room(post: Post) -> None:
    id_ = await booked(post, NOON + 10 * MINUTE)
    await change(post, id_, status=EncounterStatus.ARRIVED)
    assert [w.since for w in (await of(post)).waiting] == [NOON + 10 * MINUTE]
    seat = a_participant(encounter_id=id_, since=NOON - MINUTE)
    doctor = replace(seat, id=ParticipantId("b1"), subject=DOCTOR, role=Role.PRACTITIONER, since=NOON - 5 * MINUTE)
    await post.stores.encounters.seat(seat)
    await post.stores.encounters.seat(replace(doctor, admission=Admission.ADMITTED))
    (waiting,) = (await of(post)).waiting
    assert (waiting.since, waiting.kind, waiting.mine) == (NOON - MINUTE, EncounterKind.SCHEDULED, True)


async def test_the_list_of_those_who_wait_is_bounded(post: Post) -> None:
    for number in range(1, MAX_WAITING + 2):
        await on_demand(post, number)
    assert len((await of(post)).waiting) == MAX_WAITING


async def test_today_is_the_practitioners_local_day(post: Post) -> None:
    # In Berlin it is 1 January from 23:00 UTC the evening before until 23:00 UTC.
    days = {
        "yesterday": datetime(2025, 12, 31, 22, 15, tzinfo=UTC),
        "first": datetime(2025, 12, 31, 23, 0, tzinfo=UTC),
        "last": datetime(2026, 1, 1, 22, 30, tzinfo=UTC),
        "tomorrow": datetime(2026, 1, 1, 23, 0, tzinfo=UTC),
    }
    ids = {name: await booked(post, at, number) for number, (name, at) in enumerate(days.items(), start=100)}
    today = (await of(post)).today
    assert [visit.encounter for visit in today] == [ids["first"], ids["last"]]
    assert [visit.starts_at for visit in today] == [days["first"], days["last"]]
    assert all(visit.mine and visit.status is EncounterStatus.PLANNED for visit in today)


async def test_a_visit_of_today_stays_on_the_list_when_it_is_over(post: Post) -> None:
    id_ = await booked(post, NOON)
    await change(post, id_, status=EncounterStatus.FINISHED)
    assert [visit.status for visit in (await of(post)).today] == [EncounterStatus.FINISHED]


async def test_what_is_under_way_is_on_todays_list_though_it_was_not_booked(post: Post) -> None:
    id_ = await on_demand(post, practitioner_id=DOCTOR, status=EncounterStatus.IN_PROGRESS, patient_id=PATIENT)
    assert [(visit.encounter, visit.starts_at) for visit in (await of(post)).today] == [(id_, NOON)]


async def test_a_list_is_written_as_the_protocol_says(post: Post) -> None:
    await on_demand(post)
    await booked(post, NOON)
    await post.dispatch.open_case(the_paramedic(), NewCase(CASE))
    await post.dispatch.set_on_call(the_doctor(), on=True)
    await post.dispatch.ring(the_paramedic(), CASE)
    message = parse_server((await of(post)).to_text())
    assert isinstance(message, WorklistMessage)
    assert (message.on_call, message.server_time) == (True, NOON.timestamp() * 1000)
    assert [len(part) for part in (message.ringing, message.waiting, message.today)] == [1, 1, 1]
    assert message.waiting[0].since == NOON.timestamp() * 1000


def test_only_what_the_list_is_made_of_can_be_written() -> None:
    with pytest.raises(TypeError):
        Worklist(on_call=True, server_time=NOON, ringing=(object(),), waiting=(), today=()).to_text()  # type: ignore[arg-type]
