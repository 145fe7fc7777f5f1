import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from telehealth.access import Principal, Role
from telehealth.accounts.model import NewUser, Purpose
from telehealth.accounts.passwords import Argon2Hasher
from telehealth.accounts.service import AccountPorts, Accounts
from telehealth.bus import WORKLIST
from telehealth.consultations.model import (
    Admission,
    Encounter,
    EncounterKind,
    EncounterStatus,
    EntryKind,
    Participant,
    Patient,
    TimelineEntry,
)
from telehealth.consultations.ports import Encounters
from telehealth.consultations.service import INVITATION_LASTS, MAX_REASON_CHARS, ConsultationPorts, Consultations
from telehealth.errors import AlreadyAccepted, Forbidden, Gone, Invalid, NotFound, TelehealthError, Unavailable
from telehealth.ids import EncounterId, ParticipantId, PatientId
from telehealth.storage.stores import Stores
from tests.builders import (
    ENCOUNTER,
    NOON,
    OTHER_DOCTOR,
    OTHER_PATIENT,
    PARAMEDIC,
    PATIENT,
    an_encounter,
    the_admin,
    the_doctor,
    the_guest,
    the_paramedic,
    the_patient,
)
from tests.doubles import FakeClock, RecordingAudit, RecordingBus, counted_ids
from tests.memory import memory_stores, populate

COLLEAGUE = the_doctor(subject=OTHER_DOCTOR)
STRANGER = the_patient(subject="f1" * 16, patient=OTHER_PATIENT)


@dataclass(frozen=True, slots=True)
class Clinic:
    consultations: Consultations
    accounts: Accounts
    stores: Stores
    clock: FakeClock
    bus: RecordingBus
    audit: RecordingAudit
    ana: Principal
    ports: ConsultationPorts


@pytest.fixture
async def clinic() -> AsyncGenerator[Clinic]:
    clock, bus, audit, new_id = FakeClock(), RecordingBus(), RecordingAudit(), counted_ids()
    async with memory_stores(clock) as stores:
        await populate(stores)
        with ThreadPoolExecutor(1) as executor:
            accounts = Accounts(
                AccountPorts(
                    users=stores.users,
                    keys=stores.keys,
                    refresh_tokens=stores.refresh_tokens,
                    invitations=stores.invitations,
                    device_credentials=stores.device_credentials,
                    enrolment_codes=stores.enrolment_codes,
                    passwords=Argon2Hasher(executor, memory_kib=8, rounds=1),
                    bus=bus,
                    audit=audit,
                    clock=clock,
                    new_id=new_id,
                ),
                issuer="https://clinic.example",
            )
            await accounts.ensure_key()
            ana = await accounts.add_user(
                NewUser("ana@mail.example", "Ana Ruiz", Role.PATIENT, "", "Europe/Madrid", patient_id=PATIENT)
            )
            ports = ConsultationPorts(stores.encounters, stores.patients, bus, audit, clock, new_id)
            consultations = Consultations(ports, accounts=accounts)
            principal = the_patient(subject=ana.id)
            yield Clinic(consultations, accounts, stores, clock, bus, audit, principal, ports)


async def booked(clinic: Clinic, **changes: object) -> Encounter:
    encounter = an_encounter(**{"paramedic_id": PARAMEDIC, **changes})
    await clinic.stores.encounters.add(encounter)
    return encounter


# Who reaches what


@pytest.mark.parametrize(
    ("who", "refused"),
    [
        (the_patient(), None),
        (the_guest(), None),
        (the_doctor(), None),
        (the_paramedic(), None),
        (COLLEAGUE, NotFound),
        (STRANGER, NotFound),
        (the_guest(encounter="c1" * 16), NotFound),
        (the_paramedic(subject="e1" * 16), NotFound),
        (the_admin(), Forbidden),
        (Principal("d" * 32, Role.DEVICE), Forbidden),
    ],
)
async def test_an_encounter_is_shown_to_those_whose_it_is(
    clinic: Clinic, who: Principal, refused: type[TelehealthError] | None
) -> None:
    encounter = await booked(clinic)
    if refused is None:
        assert await clinic.consultations.get(who, ENCOUNTER) == encounter
        assert clinic.audit.events[-1].action == "encounter.read"
        assert clinic.audit.events[-1].patient == PATIENT
        return
    with pytest.raises(refused) as foreign:
        await clinic.consultations.get(who, ENCOUNTER)
    if refused is NotFound:
        # What is foreign and what is missing look the same from outside.
        with pytest.raises(NotFound) as missing:
            await clinic.consultations.get(who, EncounterId("0" * 32))
        assert foreign.value.code == missing.value.code
    assert "encounter.read" not in clinic.audit.actions


