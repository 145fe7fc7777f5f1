"""Stored credentials of medical devices."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, or_, select, update

from telehealth.accounts.model import DeviceCredential
from telehealth.ids import DeviceId
from telehealth.storage.database import Database
from telehealth.storage.tables import device_credentials

CREDENTIALS = 50

_c = device_credentials.c


class SqlDeviceCredentials:
    """Implements accounts.ports.DeviceCredentials."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, credential: DeviceCredential) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(device_credentials).values(**dataclasses.asdict(credential)))

    async def of_device(self, device: DeviceId) -> Sequence[DeviceCredential]:
        """Return the newest 50, newest first."""
        statement = select(device_credentials).where(_c.device_id == device)
        newest = statement.order_by(_c.created_at.desc(), _c.secret_hash).limit(CREDENTIALS)
        async with self._database.read() as connection:
            rows = (await connection.execute(newest)).all()
        return [DeviceCredential(**row._asdict()) for row in rows]

    async def expire_others(self, device: DeviceId, *, keep: bytes, at: datetime) -> None:
        # One that ends sooner anyway must not live longer by this.
        outliving = or_(_c.expires_at.is_(None), _c.expires_at > at)
        others = (_c.device_id == device, _c.secret_hash != keep, outliving)
        async with self._database.write() as connection:
            await connection.execute(update(device_credentials).where(*others).values(expires_at=at))

    async def revoke(self, device: DeviceId, at: datetime) -> None:
        live = (_c.device_id == device, _c.revoked_at.is_(None))
        async with self._database.write() as connection:
            await connection.execute(update(device_credentials).where(*live).values(revoked_at=at))
