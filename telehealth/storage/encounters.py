"""Stored encounters, their seats and their timelines; reasons, names and chat lines are sealed."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from telehealth.access import Role
from telehealth.consultations.model import (
    ENDED,
    Admission,
    Encounter,
    EncounterKind,
    EncounterStatus,
    EntryKind,
    Participant,
    TimelineEntry,
)
from telehealth.errors import Conflict, NotFound, RoomFull
from telehealth.ids import AppointmentId, EncounterId, ParticipantId, PatientId, UserId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.tables import encounters, participants, timeline

SEATS = 6
"""Seats of a room; a removed participant's seat is free again."""

_SEATS_SHOWN = 100
_WORKLIST = 200
_OF_PATIENT = 50

_c = encounters.c
_open = _c.status.not_in([status.value for status in ENDED])
_soonest = (func.coalesce(_c.starts_at, _c.created_at), _c.id)


class SqlEncounters:
    """Implements consultations.ports.Encounters."""

    def __init__(self, database: Database, cipher: FieldCipher, *, seats: int = SEATS) -> None:
        self._database = database
        self._cipher = cipher
        self._seats = seats
        self._name = cipher.column("participants", "name")
        self._text = cipher.column("timeline", "text")

    async def add(self, encounter: Encounter) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(encounters).values(**encounter_values(encounter, self._cipher)))

    async def get(self, encounter: EncounterId) -> Encounter:
        found = await self._some(_c.id == encounter, limit=1)
        if not found:
            raise _no_encounter()
        return found[0]

    async def save(self, changed: Encounter, *, was: Encounter) -> None:
        same = (
            _c.id == was.id,
            _c.status == was.status.value,
            _c.practitioner_id.is_not_distinct_from(was.practitioner_id),
        )
        values = encounter_values(changed, self._cipher)
        async with self._database.write() as connection:
            if (await connection.execute(update(encounters).where(*same).values(**values))).rowcount == 1:
                return
            if await connection.scalar(select(_c.id).where(_c.id == was.id)) is None:
                raise _no_encounter()
        raise Conflict("This consultation was changed by somebody else: look again.", code="stale_encounter")

    async def open_of_practitioner(self, practitioner: UserId) -> Sequence[Encounter]:
        return await self._some(_c.practitioner_id == practitioner, _open, limit=_WORKLIST)

    async def queue(self) -> Sequence[Encounter]:
        untaken = (_c.kind == EncounterKind.ON_DEMAND.value, _c.practitioner_id.is_(None), _open)
        return await self._some(*untaken, order=(_c.created_at, _c.id), limit=_WORKLIST)

    async def open_of_patient(self, patient: PatientId) -> Sequence[Encounter]:
        return await self._some(_c.patient_id == patient, _open, limit=_OF_PATIENT)

    async def open_of_paramedic(self, paramedic: UserId) -> Sequence[Encounter]:
        return await self._some(_c.paramedic_id == paramedic, _open, limit=_WORKLIST)

    async def seat(self, participant: Participant) -> Participant:
        async with self._database.write() as connection:
            # Whoever else wants a seat or a line here waits, so that nobody counts what is about to change.
            await lock_encounter(connection, participant.encounter_id)
            seated = await connection.execute(
                select(participants).where(participants.c.encounter_id == participant.encounter_id)
            )
            rows = seated.all()
            for row in rows:
                if row.subject == participant.subject:
                    return self._participant(row)
            if sum(row.admission != Admission.REMOVED.value for row in rows) >= self._seats:
                raise RoomFull("There is no seat left in this room.")
            if len(rows) >= _SEATS_SHOWN:
                raise RoomFull("Too many people have been removed from this room.")
            values = self._seat_values(participant)
            await connection.execute(insert(participants).values(id=participant.id, **values))
        return participant

    async def save_seat(self, participant: Participant) -> None:
        statement = update(participants).where(participants.c.id == participant.id)
        async with self._database.write() as connection:
            result = await connection.execute(statement.values(**self._seat_values(participant)))
            if result.rowcount == 0:
                raise NotFound("There is no such participant.")

    async def seats(self, encounter: EncounterId) -> Sequence[Participant]:
        statement = select(participants).where(participants.c.encounter_id == encounter)
        in_order = statement.order_by(participants.c.since, participants.c.id).limit(_SEATS_SHOWN)
        async with self._database.read() as connection:
            rows = (await connection.execute(in_order)).all()
        return [self._participant(row) for row in rows]

    async def append(self, entry: TimelineEntry) -> TimelineEntry:
        of_encounter = timeline.c.encounter_id == entry.encounter_id
        async with self._database.write() as connection:
            await lock_encounter(connection, entry.encounter_id)
            known = await connection.execute(select(timeline).where(of_encounter, timeline.c.key == entry.key))
            if (row := known.one_or_none()) is not None:
                return self._entry(row)
            last: int | None = await connection.scalar(select(func.max(timeline.c.number)).where(of_encounter))
            numbered = dataclasses.replace(entry, number=(last or 0) + 1)
            await connection.execute(insert(timeline).values(**self._entry_values(numbered)))
        return numbered

    async def timeline(self, encounter: EncounterId, *, after: int = 0, limit: int = 500) -> Sequence[TimelineEntry]:
        statement = select(timeline).where(timeline.c.encounter_id == encounter, timeline.c.number > after)
        async with self._database.read() as connection:
            rows = (await connection.execute(statement.order_by(timeline.c.number).limit(limit))).all()
        return [self._entry(row) for row in rows]

    async def _some(
        self, *conditions: ColumnElement[bool], limit: int, order: tuple[ColumnElement[Any], ...] = _soonest
    ) -> list[Encounter]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(encounters).where(*conditions).order_by(*order).limit(limit))).all()
        return [_encounter(row, self._cipher) for row in rows]

    def _seat_values(self, participant: Participant) -> dict[str, Any]:
        return {
            "encounter_id": participant.encounter_id,
            "subject": participant.subject,
            "role": participant.role.value,
            "name": self._name.seal(participant.id, participant.name),
            "admission": participant.admission.value,
            "since": participant.since,
        }

    def _participant(self, row: Row[Any]) -> Participant:
        return Participant(
            id=ParticipantId(row.id),
            encounter_id=EncounterId(row.encounter_id),
            subject=row.subject,
            role=Role(row.role),
            name=self._name.open(row.id, row.name),
            admission=Admission(row.admission),
            since=row.since,
        )

    def _entry_values(self, entry: TimelineEntry) -> dict[str, Any]:
        return {
            "encounter_id": entry.encounter_id,
            "number": entry.number,
            "key": entry.key,
            "kind": entry.kind.value,
            "at": entry.at,
            "author": entry.author,
            "text": self._text.seal(f"{entry.encounter_id}/{entry.number}", entry.text),
        }

    def _entry(self, row: Row[Any]) -> TimelineEntry:
        return TimelineEntry(
            encounter_id=EncounterId(row.encounter_id),
            kind=EntryKind(row.kind),
            at=row.at,
            author=row.author,
            key=row.key,
            text=self._text.open(f"{row.encounter_id}/{row.number}", row.text),
            number=row.number,
        )


