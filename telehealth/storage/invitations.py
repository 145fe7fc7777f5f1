"""Stored invitations and sign-in links."""

import dataclasses
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.sql import ColumnElement

from telehealth.access import Role
from telehealth.accounts.model import Invitation, SignInLink
from telehealth.errors import NotFound
from telehealth.ids import EncounterId, InvitationId, PatientId
from telehealth.storage.cipher import FieldCipher
from telehealth.storage.database import Database
from telehealth.storage.tables import invitations, sign_in_links

_c = invitations.c


class SqlInvitations:
    """Implements accounts.ports.Invitations."""

    def __init__(self, database: Database, cipher: FieldCipher) -> None:
        self._database = database
        self._name = cipher.column("invitations", "name")

    async def add(self, invitation: Invitation) -> None:
        values = {field.name: getattr(invitation, field.name) for field in dataclasses.fields(invitation)}
        values["role"] = invitation.role.value
        values["name"] = self._name.seal(invitation.id, invitation.name)
        async with self._database.write() as connection:
            await connection.execute(insert(invitations).values(**values))

    async def get(self, invitation: InvitationId) -> Invitation:
        found = await self._one(_c.id == invitation)
        if found is None:
            raise NotFound("There is no such invitation.")
        return found

    async def by_hash(self, secret_hash: bytes) -> Invitation | None:
        return await self._one(_c.secret_hash == secret_hash)

    async def bind(self, invitation: InvitationId, device_hash: bytes) -> bytes:
        unbound = (_c.id == invitation, _c.device_hash.is_(None))
        async with self._database.write() as connection:
            await connection.execute(update(invitations).where(*unbound).values(device_hash=device_hash))
            bound: bytes | None = await connection.scalar(select(_c.device_hash).where(_c.id == invitation))
        if bound is None:
            raise NotFound("There is no such invitation.")
        return bound

    async def revoke(self, invitation: InvitationId, at: datetime) -> bool:
        live = (_c.id == invitation, _c.revoked_at.is_(None))
        async with self._database.write() as connection:
            return (await connection.execute(update(invitations).where(*live).values(revoked_at=at))).rowcount > 0

    async def revoke_encounter(self, encounter: EncounterId, at: datetime) -> None:
        live = (_c.encounter_id == encounter, _c.revoked_at.is_(None))
        async with self._database.write() as connection:
            await connection.execute(update(invitations).where(*live).values(revoked_at=at))

    async def add_link(self, link: SignInLink) -> None:
        async with self._database.write() as connection:
            await connection.execute(insert(sign_in_links).values(**dataclasses.asdict(link)))

    async def link_by_hash(self, secret_hash: bytes) -> SignInLink | None:
        statement = select(sign_in_links).where(sign_in_links.c.secret_hash == secret_hash)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else SignInLink(**row._asdict())

    async def _one(self, condition: ColumnElement[bool]) -> Invitation | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(invitations).where(condition))).one_or_none()
        return None if row is None else self._invitation(row)

    def _invitation(self, row: Row[Any]) -> Invitation:
        return Invitation(
            id=InvitationId(row.id),
            encounter_id=EncounterId(row.encounter_id),
            role=Role(row.role),
            name=self._name.open(row.id, row.name),
            secret_hash=row.secret_hash,
            created_at=row.created_at,
            expires_at=row.expires_at,
            patient_id=None if row.patient_id is None else PatientId(row.patient_id),
            device_hash=row.device_hash,
            revoked_at=row.revoked_at,
        )
