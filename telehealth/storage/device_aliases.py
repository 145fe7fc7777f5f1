"""Stored names by which other systems know our devices."""

import dataclasses
from collections.abc import Sequence

from sqlalchemy import and_, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError

from telehealth.errors import Conflict
from telehealth.ids import DeviceId
from telehealth.storage.database import Database
from telehealth.storage.tables import device_aliases, devices
from telehealth.vitals.aliases import MAX_ALIASES, AliasSystem, DeviceAlias

_NAMES = 20

_c = device_aliases.c


class SqlDeviceAliases:
    """Implements vitals.aliases.DeviceAliases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_device(self, device: DeviceId) -> Sequence[DeviceAlias]:
        statement = (
            select(device_aliases).where(_c.device_id == device).order_by(_c.system, _c.value).limit(MAX_ALIASES)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [DeviceAlias(AliasSystem(row.system), row.value, DeviceId(row.device_id), row.time_zone) for row in rows]

    async def put(self, device: DeviceId, aliases: Sequence[DeviceAlias]) -> None:
        rows = [dataclasses.asdict(alias) | {"device_id": device} for alias in aliases]
        # Two at once for one device: the second waits for the first.
        this = select(devices.c.id).where(devices.c.id == device).with_for_update()
        try:
            async with self._database.write() as connection:
                await connection.execute(this)
                await connection.execute(delete(device_aliases).where(_c.device_id == device))
                if rows:
                    await connection.execute(insert(device_aliases), rows)
        except IntegrityError:
            raise Conflict("Another device has this name.", code="alias_taken") from None

    async def find(self, names: Sequence[tuple[str, str]]) -> DeviceAlias | None:
        wanted = list(names)[:_NAMES]
        if not wanted:
            return None
        any_of_them = or_(*(and_(_c.system == system, _c.value == value) for system, value in wanted))
        async with self._database.read() as connection:
            rows = (await connection.execute(select(device_aliases).where(any_of_them).limit(_NAMES))).all()
        found = {(row.system, row.value): row for row in rows}
        row = next((found[name] for name in wanted if name in found), None)
        if row is None:
            return None
        return DeviceAlias(AliasSystem(row.system), row.value, DeviceId(row.device_id), row.time_zone)