@pytest.mark.parametrize(
    ("who", "refused"),
    [
        (the_doctor(), None),
        (the_paramedic(), None),
        (COLLEAGUE, NotFound),
        (the_patient(), Forbidden),
        (the_guest(), Forbidden),
        (the_admin(), Forbidden),
    ],
)
async def test_the_timeline_and_invitations_are_for_those_who_treat(
    clinic: Clinic, who: Principal, refused: type[TelehealthError] | None
) -> None:
    await booked(clinic)
    entry = TimelineEntry(ENCOUNTER, EntryKind.ARRIVED, NOON, "a" * 32, "key")
    await clinic.stores.encounters.append(entry)
    if refused is None:
        assert [e.number for e in await clinic.consultations.timeline(who, ENCOUNTER)] == [1]
        assert await clinic.consultations.timeline(who, ENCOUNTER, 1) == []
        assert await clinic.consultations.invite(who, ENCOUNTER, "Kim Ruiz", Role.PATIENT)
        assert clinic.audit.actions[-1] == "encounter.invited"
        return
    with pytest.raises(refused):
        await clinic.consultations.timeline(who, ENCOUNTER)
    with pytest.raises(refused):
        await clinic.consultations.invite(who, ENCOUNTER, "Kim Ruiz", Role.PATIENT)


async def test_a_patient_sees_their_open_encounters_and_a_guest_only_the_one(clinic: Clinic) -> None:
    encounter = await booked(clinic)
    assert await clinic.consultations.of_patient(clinic.ana) == [encounter]
    assert await clinic.consultations.of_patient(the_guest()) == [encounter]
    assert await clinic.consultations.of_patient(STRANGER) == []
    assert await clinic.consultations.of_patient(the_doctor()) == []
    await clinic.stores.encounters.save(encounter.finished(NOON), was=encounter)
    assert await clinic.consultations.of_patient(clinic.ana) == []
    assert await clinic.consultations.of_patient(the_guest()) == []
    with pytest.raises(Forbidden):
        await clinic.consultations.of_patient(the_admin())


async def test_a_patient_is_known_to_themself_and_to_those_who_treat_them(clinic: Clinic) -> None:
    for stranger in (the_doctor(), COLLEAGUE, STRANGER):
        with pytest.raises(NotFound):
            await clinic.consultations.patient(stranger, PATIENT)
    await booked(clinic)
    for known in (clinic.ana, the_doctor(), the_paramedic()):
        assert (await clinic.consultations.patient(known, PATIENT)).name == "Ana Ruiz"
    assert clinic.audit.actions[-1] == "patient.read"
    with pytest.raises(NotFound):
        await clinic.consultations.patient(COLLEAGUE, PATIENT)
    with pytest.raises(Forbidden):
        await clinic.consultations.patient(the_admin(), PATIENT)


async def test_a_new_patient_is_kept(clinic: Clinic) -> None:
    await clinic.consultations.add_patient(Patient(PatientId("a2" * 16), "Ivo Kovac"))
    known = the_patient(subject="f2" * 16, patient=PatientId("a2" * 16))
    assert (await clinic.consultations.patient(known, PatientId("a2" * 16))).name == "Ivo Kovac"


# The queue


async def test_a_patient_asks_to_be_seen_once_and_work_lists_hear_of_it(clinic: Clinic) -> None:
    first = await clinic.consultations.ask_to_be_seen(clinic.ana, "  Cough ")
    assert (first.kind, first.reason, first.status) == (EncounterKind.ON_DEMAND, "Cough", EncounterStatus.PLANNED)
    assert len(clinic.bus.of(WORKLIST)) == 1
    assert await clinic.consultations.ask_to_be_seen(clinic.ana, "Cough again") == first
    assert len(clinic.bus.of(WORKLIST)) == 1
    await clinic.stores.encounters.save(first.cancelled(NOON), was=first)
    assert (await clinic.consultations.ask_to_be_seen(clinic.ana, "Fever")).id != first.id


async def test_a_booked_visit_does_not_keep_one_from_asking(clinic: Clinic) -> None:
    await booked(clinic)
    assert (await clinic.consultations.ask_to_be_seen(clinic.ana, "")).id != ENCOUNTER


