"""Stored ambulance cases, whom they ring, and who is on call. Conditional updates decide who was first."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from telehealth.consultations.model import Encounter, EncounterStatus, Patient
from telehealth.dispatch.model import Acuity, AgeBand, Case, CaseStatus, Complaint, Ring, RingState
from telehealth.errors import AlreadyAccepted, Conflict, Gone, NotFound
from telehealth.ids import CaseId, EncounterId, UserId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.encounters import encounter_values
from telehealth.storage.patients import patient_values
from telehealth.storage.statements import insert
from telehealth.storage.tables import cases, encounters, on_call, patients, rings

_RINGS = 500
_RINGING = 50
_OPEN = 20
_ON_CALL = 500

_c = cases.c


class SqlCases:
    """Implements dispatch.ports.Cases."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher

    async def open(self, case: Case, encounter: Encounter, patient: Patient) -> None:
        if await self._some(_c.id == case.id, limit=1):
            return
        try:
            async with self._database.write() as connection:
                await connection.execute(plain_insert(patients).values(**patient_values(patient, self._cipher)))
                await connection.execute(plain_insert(encounters).values(**encounter_values(encounter, self._cipher)))
                await connection.execute(plain_insert(cases).values(**_values(case)))
        except IntegrityError:
            # The same case may have been opened at the same moment; anything else is a fault of the caller.
            if not await self._some(_c.id == case.id, limit=1):
                raise

    async def get(self, case: CaseId) -> Case:
        found = await self._some(_c.id == case, limit=1)
        if not found:
            raise NotFound("There is no such case.")
        return found[0]

    async def of_encounter(self, encounter: EncounterId) -> Case | None:
        found = await self._some(_c.encounter_id == encounter, limit=1)
        return found[0] if found else None

    async def accept(self, accepted: Case) -> None:
        untaken = (_c.id == accepted.id, _c.accepted_by.is_(None), _c.status != CaseStatus.CLOSED.value)
        async with self._database.write() as connection:
            result = await connection.execute(update(cases).where(*untaken).values(**_values(accepted)))
            if result.rowcount == 0:
                await _explain_refusal(connection, accepted)
                return
            await _give_encounter(connection, accepted)
            await _stop_ringing(connection, accepted)

    async def save(self, changed: Case, *, was: Case) -> None:
        same = (_c.id == was.id, _c.status == was.status.value)
        async with self._database.write() as connection:
            if (await connection.execute(update(cases).where(*same).values(**_values(changed)))).rowcount == 1:
                return
            if await connection.scalar(select(_c.id).where(_c.id == was.id)) is None:
                raise NotFound("There is no such case.")
        raise Conflict("This case was changed by somebody else: look again.", code="stale_case")

    async def ring(self, rings: Sequence[Ring]) -> None:
        async with self._database.write() as connection:
            for ring in rings:
                await _put_ring(connection, ring)

    async def save_ring(self, ring: Ring) -> None:
        async with self._database.write() as connection:
            await _put_ring(connection, ring)

    async def rings(self, case: CaseId) -> Sequence[Ring]:
        statement = select(rings).where(rings.c.case_id == case)
        async with self._database.read() as connection:
            in_order = statement.order_by(rings.c.at, rings.c.practitioner_id).limit(_RINGS)
            rows = (await connection.execute(in_order)).all()
        return [Ring(CaseId(row.case_id), UserId(row.practitioner_id), RingState(row.state), row.at) for row in rows]

    async def ringing_for(self, practitioner: UserId) -> Sequence[Case]:
        ringing = (rings.c.practitioner_id == practitioner, rings.c.state == RingState.RINGING.value)
        statement = select(cases).join(rings, rings.c.case_id == _c.id).where(*ringing)
        still = statement.where(_c.status == CaseStatus.RINGING.value)
        async with self._database.read() as connection:
            rows = (await connection.execute(still.order_by(rings.c.at, _c.id).limit(_RINGING))).all()
        return [_case(row) for row in rows]

    async def open_of(self, paramedic: UserId) -> Sequence[Case]:
        return await self._some(_c.opened_by == paramedic, _c.status != CaseStatus.CLOSED.value, limit=_OPEN)

    async def set_on_call(self, practitioner: UserId, *, on: bool) -> None:
        async with self._database.write() as connection:
            if on:
                fresh = insert(connection, on_call).values(practitioner_id=practitioner)
                await connection.execute(fresh.on_conflict_do_nothing())
            else:
                await connection.execute(delete(on_call).where(on_call.c.practitioner_id == practitioner))

    async def on_call(self) -> Sequence[UserId]:
        """Return at most 500."""
        statement = select(on_call.c.practitioner_id).order_by(on_call.c.practitioner_id).limit(_ON_CALL)
        async with self._database.read() as connection:
            return [UserId(practitioner) for practitioner in await connection.scalars(statement)]

    async def _some(self, *conditions: ColumnElement[bool], limit: int) -> list[Case]:
        statement = select(cases).where(*conditions).order_by(_c.opened_at.desc(), _c.id).limit(limit)
        async with self._database.read() as connection:
            return [_case(row) for row in (await connection.execute(statement)).all()]