async def lock_encounter(connection: AsyncConnection, encounter: EncounterId) -> None:
    """Let this transaction alone change what belongs to the encounter; NotFound if there is none."""
    if await connection.scalar(select(_c.id).where(_c.id == encounter).with_for_update()) is None:
        raise _no_encounter()


def encounter_values(encounter: Encounter, cipher: FieldCipher) -> dict[str, Any]:
    """Return the encounter as a row."""
    values = {field.name: getattr(encounter, field.name) for field in dataclasses.fields(encounter)}
    sealed = cipher.column("encounters", "reason").seal(encounter.id, encounter.reason)
    return values | {"kind": encounter.kind.value, "status": encounter.status.value, "reason": sealed}


def _encounter(row: Row[Any], cipher: FieldCipher) -> Encounter:
    return Encounter(
        id=EncounterId(row.id),
        kind=EncounterKind(row.kind),
        patient_id=PatientId(row.patient_id),
        created_at=row.created_at,
        status=EncounterStatus(row.status),
        practitioner_id=None if row.practitioner_id is None else UserId(row.practitioner_id),
        paramedic_id=None if row.paramedic_id is None else UserId(row.paramedic_id),
        appointment_id=None if row.appointment_id is None else AppointmentId(row.appointment_id),
        reason=cipher.column("encounters", "reason").open(row.id, row.reason),
        starts_at=row.starts_at,
        begun_at=row.begun_at,
        ended_at=row.ended_at,
    )


def _no_encounter() -> NotFound:
    return NotFound("There is no such consultation.")
