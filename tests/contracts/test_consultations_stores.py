"""The contracts of consultations.ports, on each engine."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from telehealth.consultations.model import Admission, EncounterKind, EncounterStatus, EntryKind, TimelineEntry
from telehealth.errors import Conflict, NotFound, RoomFull
from telehealth.ids import AppointmentId, EncounterId, ParticipantId, PatientId, UserId
from telehealth.storage.stores import Stores
from tests.builders import (
    DOCTOR,
    ENCOUNTER,
    NOON,
    OTHER_DOCTOR,
    OTHER_PATIENT,
    PARAMEDIC,
    PATIENT,
    a_participant,
    a_patient,
    an_encounter,
)

LATER = NOON + timedelta(hours=1)


def a_line(**changes: object) -> TimelineEntry:
    values = {
        "encounter_id": ENCOUNTER,
        "kind": EntryKind.CHAT,
        "at": NOON,
        "author": "ana",
        "key": "1",
        "text": "Hello",
    }
    return TimelineEntry(**(values | changes))  # type: ignore[arg-type]


async def test_a_patient_is_found_by_id_and_by_user(stores: Stores) -> None:
    cleo = a_patient(id=PatientId("p3"), name="Cleo Tamm", user_id=DOCTOR, birth_date="1970-02-03", identified=False)
    await stores.patients.add(cleo)
    assert await stores.patients.get(cleo.id) == cleo
    assert await stores.patients.of_user(DOCTOR) == cleo
    assert await stores.patients.of_user(OTHER_DOCTOR) is None
    assert [patient.name for patient in await stores.patients.all(limit=10)] == ["Ana Ruiz", "Bo Lind", "Cleo Tamm"]
    with pytest.raises(NotFound):
        await stores.patients.get(PatientId("unknown"))


async def test_an_encounter_comes_back_as_it_was_stored(stores: Stores) -> None:
    full = an_encounter(
        status=EncounterStatus.FINISHED,
        paramedic_id=PARAMEDIC,
        appointment_id=AppointmentId("a1"),
        reason="Headache",
        starts_at=NOON,
        begun_at=LATER,
        ended_at=LATER + timedelta(microseconds=1),
    )
    await stores.encounters.add(full)
    assert await stores.encounters.get(full.id) == full
    with pytest.raises(NotFound):
        await stores.encounters.get(EncounterId("unknown"))


async def test_of_two_who_change_the_same_state_the_second_is_refused(stores: Stores) -> None:
    was = an_encounter(kind=EncounterKind.ON_DEMAND, practitioner_id=None)
    await stores.encounters.add(was)
    takers = [was.taken_by(DOCTOR), was.taken_by(OTHER_DOCTOR)]
    results = await asyncio.gather(
        *(stores.encounters.save(taken, was=was) for taken in takers), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "NoneType"]
    stored = await stores.encounters.get(was.id)
    assert stored == takers[results.index(None)]
    with pytest.raises(Conflict):
        await stores.encounters.save(was.arrived(), was=was)
    with pytest.raises(NotFound):
        unknown = an_encounter(id=EncounterId("unknown"))
        await stores.encounters.save(unknown.arrived(), was=unknown)


async def test_lists_of_open_encounters_are_in_order_and_leave_out_the_ended(stores: Stores) -> None:
    rows = [
        an_encounter(id=EncounterId("late"), starts_at=LATER, paramedic_id=PARAMEDIC),
        an_encounter(id=EncounterId("soon"), starts_at=NOON),
        an_encounter(id=EncounterId("over"), starts_at=NOON, status=EncounterStatus.FINISHED),
        an_encounter(id=EncounterId("other"), patient_id=OTHER_PATIENT, practitioner_id=OTHER_DOCTOR),
        an_encounter(id=EncounterId("q2"), kind=EncounterKind.ON_DEMAND, practitioner_id=None, created_at=LATER),
        an_encounter(id=EncounterId("q1"), kind=EncounterKind.ON_DEMAND, practitioner_id=None),
        an_encounter(id=EncounterId("taken"), kind=EncounterKind.ON_DEMAND, practitioner_id=OTHER_DOCTOR),
    ]
    for encounter in rows:
        await stores.encounters.add(encounter)
    assert [found.id for found in await stores.encounters.open_of_practitioner(DOCTOR)] == ["soon", "late"]
    assert [found.id for found in await stores.encounters.queue()] == ["q1", "q2"]
    assert [found.id for found in await stores.encounters.open_of_patient(OTHER_PATIENT)] == ["other"]
    assert [found.id for found in await stores.encounters.open_of_paramedic(PARAMEDIC)] == ["late"]
    assert {found.id for found in await stores.encounters.open_of_patient(PATIENT)} == {
        "late",
        "soon",
        "q1",
        "q2",
        "taken",
    }


async def test_the_same_person_gets_the_same_seat_again(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())
    first = a_participant()
    again = a_participant(id=ParticipantId("new"))
    seated = await asyncio.gather(*(stores.encounters.seat(who) for who in (first, again, first, again)))
    assert len(set(seated)) == 1
    assert await stores.encounters.seats(ENCOUNTER) == [seated[0]]


async def test_of_many_who_want_a_seat_six_get_one(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())
    people = [a_participant(id=ParticipantId(f"p{n}"), subject=f"s{n}") for n in range(12)]
    results = await asyncio.gather(*(stores.encounters.seat(who) for who in people), return_exceptions=True)
    assert sum(isinstance(result, RoomFull) for result in results) == 6
    seats = await stores.encounters.seats(ENCOUNTER)
    assert len(seats) == 6
    await stores.encounters.save_seat(replace(seats[0], admission=Admission.REMOVED))
    late = a_participant(id=ParticipantId("late"), subject="late")
    assert await stores.encounters.seat(late) == late


async def test_a_seat_that_does_not_exist_is_neither_given_nor_saved(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await stores.encounters.seat(a_participant())
    with pytest.raises(NotFound):
        await stores.encounters.save_seat(a_participant())


async def test_timeline_numbers_have_no_gaps_under_concurrent_writers(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())
    lines = [a_line(key=f"k{n}", text=f"line {n}") for n in range(30)]
    stored = await asyncio.gather(*(stores.encounters.append(line) for line in lines))
    assert sorted(entry.number for entry in stored) == list(range(1, 31))
    assert await stores.encounters.timeline(ENCOUNTER) == sorted(stored, key=lambda entry: entry.number)
    later = await stores.encounters.timeline(ENCOUNTER, after=10, limit=5)
    assert [entry.number for entry in later] == [11, 12, 13, 14, 15]


async def test_a_line_sent_twice_stands_there_once(stores: Stores) -> None:
    await stores.encounters.add(an_encounter())
    stored = await asyncio.gather(*(stores.encounters.append(a_line(at=NOON + timedelta(seconds=n))) for n in range(5)))
    assert len(set(stored)) == 1
    assert await stores.encounters.timeline(ENCOUNTER) == [stored[0]]
    with pytest.raises(NotFound):
        await stores.encounters.append(a_line(encounter_id=EncounterId("unknown")))


async def test_a_user_may_be_anybody_but_must_exist(stores: Stores) -> None:
    with pytest.raises(IntegrityError):
        await stores.encounters.add(an_encounter(practitioner_id=UserId("unknown")))
