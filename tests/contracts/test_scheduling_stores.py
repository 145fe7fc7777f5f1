"""The contracts of scheduling.ports, on each engine."""

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from telehealth.consultations.model import EncounterKind, EncounterStatus
from telehealth.errors import Conflict, Invalid, NotFound, SlotTaken
from telehealth.ids import AppointmentId, AvailabilityId, EncounterId, UserId
from telehealth.scheduling.model import Appointment, AppointmentStatus, Slot
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.stores import Stores, open_stores
from tests.builders import DOCTOR, NOON, OTHER_DOCTOR, OTHER_PATIENT, PATIENT, an_appointment, an_availability

MONTH = timedelta(days=31)


def numbered(number: int, starts_at: datetime = NOON, minutes: int = 30, **changes: object) -> Appointment:
    return an_appointment(
        id=AppointmentId(f"a{number}"),
        encounter_id=EncounterId(f"e{number}"),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        **changes,
    )


async def test_availability_comes_back_in_the_order_of_the_week(stores: Stores) -> None:
    thursday = an_availability()
    monday = an_availability(id=AvailabilityId("mo"), weekday=0, valid_until=date(2026, 12, 31))
    for availability in (thursday, monday):
        await stores.schedules.add(availability)
    assert await stores.schedules.of_practitioner(DOCTOR) == [monday, thursday]
    with pytest.raises(NotFound):
        await stores.schedules.remove(monday.id, practitioner=OTHER_DOCTOR)
    await stores.schedules.remove(monday.id, practitioner=DOCTOR)
    assert await stores.schedules.of_practitioner(DOCTOR) == [thursday]


async def test_a_booking_stores_its_encounter_too(stores: Stores) -> None:
    booked = numbered(1)
    await stores.appointments.book(booked)
    assert await stores.appointments.get(booked.id) == booked
    encounter = await stores.encounters.get(booked.encounter_id)
    assert (encounter.kind, encounter.status) == (EncounterKind.SCHEDULED, EncounterStatus.PLANNED)
    assert (encounter.patient_id, encounter.practitioner_id) == (PATIENT, DOCTOR)
    assert (encounter.starts_at, encounter.reason, encounter.appointment_id) == (NOON, "Check-up", booked.id)
    with pytest.raises(NotFound):
        await stores.appointments.get(AppointmentId("unknown"))


async def test_a_refused_booking_leaves_nothing_behind(stores: Stores) -> None:
    await stores.appointments.book(numbered(1))
    with pytest.raises(SlotTaken):
        await stores.appointments.book(numbered(2, NOON + timedelta(minutes=25)))
    with pytest.raises(NotFound):
        await stores.appointments.get(AppointmentId("a2"))
    with pytest.raises(NotFound):
        await stores.encounters.get(EncounterId("e2"))


async def test_neighbouring_times_and_another_doctor_are_free(stores: Stores) -> None:
    await stores.appointments.book(numbered(1))
    await stores.appointments.book(numbered(2, NOON + timedelta(minutes=30)))
    await stores.appointments.book(numbered(3, NOON - timedelta(minutes=30)))
    await stores.appointments.book(numbered(4, practitioner_id=OTHER_DOCTOR))
    found = await stores.appointments.of_practitioner(DOCTOR, since=NOON, until=NOON + timedelta(minutes=30))
    assert [appointment.id for appointment in found] == ["a1"]


@pytest.mark.parametrize("minutes", [0, -5, 24 * 60 + 5])
async def test_an_interval_that_is_empty_or_endless_is_refused(stores: Stores, minutes: int) -> None:
    with pytest.raises(Invalid):
        await stores.appointments.book(numbered(1, minutes=minutes))


async def test_of_fifty_parallel_bookings_of_one_slot_exactly_one_succeeds(
    database_url: str, stores: Stores, cipher: FieldCipher
) -> None:
    async def book(number: int) -> None:
        async with Database.open(database_url) as own:
            await open_stores(own, cipher).appointments.book(numbered(number))

    results = await asyncio.gather(*(book(number) for number in range(50)), return_exceptions=True)
    assert results.count(None) == 1
    assert [type(result) for result in results if result is not None] == [SlotTaken] * 49
    stored = await stores.appointments.all(since=NOON - MONTH, until=NOON + MONTH)
    assert [appointment.id for appointment in stored] == [f"a{results.index(None)}"]