async def _explain_refusal(connection: AsyncConnection, accepted: Case) -> None:
    """Return if the same practitioner accepted before, else raise why not."""
    found = await connection.execute(select(_c.accepted_by, _c.status).where(_c.id == accepted.id))
    row = found.one_or_none()
    if row is None:
        raise NotFound("There is no such case.")
    if row.status == CaseStatus.CLOSED.value:
        raise Gone("This case is closed.", code="case_closed")
    if row.accepted_by != accepted.accepted_by:
        raise AlreadyAccepted("A colleague has accepted this case.")


async def _give_encounter(connection: AsyncConnection, accepted: Case) -> None:
    of_case = encounters.c.id == accepted.encounter_id
    await connection.execute(update(encounters).where(of_case).values(practitioner_id=accepted.accepted_by))
    not_begun = encounters.c.status.in_([EncounterStatus.PLANNED.value, EncounterStatus.ARRIVED.value])
    begun = {"status": EncounterStatus.IN_PROGRESS.value, "begun_at": accepted.accepted_at}
    await connection.execute(update(encounters).where(of_case, not_begun).values(**begun))


async def _stop_ringing(connection: AsyncConnection, accepted: Case) -> None:
    ringing = (rings.c.case_id == accepted.id, rings.c.state == RingState.RINGING.value)
    own = rings.c.practitioner_id == accepted.accepted_by
    await connection.execute(update(rings).where(*ringing, own).values(state=RingState.ACCEPTED.value))
    await connection.execute(update(rings).where(*ringing).values(state=RingState.MISSED.value))


async def _put_ring(connection: AsyncConnection, ring: Ring) -> None:
    changed = {"state": ring.state.value, "at": ring.at}
    fresh = insert(connection, rings).values(case_id=ring.case_id, practitioner_id=ring.practitioner_id, **changed)
    await connection.execute(fresh.on_conflict_do_update(index_elements=["case_id", "practitioner_id"], set_=changed))


def _values(case: Case) -> dict[str, Any]:
    values = {field.name: getattr(case, field.name) for field in dataclasses.fields(case)}
    choices = {name: values[name].value for name in ("complaint", "acuity", "age_band", "status")}
    return values | choices


def _case(row: Row[Any]) -> Case:
    return Case(
        id=CaseId(row.id),
        encounter_id=EncounterId(row.encounter_id),
        opened_by=UserId(row.opened_by),
        opened_at=row.opened_at,
        complaint=Complaint(row.complaint),
        acuity=Acuity(row.acuity),
        age_band=AgeBand(row.age_band),
        status=CaseStatus(row.status),
        rung_at=row.rung_at,
        accepted_by=None if row.accepted_by is None else UserId(row.accepted_by),
        accepted_at=row.accepted_at,
    )
