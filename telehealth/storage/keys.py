"""Stored signing keys; the private part is sealed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update

from telehealth.accounts.model import SigningKey
from telehealth.errors import NotFound
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.tables import signing_keys

KEYS = 100


class SqlSigningKeys:
    """Implements accounts.ports.SigningKeys."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._pem = cipher.column("signing_keys", "private_pem")

    async def add(self, key: SigningKey) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(signing_keys).values(kid=key.kid, **self._values(key)))

    async def all(self) -> Sequence[SigningKey]:
        """Return the newest 100, oldest first."""
        newest = select(signing_keys).order_by(signing_keys.c.created_at.desc(), signing_keys.c.kid).limit(KEYS)
        async with self._database.read() as connection:
            rows = (await connection.execute(newest)).all()
        return [
            SigningKey(
                kid=row.kid,
                private_pem=self._pem.open_bytes(row.kid, row.private_pem),
                created_at=row.created_at,
                active_from=row.active_from,
                retired_at=row.retired_at,
            )
            for row in reversed(rows)
        ]

    async def save(self, key: SigningKey) -> None:
        statement = update(signing_keys).where(signing_keys.c.kid == key.kid).values(**self._values(key))
        async with self._database.write() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                raise NotFound("There is no such key.")

    def _values(self, key: SigningKey) -> dict[str, Any]:
        return {
            "private_pem": self._pem.seal_bytes(key.kid, key.private_pem),
            "created_at": key.created_at,
            "active_from": key.active_from,
            "retired_at": key.retired_at,
        }
