"""Stored refresh tokens; a conditional update decides who uses one first."""

import dataclasses
from datetime import datetime

from sqlalchemy import insert, select, update

from telehealth.accounts.model import RefreshToken
from telehealth.ids import TokenId
from telehealth.storage.database import Database
from telehealth.storage.tables import refresh_tokens

_c = refresh_tokens.c


class SqlRefreshTokens:
    """Implements accounts.ports.RefreshTokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: RefreshToken) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(refresh_tokens).values(**dataclasses.asdict(token)))

    async def by_hash(self, secret_hash: bytes) -> RefreshToken | None:
        async with self._database.read() as connection:
            found = await connection.execute(select(refresh_tokens).where(_c.secret_hash == secret_hash))
            row = found.one_or_none()
        return None if row is None else RefreshToken(**row._asdict())

    async def use(self, token: TokenId, at: datetime) -> bool:
        unused = (_c.id == token, _c.used_at.is_(None), _c.revoked_at.is_(None))
        async with self._database.write() as connection:
            result = await connection.execute(update(refresh_tokens).where(*unused).values(used_at=at))
        return result.rowcount == 1

    async def revoke_family(self, family: TokenId, at: datetime) -> None:
        live = (_c.family == family, _c.revoked_at.is_(None))
        async with self._database.write() as connection:
            await connection.execute(update(refresh_tokens).where(*live).values(revoked_at=at))

    async def revoke_subject(self, subject: str, at: datetime) -> None:
        live = (_c.subject == subject, _c.revoked_at.is_(None))
        async with self._database.write() as connection:
            await connection.execute(update(refresh_tokens).where(*live).values(revoked_at=at))
