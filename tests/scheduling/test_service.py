"""Scheduling: publishing, booking, moving, cancelling; who may, and who wins."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from telehealth.access import Principal
from telehealth.bus import WORKLIST, Event, room_topic
from telehealth.consultations.model import EncounterStatus
from telehealth.errors import Conflict, Forbidden, Gone, Invalid, NotFound, SlotTaken, TelehealthError, Unavailable
from telehealth.ids import AppointmentId, AvailabilityId, PatientId, UserId
from telehealth.scheduling.model import Appointment, AppointmentStatus, NewAvailability
from telehealth.scheduling.service import HORIZON, MAX_AVAILABILITIES, MAX_REASON_CHARS
from tests.builders import (
    DOCTOR,
    OTHER_DOCTOR,
    OTHER_PATIENT,
    PATIENT,
    the_admin,
    the_doctor,
    the_guest,
    the_paramedic,
    the_patient,
)
from tests.scheduling.conftest import Desk

NINE = datetime(2026, 1, 8, 8, 0, tzinfo=UTC)
HALF_PAST = NINE + timedelta(minutes=30)
THURSDAYS = NewAvailability(3, time(9), time(12), 30, "Europe/Berlin", date(2026, 1, 1))
OTHER_PATIENT_USER = the_patient(subject="f1" * 16, patient=OTHER_PATIENT)


@pytest.fixture
async def open_desk(desk: Desk) -> Desk:
    """Return the desk with Thursday mornings published."""
    await desk.scheduling.publish(the_doctor(), DOCTOR, THURSDAYS)
    desk.audit.events.clear()
    return desk


async def book(desk: Desk, *, by: Principal | None = None, at: datetime = NINE, **changes: Any) -> Appointment:
    wanted = {"practitioner": DOCTOR, "reason": "Cough", "patient": None} | changes
    return await desk.scheduling.book(by or the_patient(), starts_at=at, **wanted)


async def code_of(refused: Any) -> str:
    with pytest.raises(TelehealthError) as error:
        await refused
    return error.value.code


# Availability


async def test_what_is_published_can_be_seen_and_withdrawn(desk: Desk) -> None:
    published = await desk.scheduling.publish(the_doctor(), DOCTOR, THURSDAYS)
    assert list(await desk.scheduling.availability(the_doctor(), DOCTOR)) == [published]
    await desk.scheduling.withdraw(the_doctor(), DOCTOR, published.id)
    assert not await desk.scheduling.availability(the_doctor(), DOCTOR)
    assert desk.audit.actions == ["availability.published", "availability.withdrawn"]


async def test_a_colleagues_schedule_is_not_ones_own_but_an_administrators(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.scheduling.publish(the_doctor(), OTHER_DOCTOR, THURSDAYS)
    with pytest.raises(Forbidden):
        await desk.scheduling.publish(the_patient(), DOCTOR, THURSDAYS)
    published = await desk.scheduling.publish(the_admin(), OTHER_DOCTOR, THURSDAYS)
    with pytest.raises(NotFound):
        await desk.scheduling.availability(the_doctor(), OTHER_DOCTOR)
    with pytest.raises(NotFound):
        await desk.scheduling.withdraw(the_doctor(), DOCTOR, published.id)
    with pytest.raises(NotFound):
        await desk.scheduling.withdraw(the_doctor(), DOCTOR, AvailabilityId("unknown"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"weekday": 7}, "bad_availability"),
        ({"weekday": -1}, "bad_availability"),
        ({"starts": time(9, 1)}, "bad_availability"),
        ({"ends": time(11, 59, 59)}, "bad_availability"),
        ({"ends": time(12, 0, 0, 1)}, "bad_availability"),
        ({"ends": time(12, tzinfo=UTC)}, "bad_availability"),
        ({"ends": time(9)}, "bad_availability"),
        ({"ends": time(8)}, "bad_availability"),
        ({"slot_minutes": 0}, "bad_availability"),
        ({"slot_minutes": -30}, "bad_availability"),
        ({"slot_minutes": 7}, "bad_availability"),
        ({"slot_minutes": 185}, "bad_availability"),
        ({"slot_minutes": 245, "ends": time(23)}, "bad_availability"),
        ({"valid_until": date(2025, 12, 31)}, "bad_availability"),
        ({"time_zone": "Mars/Olympus"}, "bad_time_zone"),
        ({"time_zone": "/etc/passwd"}, "bad_time_zone"),
    ],
)
async def test_an_impossible_availability_is_refused(desk: Desk, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.scheduling.publish(the_doctor(), DOCTOR, replace(THURSDAYS, **changes))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "overlaps"),
    [
        ({}, True),
        ({"starts": time(11, 30), "ends": time(13)}, True),
        ({"time_zone": "Asia/Tokyo"}, True),
        ({"starts": time(12), "ends": time(13)}, False),
        ({"weekday": 4}, False),
        ({"valid_from": date(2026, 7, 1)}, False),
        ({"valid_from": date(2025, 1, 1), "valid_until": date(2025, 12, 31)}, False),
        ({"valid_from": date(2025, 1, 1), "valid_until": date(2026, 1, 1)}, True),
    ],
)
async def test_two_of_one_practitioner_may_not_overlap(desk: Desk, changes: dict[str, Any], *, overlaps: bool) -> None:
    await desk.scheduling.publish(the_doctor(), DOCTOR, replace(THURSDAYS, valid_until=date(2026, 6, 30)))
    await desk.scheduling.publish(the_doctor(subject=OTHER_DOCTOR), OTHER_DOCTOR, THURSDAYS)
    second = desk.scheduling.publish(the_doctor(), DOCTOR, replace(THURSDAYS, **changes))
    if overlaps:
        assert await code_of(second) == "availability_overlap"
    else:
        assert await second


async def test_there_is_a_limit_to_what_one_publishes(desk: Desk) -> None:
    days = (THURSDAYS.valid_from + timedelta(days=n) for n in range(MAX_AVAILABILITIES))
    for day in days:
        await desk.scheduling.publish(the_doctor(), DOCTOR, replace(THURSDAYS, valid_from=day, valid_until=day))
    with pytest.raises(Conflict) as refused:
        await desk.scheduling.publish(the_doctor(), DOCTOR, replace(THURSDAYS, weekday=0))
    assert refused.value.code == "too_many_availabilities"


# Free slots


async def test_free_slots_are_those_nobody_has_booked(open_desk: Desk) -> None:
    await book(open_desk)
    slots = await open_desk.scheduling.free_slots(the_patient(), DOCTOR, NINE, NINE + timedelta(days=1))
    assert [slot.starts_at for slot in slots] == [NINE + n * timedelta(minutes=30) for n in range(1, 6)]


async def test_a_window_without_availability_has_no_slots(open_desk: Desk) -> None:
    later = NINE + timedelta(days=1)
    assert await open_desk.scheduling.free_slots(the_patient(), DOCTOR, later, later + timedelta(days=1)) == []


async def test_what_has_passed_is_not_free(open_desk: Desk) -> None:
    open_desk.clock.set_wall(NINE + timedelta(minutes=61))
    slots = await open_desk.scheduling.free_slots(the_patient(), DOCTOR, NINE, NINE + timedelta(days=1))
    assert slots[0].starts_at == NINE + timedelta(minutes=90)
    assert await open_desk.scheduling.free_slots(the_patient(), DOCTOR, NINE - HORIZON, NINE - HORIZON) == []


async def test_a_cancelled_appointment_frees_its_slot(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    await open_desk.scheduling.cancel(the_patient(), appointment.id)
    slots = await open_desk.scheduling.free_slots(the_patient(), DOCTOR, NINE, HALF_PAST)
    assert [slot.starts_at for slot in slots] == [NINE]


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        (NINE, NINE - timedelta(seconds=1), "bad_window"),
        (NINE, NINE + timedelta(days=35, seconds=1), "bad_window"),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), "bad_window"),
        (NINE.replace(tzinfo=None), NINE, "naive_instant"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=5))), NINE, "no_such_instant"),
    ],
)
async def test_an_impossible_window_is_refused(open_desk: Desk, since: datetime, until: datetime, code: str) -> None:
    assert await code_of(open_desk.scheduling.free_slots(the_patient(), DOCTOR, since, until)) == code


async def test_a_window_in_local_time_is_measured_in_real_time(open_desk: Desk) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    since, until = datetime(2026, 1, 8, 9, tzinfo=berlin), datetime(2026, 1, 8, 10, tzinfo=berlin)
    slots = await open_desk.scheduling.free_slots(the_patient(), DOCTOR, since, until)
    assert [slot.starts_at for slot in slots] == [NINE, HALF_PAST]


async def test_paramedics_do_not_book(open_desk: Desk) -> None:
    with pytest.raises(Forbidden):
        await open_desk.scheduling.free_slots(the_paramedic(), DOCTOR, NINE, HALF_PAST)


# Booking


async def test_a_patient_books_for_themself(open_desk: Desk) -> None:
    appointment = await book(open_desk, reason=" Cough ")
    assert (appointment.patient_id, appointment.practitioner_id) == (PATIENT, DOCTOR)
    assert (appointment.starts_at, appointment.ends_at) == (NINE, HALF_PAST)
    assert appointment.reason == "Cough"
    encounter = await open_desk.stores.encounters.get(appointment.encounter_id)
    assert (encounter.starts_at, encounter.practitioner_id) == (NINE, DOCTOR)
    assert open_desk.bus.of(WORKLIST) == [Event("changed", b"")]
    event = open_desk.audit.events[-1]
    assert (event.action, event.entity, event.patient) == (
        "appointment.booked",
        f"appointment/{appointment.id}",
        PATIENT,
    )


async def test_of_fifty_who_want_one_slot_one_gets_it(open_desk: Desk) -> None:
    wants = (book(open_desk, by=who) for _ in range(25) for who in (the_patient(), OTHER_PATIENT_USER))
    outcomes = await asyncio.gather(*wants, return_exceptions=True)
    assert sum(isinstance(outcome, Appointment) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SlotTaken) for outcome in outcomes) == 49
    assert len(open_desk.bus.of(WORKLIST)) == 1
    booked = await open_desk.stores.appointments.of_practitioner(DOCTOR, since=NINE, until=HALF_PAST)
    assert len(booked) == 1


async def test_staff_book_for_a_patient_they_name(open_desk: Desk) -> None:
    appointment = await book(open_desk, by=the_doctor(), patient=OTHER_PATIENT)
    assert appointment.patient_id == OTHER_PATIENT
    assert (await book(open_desk, by=the_admin(), patient=PATIENT, at=HALF_PAST)).patient_id == PATIENT
    for staff in (the_doctor(), the_admin()):
        assert await code_of(book(open_desk, by=staff)) == "patient_required"
        with pytest.raises(NotFound):
            await book(open_desk, by=staff, patient=PatientId("unknown"), at=HALF_PAST + timedelta(minutes=30))


async def test_nobody_books_for_another_patient_or_into_a_colleagues_schedule(open_desk: Desk) -> None:
    for foreign in (
        book(open_desk, by=the_patient(), patient=OTHER_PATIENT),
        book(open_desk, by=the_patient(patient=None)),
        book(open_desk, by=the_guest(patient=PATIENT)),
        book(open_desk, by=the_doctor(subject=OTHER_DOCTOR), patient=PATIENT),
        book(open_desk, by=the_doctor(subject=OTHER_DOCTOR), patient=PatientId(OTHER_DOCTOR)),
    ):
        with pytest.raises(NotFound):
            await foreign
    assert open_desk.bus.published == []


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (NINE + timedelta(minutes=5), "no_such_slot"),
        (NINE + timedelta(microseconds=1), "no_such_slot"),
        (NINE + timedelta(days=1), "no_such_slot"),
        (NINE + timedelta(hours=3), "no_such_slot"),
        (NINE + timedelta(weeks=60), "no_such_slot"),
        (NINE - timedelta(days=14), "in_the_past"),
        (NINE.replace(tzinfo=None), "naive_instant"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), "no_such_instant"),
    ],
)
async def test_a_time_that_is_no_slot_is_refused(open_desk: Desk, at: datetime, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        await book(open_desk, at=at)
    assert refused.value.code == code


async def test_a_slot_can_be_booked_until_it_begins(open_desk: Desk) -> None:
    open_desk.clock.set_wall(NINE)
    assert await code_of(book(open_desk)) == "in_the_past"
    assert await book(open_desk, at=HALF_PAST)


async def test_a_practitioner_without_availability_cannot_be_booked(open_desk: Desk) -> None:
    for nobody in (OTHER_DOCTOR, UserId("unknown")):
        assert await code_of(book(open_desk, practitioner=nobody)) == "no_such_slot"


async def test_a_reason_has_a_limit(open_desk: Desk) -> None:
    assert await code_of(book(open_desk, reason="x" * (MAX_REASON_CHARS + 1))) == "reason_too_long"
    assert await book(open_desk, reason="x" * MAX_REASON_CHARS)


async def test_without_an_audit_trail_nobody_hears_of_a_booking(open_desk: Desk) -> None:
    open_desk.audit.failing = True
    with pytest.raises(Unavailable):
        await book(open_desk)
    assert open_desk.bus.published == []


# Moving, cancelling, reading


async def test_a_moved_appointment_takes_its_encounter_along_and_frees_the_old_slot(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    moved = await open_desk.scheduling.move(the_patient(), appointment.id, HALF_PAST)
    assert (moved.starts_at, moved.version) == (HALF_PAST, 2)
    assert (await open_desk.stores.encounters.get(appointment.encounter_id)).starts_at == HALF_PAST
    assert await book(open_desk, by=OTHER_PATIENT_USER)
    assert open_desk.audit.actions == ["appointment.booked", "appointment.moved", "appointment.booked"]


async def test_a_move_to_a_taken_or_missing_slot_changes_nothing(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    await book(open_desk, by=OTHER_PATIENT_USER, at=HALF_PAST)
    assert await code_of(open_desk.scheduling.move(the_patient(), appointment.id, HALF_PAST)) == "slot_taken"
    odd = HALF_PAST + timedelta(minutes=5)
    assert await code_of(open_desk.scheduling.move(the_patient(), appointment.id, odd)) == "no_such_slot"
    assert await open_desk.scheduling.get(the_patient(), appointment.id) == appointment


async def test_a_cancelled_appointment_stays_cancelled(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    cancelled = await open_desk.scheduling.cancel(the_doctor(), appointment.id)
    assert cancelled.status is AppointmentStatus.CANCELLED
    assert (await open_desk.stores.encounters.get(appointment.encounter_id)).status is EncounterStatus.CANCELLED
    with pytest.raises(Gone):
        await open_desk.scheduling.cancel(the_doctor(), appointment.id)
    with pytest.raises(Gone):
        await open_desk.scheduling.move(the_patient(), appointment.id, HALF_PAST)


async def test_a_room_where_somebody_waits_hears_that_the_visit_was_cancelled(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    await open_desk.scheduling.cancel(the_doctor(), appointment.id)
    (event,) = open_desk.bus.of(room_topic(appointment.encounter_id))
    assert (event.kind, json.loads(event.body)) == ("encounter_ended", {"reason": "cancelled"})


async def test_once_it_has_begun_it_is_too_late(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    open_desk.clock.set_wall(NINE)
    assert await code_of(open_desk.scheduling.cancel(the_patient(), appointment.id)) == "too_late"
    assert await code_of(open_desk.scheduling.move(the_patient(), appointment.id, HALF_PAST)) == "too_late"
    assert len(open_desk.bus.of(WORKLIST)) == 1


async def test_of_two_who_change_it_at_once_one_is_told_to_look_again(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    outcomes = await asyncio.gather(
        open_desk.scheduling.move(the_patient(), appointment.id, HALF_PAST),
        open_desk.scheduling.cancel(the_doctor(), appointment.id),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Appointment) for outcome in outcomes) >= 1
    assert all(isinstance(outcome, Appointment | Conflict | Gone) for outcome in outcomes)


async def test_an_appointment_is_for_its_patient_its_practitioner_and_its_guest(open_desk: Desk) -> None:
    appointment = await book(open_desk)
    guest = the_guest(encounter=appointment.encounter_id)
    for owner in (the_patient(), the_doctor(), the_admin(), guest):
        assert await open_desk.scheduling.get(owner, appointment.id) == appointment
    strangers = (OTHER_PATIENT_USER, the_doctor(subject=OTHER_DOCTOR), the_guest(patient=PATIENT))
    for stranger in strangers:
        for refused in (
            open_desk.scheduling.get(stranger, appointment.id),
            open_desk.scheduling.cancel(stranger, appointment.id),
            open_desk.scheduling.move(stranger, appointment.id, HALF_PAST),
            open_desk.scheduling.get(stranger, AppointmentId("unknown")),
        ):
            with pytest.raises(NotFound):
                await refused
    with pytest.raises(Forbidden):
        await open_desk.scheduling.get(the_paramedic(), AppointmentId("unknown"))


async def test_a_list_holds_ones_own_soonest_first(open_desk: Desk) -> None:
    second = await book(open_desk, at=HALF_PAST)
    first = await book(open_desk, by=OTHER_PATIENT_USER)
    mine = open_desk.scheduling.mine
    assert await mine(the_patient()) == [second]
    assert await mine(the_doctor()) == [first, second]
    assert await mine(the_admin()) == [first, second]
    assert await mine(the_doctor(subject=OTHER_DOCTOR)) == []
    assert await mine(the_patient(patient=None)) == []
    assert await mine(the_guest(patient=PATIENT, encounter=second.encounter_id)) == [second]
    assert await mine(the_guest(patient=PATIENT)) == []
    with pytest.raises(Forbidden):
        await mine(the_paramedic())
