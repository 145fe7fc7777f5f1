"""Stored codes by which a device is enrolled; only their digests."""

from datetime import datetime

from sqlalchemy import delete, insert, update

from telehealth.accounts.model import EnrolmentCode
from telehealth.ids import DeviceId
from telehealth.storage.database import Database
from telehealth.storage.tables import enrolment_codes

_c = enrolment_codes.c


class SqlEnrolmentCodes:
    """Implements accounts.ports.EnrolmentCodes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, code: EnrolmentCode) -> None:
        async with self._database.write() as connection:
            # One code of a device is good at a time, and old ones are of no use to anybody.
            await connection.execute(delete(enrolment_codes).where(_c.device_id == code.device_id))
            await connection.execute(
                insert(enrolment_codes).values(
                    code_hash=code.code_hash,
                    device_id=code.device_id,
                    created_at=code.created_at,
                    expires_at=code.expires_at,
                    used_at=None,
                )
            )

    async def use(self, code_hash: bytes, at: datetime) -> DeviceId | None:
        unused = (_c.code_hash == code_hash, _c.used_at.is_(None), _c.expires_at > at)
        statement = update(enrolment_codes).where(*unused).values(used_at=at).returning(_c.device_id)
        async with self._database.write() as connection:
            device = (await connection.execute(statement)).scalar_one_or_none()
        return None if device is None else DeviceId(device)