@pytest.mark.parametrize("who", [the_doctor(), the_admin(), the_guest(), the_paramedic(), the_patient(patient=None)])
async def test_only_a_patient_with_an_account_can_ask(clinic: Clinic, who: Principal) -> None:
    with pytest.raises(Forbidden):
        await clinic.consultations.ask_to_be_seen(who, "Cough")


async def test_a_reason_has_a_limit(clinic: Clinic) -> None:
    with pytest.raises(Invalid):
        await clinic.consultations.ask_to_be_seen(clinic.ana, "a" * (MAX_REASON_CHARS + 1))
    await clinic.consultations.ask_to_be_seen(clinic.ana, "a" * MAX_REASON_CHARS)


async def test_of_two_who_take_a_patient_one_gets_them(clinic: Clinic) -> None:
    asked = await clinic.consultations.ask_to_be_seen(clinic.ana, "Cough")
    results = await asyncio.gather(
        *(clinic.consultations.take(who, asked.id) for who in (the_doctor(), COLLEAGUE)), return_exceptions=True
    )
    taken = [result for result in results if isinstance(result, Encounter)]
    late = [result for result in results if isinstance(result, AlreadyAccepted)]
    assert len(taken) == len(late) == 1
    assert await clinic.stores.encounters.get(asked.id) == taken[0]
    winner = the_doctor(subject=taken[0].practitioner_id)
    assert await clinic.consultations.take(winner, asked.id) == taken[0]
    assert clinic.audit.actions.count("encounter.taken") == 1


async def test_what_is_not_in_the_queue_cannot_be_taken(clinic: Clinic) -> None:
    await booked(clinic, practitioner_id=None)
    with pytest.raises(NotFound):
        await clinic.consultations.take(the_doctor(), ENCOUNTER)
    with pytest.raises(NotFound):
        await clinic.consultations.take(the_doctor(), EncounterId("0" * 32))
    for who in (clinic.ana, the_paramedic(), the_admin()):
        with pytest.raises(Forbidden):
            await clinic.consultations.take(who, ENCOUNTER)
    asked = await clinic.consultations.ask_to_be_seen(clinic.ana, "")
    await clinic.stores.encounters.save(asked.cancelled(NOON), was=asked)
    with pytest.raises(Gone):
        await clinic.consultations.take(the_doctor(), asked.id)


class Restless:
    """Encounters that change under one's hands each time they are read; all else is the real store."""

    def __init__(self, encounters: Encounters, times: int) -> None:
        self._encounters = encounters
        self._times = times

    async def get(self, encounter: EncounterId) -> Encounter:
        found = await self._encounters.get(encounter)
        if self._times:
            self._times -= 1
            flipped = (EncounterStatus.ARRIVED, EncounterStatus.PLANNED)[found.status is EncounterStatus.ARRIVED]
            await self._encounters.save(replace(found, status=flipped), was=found)
        return found

    def __getattr__(self, name: str) -> object:
        return getattr(self._encounters, name)


@pytest.mark.parametrize(("times", "taken"), [(1, True), (99, False)])
async def test_a_patient_who_comes_just_then_can_still_be_taken(clinic: Clinic, times: int, *, taken: bool) -> None:
    asked = await clinic.consultations.ask_to_be_seen(clinic.ana, "")
    restless: Encounters = Restless(clinic.stores.encounters, times)  # type: ignore[assignment]
    consultations = Consultations(replace(clinic.ports, encounters=restless), accounts=clinic.accounts)
    if taken:
        assert (await consultations.take(the_doctor(), asked.id)).status is EncounterStatus.ARRIVED
        return
    with pytest.raises(Unavailable):
        await consultations.take(the_doctor(), asked.id)


# Invitations and tickets


async def test_an_invitation_lets_its_bearer_into_this_encounter_only(clinic: Clinic) -> None:
    await booked(clinic, starts_at=NOON + timedelta(days=3))
    secret = await clinic.consultations.invite(the_doctor(), ENCOUNTER, "Kim Ruiz", Role.PATIENT)
    opened = await clinic.accounts.open_invitation(secret, None)
    assert opened.invitation.expires_at == NOON + timedelta(days=3) + INVITATION_LASTS
    guest = await clinic.accounts.principal(opened.pair.access)
    assert (guest.role, guest.encounter) == (Role.PATIENT, ENCOUNTER)
    text, _ = await clinic.consultations.ticket(guest, Purpose.ROOM, ENCOUNTER)
    ticket = await clinic.accounts.open_ticket(text, Purpose.ROOM)
    assert (ticket.name, ticket.encounter_id) == ("Kim Ruiz", ENCOUNTER)


