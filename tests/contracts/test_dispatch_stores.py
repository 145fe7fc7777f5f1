"""The contract of dispatch.ports, on each engine."""

import asyncio
from datetime import timedelta

import pytest

from telehealth.consultations.model import EncounterKind, EncounterStatus
from telehealth.dispatch.model import Acuity, AgeBand, Complaint, Ring, RingState
from telehealth.errors import AlreadyAccepted, Conflict, Gone, NotFound
from telehealth.ids import CaseId, EncounterId, PatientId
from telehealth.storage.stores import Stores
from tests.builders import (
    DOCTOR,
    ENCOUNTER,
    NOON,
    OTHER_DOCTOR,
    PARAMEDIC,
    a_case,
    a_patient,
    a_user,
    an_encounter,
)

LATER = NOON + timedelta(minutes=2)
CASE = a_case(complaint=Complaint.STROKE, acuity=Acuity.RED, age_band=AgeBand.OLDER)
UNKNOWN_PATIENT = a_patient(id=PatientId("up"), name="Unknown", identified=False)
ENCOUNTER_OF_CASE = an_encounter(
    kind=EncounterKind.AMBULANCE,
    patient_id=UNKNOWN_PATIENT.id,
    practitioner_id=None,
    paramedic_id=PARAMEDIC,
    status=EncounterStatus.ARRIVED,
)


async def open_case(stores: Stores) -> None:
    await stores.cases.open(CASE, ENCOUNTER_OF_CASE, UNKNOWN_PATIENT)


async def ring_both(stores: Stores) -> None:
    await stores.cases.ring([Ring(CASE.id, who, RingState.RINGING, NOON) for who in (DOCTOR, OTHER_DOCTOR)])


async def test_a_case_its_encounter_and_its_patient_are_stored_together_once(stores: Stores) -> None:
    await asyncio.gather(*(open_case(stores) for _ in range(5)))
    assert await stores.cases.get(CASE.id) == CASE
    assert await stores.cases.of_encounter(ENCOUNTER) == CASE
    assert await stores.encounters.get(ENCOUNTER) == ENCOUNTER_OF_CASE
    assert await stores.patients.get(UNKNOWN_PATIENT.id) == UNKNOWN_PATIENT
    assert await stores.cases.open_of(PARAMEDIC) == [CASE]


async def test_an_unknown_case_is_not_found(stores: Stores) -> None:
    with pytest.raises(NotFound):
        await stores.cases.get(CASE.id)
    with pytest.raises(NotFound):
        await stores.cases.accept(CASE.accepted(DOCTOR, LATER))
    with pytest.raises(NotFound):
        await stores.cases.save(CASE.closed(), was=CASE)
    assert await stores.cases.of_encounter(ENCOUNTER) is None


async def test_of_many_who_accept_exactly_one_is_first_and_gets_the_encounter(stores: Stores) -> None:
    await open_case(stores)
    await ring_both(stores)
    ringing = CASE.ringing(NOON)
    await stores.cases.save(ringing, was=CASE)
    attempts = [ringing.accepted(who, LATER) for who in (DOCTOR, OTHER_DOCTOR) for _ in range(10)]
    results = await asyncio.gather(*(stores.cases.accept(case) for case in attempts), return_exceptions=True)
    assert sum(isinstance(result, AlreadyAccepted) for result in results) == 10
    stored = await stores.cases.get(CASE.id)
    assert stored in attempts
    encounter = await stores.encounters.get(ENCOUNTER)
    assert encounter.practitioner_id == stored.accepted_by
    assert (encounter.status, encounter.begun_at) == (EncounterStatus.IN_PROGRESS, LATER)
    states = {ring.practitioner_id: ring.state for ring in await stores.cases.rings(CASE.id)}
    other = OTHER_DOCTOR if stored.accepted_by == DOCTOR else DOCTOR
    assert states == {stored.accepted_by: RingState.ACCEPTED, other: RingState.MISSED}


async def test_a_closed_case_cannot_be_accepted(stores: Stores) -> None:
    await open_case(stores)
    await stores.cases.save(CASE.closed(), was=CASE)
    with pytest.raises(Gone):
        await stores.cases.accept(CASE.accepted(DOCTOR, LATER))
    with pytest.raises(Conflict):
        await stores.cases.save(CASE.ringing(NOON), was=CASE)
    assert await stores.cases.open_of(PARAMEDIC) == []


async def test_a_case_rings_for_whom_it_rings_until_they_decline(stores: Stores) -> None:
    await open_case(stores)
    await ring_both(stores)
    assert await stores.cases.ringing_for(DOCTOR) == []  # The case itself does not ring yet.
    ringing = CASE.ringing(NOON)
    await stores.cases.save(ringing, was=CASE)
    assert await stores.cases.ringing_for(DOCTOR) == [ringing]
    await stores.cases.save_ring(Ring(CASE.id, DOCTOR, RingState.DECLINED, LATER))
    assert await stores.cases.ringing_for(DOCTOR) == []
    await stores.cases.ring([Ring(CASE.id, DOCTOR, RingState.RINGING, LATER)])
    assert await stores.cases.ringing_for(DOCTOR) == [ringing]
    assert len(await stores.cases.rings(CASE.id)) == 2


async def test_the_list_of_open_cases_is_bounded_and_newest_first(stores: Stores) -> None:
    for number in range(25):
        patient = a_patient(id=PatientId(f"p{number}"))
        encounter = an_encounter(id=EncounterId(f"e{number}"), patient_id=patient.id)
        case = a_case(id=CaseId(f"c{number:02}"), encounter_id=encounter.id, opened_at=NOON + timedelta(seconds=number))
        await stores.cases.open(case, encounter, patient)
    assert [case.id for case in await stores.cases.open_of(PARAMEDIC)] == [f"c{n:02}" for n in range(24, 4, -1)]


async def test_on_call_is_a_switch_of_each_practitioner(stores: Stores) -> None:
    await stores.cases.set_on_call(DOCTOR, on=True)
    await stores.cases.set_on_call(DOCTOR, on=True)
    await stores.cases.set_on_call(OTHER_DOCTOR, on=True)
    assert await stores.cases.on_call() == [DOCTOR, OTHER_DOCTOR]
    await stores.cases.set_on_call(DOCTOR, on=False)
    await stores.cases.set_on_call(DOCTOR, on=False)
    assert await stores.cases.on_call() == [OTHER_DOCTOR]
    assert a_user().id == DOCTOR
