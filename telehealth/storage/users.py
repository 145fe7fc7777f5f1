"""Stored users; e-mail address and name are sealed, a blind index finds the address."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from telehealth.access import Role
from telehealth.accounts.model import User
from telehealth.errors import Conflict, NotFound
from telehealth.ids import PatientId, UserId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.tables import users

PRACTITIONERS = 500


class SqlUsers:
    """Implements accounts.ports.Users."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._cipher = cipher
        self._email = cipher.column("users", "email")
        self._name = cipher.column("users", "name")

    async def add(self, user: User) -> None:
        if await self.by_email(user.email) is not None:
            raise _email_taken()
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(users).values(id=user.id, **self._values(user)))
        except IntegrityError as failure:
            # Another may have been faster since the look-up; anything else is a fault of the caller.
            if await self.by_email(user.email) is None:
                raise
            raise _email_taken() from failure

    async def get(self, user: UserId) -> User:
        found = await self._some(select(users).where(users.c.id == user))
        if not found:
            raise NotFound("There is no such user.")
        return found[0]

    async def by_email(self, email: str) -> User | None:
        indexes = self._cipher.blind_indexes(email.lower())
        found = await self._some(select(users).where(users.c.email_index.in_(indexes)).limit(1))
        return found[0] if found else None

    async def save(self, user: User) -> None:
        try:
            async with self._database.write() as connection:
                statement = update(users).where(users.c.id == user.id).values(**self._values(user))
                if (await connection.execute(statement)).rowcount == 0:
                    raise NotFound("There is no such user.")
        except IntegrityError as failure:
            holder = await self.by_email(user.email)
            if holder is None or holder.id == user.id:
                raise
            raise _email_taken() from failure

    async def all(self, limit: int) -> Sequence[User]:
        return _by_name(await self._some(select(users).order_by(users.c.id).limit(limit)))

    async def practitioners(self) -> Sequence[User]:
        active = select(users).where(users.c.role == Role.PRACTITIONER.value, users.c.disabled.is_(False))
        return _by_name(await self._some(active.order_by(users.c.id).limit(PRACTITIONERS)))

    async def _some(self, statement: Select[Any]) -> list[User]:
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [self._user(row) for row in rows]

    def _values(self, user: User) -> dict[str, Any]:
        return {
            "role": user.role.value,
            "email": self._email.seal(user.id, user.email.lower()),
            "email_index": self._cipher.blind_index(user.email.lower()),
            "name": self._name.seal(user.id, user.name),
            "time_zone": user.time_zone,
            "password_hash": user.password_hash,
            "epoch": user.epoch,
            "disabled": user.disabled,
            "patient_id": user.patient_id,
        }

    def _user(self, row: Row[Any]) -> User:
        return User(
            id=UserId(row.id),
            role=Role(row.role),
            email=self._email.open(row.id, row.email),
            name=self._name.open(row.id, row.name),
            time_zone=row.time_zone,
            password_hash=row.password_hash,
            epoch=row.epoch,
            disabled=row.disabled,
            patient_id=None if row.patient_id is None else PatientId(row.patient_id),
        )


def _by_name(found: list[User]) -> list[User]:
    # Names are sealed: the database cannot sort by them.
    return sorted(found, key=lambda user: (user.name.casefold(), user.id))


def _email_taken() -> Conflict:
    return Conflict("There is a user with this e-mail address.", code="email_taken")