async def test_a_guest_sees_readings_only_while_let_in(clinic: Clinic) -> None:
    encounter = await booked(clinic)
    secret = await clinic.consultations.invite(the_doctor(), ENCOUNTER, "Kim Ruiz", Role.PATIENT)
    guest = await clinic.accounts.principal((await clinic.accounts.open_invitation(secret, None)).pair.access)
    waiting = Participant(
        ParticipantId("7a" * 16), ENCOUNTER, guest.subject, Role.PATIENT, "Kim Ruiz", Admission.WAITING, NOON
    )
    another = replace(waiting, id=ParticipantId("7b" * 16), subject="61" * 16, admission=Admission.ADMITTED)
    for seat in (another, waiting):
        await clinic.stores.encounters.seat(seat)
        with pytest.raises(Forbidden) as refusal:
            await clinic.consultations.measured(guest, ENCOUNTER)
        assert refusal.value.code == "not_admitted"
        with pytest.raises(Forbidden):
            await clinic.consultations.ticket(guest, Purpose.VITALS, ENCOUNTER)
    await clinic.stores.encounters.save_seat(waiting.admitted())
    assert await clinic.consultations.measured(guest, ENCOUNTER) == encounter
    await clinic.consultations.ticket(guest, Purpose.VITALS, ENCOUNTER)
    await clinic.stores.encounters.save_seat(replace(waiting, admission=Admission.REMOVED))
    with pytest.raises(Forbidden):
        await clinic.consultations.measured(guest, ENCOUNTER)


@pytest.mark.parametrize("role", [Role.PRACTITIONER, Role.PARAMEDIC, Role.ADMIN, Role.DEVICE])
async def test_staff_are_not_invited_by_link(clinic: Clinic, role: Role) -> None:
    await booked(clinic)
    with pytest.raises(Invalid):
        await clinic.consultations.invite(the_doctor(), ENCOUNTER, "Dr Kim", role)


async def test_a_ticket_names_who_may_enter_which_room(clinic: Clinic) -> None:
    await booked(clinic)
    text, expires_at = await clinic.consultations.ticket(clinic.ana, Purpose.ROOM, ENCOUNTER)
    ticket = await clinic.accounts.open_ticket(text, Purpose.ROOM)
    assert (ticket.subject, ticket.role, ticket.name) == (clinic.ana.subject, Role.PATIENT, "Ana Ruiz")
    assert (ticket.encounter_id, ticket.patient) == (ENCOUNTER, PATIENT)
    assert expires_at == NOON + timedelta(seconds=60)
    assert clinic.audit.actions[-1] == "ticket.room"


async def test_a_work_list_needs_no_encounter_and_the_other_sockets_do(clinic: Clinic) -> None:
    await booked(clinic)
    text, _ = await clinic.consultations.ticket(the_doctor(), Purpose.WORKLIST, None)
    assert (await clinic.accounts.open_ticket(text, Purpose.WORKLIST)).encounter_id == ""
    with pytest.raises(Forbidden):
        await clinic.consultations.ticket(clinic.ana, Purpose.WORKLIST, None)
    for purpose in (Purpose.ROOM, Purpose.VITALS):
        with pytest.raises(Invalid):
            await clinic.consultations.ticket(the_doctor(), purpose, None)


@pytest.mark.parametrize("purpose", [Purpose.ROOM, Purpose.VITALS])
@pytest.mark.parametrize(("who", "refused"), [(COLLEAGUE, NotFound), (STRANGER, NotFound), (the_admin(), Forbidden)])
async def test_strangers_get_no_ticket(
    clinic: Clinic, who: Principal, refused: type[TelehealthError], purpose: Purpose
) -> None:
    await booked(clinic)
    with pytest.raises(refused):
        await clinic.consultations.ticket(who, purpose, ENCOUNTER)


async def test_after_the_end_there_are_no_tickets_and_no_invitations(clinic: Clinic) -> None:
    encounter = await booked(clinic)
    await clinic.stores.encounters.save(encounter.finished(NOON), was=encounter)
    for purpose in (Purpose.ROOM, Purpose.VITALS):
        with pytest.raises(Gone):
            await clinic.consultations.ticket(the_doctor(), purpose, ENCOUNTER)
    with pytest.raises(Gone):
        await clinic.consultations.invite(the_doctor(), ENCOUNTER, "Kim Ruiz", Role.PATIENT)
