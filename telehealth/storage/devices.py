"""Stored devices and whom they measure."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from telehealth.consultations.model import ENDED
from telehealth.errors import NotFound
from telehealth.ids import DeviceId, EncounterId
from telehealth.storage.database import Database
from telehealth.storage.tables import device_associations, devices, encounters
from telehealth.vitals.model import Device, DeviceAssociation, DeviceKind

_OF_ENCOUNTER = 50

_a = device_associations.c
_goes_on = encounters.c.status.not_in([status.value for status in sorted(ENDED)])


class SqlDevices:
    """Implements vitals.ports.Devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, device: Device) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(devices).values(**dataclasses.asdict(device)))

    async def get(self, device: DeviceId) -> Device:
        async with self._database.read() as connection:
            row = (await connection.execute(select(devices).where(devices.c.id == device))).one_or_none()
        if row is None:
            raise NotFound("There is no such device.")
        return _device(row)

    async def save(self, device: Device) -> None:
        statement = update(devices).where(devices.c.id == device.id).values(**dataclasses.asdict(device))
        async with self._database.write() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                raise NotFound("There is no such device.")

    async def all(self, limit: int) -> Sequence[Device]:
        async with self._database.read() as connection:
            registered = select(devices).where(devices.c.kind == DeviceKind.REGISTERED.value)
            statement = registered.order_by(devices.c.name, devices.c.id).limit(limit)
            return [_device(row) for row in (await connection.execute(statement)).all()]

    async def associate(self, association: DeviceAssociation) -> None:
        this = select(devices.c.id).where(devices.c.id == association.device_id).with_for_update()
        async with self._database.write() as connection:
            # Two at once: the second waits, then ends what the first began.
            if await connection.scalar(this) is None:
                raise NotFound("There is no such device.")
            in_force = (_a.device_id == association.device_id, _a.until.is_(None))
            await connection.execute(update(device_associations).where(*in_force).values(until=association.since))
            await connection.execute(insert(device_associations).values(**dataclasses.asdict(association)))

    async def release(self, device: DeviceId, at: datetime) -> None:
        in_force = (_a.device_id == device, _a.until.is_(None))
        async with self._database.write() as connection:
            await connection.execute(update(device_associations).where(*in_force).values(until=at))

    async def association(self, device: DeviceId) -> DeviceAssociation | None:
        columns = (_a.device_id, _a.encounter_id, _a.patient_id, _a.since, _a.until)
        async with self._database.read() as connection:
            # What nobody released at the end of an encounter is in force no more.
            goes_on = select(*columns).join(encounters, encounters.c.id == _a.encounter_id).where(_goes_on)
            found = await connection.execute(goes_on.where(_a.device_id == device, _a.until.is_(None)))
            row = found.one_or_none()
        return None if row is None else DeviceAssociation(**row._asdict())

    async def others_until(self, association: DeviceAssociation) -> datetime | None:
        of_others = (_a.device_id == association.device_id, _a.patient_id != association.patient_id)
        async with self._database.read() as connection:
            found: datetime | None = await connection.scalar(select(func.max(_a.until)).where(*of_others))
        return found

    async def of_encounter(self, encounter: EncounterId) -> Sequence[Device]:
        """Return the devices that measure for the encounter now, by name; at most 50."""
        joined = select(devices).join(device_associations, _a.device_id == devices.c.id)
        in_force = joined.where(_a.encounter_id == encounter, _a.until.is_(None))
        async with self._database.read() as connection:
            rows = await connection.execute(in_force.order_by(devices.c.name, devices.c.id).limit(_OF_ENCOUNTER))
            return [_device(row) for row in rows.all()]


def _device(row: Row[Any]) -> Device:
    return Device(**{**row._asdict(), "kind": DeviceKind(row.kind)})
