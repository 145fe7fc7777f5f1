"""Stored appointments.

An appointment occupies the cells of GRID_MINUTES that it touches; the primary key of booked_cells lets a practitioner's
cell be occupied once, on every engine (docs/decisions/0003-double-booking.md).
"""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from telehealth.clock import Clock
from telehealth.consultations.model import Encounter, EncounterKind, EncounterStatus
from telehealth.errors import Conflict, Invalid, NotFound, SlotTaken
from telehealth.ids import AppointmentId, EncounterId, PatientId, UserId
from telehealth.scheduling.model import GRID_MINUTES, Appointment, AppointmentStatus
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.encounters import encounter_values
from telehealth.storage.tables import appointments, booked_cells, encounters, patients

LONGEST = timedelta(hours=24)
"""No appointment is longer: it bounds the cells of one."""

_OF_PRACTITIONER = 1_000
_OF_PATIENT = 200
_CELL = timedelta(minutes=GRID_MINUTES)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_c = appointments.c


class SqlAppointments:
    """Implements scheduling.ports.Appointments."""

    def __init__(self, database: Database, cipher: FieldCipher, clock: Clock) -> None:
        self._database = database
        self._cipher = cipher
        self._clock = clock
        self._reason = cipher.column("appointments", "reason")

    async def book(self, appointment: Appointment) -> None:
        cells = cells_of(appointment.starts_at, appointment.ends_at)
        encounter = encounter_values(_planned(appointment), self._cipher)
        async with self._database.write() as connection:
            await _require_patient(connection, appointment.patient_id)
            await connection.execute(insert(encounters).values(**encounter))
            await connection.execute(insert(appointments).values(**self._values(appointment)))
            await _occupy(connection, appointment, cells)

    async def get(self, appointment: AppointmentId) -> Appointment:
        found = await self._some(_c.id == appointment, limit=1)
        if not found:
            raise NotFound("There is no such appointment.")
        return found[0]

    async def save(self, changed: Appointment) -> None:
        before = (_c.id == changed.id, _c.version == changed.version - 1)
        async with self._database.write() as connection:
            result = await connection.execute(update(appointments).where(*before).values(**self._values(changed)))
            if result.rowcount == 0:
                await _explain_stale(connection, changed)
            await _reoccupy(connection, changed)
            await self._let_encounter_follow(connection, changed)

    async def of_practitioner(self, practitioner: UserId, *, since: datetime, until: datetime) -> Sequence[Appointment]:
        live = _c.status != AppointmentStatus.CANCELLED.value
        overlapping = (_c.practitioner_id == practitioner, live, _c.starts_at < until, _c.ends_at > since)
        return await self._some(*overlapping, limit=_OF_PRACTITIONER)

    async def of_patient(self, patient: PatientId, *, since: datetime) -> Sequence[Appointment]:
        return await self._some(_c.patient_id == patient, _c.ends_at > since, limit=_OF_PATIENT)

    async def all(self, *, since: datetime, until: datetime) -> Sequence[Appointment]:
        """Return those that overlap the interval, cancelled ones too, soonest first; at most 1,000."""
        return await self._some(_c.starts_at < until, _c.ends_at > since, limit=_OF_PRACTITIONER)

    async def _some(self, *conditions: ColumnElement[bool], limit: int) -> list[Appointment]:
        statement = select(appointments).where(*conditions).order_by(_c.starts_at, _c.id).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [self._appointment(row) for row in rows]

    async def _let_encounter_follow(self, connection: AsyncConnection, changed: Appointment) -> None:
        not_begun = encounters.c.status.in_([EncounterStatus.PLANNED.value, EncounterStatus.ARRIVED.value])
        statement = update(encounters).where(encounters.c.id == changed.encounter_id, not_begun)
        if changed.status is AppointmentStatus.CANCELLED:
            ended = {"status": EncounterStatus.CANCELLED.value, "ended_at": self._clock.now()}
            await connection.execute(statement.values(**ended))
        else:
            await connection.execute(statement.values(starts_at=changed.starts_at))

    def _values(self, appointment: Appointment) -> dict[str, Any]:
        values = {field.name: getattr(appointment, field.name) for field in dataclasses.fields(appointment)}
        sealed = self._reason.seal(appointment.id, appointment.reason)
        return values | {"status": appointment.status.value, "reason": sealed}

    def _appointment(self, row: Row[Any]) -> Appointment:
        return Appointment(
            id=AppointmentId(row.id),
            practitioner_id=UserId(row.practitioner_id),
            patient_id=PatientId(row.patient_id),
            encounter_id=EncounterId(row.encounter_id),
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            created_at=row.created_at,
            status=AppointmentStatus(row.status),
            reason=self._reason.open(row.id, row.reason),
            version=row.version,
        )


def cells_of(starts_at: datetime, ends_at: datetime) -> list[datetime]:
    """Return the starts of the cells that the interval touches, in order; Invalid if it is empty or too long."""
    if not timedelta(0) < ends_at - starts_at <= LONGEST:
        raise Invalid("An appointment ends after it starts, within 24 hours.", code="bad_interval")
    first = (starts_at - _EPOCH) // _CELL
    beyond = -((_EPOCH - ends_at) // _CELL)
    return [_EPOCH + number * _CELL for number in range(first, beyond)]


def _planned(appointment: Appointment) -> Encounter:
    return Encounter(
        id=appointment.encounter_id,
        kind=EncounterKind.SCHEDULED,
        patient_id=appointment.patient_id,
        created_at=appointment.created_at,
        practitioner_id=appointment.practitioner_id,
        appointment_id=appointment.id,
        reason=appointment.reason,
        starts_at=appointment.starts_at,
    )


async def _require_patient(connection: AsyncConnection, patient: PatientId) -> None:
    if await connection.scalar(select(patients.c.id).where(patients.c.id == patient)) is None:
        raise NotFound("There is no such patient.")


async def _occupy(connection: AsyncConnection, appointment: Appointment, cells: Sequence[datetime]) -> None:
    rows = [
        {"practitioner_id": appointment.practitioner_id, "cell_start": cell, "appointment_id": appointment.id}
        for cell in cells
    ]
    try:
        await connection.execute(insert(booked_cells).values(rows))
    except IntegrityError as failure:
        raise SlotTaken("Somebody else has this time: choose another.") from failure


async def _reoccupy(connection: AsyncConnection, changed: Appointment) -> None:
    """Occupy what the appointment now needs, then free what it does not.

    In this order, and each in the order of time: two that change places refuse one another instead of waiting for each
    other.
    """
    live = changed.status is not AppointmentStatus.CANCELLED
    needed = cells_of(changed.starts_at, changed.ends_at) if live else []
    own = booked_cells.c.appointment_id == changed.id
    held = set((await connection.scalars(select(booked_cells.c.cell_start).where(own))).all())
    if fresh := [cell for cell in needed if cell not in held]:
        await _occupy(connection, changed, fresh)
    if held.difference(needed):
        await connection.execute(delete(booked_cells).where(own, booked_cells.c.cell_start.not_in(needed)))


async def _explain_stale(connection: AsyncConnection, changed: Appointment) -> None:
    if await connection.scalar(select(_c.id).where(_c.id == changed.id)) is None:
        raise NotFound("There is no such appointment.")
    raise Conflict("This appointment was changed by somebody else: look again.", code="stale_version")