async def test_random_bookings_moves_and_cancellations_never_overlap(stores: Stores) -> None:
    chance = random.Random(7)

    async def act(number: int) -> None:
        starts_at = NOON + timedelta(minutes=5 * chance.randrange(40))
        appointment = numbered(number, starts_at, chance.choice([5, 15, 30]))
        try:
            await stores.appointments.book(appointment)
            slot = Slot(starts_at + timedelta(minutes=30), starts_at + timedelta(minutes=60), DOCTOR)
            moved = appointment.moved(slot, NOON - MONTH) if chance.random() < 0.5 else appointment
            if moved is not appointment:
                await stores.appointments.save(moved)
            if chance.random() < 0.3:
                await stores.appointments.save(moved.cancelled(NOON - MONTH))
        except SlotTaken:
            return

    await asyncio.gather(*(act(number) for number in range(120)))
    live = await stores.appointments.of_practitioner(DOCTOR, since=NOON - MONTH, until=NOON + MONTH)
    assert len(live) > 5
    assert all(earlier.ends_at <= later.starts_at for earlier, later in itertools.pairwise(live))


async def test_a_move_frees_the_old_time_and_takes_the_encounter_along(stores: Stores) -> None:
    booked = numbered(1)
    await stores.appointments.book(booked)
    slot = Slot(NOON + timedelta(minutes=15), NOON + timedelta(minutes=45), DOCTOR)
    moved = booked.moved(slot, NOON - MONTH)
    await stores.appointments.save(moved)
    assert await stores.appointments.get(booked.id) == moved
    assert (await stores.encounters.get(booked.encounter_id)).starts_at == slot.starts_at
    await stores.appointments.book(numbered(2, minutes=15))
    with pytest.raises(SlotTaken):
        await stores.appointments.book(numbered(3, NOON + timedelta(minutes=40), 5))


async def test_two_appointments_that_change_places_refuse_one_another_without_waiting(stores: Stores) -> None:
    later = NOON + timedelta(hours=1)
    first, second = numbered(1), numbered(2, later)
    for appointment in (first, second):
        await stores.appointments.book(appointment)
    results = await asyncio.gather(
        stores.appointments.save(first.moved(Slot(later, later + timedelta(minutes=30), DOCTOR), NOON - MONTH)),
        stores.appointments.save(second.moved(Slot(NOON, NOON + timedelta(minutes=30), DOCTOR), NOON - MONTH)),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [SlotTaken, SlotTaken]
    assert await stores.appointments.get(first.id) == first


async def test_a_cancellation_frees_the_time_and_cancels_the_encounter(stores: Stores) -> None:
    booked = numbered(1)
    await stores.appointments.book(booked)
    await stores.appointments.save(booked.cancelled(NOON - MONTH))
    encounter = await stores.encounters.get(booked.encounter_id)
    assert (encounter.status, encounter.ended_at) == (EncounterStatus.CANCELLED, NOON)
    await stores.appointments.book(numbered(2))
    live = await stores.appointments.of_practitioner(DOCTOR, since=NOON, until=NOON + MONTH)
    assert [appointment.id for appointment in live] == ["a2"]


async def test_an_encounter_under_way_is_not_cancelled_with_its_appointment(stores: Stores) -> None:
    booked = numbered(1)
    await stores.appointments.book(booked)
    planned = await stores.encounters.get(booked.encounter_id)
    await stores.encounters.save(planned.begun(NOON), was=planned)
    await stores.appointments.save(booked.cancelled(NOON - MONTH))
    assert (await stores.encounters.get(booked.encounter_id)).status is EncounterStatus.IN_PROGRESS


async def test_of_two_changes_of_one_version_the_second_is_refused(stores: Stores) -> None:
    booked = numbered(1)
    await stores.appointments.book(booked)
    slots = [Slot(NOON + timedelta(hours=h), NOON + timedelta(hours=h, minutes=30), DOCTOR) for h in (1, 2)]
    results = await asyncio.gather(
        *(stores.appointments.save(booked.moved(slot, NOON - MONTH)) for slot in slots), return_exceptions=True
    )
    [refusal] = [result for result in results if result is not None]
    assert isinstance(refusal, Conflict)
    assert refusal.code == "stale_version"
    with pytest.raises(NotFound):
        await stores.appointments.save(numbered(9, version=2))


async def test_lists_of_a_patient_and_of_all_show_cancelled_ones_too(stores: Stores) -> None:
    booked = numbered(1)
    await stores.appointments.book(booked)
    await stores.appointments.book(numbered(2, NOON + timedelta(hours=1), patient_id=OTHER_PATIENT))
    cancelled = booked.cancelled(NOON - MONTH)
    await stores.appointments.save(cancelled)
    assert await stores.appointments.of_patient(PATIENT, since=NOON) == [cancelled]
    assert await stores.appointments.of_patient(PATIENT, since=booked.ends_at) == []
    everything = await stores.appointments.all(since=NOON, until=NOON + MONTH)
    assert [(found.id, found.status) for found in everything] == [
        ("a1", AppointmentStatus.CANCELLED),
        ("a2", AppointmentStatus.BOOKED),
    ]


async def test_a_fault_of_the_caller_is_not_taken_for_a_taken_slot(stores: Stores) -> None:
    with pytest.raises(IntegrityError):
        await stores.appointments.book(replace(numbered(1), practitioner_id=UserId("unknown")))
