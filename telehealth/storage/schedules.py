"""Stored availability of practitioners."""

import dataclasses
from collections.abc import Sequence

from sqlalchemy import delete, insert, select

from telehealth.errors import NotFound
from telehealth.ids import AvailabilityId, UserId
from telehealth.scheduling.model import Availability
from telehealth.storage.database import Database
from telehealth.storage.tables import availabilities

AVAILABILITIES = 100

_c = availabilities.c


class SqlSchedules:
    """Implements scheduling.ports.Schedules."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, availability: Availability) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(availabilities).values(**dataclasses.asdict(availability)))

    async def remove(self, availability: AvailabilityId, *, practitioner: UserId) -> None:
        own = (_c.id == availability, _c.practitioner_id == practitioner)
        async with self._database.write() as connection:
            if (await connection.execute(delete(availabilities).where(*own))).rowcount == 0:
                raise NotFound("There is no such availability.")

    async def of_practitioner(self, practitioner: UserId) -> Sequence[Availability]:
        statement = select(availabilities).where(_c.practitioner_id == practitioner)
        in_order = statement.order_by(_c.weekday, _c.starts, _c.id).limit(AVAILABILITIES)
        async with self._database.read() as connection:
            rows = (await connection.execute(in_order)).all()
        return [Availability(**row._asdict()) for row in rows]
